"""Workbooks: two readers that agree on every cell, and no cell that is silently lost."""

# ruff: noqa: DTZ001  Excel knows no zones

import io
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import PackageRefused
from connector.intake import bookparts, sheetrows
from connector.intake.package import count_rows, open_package
from connector.intake.values import Limits

FAST = Limits()
STREAMED = Limits(fast_sheet_bytes=0)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
VALUE = st.one_of(
    TEXT,
    st.integers(-(10**14), 10**14),
    st.floats(-1e9, 1e9).map(lambda value: round(value, 4)),
    st.booleans(),
    st.dates(date(1900, 3, 1), date(2150, 1, 1)),
    st.datetimes(datetime(1900, 3, 1), datetime(2150, 1, 1)).map(lambda moment: moment.replace(microsecond=0)),
    st.none(),
)


def write(path: Path, sheets: dict[str, list[list[object]]], *, hidden: tuple[str, ...] = (), **options: object) -> Path:
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False, **options}) as book:
        formats = {
            kind: book.add_format({"num_format": code})
            for kind, code in ((date, "yyyy-mm-dd"), (datetime, "d/m/yyyy h:mm:ss"), (time, "hh:mm:ss"))
        }
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    if type(value) in formats:
                        sheet.write_datetime(number, column, value, formats[type(value)])
                    elif isinstance(value, str):
                        sheet.write_string(number, column, value)
                    elif value is not None:
                        sheet.write(number, column, value)
    return path


def cells(path: Path, limits: Limits = FAST) -> list[tuple[int, list[str | None]]]:
    return [(row.number, row.cells) for row in open_package(path, limits=limits).actions[0].rows()]


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.lists(VALUE, min_size=3, max_size=3), max_size=6), epoch_1904=st.booleans())
def test_both_readers_agree(tmp_path_factory, rows, epoch_1904) -> None:
    if epoch_1904:
        rows = [[value for value in row if not isinstance(value, date) or value.year > 1904] for row in rows]
    path = write(tmp_path_factory.mktemp("xlsx") / "a.xlsx", {"Groups": [["A", "B", "C"], *rows]}, date_1904=epoch_1904)
    assert cells(path) == cells(path, STREAMED)


@pytest.mark.parametrize("limits", [Limits(), STREAMED], ids=["fast", "streamed"])
def test_cells_become_the_text_that_ax_expects(tmp_path: Path, limits: Limits) -> None:
    row = ["000010", 1000, 0.5, date(2023, 9, 4), datetime(2023, 9, 4, 13, 3), time(15, 47, 1), True, " two  ", None]
    path = write(tmp_path / "a.xlsx", {"Groups": [list("ABCDEFGHI"), row, [], ["x"]]})
    assert cells(path, limits) == [
        (2, ["000010", "1000", "0.5", "2023-09-04", "2023-09-04T13:03:00", "15:47:01", "true", " two  ", ""]),
        (4, ["x", *[""] * 8]),
    ]


def test_each_visible_sheet_is_an_entity_in_the_workbooks_order(tmp_path: Path) -> None:
    sheets = {"Currencies": [["Code"], ["EUR"]], "hiddenSheet": [["x"]], "Notes": [], "Accounts": [["No."]]}
    package = open_package(write(tmp_path / "a.xlsx", sheets, hidden=("hiddenSheet",)))
    assert [(action.entity, action.sheet, action.file) for action in package.actions] == [
        ("Currencies", "Currencies", "a.xlsx"),
        ("Accounts", "Accounts", "a.xlsx"),
    ]
    assert count_rows(package) == (1, 0)
    assert [notice for notice in package.notices if "hidden" in notice and "hiddenSheet" in notice]
    assert [notice for notice in package.notices if "empty" in notice and "Notes" in notice]


@pytest.mark.parametrize("limits", [Limits(), STREAMED], ids=["fast", "streamed"])
def test_an_error_cell_is_refused_by_its_name_and_never_read_as_blank(tmp_path: Path, limits: Limits) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Groups")
        sheet.write_row(0, 0, ["A", "B"])
        sheet.write_row(1, 0, ["x", "#N/A"])
        sheet.write_formula(2, 1, "=NA()", None, "#N/A")
    package = open_package(path, limits=limits)
    rows = package.actions[0].rows()
    assert next(rows).cells == ["x", "#N/A"]
    with pytest.raises(PackageRefused, match="the cell B3 holds the error #N/A") as refused:
        next(rows)
    assert (refused.value.place.sheet, refused.value.place.row) == ("Groups", 3)


