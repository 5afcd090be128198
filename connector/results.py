"""The process summary: one job's results as an Excel workbook, for the consultant who loaded the package.

Whatever a user's file holds is written as text and never as a formula, a link or a number.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from connector.errors import Refused
from connector.ledger import Database, Ledger, answers, courses, endpoints, jobs, packages, results
from connector.wire.reports import OUTCOME_WORDS

#: Above this many failed rows the workbook is written row by row, so that memory does not grow with it.
_MANY: Final = 50_000
#: Rows of one sheet; Excel's own limit is 1,048,576.
_SHEET_ROWS: Final = 1_000_000
_PAGE: Final = 1_000

_COLOURS: Final = {
    "created": "#2E7D32",
    "updated": "#66BB6A",
    "unchanged": "#B0BEC5",
    "deleted": "#5C6BC0",
    "failed": "#C62828",
    "skipped": "#FFB300",
    "unknown": "#8E24AA",
    "handed_over": "#00838F",
}

_STEP_TITLES: Final = ("Step", "Entity", "File", "Sheet", "Table", "Service", "Mode", "Order", "Why in this order", "Rows")
_FAILURE_COLUMNS: Final = {
    "Entity": 22,
    "File": 24,
    "Sheet": 18,
    "Row": 8,
    "Outcome": 10,
    "Column": 20,
    "Field": 18,
    "Value": 24,
    "Message": 70,
    "What to do": 60,
    "Code": 11,
}

_ANSWER_COLUMNS: Final = {"Entity": 22, "File": 24, "Sheet": 18, "Row": 8, "Answer": 100}

_KINDS: Final = {"preview": "preview: what a load would do; nothing was written"}

Cell = str | int | float | datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """The workbook's formats."""

    title: Any
    head: Any
    label: Any
    time: Any
    wrap: Any


def write_workbook(ledger: Ledger, job_id: str, path: Path) -> None:
    """Write the process summary of a job, finished or not, to `path`: Summary, Steps, Failures, Answers of calls, Log.

    All of it is one state of the ledger. Raises NotFound, and Refused where `path` cannot be written.
    """
    with ledger.read() as db:
        job = jobs.get(db, job_id)
        counts = jobs.totals(db, [job.id])[job.id]
        book = xlsxwriter.Workbook(
            path,
            {
                "constant_memory": counts["failed"] + counts["skipped"] + counts["unknown"] > _MANY,
                "strings_to_formulas": False,
                "strings_to_numbers": False,
                "strings_to_urls": False,
            },
        )
        look = _look(book)
        _summary(book, look, _facts(db, job), counts=counts)
        _steps(book, look, courses.steps_of(db, job.id))
        _failures(book, look, _every_failure(db, job.id))
        if answers.count(db, job.id):
            _answers(book, look, _every_answer(db, job.id))
        _log(book, look, _every_line(db, job.id))
        try:
            book.close()
        except FileCreateError as error:
            raise Refused(f"{path} cannot be written: {error}.", advice="Close it in Excel, or choose another file.") from error


def _look(book: Any) -> _Look:
    return _Look(
        title=book.add_format({"bold": True, "font_size": 16}),
        head=book.add_format({"bold": True, "bg_color": "#ECEFF1", "bottom": 1, "text_wrap": True, "valign": "top"}),
        label=book.add_format({"bold": True, "valign": "top"}),
        time=book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"}),
        wrap=book.add_format({"text_wrap": True, "valign": "top"}),
    )


def _facts(db: Database, job: jobs.Job) -> list[tuple[str, Cell]]:
    """What is told of a job as a whole. Times are UTC: the reader may sit anywhere."""
    package = packages.find(db, job.package) if job.package else None
    ended = job.finished_at - job.started_at if job.finished_at and job.started_at else None
    return [
        ("Job", job.id),
        ("Kind", _KINDS.get(job.kind, job.kind)),
        ("State", job.state.value),
        ("Reason", job.reason),
        ("What to do", job.advice),
        ("Endpoint", next((e.name for e in endpoints.every(db) if e.key == job.endpoint), job.endpoint)),
        ("Company", job.company),
        ("Partition", job.partition),
        ("Package", job.package_name),
        ("Package size (bytes)", package.size if package else None),
        ("Package SHA-256", job.package),
        ("Mode", job.order.mode.value),
        ("Submitted (UTC)", _time(job.submitted_at)),
        ("Started (UTC)", _time(job.started_at)),
        ("Finished (UTC)", _time(job.finished_at)),
        *([("Rows removed (UTC)", _time(job.removed_at))] if job.removed_at else []),
        ("Seconds", round(ended, 1) if ended is not None else None),
        ("Rows", job.rows),
    ]


def _summary(book: Any, look: _Look, facts: Sequence[tuple[str, Cell]], *, counts: dict[str, int]) -> None:
    sheet = book.add_worksheet("Summary")
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 70)
    sheet.hide_gridlines(2)
    sheet.write_string(0, 0, "Process summary", look.title)
    for row, (name, value) in enumerate(facts, start=2):
        sheet.write_string(row, 0, name, look.label)
        _write(sheet, row, 1, value, look)
    first = len(facts) + 3
    sheet.write_row(first - 1, 0, ("Outcome", "Rows"), look.head)
    for row, word in enumerate(OUTCOME_WORDS.values(), start=first):
        sheet.write_string(row, 0, word.replace("_", " "))
        sheet.write_number(row, 1, counts[word])
    _chart(book, sheet, first=first)


