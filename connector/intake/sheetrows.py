"""The cells of one worksheet, by either of two readers that agree on every cell.

The fast one (calamine, 3 times as fast) holds a sheet in memory as a full rectangle and turns error cells into blanks, so it
is only given sheets that are small, dense, and free of errors and of formulas without a value. The other streams the XML and
keeps shared strings in a file: its memory does not grow with the sheet.
"""

import re
import tempfile
import zipfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from io import SEEK_END
from itertools import islice
from typing import IO, Final

import python_calamine
from lxml import etree

from connector.errors import PackageRefused, Place
from connector.intake import celltext, xmlstream
from connector.intake.bookparts import Book, Sheet

_CHUNK: Final = 1 << 20
#: An error cell, a formula without a value, or a cell beyond column ZZ or row 99,999: one such makes a rectangle of gigabytes.
_NOT_PLAIN: Final = re.compile(
    rb"""\s(?:t=["']e["']|r=["'](?:[A-Z]{3,}|[A-Z]*[0-9]{6,}))"""
    rb"""|(?:</(?:\w+:)?f>|<(?:\w+:)?f[^<>]*/>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"""
)
#: Longer than what any of these needs to be seen whole.
_OVERLAP: Final = 256
_WIDEST: Final = 16_384
_STRINGS_IN_HAND: Final = 20_000
_STRINGS_AHEAD: Final = 1_000

Cells = tuple[int, list[str]]
"""a row's number in the sheet, and its cells from column A on"""


def is_plain(archive: zipfile.ZipFile, parts: Iterable[str]) -> bool:
    """Whether a sheet has no error value, no formula without a value, and no cell far out: what the fast reader needs.

    Its parts are looked at byte by byte, so that their stated sizes are proved before another library inflates them.
    """
    return not any(_NOT_PLAIN.search(window) for part in parts for window in _windows(archive, part))


def _windows(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    tail = b""
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            yield tail + chunk
            tail = chunk[-_OVERLAP:]


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


def streamed(archive: zipfile.ZipFile, book: Book, sheet: Sheet, *, longest: int, place: Place) -> Iterator[Cells]:
    """The rows of a sheet of any length. Raises PackageRefused, for an error cell too."""
    with _shared_strings(archive, book, longest, place) as string, archive.open(sheet.part) as stream:
        number = 0
        for row in xmlstream.elements(stream, "{*}row", longest=longest, place=place, until="sheetData"):
            try:
                number = int(row.get("r") or number + 1)
                yield number, _cells(row, book, string)
            except (ValueError, IndexError) as error:
                where = Place(file=place.file, sheet=place.sheet, row=number)
                advice = (
                    "Correct or empty the cell, or save the workbook in Excel."
                    if isinstance(error, _ErrorCell)
                    else "Save the workbook again in Excel."
                )
                said = str(error) if isinstance(error, _ErrorCell) else "a cell of the row is damaged."
                value = error.value if isinstance(error, _ErrorCell) else None
                raise PackageRefused(said, advice=advice, place=where, value=value) from error


class _ErrorCell(ValueError):
    """A cell holds an error, its `value`, or a formula without a value."""

    def __init__(self, message: str, *, value: str | None = None) -> None:
        super().__init__(message)
        self.value = value


def _cells(row: etree._Element, book: Book, string: Callable[[int], str]) -> list[str]:
    cells: list[str] = []
    value_tag = str(row.tag)[: -len("row")] + "v"
    for cell in row:
        reference = cell.get("r")
        if reference:
            gap = _column(reference.rstrip("0123456789")) - len(cells)
            if gap < 0:
                raise ValueError(reference)
            if gap:
                cells.extend([""] * gap)
        if len(cells) == _WIDEST:
            raise ValueError(len(cells))
        cells.append(_text(cell, value_tag, book, string))
    return cells


def _text(cell: etree._Element, value_tag: str, book: Book, string: Callable[[int], str]) -> str:
    """What a cell's markup says as text. Raises ValueError, IndexError where it says nothing that can be."""
    kind, value, formula = cell.get("t"), None, False
    for child in cell:
        formula = formula or xmlstream.local_name(child) == "f"
        if child.tag == value_tag:
            value = child.text
            break
        if kind == "inlineStr":
            return _rich(child)
    if value is None:
        if formula and kind != "str":  # a text that is empty is a value too
            raise _ErrorCell(f"the cell {cell.get('r', '')} holds a formula that was never computed.")
        return ""
    match kind:
        case "s":
            return string(int(value))
        case "n" | None:
            return _number(float(value), int(cell.get("s") or 0), book)
        case "b":
            return celltext.of_boolean(value == "1")
        case "d":
            return celltext.of_moment(datetime.fromisoformat(value))
        case "e":
            raise _ErrorCell(f"the cell {cell.get('r', '')} holds the error {value}.", value=value)
    return celltext.unescaped(value)


def _number(value: float, style: int, book: Book) -> str:
    kind = book.kinds[style] if style < len(book.kinds) else "number"
    if kind == "number":
        return celltext.of_number(value)
    return celltext.of_serial(value, epoch_1904=book.epoch_1904, duration=kind == "duration")


@lru_cache(maxsize=20_000)  # more than the 16,384 columns that a sheet may have
def _column(letters: str) -> int:
    """ "A" is 0, "AA" is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter.upper()) - 64
    if not 0 < number <= _WIDEST:
        raise ValueError(letters)
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
def _shared_strings(archive: zipfile.ZipFile, book: Book, longest: int, place: Place) -> Iterator[Callable[[int], str]]:
    """Look a shared string up by its index.

    A large sheet may have millions: they lie in an unnamed file, and are read from the workbook only as far as asked for.
    """
    if book.strings_part is None:
        yield [].__getitem__  # any index is out of range
        return
    ends = array("Q", [0])
    with tempfile.TemporaryFile() as file, archive.open(book.strings_part) as stream:
        texts = (
            _rich(item).encode("utf-8", "surrogatepass")
            for item in xmlstream.elements(stream, "{*}si", longest=longest, place=place)
        )

        @lru_cache(maxsize=_STRINGS_IN_HAND)
        def string(index: int) -> str:
            if index < 0:
                raise IndexError(index)
            if (missing := index + 2 - len(ends)) > 0:
                file.seek(0, SEEK_END)
                for text in islice(texts, missing + _STRINGS_AHEAD):
                    ends.append(ends[-1] + file.write(text))
            file.seek(ends[index])
            return file.read(ends[index + 1] - ends[index]).decode("utf-8", "surrogatepass")

        yield string
