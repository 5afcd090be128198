"""XLSX workbooks: an action per sheet, its columns in the first row that is not blank.

Hidden and empty sheets are left out, with a notice. Cells become text by the rules of `celltext`.
"""

import zipfile
from collections.abc import Collection, Generator, Iterator
from dataclasses import replace
from typing import Final

from connector.errors import PackageRefused, Place
from connector.intake import bookparts, headers, sheetrows
from connector.intake.bookparts import Book, Sheet
from connector.intake.sheetrows import Cells
from connector.intake.sources import Source, checked, reading
from connector.intake.values import Action, Limits
from connector.wire.codec import Row

_MACROS: Final = "xl/vbaProject.bin"
_BINARY: Final = "xl/workbook.bin"


def open_workbook(
    source: Source, *, limits: Limits, among: Collection[str] | None = None
) -> tuple[list[Action], list[str]]:  # fmt: skip
    """An action per visible sheet in the workbook's order, and notices about the sheets left out. Raises PackageRefused.

    `among`: only sheets of these names are looked at; None: all.
    """
    opened = book(source, limits)
    actions, notices = [], []
    for sheet in opened.sheets:
        if among is not None and sheet.name not in among:
            continue
        if sheet.hidden:
            notices.append(f"{source.name}: sheet {sheet.name!r} is hidden and was left out.")
        elif (action := _action(source, opened, sheet, limits)) is None:
            notices.append(f"{source.name}: sheet {sheet.name!r} is empty and was left out.")
        else:
            actions.append(action)
    return actions, notices


def book(source: Source, limits: Limits) -> Book:
    """The skeleton of a workbook. Raises PackageRefused."""
    with source.random_access() as file, zipfile.ZipFile(file) as archive:
        checked(archive, name=source.name, limits=limits)
        names = frozenset(archive.namelist())
        place = Place(file=source.name)
        if _MACROS in names:
            raise PackageRefused("the workbook holds macros.", advice="Save it as .xlsx, without macros.", place=place)
        if _BINARY in names:
            raise PackageRefused("this is a binary workbook (.xlsb).", advice="Save it as .xlsx.", place=place)
        return bookparts.read(archive, name=source.name)


def _action(source: Source, book: Book, sheet: Sheet, limits: Limits) -> Action | None:
    rows = filled(source, book, sheet, replace(limits, fast_sheet_bytes=0))  # streamed: only as far as the header
    number, captions = next(rows, (0, []))
    rows.close()
    if not captions:
        return None
    while not captions[-1].strip():
        captions.pop()
    columns = headers.checked(captions, most=limits.columns, place=Place(file=source.name, sheet=sheet.name, row=number))
    return Action(
        entity=sheet.name,
        file=source.name,
        sheet=sheet.name,
        columns=columns,
        read=lambda: _rows(source, book, sheet, limits, width=len(columns)),
    )


def _rows(source: Source, book: Book, sheet: Sheet, limits: Limits, *, width: int) -> Iterator[Row]:
    rows = filled(source, book, sheet, limits)
    next(rows, None)
    for number, cells in rows:
        if len(cells) > width:
            if any(map(str.strip, cells[width:])):
                raise PackageRefused(
                    f"there is a value to the right of the last named column ({width} columns have a name).",
                    advice="Name the column, or empty the cell.",
                    place=Place(file=source.name, sheet=sheet.name, row=number),
                    value=next(filter(str.strip, cells[width:])),
                )
            del cells[width:]
        cells.extend([""] * (width - len(cells)))
        yield Row(number, cells)  # type: ignore[arg-type]  # list[str] where None is allowed too: nobody adds one


def filled(source: Source, book: Book, sheet: Sheet, limits: Limits) -> Generator[Cells, None, None]:
    """The rows of a sheet that are not blank, from the header on. Raises PackageRefused."""
    place = Place(file=source.name, sheet=sheet.name)
    with source.random_access() as file, reading(source.name), zipfile.ZipFile(file) as archive:
        parts = [sheet.part, *([book.strings_part] if book.strings_part else [])]
        small = sum(archive.getinfo(part).file_size for part in parts) <= limits.fast_sheet_bytes
        if small and sheetrows.is_plain(archive, parts):
            rows = sheetrows.fast(file, sheet, place=place)
        else:
            rows = sheetrows.streamed(archive, book, sheet, longest=limits.record_bytes, place=place)
        for number, cells in rows:
            if any(map(str.strip, cells)):
                yield number, cells
