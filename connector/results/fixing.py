"""The rows of a load that are not in, to be corrected in the workbook and handed in again.

A sheet per file or sheet of the package, in the package's own columns and as the package has them; before them the row's
mark, and why it is not in. A sheet that nobody sees tells which is which (`connector.intake.fixed`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from connector.intake import fixed
from connector.intake.fixed import Origin
from connector.intake.values import Action, Package
from connector.ledger import Database, jobs, problems, retries
from connector.ledger.problems import Wrong
from connector.results import look
from connector.results.look import Look
from connector.wire.codec import Row
from connector.wire.reports import Outcome

TITLE: Final = "Fix and reload"
_CAPTIONS: Final = ("RapidStart row", "Why it is not in", "What to do")
_BESIDE: Final = len(_CAPTIONS)
_WIDTHS: Final = (18, 50, 40)
#: Columns of a sheet of Excel.
_COLUMNS: Final = 16_384
#: Characters of a sheet's name, and those that it cannot have.
_NAME: Final = 31
_NOT_IN_NAMES: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", "_"))
#: Names that Excel keeps for itself, and those of the workbook's own sheets.
_TAKEN: Final = ("history", "summary", "steps", "failures", "corrected", "answers", "throughput", "system log")
_NOT_IN: Final = frozenset({ord(Outcome.FAILED), ord(Outcome.SKIPPED)})
_NO_REASON: Final = "It was skipped: a row that it goes in with failed, or the job ended."

_HOW: Final = (
    "Correct the rows in the orange sheets that follow, and hand this workbook in again:",
    "rapidstart load THIS-WORKBOOK.xlsx",
    "by the name under which you keep it, or drop it on the page New load of the dispatcher.",
    "Only these rows are loaded, as rows of {job}, in its order, by its mapping and in its mode. A row that is in by then is",
    "not loaded twice. You may sort and delete rows (one that is deleted, or emptied, is not loaded), move sheets and columns,",
    "and add columns of your own. Leave the first column as it is: it says which row is which. New rows go in a new package.",
)


@dataclass(slots=True)
class _Sheets:
    """The sheets of rows as they are made."""

    book: Any
    names: set[str]
    """in small letters, as Excel compares them"""
    found: dict[str, Origin] = field(default_factory=dict)
    captions: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def add(self, origin: Origin, captions: tuple[str, str, str]) -> tuple[str, Any]:
        """A new sheet for rows of an origin, named like what they come from."""
        name = self._free((origin.sheet or origin.entity).translate(_NOT_IN_NAMES).strip() or "Rows")
        self.found[name], self.captions[name], self.rows[name] = origin, captions, 0
        return name, look.sheet(self.book, name, colour=look.TO_DO)

    def _free(self, wanted: str) -> str:
        number, name = 1, wanted[:_NAME]
        while name.casefold() in self.names:
            number += 1
            end = f" ({number})"
            name = wanted[: _NAME - len(end)] + end
        self.names.add(name.casefold())
        return name


def is_for(job: jobs.Job) -> bool:
    """Whether rows of a job can be corrected: it is a load, has ended, and its rows are still there."""
    return job.kind == jobs.JobKind.LOAD and job.finished_at is not None and job.removed_at is None


def write(book: Any, formats: Look, db: Database, job: jobs.Job, package: Package) -> None:
    """Write the sheets of rows that are not in, if there are any, and how to go on with them. Raises PackageRefused."""
    ended = retries.ended(db, job.id)
    numbers = {source: no for no, source in retries.sources(db, job.id).items()}
    wanted = [a for a in package.actions if _NOT_IN.intersection(ended.letters(fixed.origin_of(a)))]
    if not wanted:
        return
    cover = look.sheet(book, TITLE, colour=look.TO_DO)
    sheets = _Sheets(book, {*_TAKEN, TITLE.casefold(), fixed.HIDDEN.casefold()})
    for action in wanted:
        if len(action.columns) + _BESIDE > _COLUMNS:
            continue
        origin = fixed.origin_of(action)
        rows = _not_in(action, ended.letters(origin))
        _action(sheets, formats, action, _explained(rows, problems.by_row(db, job.id, numbers[origin])), job=job.id)
    _cover(cover, formats, sheets, job)
    told = fixed.Head(job=job.id, package=job.package or "", sheets=sheets.found, captions=sheets.captions)
    hidden = book.add_worksheet(fixed.HIDDEN)
    hidden.very_hidden()
    for number, cells in enumerate(told.cells()):
        for column, cell in enumerate(cells):
            hidden.write_string(number, column, cell)


def _not_in(action: Action, letters: Sequence[int]) -> Iterator[Row]:
    return (row for row in action.rows() if row.number < len(letters) and letters[row.number] in _NOT_IN)


def _explained(rows: Iterable[Row], wrong: Iterator[tuple[int, list[Wrong]]]) -> Iterator[tuple[Row, list[Wrong]]]:
    """Rows with what is wrong with them. Both come in the order of the package."""
    number, found = next(wrong, (0, list[Wrong]()))
    for row in rows:
        while number and number < row.number:
            number, found = next(wrong, (0, []))
        yield row, found if number == row.number else []


def _action(
    sheets: _Sheets, formats: Look, action: Action, rows: Iterator[tuple[Row, list[Wrong]]], *, job: str
) -> None:  # fmt: skip
    captions = _captions(action.columns)
    origin, at = fixed.origin_of(action), {name: place for place, name in enumerate(action.columns, start=_BESIDE)}
    titles = (*captions, *action.columns)
    widths = (*_WIDTHS, *(min(max(len(name) + 2, 12), 40) for name in action.columns))
    name, sheet, number = "", None, 0
    for row, wrong in rows:
        if sheet is None or number == look.SHEET_ROWS:
            _close(sheet, number, len(titles))
            name, sheet = sheets.add(origin, captions)
            look.head(sheet, formats, titles, widths=widths)
            sheet.freeze_panes(1, 1)
            number = 0
        number += 1
        sheets.rows[name] = number
        why = " ".join(each.message for each in wrong) or _NO_REASON
        beside = (fixed.mark(job, origin, row.number), why, " ".join(dict.fromkeys(each.advice for each in wrong)))
        look.raise_row(sheet, number, beside, widths=_WIDTHS)
        look.write_row(sheet, number, beside, formats)
        _cells(sheet, formats, number, row, wrong={at[each.column] for each in wrong if each.column in at})
    _close(sheet, number, len(titles))


def _cells(sheet: Any, formats: Look, number: int, row: Row, *, wrong: set[int]) -> None:
    """The row as the package has it, text by text; where something is wrong the cell is marked."""
    for column, cell in enumerate(row.cells, start=_BESIDE):
        form = formats.wrong if column in wrong else formats.text
        if cell:
            sheet.write_string(number, column, cell if look.fits(cell) else fixed.TOO_LONG, form)
        else:
            sheet.write_blank(number, column, None, form)


def _close(sheet: Any, rows: int, columns: int) -> None:
    if sheet is not None:
        sheet.autofilter(0, 0, rows, columns - 1)


def _captions(columns: Sequence[str]) -> tuple[str, str, str]:
    """Titles of the columns beside the package's own, which may be called like that too."""
    more = ""
    while any(f"{caption}{more}" in columns for caption in _CAPTIONS):
        more += "*"
    mark, why, advice = (f"{caption}{more}" for caption in _CAPTIONS)
    return mark, why, advice


def _cover(cover: Any, formats: Look, sheets: _Sheets, job: jobs.Job) -> None:
    cover.set_column(0, 0, 34)
    cover.set_column(1, 1, 12)
    cover.set_column(2, 2, 60)
    cover.hide_gridlines(2)
    cover.write_string(0, 0, TITLE, formats.title)
    for row, line in enumerate(_HOW, start=2):
        cover.write_string(row, 0, line.format(job=job.id))
    first = len(_HOW) + 3
    cover.write_row(first, 0, ("Sheet", "Rows", "From"), formats.head)
    for row, (name, origin) in enumerate(sheets.found.items(), start=first + 1):
        cover.write_url(row, 0, f"internal:'{name}'!A1", formats.link, name)
        cover.write_number(row, 1, sheets.rows[name])
        cover.write_string(row, 2, ", ".join(part for part in (origin.file, origin.sheet, origin.entity) if part))
