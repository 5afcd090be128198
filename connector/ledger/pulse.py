"""Tells a ledger that was restored from a backup: the broker remembers a later pulse than the ledger itself.

The pulse counts on while a job is unfinished, once with each turn of the reconciler, so that what is missing can be told in
seconds of work. It is in the ledger before the broker is told of it. The id keeps two installations apart.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa

from connector.ledger import jobs, untold
from connector.ledger.endpoints import fact, metadata, remember
from connector.ledger.schema import batches, steps
from connector.ledger.store import Database
from connector.wire.jobs import Layout, Mode

_ID: Final = "ledger"
_PULSE: Final = "pulse"
_RESTORED: Final = "restored"

#: Jobs that only ask go on: they write nothing.
_ASKING: Final = frozenset({jobs.JobKind.PREVIEW, jobs.JobKind.TEST, jobs.JobKind.METADATA})

#: Attempts by which batches of rows are set apart from those that were sent since the backup: a worker that knows a message
#: takes it for one that was delivered twice, and keeps still. Calls are not made again at all: see `untold`.
_ATTEMPTS: Final = 10
_OF_ROWS: Final = sa.exists().where(
    steps.c.job == batches.c.job, steps.c.no == batches.c.step, steps.c.kind == "load.tables"
)  # fmt: skip
_APART: Final = (
    sa.update(batches)
    .where(batches.c.job == sa.bindparam("of_job"), batches.c.state == "planned", _OF_ROWS)
    .values(attempt=batches.c.attempt + _ATTEMPTS)
)

_LEFT: Final = (
    sa.select(batches.c.id, batches.c.options, steps.c.mode, steps.c.service, steps.c.layout)
    .join(steps, (steps.c.job == batches.c.job) & (steps.c.no == batches.c.step))
    .where(batches.c.job == sa.bindparam("of_job"), batches.c.state.in_(["planned", "sent"]), steps.c.kind == "load.tables")
)

REASON: Final = "the ledger was restored from a backup: what was done since then is not in it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What lay on the broker for an endpoint when the restored ledger was noticed."""

    endpoint: str
    reports: int
    """of workers, not recorded yet"""
    batches: int
    """on its queue"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A restored ledger was noticed, and its loads were paused."""

    at: float
    missing: int
    """pulses that it lacks: about as many seconds in which jobs were under way"""
    jobs: tuple[str, ...]
    waiting: tuple[Waiting, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a job is, as the ledger has it."""

    job: jobs.Job
    in_flight: int
    """batches that were sent and have no end"""
    planned: int
    """batches that were not sent: in truth they may have been"""
    calls: int
    """batches that call an operation or a class and whose end nobody has told: their rows are unknown, or will be"""


def advance(db: Database) -> str:
    """Count on. What the broker is to be told after the commit."""
    number = int(fact(db, _PULSE) or 0) + 1
    remember(db, _PULSE, str(number))
    return f"{_identity(db)} {number}"


def behind(db: Database, told: str | None) -> int:
    """By how many pulses the ledger is older than the one that the broker was told of; 0 where nothing speaks for that."""
    name, _, number = (told or "").partition(" ")
    if not number.isdigit() or name != fact(db, _ID):
        return 0
    return max(0, int(number) - int(fact(db, _PULSE) or 0))


def hold_back(db: Database, *, missing: int, waiting: tuple[Waiting, ...], at: float) -> Restored:
    """Pause every unfinished job that writes, and remember which; from here on the ledger is the newest one again.

    One that is about to end sends nothing more, and is left to end.
    """
    held = [job for job in jobs.unfinished(db) if job.kind not in _ASKING and not job.ending]
    for job in held:
        jobs.mark(db, job.id, paused=True)
        db.execute(_APART, {"of_job": job.id})
        _look_first(db, job)
        untold.hold(db, job.id, at=at)
        jobs.set_state(db, job.id, jobs.JobState.PAUSED, reason=REASON)
        jobs.say(db, job.id, f"Paused: {REASON}.", at=at)
    remember(db, _PULSE, str(int(fact(db, _PULSE) or 0) + missing))
    found = Restored(at=at, missing=missing, jobs=tuple(job.id for job in held), waiting=waiting)
    remember(db, _RESTORED, json.dumps(asdict(found)))
    return found


def _look_first(db: Database, job: jobs.Job) -> None:
    """Rows that the ledger takes for unsent may be in: by calls of another size, so that no MessageId would tell AX of it.

    Mode `create` that nobody asked for comes of a key that was only guessed; creates may have told since that it is the key.
    """
    found = metadata(db, job.endpoint)
    learnt = {service.name: set(service.key) for service in found.services} if found else {}
    for row in db.execute(_LEFT, {"of_job": job.id}).all():
        was_guessed = row.mode == Mode.CREATE and job.order.mode is not Mode.CREATE
        guessed = was_guessed and learnt.get(row.service) != set(Layout.model_validate_json(row.layout).key)
        options = json.loads(row.options) | {"look_first": True} | ({"guessed": True} if guessed else {})
        db.execute(sa.update(batches).where(batches.c.id == row.id).values(options=json.dumps(options)))


def restored(db: Database) -> Restored | None:
    """When a restored ledger was noticed last; None where it never was."""
    text = fact(db, _RESTORED)
    if text is None:
        return None
    told: dict[str, Any] = json.loads(text)
    return Restored(
        at=told["at"],
        missing=told["missing"],
        jobs=tuple(told["jobs"]),
        waiting=tuple(Waiting(**each) for each in told["waiting"]),
    )


def held(db: Database, job: str) -> bool:
    """Whether a job was under way, by the ledger, when it was noticed last that it was restored."""
    found = restored(db)
    return found is not None and job in found.jobs


def held_back(db: Database) -> list[Standing]:
    """The jobs that are still paused because the ledger was restored, or ended with calls that nobody can tell the end of."""
    paused = [_standing(db, job) for job in jobs.unfinished(db) if job.paused and job.reason == REASON]
    found = restored(db)
    others = jobs.these(db, found.jobs) if found else []
    ended = [_standing(db, job) for job in others if job.finished_at is not None and job.removed_at is None]
    return paused + [each for each in ended if each.calls]


def _standing(db: Database, job: jobs.Job) -> Standing:
    mine = sa.select(sa.func.count()).where(batches.c.job == job.id)
    return Standing(
        job=job,
        in_flight=db.execute(mine.where(batches.c.state == "sent")).scalar_one(),
        planned=db.execute(mine.where(batches.c.state == "planned")).scalar_one(),
        calls=untold.count(db, job.id),
    )


def _identity(db: Database) -> str:
    known = fact(db, _ID)
    if known is None:
        known = secrets.token_hex(8)
        remember(db, _ID, known)
    return known
