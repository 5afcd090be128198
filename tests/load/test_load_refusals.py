"""Rows that cannot be loaded: each fails with its cell, its value and the reason, and stops no other row."""

import pytest

from connector.wire.codec import Row
from connector.wire.reports import Outcome
from tests.load.conftest import Dispatcher, batch, layout
from workers.errors import Replaced
from workers.load import tables

GROUPS = layout("CustGroup", "CustGroup", "Name", "PaymTermId", "Limit", key=["CustGroup"])
JOURNALS = layout(
    "Journal",
    "JournalNum",
    "Name",
    key=["JournalNum"],
    children=(layout("JournalLine", "LineNum", "Account", "Amount", key=["LineNum"], step=2),),
)


def test_what_the_schema_forbids_never_reaches_ax(load, ax):
    rows = [
        ["1", "fine", "", ""],
        ["2", "x" * 21, "", ""],
        ["3", "fine", "", "1,50"],
        ["", "no key", "", ""],
        ["5", "a\x01", "", ""],
    ]
    result = load(GROUPS, rows)
    assert result.outcomes.letters == "cffff"
    assert [(p.row, p.column, p.field, p.value) for p in result.outcomes.problems if p.row != 3] == [
        (2, "The Limit", "Limit", "1,50"),
        (4, "The Name", "Name", "a\x01"),
        (1, "The Name", "Name", "x" * 21),
    ]
    assert {p.code[:6] for p in result.outcomes.problems} == {"RSC-31"}
    assert "mandatory" in next(p.message for p in result.outcomes.problems if p.row == 3)
    assert [record["CustGroup"] for record in ax.records("CustGroup")] == ["1"]
    assert ax.stats()["faults"] == 0


def test_ax_names_the_bad_row_and_the_others_are_loaded(load, ax):
    rows = [[str(n), "n", "NONE" if n in (3, 7) else "", ""] for n in range(10)]
    result = load(GROUPS, rows, mode="create")
    assert result.outcomes.letters == "cccfcccfcc"
    first = result.outcomes.problems[0]
    assert (first.row, first.column, first.field, first.value) == (3, "The PaymTermId", "PaymTermId", "NONE")
    assert "not found in the related table" in first.message
    assert first.advice
    assert {record["CustGroup"] for record in ax.records("CustGroup")} == {str(n) for n in range(10)} - {"3", "7"}


@pytest.mark.parametrize("mode", ["create", "upsert"])
def test_where_ax_gives_no_detail_the_bad_rows_are_found_by_halving(silent_ax, mode):
    rows = [[str(n), "n", "NONE" if n in (3, 7) else "", ""] for n in range(16)]
    result = tables.run(batch(GROUPS, rows, mode=mode), port=silent_ax.open("CustGroup"), ask=Dispatcher())
    assert result.outcomes.letters == "cccfcccfcccccccc"
    assert {problem.row for problem in result.outcomes.problems} == {3, 7}
    assert len(silent_ax.records("CustGroup")) == 14


def test_a_line_that_fails_takes_its_document_with_it_and_no_other(load, ax):
    rows = [
        Row(2, ["J1", "x"], [[Row(2, ["1", "4000", "1"]), Row(3, ["two", "5000", "1"])]]),
        Row(3, ["J2", "x"], [[Row(4, ["1", "A" * 11, "1"])]]),
        Row(4, ["J3", "x"], [[Row(5, ["1", "4000", "1"])]]),
    ]
    result = load(JOURNALS, rows)
    assert result.outcomes.letters == "ssfsfcc"
    problems = {problem.row: problem for problem in result.outcomes.problems}
    assert (problems[2].column, problems[2].value) == ("The LineNum", "two")
    assert (problems[4].column, problems[4].value) == ("The Account", "A" * 11)
    assert "row 3 of JournalLine.csv" in problems[0].message
    assert "row 4 of JournalLine.csv" in problems[3].message
    assert [record["JournalNum"] for record in ax.records("Journal")] == ["J3"]


def test_a_record_that_exists_fails_a_create_in_ax_own_words(load, ax):
    load(GROUPS, [["1", "n", "", ""]])
    result = load(GROUPS, [["1", "n", "", ""], ["2", "n", "", ""]], mode="create")
    assert result.outcomes.letters == "fc"
    assert "already exists" in result.outcomes.problems[0].message


def test_an_update_that_ax_refuses_fails_alone(load, ax):
    load(GROUPS, [[str(n), "n", "", ""] for n in range(4)])
    result = load(GROUPS, [[str(n), "new", "NONE" if n == 2 else "", ""] for n in range(4)])
    assert result.outcomes.letters == "uufu"
    assert result.outcomes.problems[0].field == "PaymTermId"
    assert [record["Name"] for record in ax.records("CustGroup")] == ["new", "new", "n", "new"]


