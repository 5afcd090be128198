"""The workbook in which a person corrects the rows of a load that are not in: what it carries, and how it is read again.

A hidden sheet tells the job, the package, and which sheet holds rows of which file. Each row begins with its mark: the number
that it has in the package, and a few letters by which a mark is known that was typed, filled down, or is another sheet's.
Sheets and columns may be moved, rows sorted or deleted; a cell that is emptied is empty in the load.
"""

import hashlib
import json
import re
import tempfile
import weakref
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from connector.errors import PackageRefused, Place
from connector.intake import celltext, workbook
from connector.intake.bookparts import Book
from connector.intake.sources import Source, of_file
from connector.intake.values import Action, Limits, Package
from connector.wire.codec import Row

#: The sheet that nobody sees, and what stands in its first cell.
HIDDEN: Final = "RapidStart"
TITLE: Final = "RapidStart Connector: rows to correct"
VERSION: Final = "1"
#: Stands in a cell whose text is longer than a cell may be: it means the text of the package.
TOO_LONG: Final = "(longer than a cell may be: it stays as it is)"

_MARK: Final = re.compile(r"R([1-9][0-9]{0,9})-([0-9a-f]{8})")
_AGAIN: Final = "Get the workbook again: rapidstart job results {job} --xlsx FILE"


