"""The cells of one worksheet, by either of two readers that agree on every cell.

The fast one (calamine) holds the sheet in memory and turns error cells into blanks, so it is only given sheets that are small
and have none. The other streams the XML and keeps shared strings in a file: its memory does not grow with the sheet.
"""

import tempfile
import zipfile
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import IO, Final

import python_calamine
from lxml import etree

from connector.errors import PackageRefused, Place
from connector.intake import celltext, xmlstream
from connector.intake.bookparts import Book, Sheet

_CHUNK: Final = 1 << 20
_ERROR_MARKS: Final = (b't="e"', b"t='e'")
_STRINGS_IN_HAND: Final = 20_000

Cells = tuple[int, list[str]]
"""a row's number in the sheet, and its cells from column A on"""


def has_errors(archive: zipfile.ZipFile, sheet: Sheet) -> bool:
    """Whether a cell of the sheet may hold an error value, by a look at the bytes."""
    tail = b""
    with archive.open(sheet.part) as stream:
        while chunk := stream.read(_CHUNK):
            window = tail + chunk
            if any(mark in window for mark in _ERROR_MARKS):
                return True
            tail = window[-8:]
    return False


def fast(file: IO[bytes], sheet: Sheet, *, place: Place) -> Iterator[Cells]:
    """The rows of a small sheet without error cells. Raises PackageRefused."""
    try:
        file.seek(0)
        cells = python_calamine.load_workbook(file).get_sheet_by_name(sheet.name)
    except (python_calamine.CalamineError, OSError) as error:
        raise PackageRefused("the workbook cannot be read.", advice="Save it again in Excel.", place=place) from error
    if cells.start is None:
        return
    indent = [""] * cells.start[1]
    for number, row in enumerate(cells.iter_rows(), start=1):
        yield number, indent + [_plain(value) for value in row]


def _plain(value: object) -> str:
    if isinstance(value, str):
        return celltext.unescaped(value)
    if isinstance(value, bool):
        return celltext.of_boolean(value)
    if isinstance(value, (int, float)):
        return celltext.of_number(value)
    if isinstance(value, (datetime, date, time, timedelta)):
        return celltext.of_moment(value)
    return str(value)


def streamed(archive: zipfile.ZipFile, book: Book, sheet: Sheet, *, place: Place) -> Iterator[Cells]:
    """The rows of a sheet of any length. Raises PackageRefused, for an error cell too."""
    with _shared_strings(archive, book, place) as string, archive.open(sheet.part) as stream:
        text, number = _Text(book=book, string=string, place=place), 0
        for row in xmlstream.elements(stream, "{*}row", place=place):
            number = int(row.get("r") or number + 1)
            cells: list[str] = []
            for cell in row:
                reference = cell.get("r")
                if reference and (gap := _column(reference.rstrip("0123456789")) - len(cells)) > 0:
                    cells.extend([""] * gap)
                cells.append(text.of(cell, row=number))
            yield number, cells


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """What a cell's markup says as text."""

    book: Book
    string: Callable[[int], str]
    place: Place

    def of(self, cell: etree._Element, *, row: int) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _rich(next(iter(cell), cell))
        value = next((child.text for child in cell if xmlstream.local_name(child) == "v"), None)
        if value is None:
            return ""
        match kind:
            case "s":
                return self.string(int(value))
            case "n":
                return self._number(float(value), int(cell.get("s", "0")))
            case "b":
                return celltext.of_boolean(value == "1")
            case "e":
                raise PackageRefused(
                    f"the cell {cell.get('r', '')} holds the error {value}.",
                    advice="Correct or empty the cell.",
                    place=Place(file=self.place.file, sheet=self.place.sheet, row=row),
                )
            case "d":
                return celltext.of_moment(datetime.fromisoformat(value))
        return celltext.unescaped(value)

    def _number(self, value: float, style: int) -> str:
        kind = self.book.kinds[style] if style < len(self.book.kinds) else "number"
        if kind == "number":
            return celltext.of_number(value)
        return celltext.of_serial(value, epoch_1904=self.book.epoch_1904, duration=kind == "duration")


@lru_cache(maxsize=20_000)  # more than the 16,384 columns that a sheet may have
def _column(letters: str) -> int:
    """ "A" is 0, "AA" is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter.upper()) - 64
    return number - 1


def _rich(holder: etree._Element) -> str:
    """The text of a shared or inline string; pronunciation marks (rPh) are no part of it."""
    parts = []
    for child in holder:
        name = xmlstream.local_name(child)
        if name == "t":
            parts.append(child.text or "")
        elif name == "r":
            parts.extend(run.text or "" for run in child if xmlstream.local_name(run) == "t")
    return celltext.unescaped("".join(parts))


@contextmanager
def _shared_strings(archive: zipfile.ZipFile, book: Book, place: Place) -> Iterator[Callable[[int], str]]:
    """Look a shared string up by its index. They lie in an unnamed file: a large sheet may have millions."""
    ends = array("Q", [0])
    with tempfile.TemporaryFile() as file:
        if book.strings_part is not None:
            with archive.open(book.strings_part) as stream:
                for item in xmlstream.elements(stream, "{*}si", place=place):
                    ends.append(ends[-1] + file.write(_rich(item).encode("utf-8", "surrogatepass")))

        @lru_cache(maxsize=_STRINGS_IN_HAND)
        def string(index: int) -> str:
            file.seek(ends[index])
            return file.read(ends[index + 1] - ends[index]).decode("utf-8", "surrogatepass")

        yield string
