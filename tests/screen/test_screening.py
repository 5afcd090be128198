"""Rows that cannot go in stay behind with a reason, and with them what must not be written without them."""

from collections.abc import Sequence

import pytest

from connector.plan import rows as rows_of
from connector.screen.screening import Screen
from connector.wire.codec import Row
from connector.wire.jobs import Mode
from connector.wire.metadata import FieldType, Metadata, Table
from tests.plan.conftest import field, make_action, make_package, make_service

GROUP = Table(
    name="CustGroup",
    fields=(field("CustGroup", max_length=4, mandatory=True), field("Name", max_length=8), field("Since", type=FieldType.DATE)),
)
LINE = Table(name="Line", fields=(field("LineNum", type=FieldType.INTEGER), field("Item", max_length=3)))
ORDER = Table(name="Order", fields=(field("Order"), field("Day", type=FieldType.DATE)), children=(LINE,))
ORDERS = """
[table.Order]
key = ["Order"]
[table.Line]
key = ["LineNum"]
parent = { target = "Order", on = { Order = "Order" } }
fields = { Order = "" }
"""


@pytest.fixture
def known():
    return Metadata(fingerprint="f", services=(make_service(GROUP, key=("CustGroup",)), make_service(ORDER, key=("Order",))))


@pytest.fixture
def parted(known, planned):
    """Rows of customer groups that went through: `parted(rows, mode=..., toml=...)` numbers kept, and (row, outcome, code)."""

    def run(*cells: Sequence[str | None], chunk: int = 2, **more):
        action = make_action("CustGroup", "CustGroup,Name,Since", *cells)
        (step,) = planned(action, metadata=more.pop("metadata", known), **more).steps
        package = make_package(action)
        screen = Screen(step, [step], again=lambda: rows_of(package, step))
        kept, told = [], []
        rows = list(rows_of(package, step))
        for start in range(0, len(rows), chunk):
            fit, bad = screen.parted(rows[start : start + chunk])
            kept += [row.number for row in fit]
            told += [(each.row, each.outcome.name, each.problem.code) for each in bad]
        return kept, told

    return run


def test_rows_that_fit_go_on_as_they_are(parted):
    assert parted(["1", "a", "2011-01-31"], ["2", "b", None], ["3", "", ""]) == ([2, 3, 4], [])


def test_every_bad_cell_is_told_and_the_others_go_on(parted):
    kept, told = parted(["1", "a name too long", "2155-01-01"], ["2", "b", "2011-02-30"], ["3", "c", ""])
    assert kept == [4]
    assert told == [(2, "FAILED", "RSC-3102"), (2, "FAILED", "RSC-3101"), (3, "FAILED", "RSC-3101")]


def test_a_key_may_stand_once_in_the_whole_step(parted):
    kept, told = parted(["b", "", ""], ["c", "", ""], ["a", "", ""], ["B ", "", ""], ["d", "", ""])
    assert (kept, told) == ([2, 3, 4, 6], [(5, "FAILED", "RSC-3109")])


def test_a_row_without_its_key_names_no_record_unless_it_is_created(parted):
    assert parted(["", "a", ""], ["1", "b", ""]) == ([3], [(2, "FAILED", "RSC-3117")])
    assert parted(["", "a", ""], ["1", "b", ""], mode=Mode.CREATE) == ([3], [(2, "FAILED", "RSC-3105")])


def test_a_guessed_key_is_not_looked_at(parted):
    unknown = Metadata(fingerprint="f", services=(make_service(GROUP),))
    rows = [[number, "x", ""] for number in ("2", "1", "1 ")]  # unique as they are written, which is all that a guess looks at
    assert parted(*rows, metadata=unknown) == ([2, 3, 4], [])


def test_rows_for_a_text_file_are_held_against_the_formats_of_its_columns(parted):
    toml = '[table.CustGroup]\nvia = "dixf"\nformats = { Since = "date" }'
    kept, told = parted(["10", "A name of any length", "2011-01-31"], ["20", "x", "31.01.2011"], toml=toml)
    assert kept == [2]
    assert told == [(3, "FAILED", "RSC-3101")]


def test_rows_of_a_unit_stay_behind_together(parted):
    toml = '[table.CustGroup]\nunit = ["Name"]'
    rows = [["1", "a", ""], ["2", "a", "x"], ["3", "a", ""], ["4", "b", ""]]
    kept, told = parted(*rows, chunk=4, toml=toml)
    assert kept == [5]
    assert told == [(2, "SKIPPED", "RSC-3112"), (3, "FAILED", "RSC-3101"), (4, "SKIPPED", "RSC-3112")]


@pytest.fixture
def order_screen(known, planned):
    order = make_action("Order", "Order,Day", ["1", ""])
    line = make_action("Line", "Order,LineNum,Item", ["1", "1", "A"])
    head, lines = planned(order, line, metadata=known, toml=ORDERS).steps
    assert lines.parent_step == head.no
    return Screen(head, [head, lines], again=lambda: iter(()))


def order(number: int, key: str, *lines: tuple[int, str, str], day: str = "") -> Row:
    return Row(number, [key, day], [[Row(at, [line, item, key]) for at, line, item in lines]])


def test_a_document_with_a_bad_line_stays_behind_as_a_whole(order_screen):
    good = order(2, "1", (2, "1", "A"), (3, "2", "B"))
    bad = order(3, "2", (4, "1", "A"), (5, "two", "B"), (6, "3", "C"))
    fit, told = order_screen.parted([good, bad])
    assert fit == [good]
    assert [(each.step, each.row, each.outcome.name) for each in told] == [
        (1, 3, "SKIPPED"), (2, 4, "SKIPPED"), (2, 5, "FAILED"), (2, 6, "SKIPPED"),
    ]  # fmt: skip
    assert told[0].problem.message == "Not written: row 5 of Line.csv, of the same document, failed."


def test_a_line_may_stand_once_in_its_document(order_screen):
    twice = order(2, "1", (2, "1", "A"), (3, "01", "B"))
    fit, told = order_screen.parted([twice, order(3, "2", (4, "1", "A"))])
    assert [row.number for row in fit] == [3]
    (failed,) = [each.problem for each in told if each.outcome.name == "FAILED"]
    assert failed.message == "The key LineNum=01 stands already in row 2 of Line.csv of the same Order row."