def test_a_value_without_a_column_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", {"Groups": [["A", "B"], ["1", "2", None], ["3", "4", "stray"]]})
    with pytest.raises(PackageRefused, match="row 3: there is a value to the right of the last named column"):
        cells(path)


def _with_part(path: Path, name: str, data: bytes) -> Path:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, data)
    return path


@pytest.mark.parametrize(("part", "message"), [("xl/vbaProject.bin", "macros"), ("xl/workbook.bin", "binary workbook")])
def test_macros_and_binary_workbooks_are_refused(tmp_path: Path, part: str, message: str) -> None:
    path = _with_part(write(tmp_path / "a.xlsx", {"S": [["A"]]}), part, b"x")
    with pytest.raises(PackageRefused, match=message):
        open_package(path)


def test_a_document_type_in_a_sheet_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "a.xlsx", {"S": [["A"], ["1"]]})
    target = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                data = data.replace(b"<worksheet", b'<!DOCTYPE w [<!ENTITY a "b">]><worksheet', 1)
            new.writestr(name, data)
    path = tmp_path / "b.xlsx"
    path.write_bytes(target.getvalue())
    with pytest.raises(PackageRefused, match="document type"):
        open_package(path, limits=STREAMED)


def _is_plain(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return sheetrows.is_plain(archive, [bookparts.read(archive, name="a").sheets[0].part])


def test_the_fast_reader_gets_small_dense_sheets_without_errors_only(tmp_path: Path) -> None:
    assert _is_plain(write(tmp_path / "a.xlsx", {"S": [["A", "B"], ["t", 1]]}))
    for number, (row, column, value) in enumerate([(99_999, 0, 1), (5, 702, "x"), (5, 5, "=NA()")]):
        path = tmp_path / f"{number}.xlsx"
        with xlsxwriter.Workbook(str(path)) as book:
            sheet = book.add_worksheet("S")
            sheet.write(row, column, value, *([None, "#N/A"] if value == "=NA()" else []))
        assert not _is_plain(path)


def test_a_cell_far_out_costs_no_memory_to_speak_of(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("S")
        sheet.write_row(0, 0, ["A", "B"])
        sheet.write(1_048_575, 0, "last")
    assert cells(path) == [(1_048_576, ["last", ""])]


def _with_row(tmp_path: Path, cells: str) -> Path:
    """A workbook with the columns A and B, whose row 2 is this markup."""
    source = write(tmp_path / "a.xlsx", {"S": [["A", "B"]]})
    path = tmp_path / "b.xlsx"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                data = data.replace(b"</sheetData>", f'<row r="2">{cells}</row></sheetData>'.encode())
            new.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ('<c r="A2" t="s"><v>99</v></c>', "damaged"),
        ('<c r="A2"><v>ten</v></c>', "damaged"),
        ('<c r="ZZZ2"><v>1</v></c>', "damaged"),
        ('<c r="B2"><v>1</v></c><c r="A2"><v>1</v></c>', "damaged"),
        ('<c r="A2" t="e"><v>#REF!</v></c>', "cell A2 holds the error #REF!"),
    ],
)
def test_damaged_cells_are_refused_with_their_row(tmp_path: Path, cell: str, told: str) -> None:
    path = _with_row(tmp_path, cell)
    with pytest.raises(PackageRefused, match=told) as refused:
        cells(path, STREAMED)
    assert (refused.value.place.sheet, refused.value.place.row) == ("S", 2)


@pytest.mark.parametrize("limits", [FAST, STREAMED], ids=["fast", "streamed"])
@pytest.mark.parametrize("value", ["", "<v/>", "<v></v>"])
def test_a_formula_that_was_never_computed_is_refused_and_never_read_as_blank(tmp_path: Path, limits: Limits, value: str) -> None:
    path = _with_row(tmp_path, f'<c r="A2"><f>1+1</f>{value}</c>')
    with pytest.raises(PackageRefused, match="the cell A2 holds a formula that was never computed") as refused:
        cells(path, limits)
    assert refused.value.place.row == 2


@pytest.mark.parametrize("limits", [FAST, STREAMED], ids=["fast", "streamed"])
def test_a_formula_counts_as_what_it_gave(tmp_path: Path, limits: Limits) -> None:
    path = _with_row(tmp_path, '<c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="str"><f>""</f><v></v></c>')
    assert cells(path, limits) == [(2, ["2", ""])]
