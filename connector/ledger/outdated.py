"""Plans that were made by a contract which a port has no longer.

Nothing of them is sent before they were held against the new one.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from connector.ledger.attempts import UNFINISHED, BatchState
from connector.ledger.endpoints import Endpoint
from connector.ledger.schema import batches, endpoints, intents, jobs, outdated, steps
from connector.ledger.store import Database
from connector.wire.jobs import Target

_UNFINISHED = jobs.c.finished_at.is_(None) & jobs.c.planned & jobs.c.ending.is_(None)
#: Asked each time that batches may leave, and made once: making a statement costs more than running it.
_OF_ENDPOINT = (
    sa.select(outdated.c.job, outdated.c.since)
    .join(jobs, jobs.c.id == outdated.c.job)
    .where(_UNFINISHED, jobs.c.endpoint == sa.bindparam("of_endpoint"))
)


def mark(db: Database, job: str, *, at: float) -> bool:
    """A batch of a job met another contract. False where that was known; it is to be read after this time all the same."""
    if db.execute(sa.update(outdated).where(outdated.c.job == job).values(since=at)).rowcount:
        return False
    db.execute(sa.insert(outdated).values(job=job, since=at))
    return True


def mark_others(db: Database, endpoint: str, *, fingerprint: str, at: float) -> list[str]:
    """A survey read another contract than jobs of the endpoint were planned by. Those that were not known as such."""
    known = sa.select(outdated.c.job)
    query = sa.select(steps.c.job, steps.c.target).join(jobs, jobs.c.id == steps.c.job)
    found = db.execute(query.where(_UNFINISHED, jobs.c.endpoint == endpoint, jobs.c.id.not_in(known)))
    other = {job for job, target in found if Target.model_validate_json(target).contract != fingerprint}
    for job in sorted(other):
        mark(db, job, at=at)
    return sorted(other)


def clear(db: Database, job: str) -> None:
    """A job's plan fits its port's contract, or there is none any more."""
    db.execute(sa.delete(outdated).where(outdated.c.job == job))


def drop_ended(db: Database) -> None:
    """Forget what was noted of jobs that have ended."""
    unfinished = sa.select(jobs.c.id).where(jobs.c.finished_at.is_(None))
    db.execute(sa.delete(outdated).where(outdated.c.job.not_in(unfinished)))


def of_endpoint(db: Database, endpoint: str) -> dict[str, float]:
    """Unfinished jobs whose plans are held back, and since when."""
    return {row.job: row.since for row in db.execute(_OF_ENDPOINT, {"of_endpoint": endpoint})}


def at_rest(db: Database) -> list[str]:
    """Jobs that may be held against a contract now: no batch and no survey is under way, and their endpoint is not stopped."""
    flying = sa.select(batches.c.job).where(batches.c.state == BatchState.SENT)
    asked = sa.select(jobs.c.endpoint).where(jobs.c.kind == "metadata", jobs.c.finished_at.is_(None))
    mine = sa.select(jobs.c.id).join(outdated, outdated.c.job == jobs.c.id).join(endpoints, endpoints.c.key == jobs.c.endpoint)
    ready = mine.where(_UNFINISHED, ~jobs.c.paused, endpoints.c.stopped.is_(None))
    query = ready.where(jobs.c.id.not_in(flying), jobs.c.endpoint.not_in(asked)).order_by(jobs.c.number)
    return list(db.execute(query).scalars())


def is_read(db: Database, job: str, endpoint: Endpoint) -> bool:
    """Whether the endpoint's contract was read since the job's plan was found to be outdated."""
    since = db.execute(sa.select(outdated.c.since).where(outdated.c.job == job)).scalar()
    return since is None or (endpoint.surveyed_at or 0.0) >= since


def retarget(db: Database, job: str, targets: Mapping[int, Target]) -> None:
    """The steps of a job go to the same services, by their contracts of today."""
    for no, target in targets.items():
        mine = (steps.c.job == job) & (steps.c.no == no)
        db.execute(sa.update(steps).where(mine).values(target=target.model_dump_json()))


def is_untouched(db: Database, job: str) -> bool:
    """Whether no batch of a job is on the way or has an end, and no call of it was granted."""
    begun = sa.select(batches.c.id).where(batches.c.job == job, batches.c.state != BatchState.PLANNED)
    granted = sa.select(intents.c.id).join(batches, batches.c.id == intents.c.batch).where(batches.c.job == job)
    return db.execute(begun.limit(1)).first() is None and db.execute(granted.limit(1)).first() is None


def last_attempt(db: Database, job: str) -> int:
    """The highest number of an attempt at a batch of a job."""
    return db.execute(sa.select(sa.func.max(batches.c.attempt)).where(batches.c.job == job)).scalar() or 0


def number_on(db: Database, job: str, *, attempt: int) -> None:
    """Batches that were cut anew are numbered on: a worker that knows an attempt takes it for one that was delivered twice."""
    mine = (batches.c.job == job) & batches.c.state.in_(UNFINISHED)
    if attempt:
        db.execute(sa.update(batches).where(mine).values(attempt=batches.c.attempt + attempt))