class Origin(NamedTuple):
    """Where rows stand in their package."""

    entity: str
    file: str
    sheet: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the hidden sheet tells."""

    job: str
    package: str
    """SHA-256 of what was loaded"""
    sheets: Mapping[str, Origin]
    """by name of the sheet in this workbook"""
    captions: Mapping[str, tuple[str, str, str]]
    """by the same: what the columns of the mark, the reason, and of what to do are called"""

    def cells(self) -> list[list[str]]:
        """The rows of the hidden sheet, the last one being the digest of the others."""
        told = [[TITLE, VERSION], ["job", self.job], ["package", self.package]]
        told += [["sheet", name, *origin[:2], origin[2] or "", *self.captions[name]] for name, origin in self.sheets.items()]
        return [*told, ["digest", _digest(told)]]


def mark(job: str, origin: Origin, row: int) -> str:
    """How a row of a job is marked in the workbook."""
    return f"R{row}-{_check(job, origin, row)}"


def head(path: Path, *, name: str, limits: Limits) -> Head | None:
    """What a file says of the rows that it corrects; None where it is no such workbook.

    Raises PackageRefused where it is one that was changed where nobody sees it.
    """
    source = of_file(path, name=name)
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            return None
    try:
        book = workbook.book(source, limits)
    except PackageRefused:
        return None  # it is something else, and refused as that
    return head_of(source, book, limits)


def head_of(source: Source, book: Book, limits: Limits) -> Head | None:
    """The same of a workbook that is open."""
    sheet = next((sheet for sheet in book.sheets if sheet.hidden and sheet.name == HIDDEN), None)
    if sheet is None:
        return None
    told = [_trimmed(cells) for _, cells in workbook.filled(source, book, sheet, limits)]
    if not told or told[0][:1] != [TITLE]:
        return None
    *told, last = told
    if told[0] != [TITLE, VERSION]:
        raise _refused(source, "another version of the program wrote this workbook of corrections.", "Use that version.")
    if last != ["digest", _digest(told)] or [line[0] for line in told[1:3]] != ["job", "package"]:
        raise _refused(source, "what the workbook says about its rows was changed.", "Get it again, and correct that one.")
    sheets = [line for line in told[3:] if line[0] == "sheet"]
    return Head(
        job=told[1][1],
        package=told[2][1],
        sheets={line[1]: Origin(line[2], line[3], line[4] or None) for line in sheets},
        captions={line[1]: (line[5], line[6], line[7]) for line in sheets},
    )


def sheets(source: Source, told: Head, limits: Limits) -> tuple[Action, ...]:
    """The sheets of rows to correct, as they are in the workbook. Raises PackageRefused where there are none."""
    actions, _ = workbook.open_workbook(source, limits=limits, among=told.sheets)
    if not actions:
        names = ", ".join(told.sheets)
        raise _refused(source, "the sheets of rows to correct were renamed or removed.", f"They are called {names}.")
    return tuple(actions)


class Corrections:
    """The rows of a workbook by where they stand in the package; their cells lie in an unnamed file."""

    def __init__(self, head: Head) -> None:
        """Without rows."""
        self.head = head
        self.notices: list[str] = []
        """what the person who corrected should know"""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  it is closed with this object
        self._at: dict[Origin, dict[int, int]] = {}
        weakref.finalize(self, self._file.close)

    def add(self, origin: Origin, row: int, cells: Mapping[str, str]) -> None:
        """Take the cells of a row, by column. The file is written before it is read."""
        self._at.setdefault(origin, {})[row] = self._file.tell()
        self._file.write(json.dumps(dict(cells)).encode() + b"\n")

    def has(self, origin: Origin, row: int) -> bool:
        """Whether the workbook holds this row."""
        return row in self._at.get(origin, ())

    def places(self) -> Iterator[tuple[Origin, int]]:
        """Where each of its rows stands in the package."""
        return ((origin, row) for origin, rows in self._at.items() for row in rows)

    def over(self, package: Package) -> Package:
        """The package with these corrections in it: the same rows, at the same places."""
        return replace(package, actions=tuple(self._over(action) for action in package.actions))

    def _over(self, action: Action) -> Action:
        found = self._at.get(origin_of(action))
        return replace(action, read=lambda: self._rows(action, found)) if found else action

    def _rows(self, action: Action, found: Mapping[int, int]) -> Iterator[Row]:
        for row in action.rows():
            at = found.get(row.number)
            if at is None:
                yield row
                continue
            self._file.seek(at)
            given = json.loads(self._file.readline())
            cells = [_corrected(cell, given.get(name)) for name, cell in zip(action.columns, row.cells, strict=True)]
            yield Row(row.number, cells)


def origin_of(action: Action) -> Origin:
    """Where the rows of an action stand."""
    return Origin(action.entity, action.file, action.sheet)


def corrections(path: Path, *, name: str, package: Package, limits: Limits) -> Corrections:
    """The corrected rows of a workbook, held against the package that they belong to. All of it is read.

    A row that was emptied counts as deleted. Raises PackageRefused for a file that is no such workbook, and for a row or a
    column of which nobody knows where it belongs.
    """
    source = of_file(path, name=name)
    book = workbook.book(source, limits)
    told = head_of(source, book, limits)
    if told is None:
        raise _refused(source, "this is no workbook of rows to correct.", "Get one: rapidstart job results JOB --xlsx FILE")
    found = Corrections(told)
    actions = {origin_of(action): action for action in package.actions}
    for sheet in book.sheets:
        lines = workbook.filled(source, book, sheet, limits)
        origin = told.sheets.get(sheet.name)
        if origin is None:
            _refuse_renamed(source, sheet.name, told, next(lines, (0, []))[1])
        elif origin not in actions:
            raise _refused(source, f"the package has no {origin.entity}.", _AGAIN.format(job=told.job))
        else:
            place = Place(file=name, sheet=sheet.name)
            _read(found, actions[origin], lines, captions=told.captions[sheet.name], place=place)
    return found


def _read(
    found: Corrections, action: Action, lines: Iterator[tuple[int, list[str]]], *, captions: Sequence[str], place: Place
) -> None:
    header = [caption.strip() for caption in next(lines, (0, []))[1]]
    if captions[0] not in header:
        raise PackageRefused(
            f"the column {captions[0]!r} is missing: it says which row is which.",
            advice=_AGAIN.format(job=found.head.job),
            place=place,
        )
    at_mark = header.index(captions[0])
    columns = _columns(found, action, header, captions=captions, place=place)
    origin = origin_of(action)
    for number, cells in lines:
        cells.extend([""] * (len(header) - len(cells)))
        given = {name: cells[at] for name, at in columns.items()}
        if not any(map(str.strip, given.values())):
            continue  # emptied
        row = _numbered(found, origin, cells[at_mark], place=replace(place, row=number))
        found.add(origin, row, given)


def _columns(
    found: Corrections, action: Action, header: Sequence[str], *, captions: Sequence[str], place: Place
) -> dict[str, int]:
    """Where each column of the package stands. One that was deleted stays as it is in the package."""
    columns = {name: header.index(name) for name in action.columns if name in header}
    missing = [name for name in action.columns if name not in columns]
    strange = [name for name in header if name and name not in columns and name not in captions]
    twice = next((name for name in columns if header.count(name) > 1), None)
    if twice is not None:
        raise PackageRefused(f"two columns are named {twice!r}.", advice="Remove one of them.", place=place)
    if missing and strange:
        raise PackageRefused(
            f"the column {missing[0]!r} is missing, and {strange[0]!r} is none of the package.",
            advice="Give the columns their names again, as the package has them.",
            place=place,
        )
    if strange:
        found.notices.append(f"{place}: columns that are none of the package were left out: {', '.join(strange)}.")
    return columns


def _numbered(found: Corrections, origin: Origin, text: str, *, place: Place) -> int:
    """The number, in the package, of the row that bears this mark. Raises PackageRefused."""
    match = _MARK.fullmatch(text.strip())
    again = _AGAIN.format(job=found.head.job)
    if not text.strip():
        raise PackageRefused(
            f"this row is none of {found.head.job}: it has no mark.",
            advice="Remove it here. New rows are loaded by a package of their own.",
            place=place,
        )
    if match is None or match[2] != _check(found.head.job, origin, int(match[1])):
        raise PackageRefused(f"the mark of this row was changed: {text.strip()[:40]}.", advice=again, place=place)
    number = int(match[1])
    if found.has(origin, number):
        raise PackageRefused("this row stands in the workbook twice.", advice="Keep one of the two.", place=place)
    return number


def _refuse_renamed(source: Source, name: str, told: Head, header: Iterable[str]) -> None:
    """A sheet that is none of the head's, and yet has a column of marks, was renamed or copied."""
    if {caption.strip() for caption in header} & {captions[0] for captions in told.captions.values()}:
        place = Place(file=source.name, sheet=name)
        names = ", ".join(told.sheets)
        raise PackageRefused(
            "this sheet was renamed or copied.", advice=f"Give it its name again; these are known: {names}.", place=place
        )


def _corrected(cell: str | None, given: str | None) -> str | None:
    """The text of a cell. The package's own stays where nothing was corrected, whichever program saved the workbook."""
    if given is None or given == TOO_LONG:
        return cell
    # Two kinds of nothing; and LibreOffice saves a text like _x0041_ so that it reads as the letter that it would stand for.
    is_same = not given if not cell else given == celltext.unescaped(cell)
    return cell if is_same else given


def _trimmed(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _digest(lines: Sequence[Sequence[str]]) -> str:
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()


def _check(job: str, origin: Origin, row: int) -> str:
    return hashlib.sha256(json.dumps([job, *origin, row]).encode()).hexdigest()[:8]


def _refused(source: Source, message: str, advice: str) -> PackageRefused:
    return PackageRefused(message, advice=advice, place=Place(file=source.name))
