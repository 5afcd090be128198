"""Rows whose outcome nobody could prove: which they are, and what becomes of them once a person, or a look at AX, has told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from connector.ledger.attempts import BatchState
from connector.ledger.courses import Course, course
from connector.ledger.places import expand
from connector.ledger.schema import batches, problems, resolutions, steps
from connector.ledger.store import Database
from connector.wire.jobs import Mode
from connector.wire.reports import OUTCOME_WORDS, Intent, Outcome

#: Outcomes that are not proved.
OPEN: Final = frozenset({Outcome.UNKNOWN, Outcome.HANDED_OVER})
#: What is told of a row that another job has, and of which it is to tell.
TAKEN: Final = "RSC-3141"
#: Ways to settle rows after which no retry of the job takes them up.
LEFT_ALONE: Final = ("retry", "skip")
#: Outcomes of rows that are as the load wants them.
IN: Final = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.DELETED})
_BY_MODE: Final = {Mode.CREATE: Outcome.CREATED, Mode.UPDATE: Outcome.UPDATED, Mode.DELETE: Outcome.DELETED}
_BY_OPERATION: Final = {"create": Outcome.CREATED, "update": Outcome.UPDATED, "delete": Outcome.DELETED}
_OPEN_BATCHES: Final = sa.select(
    batches.c.id, batches.c.step, batches.c.places, batches.c.letters, batches.c.state, batches.c.open_intent
).where(
    batches.c.job == sa.bindparam("of_job"),
    sa.or_(batches.c.letters.contains("?", autoescape=True), batches.c.letters.contains("h", autoescape=True)),
)

_PLACES: Final = sa.select(resolutions.c.step, resolutions.c.row)

#: Where a row is in a job: its step and its number.
Place = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A row that waits for a person."""

    outcome: Outcome
    """one of `OPEN`"""
    meant: Outcome
    """what it has become if its call went well"""
    document: Place
    """the root row that it was written with"""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What a row without a proved outcome has become, with a sentence where it is not in."""

    outcome: Outcome
    message: str = ""
    advice: str = ""
    code: str = ""


def unsettled(db: Database, job: str) -> dict[Place, Open]:
    """The rows of a job that wait for a person."""
    found: dict[Place, Open] = {}
    for batch in db.execute(_OPEN_BATCHES, {"of_job": job}):
        meant = _meant(course(db, job, batch.step), batch.open_intent)
        root = 0
        for place, letter in zip(expand(batch.places), batch.letters, strict=True):
            root = place[1] if place[0] == batch.step else root
            if letter in OPEN:
                found[place] = Open(outcome=Outcome(letter), meant=meant, document=(batch.step, root))
    return found


def settle(db: Database, job: str, ends: Mapping[Place, End]) -> int:
    """Give rows without a proved outcome their end; others are left alone. Counts follow. Returns how many there were."""
    moved: Counter[tuple[int, str, Outcome]] = Counter()
    for batch in db.execute(_OPEN_BATCHES, {"of_job": job}).all():
        letters = list(batch.letters)
        for index, place in enumerate(expand(batch.places)):
            end = ends.get(place)
            if end is None or letters[index] not in OPEN:
                continue
            moved[place[0], letters[index], end.outcome] += 1
            letters[index] = end.outcome
            _tell(db, job, batch.id, index, place, end)
        state = BatchState.DONE if batch.state == BatchState.UNKNOWN and Outcome.UNKNOWN not in letters else batch.state
        db.execute(sa.update(batches).where(batches.c.id == batch.id).values(letters="".join(letters), state=state))
    for (step, before, after), count in moved.items():
        _count(db, job, step, {OUTCOME_WORDS[Outcome(before)]: -count, OUTCOME_WORDS[after]: count})
    return moved.total()


def note(db: Database, job: str, places: Sequence[Place], *, way: str, by: str, at: float, made: str | None) -> None:
    """Record how a person settled rows; `made` is the job that looks them up, or takes them up."""
    values = [{"job": job, "step": step, "row": row, "way": way, "at": at, "by": by, "made": made} for step, row in places]
    db.execute(sa.insert(resolutions), values)


def made_for(db: Database, made: str) -> set[Place]:
    """The rows, of the job that it was made for, which a job looks up or takes up."""
    return {(row.step, row.row) for row in db.execute(_PLACES.where(resolutions.c.made == made))}


def left_alone(db: Database, job: str) -> set[Place]:
    """The rows of a job that a person took out of it: another job takes them up, or they shall not be written."""
    mine = (resolutions.c.job == job) & resolutions.c.way.in_(LEFT_ALONE)
    taken = sa.select(problems.c.step, problems.c.row).where(problems.c.job == job, problems.c.code == TAKEN)
    return {(row.step, row.row) for query in (_PLACES.where(mine), taken) for row in db.execute(query)}


def _meant(how: Course, open_intent: str | None) -> Outcome:
    if "outcome" in how.options:
        return Outcome(str(how.options["outcome"]))
    operation = Intent.model_validate_json(open_intent).operation if open_intent else ""
    return _BY_MODE.get(how.mode) or _BY_OPERATION.get(operation, Outcome.UPDATED)


def _tell(db: Database, job: str, batch: int, index: int, place: Place, end: End) -> None:
    db.execute(sa.delete(problems).where(problems.c.job == job, problems.c.batch == batch, problems.c.index == index))
    if end.outcome in IN:
        return
    step, row = place
    told = {"outcome": OUTCOME_WORDS[end.outcome], "message": end.message, "advice": end.advice, "code": end.code}
    db.execute(sa.insert(problems).values(job=job, step=step, batch=batch, index=index, row=row, **told))


def _count(db: Database, job: str, step: int, more: Mapping[str, int]) -> None:
    mine = (steps.c.job == job) & (steps.c.no == step)
    db.execute(sa.update(steps).where(mine).values({word: steps.c[word] + count for word, count in more.items()}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a lookup found of a row: its outcome there, and the code of what was told of its document."""

    outcome: Outcome
    code: str


def seen(db: Database, lookup: str) -> dict[tuple[str, str, str | None, int], Seen]:
    """What a lookup found, by entity, file, sheet and row number."""
    named = sa.select(steps.c.no, steps.c.entity, steps.c.file, steps.c.sheet).where(steps.c.job == lookup)
    sources = {step.no: (step.entity, step.file, step.sheet) for step in db.execute(named)}
    told = sa.select(problems.c.batch, problems.c.index, problems.c.code).where(problems.c.job == lookup)
    codes = {(batch, index): code for batch, index, code in db.execute(told)}
    found: dict[tuple[str, str, str | None, int], Seen] = {}
    query = sa.select(batches.c.id, batches.c.step, batches.c.places, batches.c.letters)
    for batch in db.execute(query.where(batches.c.job == lookup, batches.c.letters.is_not(None))):
        code = ""
        for index, ((step, row), letter) in enumerate(zip(expand(batch.places), batch.letters, strict=True)):
            if step == batch.step:  # what is told of a document is told at its root
                code = codes.get((batch.id, index), "")
            found[*sources[step], row] = Seen(outcome=Outcome(letter), code=code)
    return found
