"""The process summary: one job's results as an Excel workbook, for the consultant who loaded the package.

Summary, Steps, Failures, Fix and reload with a sheet per source of rows that are not in, Corrected, Answers, Throughput,
System log. It is written row by row where it is long, so that memory does not grow with it.
"""

from collections.abc import Sequence
from itertools import tee
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from connector.errors import Refused
from connector.intake.values import Package
from connector.ledger import Database, Ledger, answers, courses, following, jobs, results
from connector.results import charts, fixing, look, told
from connector.results.look import Look
from connector.results.told import Cell
from connector.wire.reports import OUTCOME_WORDS

#: Above this many rows that are not in the workbook is written row by row, so that memory does not grow with it.
_MANY: Final = 50_000

_FAILURES: Final = {
    "Entity": 22,
    "File": 24,
    "Sheet": 18,
    "Row": 8,
    "Outcome": 10,
    "Column": 20,
    "Field": 18,
    "Value": 24,
    "Message": 60,
    "What to do": 50,
    "Code": 11,
    "Page": 7,
}
_CORRECTED: Final = {
    "Entity": 22,
    "File": 24,
    "Sheet": 18,
    "Row": 8,
    "Was": 10,
    "Column": 20,
    "Field": 18,
    "Value": 24,
    "Message": 70,
    "Taken up by": 14,
    "When (UTC)": 20,
}
_ANSWERS: Final = {"Entity": 22, "File": 24, "Sheet": 18, "Row": 8, "Answer": 100}
_LOG: Final = {"Time (UTC)": 20, "What happened": 120}
_STEP_WIDTHS: Final = (6, 24, 24, 18, 20, 24, 10, 7, 50)


def write_workbook(
    ledger: Ledger, job_id: str, path: Path, *, package: Package | None = None, public_url: str = ""
) -> None:  # fmt: skip
    """Write the process summary of a job, finished or not, to `path`. All of it is one state of the ledger.

    `package`: what was loaded, with what was corrected of it; of an ended load its rows that are not in stand there to be
    corrected. `public_url`: by what address people come; rows link to their page. Raises NotFound, PackageRefused, and Refused
    where `path` cannot be written.
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
        book.set_properties({"title": f"Process summary of {job.id}", "subject": job.package_name})
        _write(book, db, job, counts=counts, package=package, public_url=public_url.rstrip("/"))
        try:
            book.close()
        except FileCreateError as error:
            raise Refused(f"{path} cannot be written: {error}.", advice="Close it in Excel, or choose another file.") from error


def _write(
    book: Any, db: Database, job: jobs.Job, *, counts: dict[str, int], package: Package | None, public_url: str
) -> None:  # fmt: skip
    formats = look.of(book)
    moments = told.over_time(db, job.id)
    _summary(book, formats, [each for each in told.facts(db, job) if each[1] not in {None, ""}], counts=counts, moments=moments)
    _steps(book, formats, courses.steps_of(db, job.id))
    _failures(book, formats, db, job, public_url=public_url)
    if package is not None and fixing.is_for(job):
        fixing.write(book, formats, db, job, package)
    if following.past(db, job.id, limit=1):
        past = ([*_place(e), e.outcome, *_wrong(e), e.followed_by, told.moment(e.at)] for e in told.every_past(db, job.id))
        look.listed(book, formats, past, title="Corrected", columns=_CORRECTED, colour=look.TOLD)
    if answers.count(db, job.id):
        found = ([*_place(e), e.text] for e in told.every_answer(db, job.id))
        look.listed(book, formats, found, title="Answers", columns=_ANSWERS, colour=look.TOLD)
    if moments:
        charts.times(book, formats, moments)
    lines = ([told.moment(at), text] for at, text in told.every_line(db, job.id))
    look.listed(book, formats, lines, title="System log", columns=_LOG, colour=look.NOTED)


def _summary(
    book: Any, formats: Look, facts: Sequence[tuple[str, Cell]], *, counts: dict[str, int], moments: Sequence[told.Moment]
) -> None:  # fmt: skip
    sheet = look.sheet(book, "Summary", colour=look.TOLD)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 70)
    sheet.hide_gridlines(2)
    sheet.write_string(0, 0, "Process summary", formats.title)
    for row, (name, value) in enumerate(facts, start=2):
        sheet.write_string(row, 0, name, formats.label)
        if isinstance(value, (int, float)):
            sheet.write_number(row, 1, value, formats.left)
        else:
            look.write(sheet, row, 1, value, formats)
    first = len(facts) + 3
    sheet.write_row(first - 1, 0, ("Outcome", "Rows"), formats.head)
    words = list(OUTCOME_WORDS.values())
    for row, word in enumerate(words, start=first):
        sheet.write_string(row, 0, word.replace("_", " "))
        sheet.write_number(row, 1, counts[word], formats.left)
    charts.outcomes(book, sheet, words=words, first=first)
    if moments:
        charts.throughput(book, sheet, moments)


def _steps(book: Any, formats: Look, steps: Sequence[courses.Step]) -> None:
    sheet = look.sheet(book, "Steps", colour=look.TOLD)
    look.head(sheet, formats, told.STEP_TITLES, widths=_STEP_WIDTHS)
    for row, step in enumerate(steps, start=1):
        cells = told.step_cells(step)
        look.raise_row(sheet, row, cells, widths=_STEP_WIDTHS)
        look.write_row(sheet, row, cells, formats)
    sheet.autofilter(0, 0, max(len(steps), 1), len(told.STEP_TITLES) - 1)


def _failures(book: Any, formats: Look, db: Database, job: jobs.Job, *, public_url: str) -> None:
    """The rows that are not in."""
    failures, again = tee(told.every_failure(db, job.id))
    look.listed(
        book,
        formats,
        ([*_place(e), e.outcome, *_wrong(e), e.advice, e.code] for e in failures),
        title="Failures",
        columns=_FAILURES,
        colour=look.TO_DO,
        links=(told.link(public_url, job.id, each) for each in again),
    )


def _place(of: results.Failure | following.Past | answers.Answer) -> list[Cell]:
    return [of.entity, of.file, of.sheet, of.row]


def _wrong(of: results.Failure | following.Past) -> list[Cell]:
    return [of.column, of.field, of.value, of.message]
