"""Text to lexical form and back to a comparable value."""

from datetime import date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.wire import values
from connector.wire.metadata import Field, FieldType
from workers import contract
from workers.errors import Reject


def a_field(kind: FieldType = FieldType.STRING, **facets: object) -> Field:
    return Field.model_validate({"name": "F", "type": kind, **facets})


XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))


@given(XML_TEXT)
def test_strings_stay_as_they_are(text: str) -> None:
    assert contract.lexical(a_field(), text) == text
    assert contract.comparable(a_field(), text) == text


@given(st.text(max_size=30), st.integers(0, 30))
def test_a_text_is_refused_exactly_where_ax_would_cut_it(text: str, limit: int) -> None:
    fits = len(text.encode("utf-16-le", "surrogatepass")) // 2 <= limit and not contract.FORBIDDEN.search(text)
    field = a_field(max_length=limit)
    if fits:
        assert contract.lexical(field, text) == text
    else:
        with pytest.raises(Reject):
            contract.lexical(field, text)


def test_length_is_counted_as_ax_does() -> None:
    field = a_field(max_length=3)
    assert contract.lexical(field, "\U0001f600ä") == "\U0001f600ä"
    with pytest.raises(Reject, match="has 4 characters, F takes 3"):
        contract.lexical(field, "\U0001f600\U0001f600")


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\ud800", "\uffff"])
def test_characters_that_xml_forbids_are_refused_with_their_place(character: str) -> None:
    with pytest.raises(Reject, match=r"U\+[0-9A-F]{4} at position 3"):
        contract.lexical(a_field(), f"ab{character}c")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_decimals_stay_as_written_and_compare_by_value(value: Decimal) -> None:
    text, field = f"{value:f}", a_field(FieldType.DECIMAL)
    assert contract.lexical(field, text) == text
    assert contract.comparable(field, text) == contract.comparable(field, f"{text}000") == value


@pytest.mark.parametrize("text", ["1.3357400000000000", ".000000", "-.5", "+7", "5.", "00012"])
def test_every_xsd_decimal_is_taken_as_it_is(text: str) -> None:
    assert contract.lexical(a_field(FieldType.DECIMAL), text) == text


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("0,5", "decimal point"),
        ("1,000.00", "decimal point"),
        ("1.01E+12", "scientific"),
        ("ten", "Correct"),
        (".", "Correct"),
        ("٣", "Correct"),
    ],
)
def test_what_is_no_decimal_is_refused_with_advice(text: str, advice: str) -> None:
    with pytest.raises(Reject) as refused:
        contract.lexical(a_field(FieldType.DECIMAL), text)
    assert text in refused.value.message
    assert advice in refused.value.advice


@given(st.integers(-(2**31), 2**31 - 1))
def test_integers_within_bounds(value: int) -> None:
    field = a_field(FieldType.INTEGER, minimum=str(-(2**31)), maximum=str(2**31 - 1))
    assert contract.lexical(field, f" {value} ") == str(value)
    assert contract.lexical(field, f"{value}.0") == str(value)


@pytest.mark.parametrize("text", ["2147483648", "-2147483649", "1.5", "0x10", ""])
def test_integers_outside_bounds_or_form(text: str) -> None:
    with pytest.raises(Reject):
        contract.lexical(a_field(FieldType.INTEGER, minimum=str(-(2**31)), maximum=str(2**31 - 1)), text)


@given(st.dates(values.FIRST_DAY, values.LAST_DAY))
def test_every_day_in_every_form_is_that_day(day: date) -> None:
    field = a_field(FieldType.DATE)
    for text in (day.isoformat(), f"{day.isoformat()} 00:00:00", f"{day.isoformat()}T00:00:00.0000000Z"):
        assert contract.lexical(field, text) == day.isoformat()
        assert contract.comparable(field, text) == day


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2011-02-30", "calendar"),
        ("31.01.2011", "not a date"),
        ("1/31/2011", "not a date"),
        ("2011-01-31 13:00:00", "without a time of day"),
    ],
)
def test_what_is_no_day_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(Reject, match=sentence):
        contract.lexical(a_field(FieldType.DATE), text)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2154, 12, 31)))  # noqa: DTZ001  AX' own texts may have no zone
def test_a_moment_without_an_offset_is_one_of_utc(moment: datetime) -> None:
    text, field = moment.replace(microsecond=0).isoformat(" "), a_field(FieldType.DATETIME)
    written = contract.lexical(field, text)
    assert written == text.replace(" ", "T") + "Z"
    assert contract.comparable(field, text) == contract.comparable(field, written)


