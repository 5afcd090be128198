"""Which rows of an ended job are not in, and which other jobs have taken them up."""

from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy as sa

from connector.ledger import settling
from connector.ledger.jobs import Job, get, totals
from connector.ledger.places import expand
from connector.ledger.schema import batches, jobs, problems, steps
from connector.ledger.store import Database
from connector.wire.reports import OUTCOME_WORDS, Outcome

_BY_WORD: Final = {word: outcome for outcome, word in OUTCOME_WORDS.items()}
_STEPS: Final = sa.select(steps.c.no, steps.c.entity, steps.c.file, steps.c.sheet)

#: Where rows stand in a package: entity, file, sheet. It is the same in every plan of the package, a step's number is not.
Source = tuple[str, str, str | None]


class Ended:
    """What became of each row of an ended job, in one byte each."""

    def __init__(self, letters: dict[Source, bytearray]) -> None:
        self._letters = letters

    def letters(self, source: Source) -> bytearray:
        """The outcomes of the rows there, by row number; 0 where none was told."""
        return self._letters.get(source, bytearray())

    def of(self, source: Source, row: int) -> Outcome | None:
        """The outcome of a row; None where nothing was told of it: it was never sent, or is no row of the job."""
        told = self._letters.get(source, b"")
        letter = told[row] if row < len(told) else 0
        return Outcome(chr(letter)) if letter else None


def wanted(db: Database, job: Job) -> Callable[[Source, int], bool]:
    """Which rows of its package a job takes up, or looks up, that was made for rows of another. Raises NotFound.

    Where the other was made for rows of a third, it never reaches beyond these: all others of the package are not its affair.
    """
    first = get(db, job.retry_of or "")
    if not job.retry_rows:
        mine = sources(db, first.id)
        named = {(mine[step], row) for step, row in settling.made_for(db, job.id)}
        return lambda source, row: (source, row) in named
    told, taken_up = ended(db, first.id), outcomes(job)
    was_asked = wanted(db, first) if first.retry_of else None

    def is_wanted(source: Source, row: int) -> bool:
        outcome = told.of(source, row)
        if outcome is None and (was_asked is None or was_asked(source, row)):
            outcome = Outcome.SKIPPED  # it was never sent
        return outcome in taken_up

    return is_wanted


def ended(db: Database, job: str, *, as_told: bool = False) -> Ended:
    """What became of each row of an ended job.

    Those that a person took out of it are given as if they were in, unless all is wanted `as_told`.
    """
    letters: dict[int, bytearray] = {}
    told = sa.select(batches.c.places, batches.c.letters).where(batches.c.job == job, batches.c.letters.is_not(None))
    for places, outcomes in db.execute(told.execution_options(yield_per=50)):
        for (step, row), letter in zip(expand(places), outcomes, strict=True):
            _mark(letters.setdefault(step, bytearray()), row, letter)
    never_sent = sa.select(problems.c.step, problems.c.row, problems.c.outcome)
    never_sent = never_sent.where(problems.c.job == job, problems.c.batch.is_(None))
    for step, row, word in db.execute(never_sent.execution_options(yield_per=1000)):
        _mark(letters.setdefault(step, bytearray()), row, _BY_WORD[word])
    for step, row in () if as_told else settling.left_alone(db, job):
        _mark(letters.setdefault(step, bytearray()), row, Outcome.UNCHANGED)
    mine = sources(db, job)
    return Ended({mine[step]: marks for step, marks in letters.items()})


def sources(db: Database, job: str) -> dict[int, Source]:
    """Where the rows of each step of a job stand."""
    return {row.no: (row.entity, row.file, row.sheet) for row in db.execute(_STEPS.where(steps.c.job == job))}


def counts(db: Database, job: str) -> dict[str, int]:
    """Rows by outcome, without those that a person took out of the job: these are told as skipped."""
    found = dict(totals(db, [job])[job])
    found["skipped"] -= len(settling.left_alone(db, job))
    return found


def of_job(db: Database, job: str) -> list[Job]:
    """The retries of this job, the oldest first."""
    retried = (jobs.c.retry_of == job) & (jobs.c.retry_rows != "")
    found = db.execute(sa.select(jobs.c.id).where(retried).order_by(jobs.c.number)).scalars()
    return [get(db, each) for each in found.all()]


def words(outcomes: Sequence[Outcome]) -> str:
    """Outcomes as a job keeps them."""
    return ",".join(OUTCOME_WORDS[outcome] for outcome in outcomes)


def outcomes(of: Job) -> frozenset[Outcome]:
    """The outcomes whose rows a job takes up."""
    return frozenset(_BY_WORD[word] for word in of.retry_rows.split(",") if word)


def _mark(letters: bytearray, row: int, letter: str) -> None:
    if row >= len(letters):
        letters.extend(bytes(row + 1 - len(letters)))
    letters[row] = ord(letter)
