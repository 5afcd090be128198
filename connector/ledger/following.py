"""What became of rows in a later job: the jobs that had them before show it too.

Jobs that take up rows of one load are a family: the load, its retries, their retries. A row that was not in shows, in each
of them that has it, the outcome that it had last; why it was not in before is kept beside it.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from connector.ledger.attempts import BatchState
from connector.ledger.jobs import Job, get
from connector.ledger.places import expand, runs
from connector.ledger.retries import Source, ended, sources
from connector.ledger.schema import batches, jobs, past_problems, problems, steps
from connector.ledger.settling import IN, OPEN, TAKEN
from connector.ledger.store import Database
from connector.wire.reports import OUTCOME_WORDS, Outcome

#: Rows of a batch that holds those of an earlier job which were never sent there.
_BATCH_ROWS: Final = 500

Place = tuple[int, int]
#: What is told of a row, whichever batch told it.
_TOLD: Final = tuple(
    problems.c[name] for name in ("job", "step", "row", "outcome", "column", "field", "value", "message", "advice", "code")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved:
    """A row of the earlier job that has another outcome now, and where that is kept."""

    before: Outcome
    after: Outcome
    batch: int
    index: int


def family(db: Database, job: Job) -> list[Job]:
    """The load that a job belongs to and all jobs that took up rows of it, the oldest first."""
    first = job
    while first.retry_of and first.retry_rows:
        first = get(db, first.retry_of)
    found, new = [first], [first.id]
    while new:
        query = sa.select(jobs.c.id).where(jobs.c.retry_of.in_(new), jobs.c.retry_rows != "")
        new = list(db.execute(query).scalars())
        found += [get(db, each) for each in new]
    return sorted(found, key=lambda each: each.number)


def corrections(db: Database, job: Job) -> tuple[str, ...]:
    """The SHA-256 of each workbook by which rows of the load that a job belongs to were corrected, the oldest first."""
    return tuple(dict.fromkeys(each for member in family(db, job) for each in member.corrections))


def follow(db: Database, job: str, later: str, *, at: float) -> Counter[str]:
    """Show, in an ended job, what became in a later one of its rows that were not in. Returns how many became what.

    A row that is in stays so. One of which nobody can prove what became of it counts as skipped: it is settled there.
    """
    mine, told, known = sources(db, job), ended(db, later, as_told=True), ended(db, job)
    letters = {no: found for no, source in mine.items() if (found := told.letters(source))}
    moved = _in_batches(db, job, letters)
    unsent = _unsent(db, job)
    moved |= _never_sent(db, job, letters, was=lambda no, row: known.of(mine[no], row) or unsent(no, row))
    _count(db, job, moved)
    _tell(db, job, later, moved, mine, at=at)
    return Counter(OUTCOME_WORDS[each.after] for each in moved.values())


def _unsent(db: Database, job: str) -> Callable[[int, int], Outcome | None]:
    """Tells rows of the job that were never sent: of a load all that nothing was told of, of a retry those it had planned."""
    if not get(db, job).retry_of:
        return lambda *_: Outcome.SKIPPED
    planned: set[Place] = set()
    for places in db.execute(sa.select(batches.c.places).where(batches.c.job == job, batches.c.letters.is_(None))).scalars():
        planned.update(expand(places))
    return lambda step, row: Outcome.SKIPPED if (step, row) in planned else None


def _in_batches(db: Database, job: str, letters: Mapping[int, bytearray]) -> dict[Place, _Moved]:
    """Rows that were sent: their batches get the new outcomes. What is found is taken out of `letters`."""
    moved: dict[Place, _Moved] = {}
    query = sa.select(batches.c.id, batches.c.places, batches.c.letters).where(
        batches.c.job == job, batches.c.letters.is_not(None)
    )
    for batch in db.execute(query).all():
        if not any(any(letters.get(step, b"")[first : first + count]) for step, first, count in json.loads(batch.places)):
            continue
        changed = list(batch.letters)
        for index, place in enumerate(expand(batch.places)):
            after = _taken(letters, place)
            if after and changed[index] not in IN | OPEN:
                before, changed[index] = Outcome(changed[index]), after
                moved[place] = _Moved(before=before, after=after, batch=batch.id, index=index)
        db.execute(sa.update(batches).where(batches.c.id == batch.id).values(letters="".join(changed)))
    return moved


def _taken(letters: Mapping[int, bytearray], place: Place) -> Outcome | None:
    step, row = place
    told = letters.get(step, bytearray())
    if row >= len(told) or not told[row]:
        return None
    letter, told[row] = chr(told[row]), 0
    return Outcome.SKIPPED if letter in OPEN else Outcome(letter)


def _never_sent(
    db: Database, job: str, letters: Mapping[int, bytearray], *, was: Callable[[int, int], Outcome | None]
) -> dict[Place, _Moved]:  # fmt: skip
    """The others: no batch of the job told of them, so that they get one that does."""
    moved: dict[Place, _Moved] = {}
    for step, told in letters.items():
        rows = [row for row, letter in enumerate(told) if letter and was(step, row) not in IN | OPEN | {None}]
        for start in range(0, len(rows), _BATCH_ROWS):
            chunk = rows[start : start + _BATCH_ROWS]
            ends = [_taken(letters, (step, row)) or Outcome.SKIPPED for row in chunk]
            batch = _new_batch(db, job, step, chunk, "".join(ends))
            for index, (row, after) in enumerate(zip(chunk, ends, strict=True)):
                before = was(step, row) or Outcome.SKIPPED
                moved[step, row] = _Moved(before=before, after=after, batch=batch, index=index)
    return moved


def _new_batch(db: Database, job: str, step: int, rows: list[int], letters: str) -> int:
    last = sa.select(sa.func.coalesce(sa.func.max(batches.c.no), 0)).where(batches.c.job == job, batches.c.step == step)
    values = {
        "job": job,
        "endpoint": sa.select(jobs.c.endpoint).where(jobs.c.id == job).scalar_subquery(),
        "step": step,
        "no": db.execute(last).scalar_one() + 1,
        "rank": 0,
        "state": BatchState.DONE,
        "size": len(rows),
        "places": json.dumps(runs((step, row) for row in rows), separators=(",", ":")),
        "letters": letters,
    }
    return int(db.execute(sa.insert(batches).values(values).returning(batches.c.id)).scalar_one())


def _count(db: Database, job: str, moved: Mapping[Place, _Moved]) -> None:
    counts: dict[int, Counter[str]] = {}
    for (step, _), each in moved.items():
        mine = counts.setdefault(step, Counter())
        mine[OUTCOME_WORDS[each.before]] -= 1
        mine[OUTCOME_WORDS[each.after]] += 1
    for step, more in counts.items():
        values = {word: steps.c[word] + count for word, count in more.items() if count}
        if values:
            db.execute(sa.update(steps).where(steps.c.job == job, steps.c.no == step).values(values))


def _tell(
    db: Database, job: str, later: str, moved: Mapping[Place, _Moved], mine: Mapping[int, Source], *, at: float
) -> None:  # fmt: skip
    """What was told of the rows belongs to the past; where they are still not in, what the later job tells holds."""
    by_step: dict[int, list[int]] = {}
    for step, row in moved:
        by_step.setdefault(step, []).append(row)
    for step, rows in by_step.items():
        for start in range(0, len(rows), _BATCH_ROWS):
            these = (problems.c.job == job, problems.c.step == step, problems.c.row.in_(rows[start : start + _BATCH_ROWS]))
            past = sa.select(*_TOLD, sa.literal(later), sa.literal(at)).where(*these).order_by(problems.c.id)
            db.execute(sa.insert(past_problems).from_select([*_TOLD, "followed_by", "at"], past))
            db.execute(sa.delete(problems).where(*these))
    told = [values for step in by_step for values in _still_told(db, job, later, step, mine[step], moved)]
    if told:
        db.execute(sa.insert(problems), told)


def _still_told(
    db: Database, job: str, later: str, step: int, source: Source, moved: Mapping[Place, _Moved]
) -> Iterator[dict[str, object]]:
    theirs = next(no for no, each in sources(db, later).items() if each == source)
    query = sa.select(problems).where(problems.c.job == later, problems.c.step == theirs)
    for problem in db.execute(query.order_by(problems.c.id)).mappings():
        here = moved.get((step, problem["row"]))
        if here is None or here.after in IN:
            continue
        values = {name: problem[name] for name in ("row", "column", "field", "value", "message", "advice", "code")}
        if problem["outcome"] != OUTCOME_WORDS[here.after]:  # it is open there
            values |= {"message": f"{later} takes it up: {problem['message']}", "code": TAKEN}
            values |= {"advice": f"Settle it there: rapidstart job resolve {later}"}
        place = {"job": job, "step": step, "batch": here.batch, "index": here.index, "outcome": OUTCOME_WORDS[here.after]}
        yield values | place


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was wrong with a row that a later job took up, and which one that was."""

    id: int
    entity: str
    file: str
    sheet: str | None
    row: int
    outcome: str
    column: str | None
    field: str | None
    value: str | None
    message: str
    followed_by: str
    at: float


def past(db: Database, job: str, *, after: int = 0, limit: int = 1000) -> list[Past]:
    """What was wrong with rows of a job before later ones took them up; `after` is the id of the last of the page before."""
    query = (
        sa.select(past_problems, steps.c.entity, steps.c.file, steps.c.sheet)
        .join(steps, (steps.c.job == past_problems.c.job) & (steps.c.no == past_problems.c.step))
        .where(past_problems.c.job == job, past_problems.c.id > after)
        .order_by(past_problems.c.id)
        .limit(limit)
    )
    names = Past.__dataclass_fields__
    return [Past(**{name: row[name] for name in names}) for row in db.execute(query).mappings()]