def test_a_local_time_stays_as_it_is() -> None:
    field = Field(name="CreatedAt.localDateTime", type=FieldType.DATETIME)
    assert contract.lexical(field, "2011-01-31T14:30:00") == "2011-01-31T14:30:00"


def test_a_moment_compares_across_zones() -> None:
    field = a_field(FieldType.DATETIME)
    assert contract.lexical(field, "2020-01-01T01:00:00+01:00") == "2020-01-01T00:00:00Z"
    assert contract.lexical(field, "2020-01-01T01:00:00.5-00:30") == "2020-01-01T01:30:00.500000Z"
    assert contract.comparable(field, "2020-01-01T01:00:00+01:00") == contract.comparable(field, "2020-01-01T00:00:00Z")
    assert contract.lexical(field, "2020-01-01") == "2020-01-01T00:00:00Z"


@given(st.times())
def test_every_time_of_day(moment: time) -> None:
    field, text = a_field(FieldType.TIME), moment.strftime("%H:%M:%S")
    assert contract.lexical(field, text) == text
    assert contract.lexical(field, moment.strftime("%I:%M:%S %p")) == text


@pytest.mark.parametrize("text", ["24:00:00", "13:00 PM", "0:00 AM", "12:60", "noon"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(Reject):
        contract.lexical(a_field(FieldType.TIME), text)


@pytest.mark.parametrize(
    ("symbols", "text", "symbol"),
    [
        (("Invoice", "invoice"), "invoice", "invoice"),
        (("None", "Hundred"), "hundred ", "Hundred"),
        (("No", "Yes"), "true", "Yes"),
        (("No", "Yes"), "0", "No"),
        (("false", "true"), "Yes", "true"),
        (("", "Low"), "", ""),
    ],
)
def test_symbols_exactly_then_regardless_of_case_then_by_yes_and_no(symbols: tuple[str, ...], text: str, symbol: str) -> None:
    assert contract.lexical(a_field(symbols=symbols), text) == symbol


@pytest.mark.parametrize(
    ("symbols", "text"), [(("No", "Yes", "Error"), "1"), (("None", "Hundred"), "Thousand"), (("No", "Yes"), "")]
)
def test_what_is_no_symbol_is_refused_with_the_symbols(symbols: tuple[str, ...], text: str) -> None:
    with pytest.raises(Reject, match=", ".join(symbols)):
        contract.lexical(a_field(symbols=symbols), text)


@pytest.mark.parametrize(
    ("field", "default"),
    [
        (a_field(), ""),
        (a_field(FieldType.INTEGER), "0"),
        (a_field(FieldType.DECIMAL), "0.000"),
        (a_field(FieldType.DATE), "1900-01-01 00:00:00"),
        (a_field(FieldType.DATETIME), "1900-01-01T00:00:00Z"),
        (a_field(FieldType.TIME), "00:00:00"),
        (a_field(FieldType.BOOLEAN), "false"),
        (a_field(FieldType.GUID), "{00000000-0000-0000-0000-000000000000}"),
        (a_field(symbols=("No", "Yes")), "No"),
    ],
)
def test_what_ax_leaves_out_on_a_read_equals_the_default(field: Field, default: str) -> None:
    assert contract.comparable(field, None) == contract.comparable(field, "") == contract.comparable(field, default)


def test_different_values_stay_different() -> None:
    assert contract.comparable(a_field(), "Contoso") != contract.comparable(a_field(), "CONTOSO")
    assert contract.comparable(a_field(), "a ") != contract.comparable(a_field(), "a")
    assert contract.comparable(a_field(FieldType.DECIMAL), "0.1") != contract.comparable(a_field(FieldType.DECIMAL), None)
    assert contract.comparable(a_field(FieldType.DATE), "not a date") != contract.comparable(a_field(FieldType.DATE), None)


def test_guids_get_the_braces_that_ax_asks_for() -> None:
    field = a_field(FieldType.GUID)
    bare = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
    assert contract.lexical(field, bare) == contract.lexical(field, f"{{{bare}}}") == f"{{{bare}}}"
    assert contract.comparable(field, bare.upper()) == contract.comparable(field, f"{{{bare}}}")


def test_a_structure_cannot_be_filled_by_a_cell() -> None:
    with pytest.raises(Reject, match="structure"):
        contract.lexical(a_field(FieldType.COMPLEX, type_name="AxdType_DimensionAttributeValueSet"), "001-002")
