"""What became of rows: the failed ones with their reasons, and every single one where it is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from connector.ledger.places import expand
from connector.ledger.schema import batches, problems, steps
from connector.ledger.store import Database
from connector.wire.reports import OUTCOME_WORDS, Outcome

_FAILURES: Final = sa.select(problems, steps.c.entity, steps.c.file, steps.c.sheet).join(
    steps, (steps.c.job == problems.c.job) & (steps.c.no == problems.c.step)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A row that is not in, and why."""

    id: int
    step: int
    entity: str
    file: str
    sheet: str | None
    row: int
    outcome: str
    column: str | None
    field: str | None
    value: str | None
    message: str
    advice: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcome:
    """One row and what became of it."""

    step: int
    row: int
    outcome: str


def failures(db: Database, job: str, *, after: int = 0, limit: int = 1000) -> list[Failure]:
    """Rows that failed, were skipped, or are unknown; `after` is the id of the last one of the page before."""
    query = _FAILURES.where(problems.c.job == job, problems.c.id > after)
    return _read(db, query.order_by(problems.c.id).limit(limit))


def newest_failures(db: Database, job: str, *, most: int) -> list[Failure]:
    """Those that were told last, the newest first."""
    return _read(db, _FAILURES.where(problems.c.job == job).order_by(problems.c.id.desc()).limit(most))


def _read(db: Database, query: sa.Select[Any]) -> list[Failure]:
    names = Failure.__dataclass_fields__
    return [Failure(**{name: row[name] for name in names}) for row in db.execute(query).mappings()]


def every_row(db: Database, job: str) -> Iterator[RowOutcome]:
    """The outcome of every row of a job that has one, step by step; then of those that were never sent."""
    query = (
        sa.select(batches.c.places, batches.c.letters)
        .where(batches.c.job == job, batches.c.letters.is_not(None))
        .order_by(batches.c.step, batches.c.no)
        .execution_options(yield_per=50)
    )
    for places, letters in db.execute(query):
        for (step, row), letter in zip(expand(places), letters, strict=True):
            yield RowOutcome(step=step, row=row, outcome=OUTCOME_WORDS[Outcome(letter)])
    never_sent = (
        sa.select(problems.c.step, problems.c.row, problems.c.outcome)
        .where(problems.c.job == job, problems.c.batch.is_(None))
        .distinct()
        .order_by(problems.c.step, problems.c.row)
        .execution_options(yield_per=1000)
    )
    yield from (RowOutcome(step=row.step, row=row.row, outcome=row.outcome) for row in db.execute(never_sent))
