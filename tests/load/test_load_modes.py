"""Loads into a pretend AOS: what is created, updated, left alone and deleted, by mode; and what AX then holds."""

import pytest

from connector.wire.codec import Row
from connector.wire.reports import Outcomes
from tests.load.conftest import Dispatcher, layout

GROUPS = layout("CustGroup", "CustGroup", "Name", "TaxIncluded", "Limit", "Since", key=["CustGroup"])
JOURNALS = layout(
    "Journal",
    "JournalNum",
    "Name",
    key=["JournalNum"],
    children=(layout("JournalLine", "LineNum", "Account", "Amount", key=["LineNum"], step=2),),
)


def test_rows_are_created_as_they_are_written(load, ax):
    result = load(
        GROUPS, [["007", "A & <B>\r\n\tC", "yes", "1.50", "2011-01-31 00:00:00"], ["08", "", None, "", ""]], mode="create"
    )
    assert (result.outcomes.letters, result.outcomes.problems) == ("cc", ())
    assert result.outcomes.keys == {0: "CustGroup=007", 1: "CustGroup=08"}
    assert ax.records("CustGroup") == [
        {"CustGroup": "007", "Name": "A & <B>\r\n\tC", "TaxIncluded": "Yes", "Limit": "1.50", "Since": "2011-01-31"},
        {"CustGroup": "08"},
    ]
    assert ax.stats()["operations"] == {"create": 1}


def test_a_text_is_as_long_as_ax_counts_it(load, ax):
    result = load(GROUPS, [["1", "ü" * 20, "", "", ""], ["2", "🙂" * 11, "", "", ""]], mode="create")
    assert result.outcomes.letters == "cf"
    (problem,) = result.outcomes.problems
    assert (problem.code, problem.field) == ("RSC-3102", "Name")
    assert "22 characters, Name takes 20" in problem.message
    assert [record["CustGroup"] for record in ax.records("CustGroup")] == ["1"]


def test_a_log_of_many_refusals_is_short(load):
    groups = layout("CustGroup", "CustGroup", "PaymTermId", key=["CustGroup"])
    result = load(groups, [[f"{n:02d}", "NONE"] for n in range(30)], mode="create")
    assert result.outcomes.letters == "f" * 30
    assert len(result.log) == 21
    assert result.log[-1] == "10 more calls were refused; their rows say why."


def test_an_upsert_creates_updates_and_leaves_alone(load, ax):
    load(GROUPS, [["10", "Ten", "Yes", "1.50", "2011-01-31"], ["20", "Twenty", "No", "2", ""]], mode="create")
    rows = [["10", "Ten", "yes", "1.5", "2011-01-31"], ["20", "New", "No", "2.00", ""], ["30", "Thirty", "", "", ""]]
    result = load(GROUPS, rows)
    assert result.outcomes.letters == "=uc"
    assert result.outcomes.problems == ()
    assert [record["Name"] for record in ax.records("CustGroup")] == ["Ten", "New", "Thirty"]
    again = load(GROUPS, rows)
    assert again.outcomes.letters == "==="
    assert ax.stats()["rows_updated"] == 1


def test_an_update_keeps_what_the_package_does_not_name_and_what_it_leaves_blank(load, ax):
    load(GROUPS, [["10", "Ten", "Yes", "1.50", "2011-01-31"]], mode="create")
    names = layout("CustGroup", "CustGroup", "Name", "Limit", key=["CustGroup"])
    result = load(names, [["10", "New", ""]])
    assert (result.outcomes.letters, result.outcomes.blanks_kept) == ("u", 1)
    assert ax.records("CustGroup") == [
        {"CustGroup": "10", "Name": "New", "TaxIncluded": "Yes", "Limit": "1.50", "Since": "2011-01-31"}
    ]


def test_blanks_clear_where_the_layout_says_so_and_absent_cells_do_not(load, ax):
    load(GROUPS, [["10", "Ten", "Yes", "1.50", "2011-01-31"]], mode="create")
    clearing = layout("CustGroup", "CustGroup", "Name", "TaxIncluded", "Limit", "Since", key=["CustGroup"], blank="clear")
    result = load(clearing, [["10", "", None, "", ""]])
    assert (result.outcomes.letters, result.outcomes.blanks_kept) == ("u", 0)
    (record,) = ax.records("CustGroup")
    assert {name: value for name, value in record.items() if value} == {"CustGroup": "10", "TaxIncluded": "Yes"}


def test_keys_are_found_whatever_their_case(load, ax):
    load(GROUPS, [["abc", "x", "", "", ""]], mode="create")
    assert load(GROUPS, [["ABC", "y", "", "", ""]]).outcomes.letters == "u"
    assert [record["Name"] for record in ax.records("CustGroup")] == ["y"]


def test_a_key_of_several_fields(load, ax):
    rates = layout("TaxRate", "TaxCode", "FromDate", "Rate", key=["TaxCode", "FromDate"])
    load(rates, [["VAT", "2011-01-01", "19"], ["VAT", "2012-01-01", "20"], ["RED", "2011-01-01", "7"]], mode="create")
    result = load(rates, [["VAT", "2012-01-01", "21"], ["VAT", "2013-01-01", "22"], ["RED", "2011-01-01", "7.0"]])
    assert result.outcomes.letters == "uc="
    assert len(ax.records("TaxRate")) == 4


