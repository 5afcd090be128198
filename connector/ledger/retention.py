"""Removes the rows of jobs that ended long ago, a piece at a time, and packages that no kept job needs.

The job, the counts of its steps, its log and the audit stay.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from connector.errors import Conflict
from connector.ledger import jobs as stored
from connector.ledger import throughput
from connector.ledger.endpoints import fact, remember
from connector.ledger.jobs import Job
from connector.ledger.schema import (
    answers,
    batches,
    intents,
    jobs,
    package_parts,
    packages,
    past_problems,
    problems,
    resolutions,
    staging,
)
from connector.ledger.store import Database

#: The fact that names the job whose rows are being removed: a new dispatcher goes on with it.
_UNDER_WAY: Final = "removing rows of"
#: What holds rows of a job, in the order in which it goes; intents hang on batches and go before.
_HOLDERS: Final = (problems, past_problems, answers, resolutions, staging, batches)
_DAY_S: Final = 86400.0

_MADE_OF_IT = jobs.alias("made_of_it")
_NEEDED: Final = sa.exists().where(_MADE_OF_IT.c.retry_of == jobs.c.id, _MADE_OF_IT.c.finished_at.is_(None))
_NEXT: Final = (
    sa.select(jobs)
    .where(jobs.c.finished_at < sa.bindparam("before"), jobs.c.removed_at.is_(None), ~_NEEDED)
    .order_by(jobs.c.number)
    .limit(1)
)
_IN_USE: Final = sa.select(jobs.c.package).where(jobs.c.removed_at.is_(None), jobs.c.package.is_not(None))
_CORRECTS: Final = sa.exists().where(jobs.c.removed_at.is_(None), jobs.c.corrections.contains(packages.c.sha256))
_UNUSED: Final = (
    sa.select(packages.c.sha256)
    .where(packages.c.received_at < sa.bindparam("before"), packages.c.sha256.not_in(_IN_USE), ~_CORRECTS)
    .limit(1)
)


def begun(db: Database, *, before: float, at: float) -> str | None:
    """The job whose rows are to be removed now: one that was begun, else the oldest that ended before this time.

    One that an unfinished job takes rows from, to load them again or to look them up, is left alone. None: there is none.
    """
    if under_way := fact(db, _UNDER_WAY):
        return under_way
    row = db.execute(_NEXT, {"before": before}).mappings().first()
    if row is None:
        return None
    db.execute(sa.update(jobs).where(jobs.c.id == row["id"]).values(removed_at=at, advice=""))
    remember(db, _UNDER_WAY, row["id"])
    throughput.forget(db, row["id"])
    job = stored.get(db, row["id"])
    if job.package:
        stored.say(db, job.id, f"{told(job)}.", at=at)
    return job.id


def remove_some(db: Database, job: str, *, most: int) -> bool:
    """Remove up to `most` entries of a job. False where nothing was left: the removal has ended."""
    hanging = sa.select(intents.c.id).join(batches, batches.c.id == intents.c.batch).where(batches.c.job == job).limit(most)
    if db.execute(sa.delete(intents).where(intents.c.id.in_(hanging))).rowcount:
        return True
    for table in _HOLDERS:
        mine = sa.select(table.c.id).where(table.c.job == job).limit(most)
        if db.execute(sa.delete(table).where(table.c.id.in_(mine))).rowcount:
            return True
    remember(db, _UNDER_WAY, "")
    return False


def forget_package(db: Database, *, before: float) -> bool:
    """Forget a package that was received before this time, and that no job with rows refers to. False where there is none."""
    sha256 = db.execute(_UNUSED, {"before": before}).scalar()
    if sha256 is None:
        return False
    db.execute(sa.delete(package_parts).where(package_parts.c.sha256 == sha256))
    db.execute(sa.delete(packages).where(packages.c.sha256 == sha256))
    return True


def unknown(db: Database, names: Iterable[str]) -> list[str]:
    """Those of the names that are the digest of no package."""
    known = set(db.execute(sa.select(packages.c.sha256)).scalars())
    return [name for name in names if name not in known]


def check(job: Job) -> None:
    """Raises Conflict where the rows of a job were removed: they cannot be loaded again, nor settled."""
    if job.removed_at is not None:
        raise Conflict(f"{told(job, of=job.id)}.", advice="Load the package again: rapidstart load FILE")


def told(job: Job, *, of: str = "") -> str:
    """When rows that were removed were, as "Its rows were removed on 2026-04-01, 90 days after it ended"."""
    at, ended = job.removed_at or 0.0, job.finished_at or 0.0
    days = int((at - ended) // _DAY_S)
    on = datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d")
    whose = f"The rows of {of}" if of else "Its rows"
    return f"{whose} were removed on {on}, {days} {'day' if days == 1 else 'days'} after it ended"
