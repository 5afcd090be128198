"""Which jobs changed since when: a number that grows with each change of a job or its steps, in the order of commits.

The database's own triggers count, so no change can be missed. Of each job only its last change is kept.
"""

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from connector.ledger.schema import changes, jobs
from connector.ledger.store import Database

#: One change: its number, and the job.
Change = tuple[int, str]

#: More changes than a ledger of years has jobs.
_MOST: Final = 1 << 31

_LATEST: Final = sa.select(sa.func.coalesce(sa.func.max(changes.c.seq), 0))
_SINCE: Final = (
    sa.select(changes.c.seq, changes.c.job)
    .where(changes.c.seq > sa.bindparam("after"))
    .order_by(changes.c.seq)
    .limit(sa.bindparam("most"))
)
_UNFINISHED: Final = (
    sa.select(changes.c.seq, changes.c.job)
    .join(jobs, jobs.c.id == changes.c.job)
    .where(jobs.c.finished_at.is_(None))
    .order_by(changes.c.seq)
)
_RUNNING: Final = (
    sa.select(changes.c.seq, changes.c.job)
    .join(jobs, jobs.c.id == changes.c.job)
    .where(jobs.c.state == "running")
    .order_by(changes.c.seq)
)


def latest(db: Database) -> int:
    """The number of the last change; 0 where there was none."""
    return int(db.execute(_LATEST).scalar_one())


def since(db: Database, after: int, *, most: int = _MOST) -> list[Change]:
    """The last change of each job that changed after this one, in their order; up to `most` of them."""
    return [(row.seq, row.job) for row in db.execute(_SINCE, {"after": after, "most": most})]


def of_unfinished(db: Database) -> list[Change]:
    """The last change of each job that has not ended, in their order."""
    return [(row.seq, row.job) for row in db.execute(_UNFINISHED)]


def of_jobs(db: Database, job_ids: Collection[str]) -> list[Change]:
    """The last change of each of these jobs, in their order."""
    query = sa.select(changes.c.seq, changes.c.job).where(changes.c.job.in_(job_ids)).order_by(changes.c.seq)
    return [(row.seq, row.job) for row in db.execute(query)]


def of_running(db: Database) -> list[Change]:
    """The last change of each job that runs, in their order."""
    return [(row.seq, row.job) for row in db.execute(_RUNNING)]