def test_constants_are_written_with_every_row(load, ax):
    load(layout("CustGroup", "CustGroup", key=["CustGroup"], constants={"Name": "Fixed", "TaxIncluded": "yes"}), [["1"], ["2"]])
    assert [(r["Name"], r["TaxIncluded"]) for r in ax.records("CustGroup")] == [("Fixed", "Yes")] * 2


def test_mode_update_creates_nothing(load, ax):
    load(GROUPS, [["10", "Ten", "", "", ""]], mode="create")
    result = load(GROUPS, [["10", "New", "", "", ""], ["99", "None", "", "", ""]], mode="update")
    assert result.outcomes.letters == "uf"
    (problem,) = result.outcomes.problems
    assert problem.row == 1
    assert "no such record" in problem.message
    assert len(ax.records("CustGroup")) == 1


def test_mode_delete(load, ax):
    load(GROUPS, [["10", "Ten", "", "", ""], ["20", "Twenty", "", "", ""]], mode="create")
    asked = Dispatcher()
    result = load(GROUPS, [["10", "", "", "", ""], ["99", "", "", "", ""]], mode="delete", ask=asked)
    assert result.outcomes.letters == "ds"
    assert [record["CustGroup"] for record in ax.records("CustGroup")] == ["20"]
    assert asked.intents[0].before[0].values["Name"] == "Ten"


def test_rows_without_a_key_are_all_new(load, ax):
    notes = layout("Note", "Text")
    assert load(notes, [["same"], ["same"]]).outcomes.letters == "cc"
    assert load(notes, [["same"]], mode="create").outcomes.letters == "c"
    assert len(ax.records("Note")) == 3
    assert load(notes, [["same"]], mode="update").outcomes.letters == "f"


def test_a_key_that_stands_twice_is_loaded_once(load, ax):
    result = load(GROUPS, [["10", "first", "", "", ""], ["20", "", "", "", ""], ["10", "second", "", "", ""]])
    assert result.outcomes.letters == "ccf"
    (problem,) = result.outcomes.problems
    assert "row 2 of CustGroup.csv" in problem.message
    assert ax.records("CustGroup")[0]["Name"] == "first"


def test_a_document_travels_with_its_lines(load, ax):
    rows = [
        Row(2, ["J1", "One"], [[Row(2, ["1", "4000", "10.00"]), Row(3, ["2", "5000", "-10.00"])]]),
        Row(3, ["J2", "Two"], [[]]),
    ]
    result = load(JOURNALS, rows)
    assert result.outcomes.letters == "cccc"
    assert result.outcomes.keys == {0: "JournalNum=J1", 3: "JournalNum=J2"}
    assert [(line["LineNum"], line["Account"]) for line in ax.records("JournalLine")] == [("1", "4000"), ("2", "5000")]


def test_lines_are_created_updated_and_left_alone_each_for_itself(load, ax):
    load(JOURNALS, [Row(2, ["J1", "One"], [[Row(2, ["1", "4000", "10.00"]), Row(3, ["2", "5000", "-10.00"])]])])
    asked = Dispatcher()
    changed = Row(2, ["J1", "One"], [[Row(2, ["1", "4000", "10.0"]), Row(3, ["2", "5001", ""]), Row(4, ["3", "6000", "5"])]])
    result = load(JOURNALS, [changed], ask=asked)
    assert result.outcomes.letters == "==uc"
    lines = ax.records("JournalLine")
    assert [(line["LineNum"], line["Account"], line["Amount"]) for line in lines] == [
        ("1", "4000", "10.00"),
        ("2", "5001", "-10.00"),
        ("3", "6000", "5"),
    ]
    assert asked.intents[0].before[0].values["JournalLine[2]/Account"] == "5000"
    assert load(JOURNALS, [changed]).outcomes.letters == "===="


def test_lines_without_a_key_are_compared_and_never_guessed(load, ax):
    keyless = layout(
        "Journal", "JournalNum", key=["JournalNum"], children=(layout("JournalLine", "LineNum", "Amount", "Account", step=2),)
    )
    document = Row(2, ["J1"], [[Row(2, ["1", "10", "4000"]), Row(3, ["2", "10", "4000"])]])
    assert load(keyless, [document]).outcomes.letters == "ccc"
    assert load(keyless, [document]).outcomes.letters == "==="
    other = load(keyless, [Row(2, ["J1"], [[Row(2, ["1", "11", "4000"])]])])
    assert other.outcomes.letters == "fs"
    assert "no key" in other.outcomes.problems[0].message


@pytest.mark.parametrize("mode", ["create", "upsert"])
def test_rows_that_earlier_attempts_proved_are_not_touched(load, ax, mode):
    so_far = Outcomes(letters="c..", keys={0: "CustGroup=10"})
    result = load(GROUPS, [[key, "n", "", "", ""] for key in ("10", "20", "30")], so_far=so_far, mode=mode)
    assert result.outcomes.letters == "ccc"
    assert result.outcomes.keys[0] == "CustGroup=10"
    assert [record["CustGroup"] for record in ax.records("CustGroup")] == ["20", "30"]
