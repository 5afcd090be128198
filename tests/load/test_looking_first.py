"""Rows that calls which nobody remembers may have created: after a ledger was restored nothing is created a second time."""

from tests.load.conftest import TABLES, Dispatcher, batch, layout, running
from workers.load import tables

PLAIN = ("--tables", str(TABLES), "--company", "USMF")
GROUPS = layout("CustGroup", "CustGroup", "Name", "Limit", key=["CustGroup"])
NOTES = layout("Note", "Text")


def load(ax, rows, *, of=GROUPS, **more):
    asked = Dispatcher()
    result = tables.run(batch(of, rows, mode="create", **more), port=ax.open(of.table), ask=asked)
    return result.outcomes, asked.intents


def test_a_row_that_is_in_is_told_so_and_the_others_are_created():
    with running(*PLAIN) as ax:
        load(ax, [["10", "Ten", "1.50"], ["20", "Twenty", "2"]])  # by calls that the restored ledger does not know
        outcomes, intents = load(ax, [["10", "Ten", "1.50"], ["20", "Twenty", "2"], ["30", "Thirty", "3"]], look_first=True)
        assert outcomes.letters == "==c"
        assert [intent.documents for intent in intents] == [(2,)]
        assert len(ax.records("CustGroup")) == 3


def test_a_record_with_other_values_proves_nothing():
    with running(*PLAIN) as ax:
        load(ax, [["10", "Ten", "1"]])
        outcomes, intents = load(ax, [["10", "TEN", "1"]], look_first=True)
        assert (outcomes.letters, intents) == ("?", [])
        assert [problem.code for problem in outcomes.problems] == ["RSC-3122"]


def test_neither_does_a_key_that_is_a_guess():
    with running(*PLAIN) as ax:
        load(ax, [["10", "Ten", "1"]])
        outcomes, intents = load(ax, [["10", "Ten", "1"], ["20", "Twenty", "2"]], look_first=True, guessed=True)
        assert outcomes.letters == "?c"
        assert [intent.documents for intent in intents] == [(1,)]


def test_rows_without_a_key_are_not_created_a_second_time():
    """In calls of another size than before: their MessageIds are others, and AX would take them all."""
    with running(*PLAIN) as ax:
        load(ax, [["a"], ["b"], ["c"]], of=NOTES)
        outcomes, intents = load(ax, [["a"], ["b"], ["c"]], of=NOTES, call_rows=1, look_first=True)
        assert (outcomes.letters, intents) == ("???", [])
        assert len(ax.records("Note")) == 3
        doubled, _ = load(ax, [["a"], ["b"], ["c"]], of=NOTES, call_rows=1)
        assert (doubled.letters, len(ax.records("Note"))) == ("ccc", 6), "what would be without a look"
