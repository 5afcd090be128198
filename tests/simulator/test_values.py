"""How values compare: the index, the criteria and the text itself must agree."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workers.simulator import values
from workers.simulator.model import Field, Kind
from workers.simulator.store import Index, Store

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)


@given(st.lists(TEXT | st.integers(-5, 5).map(str), max_size=12), TEXT, TEXT)
def test_the_index_finds_what_comparing_finds(texts: list[str], one: str, other: str) -> None:
    field = Field(name="F")
    low, high = sorted((str(values.comparable(field, one)), str(values.comparable(field, other))))
    store = Store(None)
    with store.transaction():
        for text in texts:
            store.insert(
                "T", company="C", parent=0, index=Index(unique_key=None, first=values.comparable(field, text)), body={"F": text}
            )
        found = [row.body["F"] for row in store.scan("T", company="C", low=low, high=high)]
    store.close()
    assert found == [text for text in texts if low <= str(values.comparable(field, text)) <= high]


@given(st.lists(st.decimals(-1000, 1000, places=2), max_size=12), st.decimals(-1000, 1000, places=2))
def test_numbers_are_compared_as_numbers(numbers: list[Any], limit: Any) -> None:
    field = Field(name="F", kind=Kind.DECIMAL)
    bound = values.comparable(field, str(limit))
    store = Store(None)
    with store.transaction():
        for number in numbers:
            first = values.comparable(field, str(number))
            store.insert("T", company="C", parent=0, index=Index(unique_key=None, first=first), body={"F": str(number)})
        found = [row.body["F"] for row in store.scan("T", company="C", low=bound)]
    store.close()
    assert found == [str(number) for number in numbers if number >= limit]


@pytest.mark.parametrize(
    ("kind", "same", "value"),
    [
        (Kind.STRING, "ABC  ", "abc"),
        (Kind.STRING, None, ""),
        (Kind.INTEGER, "007", "7"),
        (Kind.INTEGER, None, "0"),
        (Kind.DECIMAL, "1.50", "1.5"),
        (Kind.DATE, None, "1900-01-01"),
        (Kind.DATETIME, "2014-05-01T12:00:00+02:00", "2014-05-01T10:00:00Z"),
    ],
)
def test_what_counts_as_the_same(kind: Kind, same: str | None, value: str) -> None:
    field = Field(name="F", kind=kind)
    assert values.comparable(field, same) == values.comparable(field, value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(TEXT)
def test_any_text_comes_back_as_it_went(client: Any, record: Any, text: str) -> None:
    written = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    client.http("POST", "/_sim/reset")
    reply = client.create("PaymTerm", record("PaymTerm", PaymTermId="A", Description=written))
    assert reply.status == 200
    assert client.rows("PaymTerm")[0]["Description"] == text
    assert client.read("PaymTerm", {"PaymTermId": "A"}).records("PaymTerm")[0].get("Description", "") == text
