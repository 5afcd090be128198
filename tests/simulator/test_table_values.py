"""The texts of values in the table service: whatever it takes it tells again, and nothing else is taken."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.simulator.model import Field, Kind
from workers.simulator.tableservice import valuetexts

DAYS = st.dates(date(1900, 1, 2), date(2154, 12, 31))
TIMES = st.times().map(lambda each: each.replace(microsecond=0))
TEXTS: dict[Kind, st.SearchStrategy[str]] = {
    Kind.STRING: st.text(max_size=10),
    Kind.INTEGER: st.integers(-(2**31), 2**31 - 1).map(str),
    Kind.DECIMAL: st.decimals(-(10**9), 10**9, places=2).map(lambda each: format(each, "f")),
    Kind.DATE: DAYS.map(date.isoformat),
    Kind.TIME: TIMES.map(time.isoformat),
    Kind.DATETIME: st.builds(datetime.combine, DAYS, TIMES).map(lambda each: f"{each.isoformat()}Z"),
    Kind.ENUM: st.sampled_from(["Both", "Debit", "Credit"]),
    Kind.BOOLEAN: st.sampled_from(["No", "Yes"]),
    Kind.GUID: st.uuids().map(lambda each: f"{{{each}}}".upper()),
}


def field(kind: Kind) -> Field:
    return Field(name="F", kind=kind, max_length=10, symbols=("Both", "Debit", "Credit") if kind is Kind.ENUM else ())


@pytest.mark.parametrize("kind", list(TEXTS))
@given(data=st.data())
def test_a_value_is_told_as_it_was_given(kind: Kind, data: st.DataObject) -> None:
    text = data.draw(TEXTS[kind])
    told, null = valuetexts.tell(field(kind), valuetexts.parse(field(kind), text))
    assert null == (kind is Kind.GUID and set(text) <= set("{0-}"))
    assert null or told == text


@pytest.mark.parametrize("kind", [kind for kind in TEXTS if kind is not Kind.STRING])
@given(text=st.text(alphabet="0123456789-+.,: TZe{}yYesNo", max_size=25))
def test_what_is_taken_is_told_in_one_form(kind: Kind, text: str) -> None:
    try:
        stored = valuetexts.parse(field(kind), text)
    except ValueError:
        return
    told, _ = valuetexts.tell(field(kind), stored)
    assert valuetexts.parse(field(kind), told or text) == stored


@given(moment=st.datetimes(datetime(1900, 1, 3), datetime(2154, 12, 30), timezones=st.timezones()))  # noqa: DTZ001
def test_a_moment_of_a_document_is_told_in_utc(moment: datetime) -> None:
    told, null = valuetexts.tell(field(Kind.DATETIME), moment.replace(microsecond=0).isoformat())
    assert not null
    assert datetime.fromisoformat(told) == moment.replace(microsecond=0).astimezone(UTC)


def test_a_document_may_say_true_and_is_told_yes() -> None:
    assert [valuetexts.tell(field(Kind.BOOLEAN), text) for text in ("true", "1", "false", None)] == [
        ("Yes", False),
        ("Yes", False),
        ("No", False),
        ("No", False),
    ]
