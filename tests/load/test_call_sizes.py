"""Calls are as large as the message says: rows of a batch are written by several, units whole."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.wire.jobs import Mode
from tests.load.conftest import Dispatcher, batch, layout
from workers.errors import Replaced
from workers.load import tables
from workers.load.narrow import divided

GROUPS = layout("CustGroup", "CustGroup", "Name", key=("CustGroup",))
ROWS = [[f"{n:02d}", f"Group {n}"] for n in range(7)]


def sizes(asked):
    return [(intent.operation, intent.documents) for intent in asked.intents]


def test_creates_updates_and_deletes_are_made_in_calls_of_that_size(ax, load):
    asked = Dispatcher()
    result = load(GROUPS, ROWS, ask=asked, call_rows=3)
    assert sizes(asked) == [("create", (0, 1, 2)), ("create", (3, 4, 5)), ("create", (6,))]
    assert (result.outcomes.letters, result.call_rows in (1, 3), result.call_seconds > 0) == ("c" * 7, True, True)
    assert len(ax.records("CustGroup")) == 7
    asked = Dispatcher()
    changed = [[key, f"{name} new"] for key, name in ROWS]
    assert load(GROUPS, changed, ask=asked, call_rows=4).outcomes.letters == "u" * 7
    assert sizes(asked) == [("update", (0, 1, 2, 3)), ("update", (4, 5, 6))]
    asked = Dispatcher()
    assert load(GROUPS, changed, ask=asked, call_rows=6, mode=Mode.DELETE).outcomes.letters == "d" * 7
    assert [len(documents) for _, documents in sizes(asked)] == [6, 1]
    assert ax.records("CustGroup") == []


def test_a_message_that_says_no_size_makes_one_call(load):
    asked = Dispatcher()
    result = load(GROUPS, ROWS, ask=asked)
    assert [len(documents) for _, documents in sizes(asked)] == [7]
    assert result.call_rows == 7


def test_nothing_written_tells_of_no_call(load):
    load(GROUPS, ROWS)
    result = load(GROUPS, ROWS, call_rows=2)
    assert (result.outcomes.letters, result.call_rows, result.call_seconds) == ("=" * 7, 0, 0.0)


def test_units_are_never_divided(ax):
    unit = layout("CustGroup", "CustGroup", "Name", key=("CustGroup",), unit=("Name",))
    rows = [["1", "a"], ["2", "a"], ["3", "a"], ["4", "b"], ["5", "c"], ["6", "c"]]
    asked = Dispatcher()
    tables.run(batch(unit, rows, call_rows=2), port=ax.open("CustGroup"), ask=asked)
    assert [documents for _, documents in sizes(asked)] == [(0, 1, 2), (3,), (4, 5)]


def test_a_call_of_unknown_end_is_repeated_whole_whatever_the_size_is_now(ax):
    """The same bytes under the same MessageId; only what follows is smaller."""
    asked = Dispatcher(grants=0)
    with pytest.raises(Replaced, match="attempt 2"):
        tables.run(batch(GROUPS, ROWS, call_rows=5), port=ax.open("CustGroup"), ask=asked)
    open_intent = asked.intents[0]
    again = Dispatcher()
    message = batch(GROUPS, ROWS, call_rows=1, open_intent=open_intent)
    assert tables.run(message, port=ax.open("CustGroup"), ask=again).outcomes.letters == "c" * 7
    assert again.intents[0] == open_intent
    assert [documents for _, documents in sizes(again)] == [(0, 1, 2, 3, 4), (5,), (6,)]


def test_a_bad_row_costs_its_own_call_alone(load):
    rows = [*ROWS[:4], ["04", "x" * 500], *ROWS[5:]]
    assert load(GROUPS, rows, call_rows=2).outcomes.letters == "ccccfcc"


@given(units=st.lists(st.integers(1, 6), max_size=20), most=st.integers(0, 8))
def test_parts_are_the_whole_in_order_and_as_large_as_they_may_be(units, most):
    unit = [number for number, size in enumerate(units) for _ in range(size)]
    parts = list(divided(range(len(unit)), most=most, unit=unit.__getitem__))
    assert [document for part in parts for document in part] == list(range(len(unit)))
    for part in parts:
        assert not most or len(part) <= most or len({unit[document] for document in part}) == 1
    for part, following in pairwise(parts):
        assert unit[part[-1]] != unit[following[0]]
        assert len(part) + units[unit[following[0]]] > most > 0, "the next unit would not have gone in"
