"""What a webhook is to be told, until it has taken it: ends of jobs, and trouble that begins or ends.

A job's end is found, not announced: whatever ended it, and whenever this process was killed, the next look finds it.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from connector.ledger import jobs
from connector.ledger.endpoints import fact, remember
from connector.ledger.schema import Count, Words, facts, metadata
from connector.ledger.schema import jobs as job_table
from connector.ledger.store import Database

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("id", Count, primary_key=True, autoincrement=True),
    sa.Column("event", Words, nullable=False),
    sa.Column("subject", Words, nullable=False, unique=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("body", Words, nullable=False),
    sa.Column("due_at", sa.Float, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Column("told_at", sa.Float),
    sa.Index("notices_due", "told_at", "due_at"),
)

_SINCE: Final = "notices since"
_LOOKED: Final = "notices looked"
_TROUBLES: Final = "notices troubles"
#: An end is looked for so long after its moment: a transaction may have been that late, or a clock that wrong, in seconds.
_MARGIN_S: Final = 3600.0
#: What was taken is remembered for longer than that: it must not be told anew.
_KEEP_S: Final = 48 * 3600.0
#: What nobody has taken for so long is given up, in seconds.
_GIVE_UP_S: Final = 14 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to tell. `event` is its id, the same with every try."""

    id: int
    event: str
    at: float
    body: str
    tries: int


def add(db: Database, *, subject: str, body: Mapping[str, Any], at: float) -> None:
    """Have something told. `subject` is unique: what is known already is not told again."""
    if db.execute(sa.select(notices.c.id).where(notices.c.subject == subject)).first() is None:
        values = {"event": f"msg_{secrets.token_hex(12)}", "subject": subject, "at": at, "body": json.dumps(body), "due_at": at}
        db.execute(sa.insert(notices).values(values))


def start(db: Database, *, at: float) -> None:
    """From now on somebody is told; what ended before that is not."""
    if fact(db, _SINCE) is None:
        remember(db, _SINCE, str(at))
        remember(db, _LOOKED, str(at))


def stop(db: Database) -> None:
    """Nobody is told any more."""
    if fact(db, _SINCE) is not None:
        db.execute(sa.delete(facts).where(facts.c.name.in_((_SINCE, _LOOKED, _TROUBLES))))
        db.execute(sa.delete(notices))


def ended(db: Database, *, now: float) -> list[jobs.Job]:
    """Jobs that have ended since the last look, and of which nothing was noted."""
    since = max(float(fact(db, _SINCE) or now), min(float(fact(db, _LOOKED) or now), now) - _MARGIN_S)
    known = sa.exists().where(notices.c.subject == "job " + job_table.c.id)
    query = sa.select(job_table.c.id).where(job_table.c.finished_at >= since, ~known).order_by(job_table.c.finished_at)
    found = [jobs.get(db, job_id) for job_id in db.execute(query).scalars().all()]
    if now - float(fact(db, _LOOKED) or 0) > _MARGIN_S / 60 or found:
        remember(db, _LOOKED, str(now))
    return found


def troubles(db: Database) -> dict[str, float]:
    """Troubles that were told as begun, by name, and since when."""
    told: dict[str, float] = json.loads(fact(db, _TROUBLES) or "{}")
    return told


def remember_troubles(db: Database, standing: Mapping[str, float]) -> None:
    """These are told as begun, and no others."""
    remember(db, _TROUBLES, json.dumps(dict(standing)))


def due(db: Database, *, now: float, limit: int = 50) -> list[Notice]:
    """What is to be told now, the oldest first."""
    columns = (notices.c.id, notices.c.event, notices.c.at, notices.c.body, notices.c.tries)
    query = sa.select(*columns).where(notices.c.told_at.is_(None), notices.c.due_at <= now).order_by(notices.c.id).limit(limit)
    return [Notice(**row) for row in db.execute(query).mappings()]


def oldest(db: Database) -> float | None:
    """Since when the oldest notice waits; None where none does."""
    at: float | None = db.execute(sa.select(sa.func.min(notices.c.at)).where(notices.c.told_at.is_(None))).scalar()
    return at


def taken(db: Database, notice: Notice, *, at: float) -> None:
    """It was taken."""
    db.execute(sa.update(notices).where(notices.c.id == notice.id).values(told_at=at, tries=notice.tries + 1))


def put_off(db: Database, notice: Notice, *, until: float) -> None:
    """It was not taken: it is told again then."""
    db.execute(sa.update(notices).where(notices.c.id == notice.id).values(due_at=until, tries=notice.tries + 1))


def forget(db: Database, *, now: float) -> int:
    """Drop what was taken long ago, and what nobody has taken for two weeks; how many of those."""
    db.execute(sa.delete(notices).where(notices.c.told_at < now - _KEEP_S))
    return db.execute(sa.delete(notices).where(notices.c.told_at.is_(None), notices.c.at < now - _GIVE_UP_S)).rowcount
