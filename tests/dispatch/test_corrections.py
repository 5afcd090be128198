"""Rows that a person corrected in the workbook are taken up, and what becomes of them is told in every job that has them."""

import openpyxl
import pytest

from connector.dispatch import control, resolving
from connector.errors import Conflict, PackageRefused
from connector.ledger import batches as stored
from connector.ledger import courses, following, jobs, results, retention
from connector.wire.codec import unpack_rows
from connector.wire.jobs import flatten
from tests.dispatch.shop import LINES, Shop, groups

#: The columns before those of the package.
MARK, WHY = 1, 2


class Counter(Shop):
    """A shop at which workbooks of corrected rows are handed out and handed in."""

    def __init__(self, desk, folder):
        super().__init__(desk)
        self.path = folder / "results.xlsx"

    def workbook(self, job_id):
        self.desk.client.workbook(job_id, self.path)
        return openpyxl.load_workbook(self.path)

    def hand_in(self, job_id, book):
        book.save(self.path)
        package = self.desk.client.upload(self.path, name="fixed.xlsx")
        return self.plan(self.desk.client.reload(job_id, package=package["sha256"])["id"])

    def correct(self, job_id, change):
        """Hand in the workbook of a job with each of its rows changed: `change` is given sheet, row and cells."""
        book = self.workbook(job_id)
        for sheet in fix_sheets(book):
            for row in range(2, sheet.max_row + 1):
                change(sheet, row)
        return self.hand_in(job_id, book)

    def sent(self, job_id):
        """The cells of all rows that would be sent, by step and number."""
        found = {}
        with self.ledger.write() as db:
            for sending in stored.claim(db, job=job_id, limit=99, now=1.0):
                layout = courses.course(db, job_id, sending.ref.step).layout
                for row in unpack_rows(sending.rows):
                    found |= {(part.step, nested.number): list(nested.cells) for part, nested in flatten(layout, row)}
                stored.replace(db, sending.ref, now=1.0, reason="the test put it back")
        return found

    def every(self, job_id):
        with self.ledger.read() as db:
            return sorted((row.step, row.row, row.outcome) for row in results.every_row(db, job_id))

    def past(self, job_id):
        with self.ledger.read() as db:
            return [(each.row, each.outcome, each.followed_by) for each in following.past(db, job_id)]


def fix_sheets(book):
    names = book.sheetnames
    own = ("Corrected", "Answers", "Throughput", "System log", "RapidStart")
    return [book[name] for name in names[names.index("Fix and reload") + 1 :] if name not in own]


def cells_of(sheet):
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def named(name):
    def change(sheet, row):
        sheet.cell(row, 5).value = name

    return change


@pytest.fixture
def shop(desk, tmp_path):
    return Counter(desk, tmp_path)


def test_exactly_the_corrected_rows_are_loaded_and_the_load_becomes_whole(shop):
    first = shop.load(CustGroup=groups("A", "TOO LONG", "C", "D"))
    shop.settle(first, "cf", "c")
    (sheet,) = fix_sheets(shop.workbook(first))
    assert sheet.title == "CustGroup"
    head, *rows = cells_of(sheet)
    assert head == ["RapidStart row", "Why it is not in", "What to do", "CustGroup", "Name"]
    assert [row[3:] for row in rows] == [["TOO LONG", "Group TOO LONG"], ["C", "Group C"]]
    assert rows[1][1:3] == ["No.", "Correct it."]

    def shorten(sheet, row):
        sheet.cell(row, 4).value = sheet.cell(row, 4).value[:4]
        sheet.cell(row, 5).value = "corrected"

    again = shop.correct(first, shorten)
    assert shop.sent(again) == {(1, 3): ["TOO ", "corrected"], (1, 4): ["C", "corrected"]}
    shop.settle(again, "cu")
    assert (shop.job(again).state, shop.job(again).retry_of) == ("succeeded", first)
    assert (shop.job(first).state, shop.totals(first)) == ("succeeded", {"created": 3, "updated": 1})
    assert shop.every(first) == [(1, 2, "created"), (1, 3, "created"), (1, 4, "updated"), (1, 5, "created")]
    assert shop.failures(first) == []
    assert sorted(shop.past(first)) == [(3, "failed", again), (4, "failed", again)]
    assert f"{again} took up 2 rows of this job: 1 created, 1 updated." in shop.log(first)


AMOUNTS = ("-12.50", "-1,000.50", "-7", "=1+1", "+49", "@home", "-x", "'-5", "-1+cmd|' /C calc'!A0")


def test_negative_amounts_and_what_looks_like_a_formula_come_back_as_they_were(shop):
    first = shop.load(CustGroup=["CustGroup,Name", *(f'{number:02},"{text}"' for number, text in enumerate(AMOUNTS))])
    shop.settle(first, *["ff"] * 4, "f")
    book = shop.workbook(first)
    (sheet,) = fix_sheets(book)
    assert [(cell.value, cell.data_type) for cell in sheet["E"][1:]] == [(text, "s") for text in AMOUNTS]
    sheet.cell(4, 5).value = -8.25  # a person types a number over "-7": the cell holds one from now on
    again = shop.hand_in(first, book)
    sent = [cells[1] for _, cells in sorted(shop.sent(again).items())]
    assert sent == [*AMOUNTS[:2], "-8.25", *AMOUNTS[3:]]