def _chart(book: Any, sheet: Any, *, first: int) -> None:
    words = list(OUTCOME_WORDS.values())
    last = first + len(words) - 1
    chart = book.add_chart({"type": "doughnut"})
    chart.add_series(
        {
            "name": "Rows by outcome",
            "categories": ["Summary", first, 0, last, 0],
            "values": ["Summary", first, 1, last, 1],
            "points": [{"fill": {"color": _COLOURS[word]}} for word in words],
        }
    )
    chart.set_title({"name": "Rows by outcome"})
    sheet.insert_chart(2, 3, chart)


def _steps(book: Any, look: _Look, steps: Sequence[courses.Step]) -> None:
    sheet = book.add_worksheet("Steps")
    titles = (
        *_STEP_TITLES,
        *(word.capitalize().replace("_", " ") for word in jobs.OUTCOMES),
        "Empty cells kept",
        "Seconds",
        "Rows per second",
    )
    _head(sheet, look, titles, widths=(6, 24, 24, 18, 20, 24, 10, 7, 50))
    for row, step in enumerate(steps, start=1):
        _write_row(sheet, row, _step_cells(step), look)
    sheet.autofilter(0, 0, max(len(steps), 1), len(titles) - 1)


def _step_cells(step: courses.Step) -> list[Cell]:
    ended = step.finished_at - step.started_at if step.finished_at and step.started_at else None
    told = sum(step.counts.values())
    return [
        step.no,
        step.entity,
        step.file,
        step.sheet,
        step.table,
        step.service,
        step.mode,
        step.rank,
        "; ".join(f"{name}: {reason}" for name, reason in step.reasons.items()),
        step.rows,
        *(step.counts[word] for word in jobs.OUTCOMES),
        step.blanks_kept,
        round(ended, 1) if ended is not None else None,
        round(told / ended, 1) if ended else None,
    ]


def _failures(book: Any, look: _Look, failures: Iterator[results.Failure]) -> None:
    """The rows that are not in."""
    _listed(book, look, map(_failure_cells, failures), title="Failures", columns=_FAILURE_COLUMNS)


def _answers(book: Any, look: _Look, found: Iterator[answers.Answer]) -> None:
    """What service operations and class methods answered."""
    cells: Iterator[list[Cell]] = ([each.entity, each.file, each.sheet, each.row, each.text] for each in found)
    _listed(book, look, cells, title="Answers", columns=_ANSWER_COLUMNS)


def _listed(book: Any, look: _Look, rows: Iterator[list[Cell]], *, title: str, columns: Mapping[str, int]) -> None:
    """Rows under their titles; on as many sheets as they need."""
    cells = next(rows, None)
    number = 1
    while cells is not None or number == 1:
        sheet = book.add_worksheet(title if number == 1 else f"{title} {number}")
        _head(sheet, look, tuple(columns), widths=tuple(columns.values()))
        row = 0
        while cells is not None and row < _SHEET_ROWS:
            row += 1
            _write_row(sheet, row, cells, look)
            cells = next(rows, None)
        sheet.autofilter(0, 0, max(row, 1), len(columns) - 1)
        number += 1


def _failure_cells(failure: results.Failure) -> list[Cell]:
    return [
        failure.entity,
        failure.file,
        failure.sheet,
        failure.row,
        failure.outcome,
        failure.column,
        failure.field,
        failure.value,
        failure.message,
        failure.advice,
        failure.code,
    ]


def _log(book: Any, look: _Look, lines: Iterator[tuple[float, str]]) -> None:
    sheet = book.add_worksheet("Log")
    _head(sheet, look, ("Time (UTC)", "What happened"), widths=(20, 120))
    for row, (at, text) in zip(range(1, _SHEET_ROWS), lines, strict=False):
        _write_row(sheet, row, [_time(at), text], look)


def _head(sheet: Any, look: _Look, titles: Sequence[str], *, widths: Sequence[int]) -> None:
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    sheet.write_row(0, 0, titles, look.head)
    sheet.freeze_panes(1, 0)


def _write_row(sheet: Any, row: int, cells: Sequence[Cell], look: _Look) -> None:
    for column, cell in enumerate(cells):
        _write(sheet, row, column, cell, look)


def _write(sheet: Any, row: int, column: int, cell: Cell, look: _Look) -> None:
    """Write by the value's own type. Text is always text, whatever it begins with."""
    if cell is None or cell == "":
        return
    if isinstance(cell, str):
        sheet.write_string(row, column, cell[:32_767], look.wrap)  # Excel's longest text
    elif isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell, look.time)
    else:
        sheet.write_number(row, column, cell)


def _time(at: float | None) -> datetime | None:
    """Excel knows no time zones: UTC, without saying so in the value."""
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None) if at is not None else None


def _every_failure(db: Database, job: str) -> Iterator[results.Failure]:
    after = 0
    while page := results.failures(db, job, after=after, limit=_PAGE):
        yield from page
        after = page[-1].id


def _every_answer(db: Database, job: str) -> Iterator[answers.Answer]:
    after = 0
    while page := answers.of_job(db, job, after=after, limit=_PAGE):
        yield from page
        after = page[-1].id


def _every_line(db: Database, job: str) -> Iterator[tuple[float, str]]:
    """In the order of time: what AX noted itself was added later."""
    after, found = 0, list[tuple[float, str]]()
    while page := jobs.log_of(db, job, after=after, limit=_PAGE):
        found += ((at, text) for _, at, text in page)
        after = page[-1][0]
    yield from sorted(found, key=lambda line: line[0])
