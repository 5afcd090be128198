"""How many rows got which outcome when, in steps of five seconds, and how long the oldest job of an endpoint waited.

The database counts rows itself, where a step's counts change: the sum over a job's buckets is what the job says. A row that
is settled later takes one from `unknown` at that moment, so a count may be negative.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from connector.ledger.jobs import OUTCOMES
from connector.ledger.schema import Words, jobs, metadata
from connector.ledger.store import Database

#: How long a bucket is, in seconds.
BUCKET_S: Final = 5
#: How long queue ages are kept, in seconds, and how far apart they are.
_AGES_KEPT_S: Final = 30 * 86400
AGES_EVERY_S: Final = 60

throughput = sa.Table(
    "throughput",
    metadata,
    sa.Column("job", Words, primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
    *(sa.Column(word, sa.Integer, nullable=False) for word in OUTCOMES),
    sa.Index("throughput_by_time", "at"),
)

queue_ages = sa.Table(
    "queue_ages",
    metadata,
    sa.Column("endpoint", Words, primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("oldest_s", sa.Float, nullable=False),
    sa.Column("jobs", sa.Integer, nullable=False),
)

_ENDED: Final = sum((throughput.c[word] for word in OUTCOMES), sa.literal(0))
_WAITING: Final = ("queued", "waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Rows by outcome in the seconds from `at` on, which is seconds since 1970."""

    at: int
    rows: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueAge:
    """How long the oldest waiting job of an endpoint had waited at a moment, and how many waited."""

    endpoint: str
    at: int
    oldest_s: float
    jobs: int


def of_job(db: Database, job: str, *, bucket_s: int = BUCKET_S, since: float = 0.0) -> list[Bucket]:
    """A job's buckets, the oldest first; those in which nothing ended are left out."""
    return _buckets(db, throughput.c.job == job, bucket_s=bucket_s, since=since)


def of_endpoints(db: Database, keys: Collection[str] | None, *, bucket_s: int, since: float) -> list[Bucket]:
    """The buckets of all jobs of these endpoints together; None: of all."""
    mine = sa.true() if keys is None else throughput.c.job.in_(sa.select(jobs.c.id).where(jobs.c.endpoint.in_(keys)))
    return _buckets(db, mine, bucket_s=bucket_s, since=since)


def ended_lately(db: Database, job_ids: Collection[str], *, since: float) -> dict[str, int]:
    """How many rows of each of these jobs got an outcome since a moment."""
    query = (
        sa.select(throughput.c.job, sa.func.sum(_ENDED))
        .where(throughput.c.job.in_(job_ids), throughput.c.at >= since)
        .group_by(throughput.c.job)
    )
    return {job: int(count) for job, count in db.execute(query)}


def failed_lately(db: Database, *, since: float) -> dict[str, int]:
    """How many rows of loads failed since a moment, by the endpoint's key."""
    query = (
        sa.select(jobs.c.endpoint, sa.func.sum(throughput.c.failed))
        .join(jobs, jobs.c.id == throughput.c.job)
        .where(throughput.c.at >= since, jobs.c.kind == "load")
        .group_by(jobs.c.endpoint)
    )
    return {key: int(count) for key, count in db.execute(query)}


def forget(db: Database, job: str) -> None:
    """Remove the buckets of a job."""
    db.execute(sa.delete(throughput).where(throughput.c.job == job))


def note_ages(db: Database, *, at: float) -> None:
    """Note how old the queue of each endpoint is, where a job waits; once a minute counts. What is old goes."""
    minute = int(at) // AGES_EVERY_S * AGES_EVERY_S
    if db.execute(sa.select(queue_ages.c.at).where(queue_ages.c.at == minute).limit(1)).first():
        return
    query = (
        sa.select(jobs.c.endpoint, sa.func.min(jobs.c.submitted_at), sa.func.count())
        .where(jobs.c.finished_at.is_(None), jobs.c.state.in_(_WAITING))
        .group_by(jobs.c.endpoint)
    )
    found = [
        {"endpoint": key, "at": minute, "oldest_s": max(0.0, at - first), "jobs": count}
        for key, first, count in db.execute(query)
    ]
    if found:
        db.execute(sa.insert(queue_ages), found)
    db.execute(sa.delete(queue_ages).where(queue_ages.c.at < at - _AGES_KEPT_S))


def ages(db: Database, keys: Collection[str] | None, *, since: float) -> list[QueueAge]:
    """The queue ages of these endpoints, the oldest first; None: of all. A minute without an entry: nothing waited."""
    query = sa.select(queue_ages).where(queue_ages.c.at >= since).order_by(queue_ages.c.at, queue_ages.c.endpoint)
    if keys is not None:
        query = query.where(queue_ages.c.endpoint.in_(keys))
    return [QueueAge(**row) for row in db.execute(query).mappings()]


def _buckets(db: Database, mine: Any, *, bucket_s: int, since: float) -> list[Bucket]:
    at = (throughput.c.at - throughput.c.at % bucket_s).label("bucket")
    sums = [sa.func.sum(throughput.c[word]).label(word) for word in OUTCOMES]
    query = sa.select(at, *sums).where(mine, throughput.c.at >= since).group_by(at).order_by(at)
    found: Sequence[sa.RowMapping] = db.execute(query).mappings().all()
    return [Bucket(at=int(row["bucket"]), rows={word: int(row[word]) for word in OUTCOMES}) for row in found]