def test_the_same_workbook_again_loads_nothing_twice(shop):
    first = shop.load(CustGroup=groups("A", "B"))
    shop.settle(first, "ff")
    book = shop.workbook(first)
    again = shop.hand_in(first, book)
    with pytest.raises(Conflict, match=f"{again} is loading rows of {first}"):
        shop.hand_in(first, book)
    shop.settle(again, "cf")
    third = shop.hand_in(first, book)
    assert list(shop.sent(third)) == [(1, 3)]
    assert "1 row of the workbook is in by now, and left alone." in shop.log(third)
    shop.settle(third, "c")
    with pytest.raises(Conflict, match="none of the 2 rows"):
        shop.hand_in(first, book)
    assert shop.job(first).state == shop.job(again).state == "succeeded"


def test_what_was_corrected_stays_for_what_is_loaded_later(shop):
    first = shop.load(CustGroup=groups("A", "B", "C"))
    shop.settle(first, "ff", "c")
    again = shop.correct(first, named("corrected"))
    shop.settle(again, "cf")
    assert shop.totals(first) == {"created": 2, "failed": 1}
    (sheet,) = fix_sheets(shop.workbook(first))
    assert [row[3:] for row in cells_of(sheet)[1:]] == [["B", "corrected"]]
    assert shop.sent(shop.retry(first)) == {(1, 3): ["B", "corrected"]}


def test_rows_that_were_removed_from_the_workbook_stay_as_they_are(shop):
    first = shop.load(CustGroup=groups("A", "B", "C", "D"))
    shop.settle(first, "ff", "ff")
    book = shop.workbook(first)
    (sheet,) = fix_sheets(book)
    sheet.delete_rows(2)
    for column in (4, 5):
        sheet.cell(2, column).value = None  # emptied: as good as removed
    again = shop.hand_in(first, book)
    assert list(shop.sent(again)) == [(1, 4), (1, 5)]
    shop.settle(again, "cc")
    assert (shop.job(first).state, shop.totals(first)) == ("partly_succeeded", {"created": 2, "failed": 2})
    assert list(shop.sent(shop.retry(first))) == [(1, 2), (1, 3)]


def test_rows_may_be_sorted_columns_moved_and_added(shop):
    first = shop.load(CustGroup=groups("A", "B"))
    shop.settle(first, "ff")
    book = shop.workbook(first)
    (sheet,) = fix_sheets(book)
    head, one, two = cells_of(sheet)
    for row, cells in enumerate(([*head, "Note"], [*two, "mine"], [*one, None]), start=1):
        turned = [cells[4], cells[0], cells[3], cells[5]]
        for column in range(1, 6):
            sheet.cell(row, column).value = turned[column - 1] if column <= 4 else None
    again = shop.hand_in(first, book)
    assert shop.sent(again) == {(1, 2): ["A", "Group A"], (1, 3): ["B", "Group B"]}
    assert any("columns that are none of the package were left out: Note" in line for line in shop.log(again))


def _copied(sheet):
    for column in range(1, 6):
        sheet.cell(4, column).value = sheet.cell(2, column).value


def _added(sheet):
    sheet.cell(4, 4).value = "NEW"


def _typed(sheet):
    sheet.cell(2, MARK).value = sheet.cell(2, MARK).value.replace("R2", "R3")


def _unmarked(sheet):
    sheet.delete_cols(MARK)


def _renamed_column(sheet):
    sheet.cell(1, 4).value = "Customer group"


def _renamed(sheet):
    sheet.title = "Mine"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_copied, "stands in the workbook twice"),
        (_added, "this row is none of"),
        (_typed, "the mark of this row was changed"),
        (_unmarked, "the column 'RapidStart row' is missing"),
        (_renamed_column, "the column 'CustGroup' is missing, and 'Customer group' is none of the package"),
        (_renamed, "the sheets of rows to correct were renamed or removed"),
    ],
)
def test_rows_of_which_nobody_knows_where_they_belong_are_refused(shop, change, said):
    first = shop.load(CustGroup=groups("A", "B"))
    shop.settle(first, "ff")
    book = shop.workbook(first)
    change(fix_sheets(book)[0])
    with pytest.raises(PackageRefused, match=said):
        shop.hand_in(first, book)
    assert len(shop.desk.client.jobs()) == 1


def test_a_workbook_of_another_job_and_one_whose_hidden_sheet_was_changed_are_refused(shop):
    first = shop.load(CustGroup=groups("A", "B"))
    shop.settle(first, "ff")
    other = shop.load(CustGroup=groups("C", "D"))
    shop.settle(other, "ff")
    book = shop.workbook(first)
    with pytest.raises(PackageRefused, match=f"corrects rows of {first}, not of {other}"):
        shop.hand_in(other, book)
    book["RapidStart"]["B2"].value = other
    with pytest.raises(PackageRefused, match="what the workbook says about its rows was changed"):
        shop.hand_in(other, book)


