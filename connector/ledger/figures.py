"""Figures of the whole ledger, by endpoint: what a monitoring system asks for again and again. No job or company is named."""

from dataclasses import dataclass

import sqlalchemy as sa

from connector.ledger import leading, notices, trust
from connector.ledger.jobs import JobState
from connector.ledger.schema import batches, endpoints, jobs, steps, workers
from connector.ledger.store import Database

_OUTCOMES = ("created", "updated", "unchanged", "deleted", "failed", "skipped", "unknown", "handed_over")
_WAITING = (JobState.QUEUED, JobState.WAITING)
_UNFINISHED = jobs.c.finished_at.is_(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Each by the endpoint's name as it was registered. Times are seconds since 1970."""

    rows: dict[tuple[str, ...], int]
    """by outcome too"""
    jobs: dict[tuple[str, ...], int]
    """by state too"""
    queued: dict[str, int]
    """batches of unfinished jobs that have no outcome"""
    waiting_since: dict[str, float]
    """when the oldest job that is queued or waits was submitted"""
    seen_at: dict[str, float]
    """when a worker was last heard of"""
    workers: dict[str, int]
    """those that were heard of lately and have not ended"""
    refused: dict[tuple[str, ...], int]
    """messages that were refused, by where (dispatcher, worker) and why"""
    spooled: dict[str, int]
    """bytes that the computers of its workers keep on disk for it"""
    noticed_at: float | None
    """since when the oldest notice waits for the webhook"""
    leads: int
    """how often a dispatcher took the lead; 0 where there can be only one"""


def taken(db: Database, *, alive_since: float) -> Figures:
    """All of them at this moment. Workers that were not heard of since `alive_since` do not count as alive."""
    names = {str(row.key): str(row.name) for row in db.execute(sa.select(endpoints.c.key, endpoints.c.name))}
    return Figures(
        rows=_rows(db, names),
        jobs={(names[key], state): count for key, state, count in db.execute(_JOBS) if key in names},
        queued=dict.fromkeys(names.values(), 0) | {names[key]: count for key, count in db.execute(_QUEUED) if key in names},
        waiting_since={names[key]: at for key, at in db.execute(_WAITS) if key in names},
        seen_at={names[key]: at for key, at in db.execute(_SEEN) if key in names},
        workers=dict.fromkeys(names.values(), 0)
        | {names[key]: count for key, count in db.execute(_ALIVE, {"since": alive_since}) if key in names},
        refused={(name, each.at, each.why): each.count for key, name in names.items() for each in trust.refused(db, key)},
        spooled={names[key]: size for key, size in db.execute(_SPOOLED) if key in names},
        noticed_at=notices.oldest(db),
        leads=leading.seen(db).number,
    )


def _rows(db: Database, names: dict[str, str]) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    for key, *counts in db.execute(_ROWS):
        if key in names:
            found |= {(names[key], word): int(count or 0) for word, count in zip(_OUTCOMES, counts, strict=True)}
    return found


_ROWS = (
    sa.select(jobs.c.endpoint, *(sa.func.sum(steps.c[word]) for word in _OUTCOMES))
    .join(steps, steps.c.job == jobs.c.id)
    .group_by(jobs.c.endpoint)
)
_JOBS = sa.select(jobs.c.endpoint, jobs.c.state, sa.func.count()).group_by(jobs.c.endpoint, jobs.c.state)
_QUEUED = (
    sa.select(batches.c.endpoint, sa.func.count()).where(batches.c.state.in_(("planned", "sent"))).group_by(batches.c.endpoint)
)
_WAITS = (
    sa.select(jobs.c.endpoint, sa.func.min(jobs.c.submitted_at))
    .where(_UNFINISHED, jobs.c.state.in_(_WAITING))
    .group_by(jobs.c.endpoint)
)
_SEEN = sa.select(workers.c.endpoint, sa.func.max(workers.c.seen_at)).group_by(workers.c.endpoint)
#: Workers of one computer share a folder: each of them tells the same.
_OF_HOST = (
    sa.select(workers.c.endpoint, sa.func.max(workers.c.spool_bytes).label("most"))
    .where(sa.not_(workers.c.stopped))
    .group_by(workers.c.endpoint, workers.c.host)
    .subquery()
)
_SPOOLED = sa.select(_OF_HOST.c.endpoint, sa.func.sum(_OF_HOST.c.most)).group_by(_OF_HOST.c.endpoint)
_ALIVE = (
    sa.select(workers.c.endpoint, sa.func.count())
    .where(sa.not_(workers.c.stopped), workers.c.seen_at > sa.bindparam("since"))
    .group_by(workers.c.endpoint)
)