def test_without_a_grant_nothing_is_written(load, ax):
    asked = Dispatcher(grants=0)
    with pytest.raises(Replaced, match="attempt 2"):
        load(GROUPS, [["1", "n", "", ""]], ask=asked)
    assert ax.records("CustGroup") == []
    assert "create" not in ax.stats()["operations"]
    assert [intent.operation for intent in asked.intents] == ["create"]


def test_every_writing_call_is_asked_for_with_what_was_proved_before(load, ax):
    load(GROUPS, [["1", "old", "", ""]])
    asked = Dispatcher()
    load(GROUPS, [["1", "new", "", ""], ["2", "n", "", ""]], ask=asked)
    assert [(intent.operation, intent.documents) for intent in asked.intents] == [("create", (1,)), ("update", (0,))]
    assert [outcomes.letters for outcomes in asked.so_far] == ["..", ".c"]
    assert asked.intents[1].before[0].values == {"Name": "old"}
    assert asked.intents[1].before[0].hash
    assert len({intent.message_id for intent in asked.intents}) == 2


def test_a_record_that_another_hand_created_meanwhile_is_updated(ax):
    """It is created between the lookup and the call."""
    load_groups = batch(GROUPS, [["1", "ours", "", ""], ["2", "n", "", ""]])
    theirs = Dispatcher()

    class Meanwhile(Dispatcher):
        def __call__(self, intent, outcomes):
            if not self.intents:
                tables.run(batch(GROUPS, [["1", "theirs", "", ""]], mode="create"), port=ax.open("CustGroup"), ask=theirs)
            return super().__call__(intent, outcomes)

    result = tables.run(load_groups, port=ax.open("CustGroup"), ask=Meanwhile())
    assert result.outcomes.letters == "uc"
    assert [record["Name"] for record in ax.records("CustGroup")] == ["ours", "n"]


def test_a_record_that_another_hand_changed_meanwhile_is_read_again(ax):
    run = lambda rows, ask, **more: tables.run(batch(GROUPS, rows, **more), port=ax.open("CustGroup"), ask=ask)  # noqa: E731
    run([["1", "old", "", ""], ["2", "old", "", ""]], Dispatcher())

    class Meanwhile(Dispatcher):
        def __call__(self, intent, outcomes):
            if not self.intents:
                run([["1", "", "", "9.50"]], Dispatcher())
            return super().__call__(intent, outcomes)

    asked = Meanwhile()
    result = run([["1", "new", "", ""], ["2", "new", "", ""]], asked)
    assert result.outcomes.letters == "uu"
    assert [(record["Name"], record.get("Limit")) for record in ax.records("CustGroup")] == [("new", "9.50"), ("new", None)]
    assert result.outcomes.letters.count(Outcome.UPDATED) == 2


RATES = layout("TaxRate", "TaxCode", "FromDate", "Rate", key=["TaxCode", "FromDate"], unit=["TaxCode"])


@pytest.mark.parametrize("mode", ["create", "upsert"])
def test_rows_of_a_unit_are_written_together_or_not_at_all(load, ax, mode):
    load(RATES, [["B", "2012-01-01", "1"]], mode="create")
    rows = [["A", "2011-01-01", "1"], ["A", "2012-01-01", "2"], ["B", "2011-01-01", "1"], ["B", "2012-01-01", "2"]]
    rows += [["C", "2011-01-01", "x"], ["C", "2012-01-01", "2"]]
    result = load(RATES, rows, mode=mode)
    assert result.outcomes.letters == ("ccsffs" if mode == "create" else "ccfsfs")
    assert len(ax.records("TaxRate")) == 3
    told = {problem.row: problem.message for problem in result.outcomes.problems}
    assert "row 6 of TaxRate.csv, of the same unit" in told[5]
    if mode == "create":
        assert "row 5 of TaxRate.csv, of the same unit" in told[2]
        assert "already exists" in told[3]


def test_a_key_that_is_not_unique_in_ax_updates_nothing(load, ax):
    load(RATES, [["A", "2011-01-01", "1"], ["A", "2012-01-01", "2"]], mode="create")
    by_code = layout("TaxRate", "TaxCode", "Rate", key=["TaxCode"])
    result = load(by_code, [["A", "9"]])
    assert result.outcomes.letters == "f"
    assert "several records" in result.outcomes.problems[0].message
    assert [float(record["Rate"]) for record in ax.records("TaxRate")] == [1, 2]


@pytest.mark.parametrize("mode", ["update", "upsert", "delete"])
def test_a_key_of_which_the_package_has_only_a_part_is_no_key(load, ax, mode):
    load(RATES, [["A", "2011-01-01", "1"]], mode="create")
    part = layout("TaxRate", "TaxCode", "Rate", key=["TaxCode", "FromDate"])
    result = load(part, [["A", "9"]], mode=mode)
    assert result.outcomes.letters == "f"
    assert [float(record["Rate"]) for record in ax.records("TaxRate")] == [1]