def test_a_workbook_of_corrected_rows_is_no_package(shop):
    first = shop.load(CustGroup=groups("A"))
    shop.settle(first, "f")
    shop.workbook(first)
    package = shop.desk.client.upload(shop.path, name="fixed.xlsx")
    assert (package["corrects"], [each["entity"] for each in package["actions"]]) == (first, ["CustGroup"])
    job = shop.desk.client.submit(idempotency_key="k", endpoint="A1", company="USMF", package=package["sha256"])
    with pytest.raises(PackageRefused, match=f"corrects rows of {first}"):
        shop.plan(job["id"])


def test_a_package_is_no_workbook_of_corrected_rows(shop):
    first = shop.load(CustGroup=groups("A"))
    shop.settle(first, "f")
    with pytest.raises(PackageRefused, match="no workbook of rows to correct"):
        shop.desk.client.reload(first, package=shop.job(first).package)


def test_a_corrected_header_travels_with_its_lines(shop):
    first = shop.load(
        LINES,
        PurchTable=["PurchId,Name", "P1,one", "P2,two"],
        PurchLine=["PurchId,ItemId,Qty", "P1,a,1", "P2,b,1", "P2,c,1"],
    )
    shop.settle(first, "ccfss")
    book = shop.workbook(first)
    lines, header = (book[name] for name in ("PurchLine", "PurchTable"))
    assert [row[3:] for row in cells_of(lines)[1:]] == [["P2", "b", "1"], ["P2", "c", "1"]]
    header.cell(2, 5).value = "corrected"
    lines.title = "Lines"
    with pytest.raises(PackageRefused, match="this sheet was renamed or copied"):
        shop.hand_in(first, book)
    lines.title = "PurchLine"
    lines.delete_rows(2, 2)
    again = shop.hand_in(first, book)
    assert shop.sent(again) == {(1, 3): ["P2", "corrected"], (2, 3): ["P2", "b", "1"], (2, 4): ["P2", "c", "1"]}
    shop.settle(again, "ccc")
    assert (shop.job(first).state, shop.totals(first)) == ("succeeded", {"created": 5})


def test_rows_that_nobody_could_prove_there_are_settled_there_and_not_loaded_from_here(shop):
    first = shop.load(CustGroup=groups("A", "B"))
    shop.settle(first, "ff")
    book = shop.workbook(first)
    again = shop.hand_in(first, book)
    shop.settle(again, "c?")
    assert (shop.job(first).state, shop.totals(first)) == ("partly_succeeded", {"created": 1, "skipped": 1})
    (failure,) = shop.failures(first)
    assert (failure.code, failure.advice) == ("RSC-3141", f"Settle it there: rapidstart job resolve {again}")
    with pytest.raises(Conflict, match="none of the 2 rows"):
        shop.hand_in(first, book)
    with pytest.raises(Conflict, match="has no failed or skipped rows"):
        control.retry(shop.dispatcher, first)
    resolving.resolve(shop.dispatcher, again, way="done", rows=None)
    assert shop.job(first).state == "succeeded"
    assert shop.totals(first)["created"] + shop.totals(first).get("updated", 0) == 2


def test_rows_of_a_load_that_was_cancelled_are_told_once_they_are_in(shop):
    first = shop.load(CustGroup=groups("A", "B", "C", "D", "E"))
    shop.settle(first, "cf")
    control.cancel(shop.dispatcher, first)
    again = shop.retry(first)
    shop.settle(again, "cc", "cc")
    assert (shop.job(first).state, shop.totals(first), shop.job(first).reason) == ("succeeded", {"created": 5}, "")
    assert [outcome for _, _, outcome in shop.every(first)] == ["created"] * 5


def test_two_retries_of_one_load_tell_each_other(shop):
    first = shop.load(CustGroup=groups("A", "B", "C", "D"))
    shop.settle(first, "ff", "cc")
    second = shop.retry(first)
    shop.settle(second, "cf")
    third = shop.correct(first, named("corrected"))
    shop.settle(third, "c")
    assert [shop.job(each).state for each in (first, second, third)] == ["succeeded"] * 3
    assert shop.totals(second) == {"created": 2}
    with pytest.raises(Conflict, match="has no failed or skipped rows"):
        control.retry(shop.dispatcher, second)


def test_a_package_keeps_its_corrections_while_a_job_needs_them(shop):
    first = shop.load(CustGroup=groups("A"))
    shop.settle(first, "f")
    again = shop.hand_in(first, shop.workbook(first))
    with shop.ledger.write() as db:
        assert not retention.forget_package(db, before=9e9)
        jobs.mark(db, first, removed_at=1.0)
        jobs.mark(db, again, removed_at=1.0)
        assert retention.forget_package(db, before=9e9)
