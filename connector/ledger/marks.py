"""The mark of the AX database behind an endpoint: by it a database that was refreshed or restored is noticed.

A changed mark holds everything back that writes, until a person accepts it: what was loaded before may not be there any more.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final

import sqlalchemy as sa

from connector.ledger import jobs
from connector.ledger.schema import batches, endpoints
from connector.ledger.schema import jobs as every_job
from connector.ledger.store import Database
from connector.wire.jobs import Target
from connector.wire.metadata import Metadata

#: When the mark was seen last is kept this exactly, in seconds: not every report is worth a write.
_EXACT_S: Final = 60.0
#: Loads that are listed at most, the newest first.
_MOST: Final = 200

_MARK: Final = sa.select(endpoints.c.mark).where(endpoints.c.key == sa.bindparam("of_key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is known of an endpoint's database. Times are seconds since 1970."""

    text: str
    """as it was told first, or accepted last; "" where nobody had told one"""
    since: float
    """from then on it has been this database; 0: as far as is known"""
    seen_at: float
    """when it was told last, to the minute"""
    other: str | None = None
    """another one that was told since; "": it is told no more"""
    noticed_at: float = 0.0

    @property
    def changed(self) -> bool:
        """Whether a person must accept that this is another database."""
        return self.other is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A load that wrote to the database as it was before, or that is not finished."""

    job: jobs.Job
    written: int
    """rows that were created, updated or deleted, and may not be there any more"""
    unknown: int
    left: int
    """batches that have no end"""


def of_text(stored: str | None) -> Mark | None:
    """A mark as it was stored."""
    return Mark(**json.loads(stored)) if stored else None


def target_of_text(stored: str | None) -> Target | None:
    """The service that tells it, as it was stored."""
    return Target.model_validate_json(stored) if stored else None


def teller(found: Metadata) -> str | None:
    """The service that tells the mark, to be stored; None where there is none."""
    service = found.marker
    if service is None:
        return None
    return Target(
        address=service.address, port=service.port, service=service.name, contract=found.fingerprint
    ).model_dump_json()  # fmt: skip


def meet(db: Database, key: str, told: str | None, *, at: float) -> bool:
    """Note the mark that a worker was told: "" = nobody tells it, None = it was not asked. True where it has just changed.

    Endpoints that share the database are held back with it.
    """
    if told is None:
        return False
    known = of_text(db.execute(_MARK, {"of_key": key}).scalar())
    if known is None and told:
        _store(db, key, Mark(text=told, since=0.0, seen_at=at))
    if known is None or known.changed:
        return False
    if told == known.text:
        if at - known.seen_at > _EXACT_S or at < known.seen_at:
            _store(db, key, replace(known, seen_at=at))
        return False
    for other, mark in _sharing(db, key, known).items():
        _store(db, other, replace(mark, other=told, noticed_at=at))
    return True


def accept(db: Database, key: str, *, at: float) -> bool:
    """A person says that all is well with the database as it is now. False where it had not changed."""
    known = of_text(db.execute(_MARK, {"of_key": key}).scalar())
    if known is None or not known.changed:
        return False
    _store(db, key, Mark(text=known.other, since=at, seen_at=at) if known.other else None)
    return True


def to_reconcile(db: Database, key: str, mark: Mark) -> list[Loaded]:
    """The loads of an endpoint that wrote to the database as it was before, and those that are not finished; the newest first."""
    mine = (every_job.c.endpoint == key) & (every_job.c.kind == jobs.JobKind.LOAD)
    recent = every_job.c.finished_at.is_(None) | (every_job.c.finished_at >= mark.since)
    ids = db.execute(sa.select(every_job.c.id).where(mine, recent).order_by(every_job.c.submitted_at.desc()).limit(_MOST))
    named = list(ids.scalars())
    counts = jobs.totals(db, named)
    found = [_loaded(db, job, counts[job]) for job in named]
    return [each for each in found if each.written or each.unknown or each.job.finished_at is None]


def _loaded(db: Database, job: str, counts: Mapping[str, int]) -> Loaded:
    left = sa.select(sa.func.count()).where(batches.c.job == job, batches.c.state.in_(["planned", "sent"]))
    return Loaded(
        job=jobs.get(db, job),
        written=counts["created"] + counts["updated"] + counts["deleted"],
        unknown=counts["unknown"] + counts["handed_over"],
        left=db.execute(left).scalar_one(),
    )


def _sharing(db: Database, key: str, known: Mark) -> dict[str, Mark]:
    """The endpoint and all that write to the same database, each with what is known of its mark."""
    database = db.execute(sa.select(endpoints.c.database).where(endpoints.c.key == key)).scalar() or ""
    rows = db.execute(sa.select(endpoints.c.key, endpoints.c.mark).where(endpoints.c.database == database)) if database else ()
    nothing = Mark(text="", since=0.0, seen_at=known.seen_at)
    return {row.key: of_text(row.mark) or nothing for row in rows} | {key: known}


def _store(db: Database, key: str, mark: Mark | None) -> None:
    text = json.dumps(asdict(mark)) if mark else None
    db.execute(sa.update(endpoints).where(endpoints.c.key == key).values(mark=text))
