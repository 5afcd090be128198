"""Moments that recovery waits for, where the wall clock was set: they move with it. Moments that tell of the past stay."""

import sqlalchemy as sa

from connector.ledger.attempts import UNFINISHED, BatchState
from connector.ledger.schema import batches, jobs, workers
from connector.ledger.store import Database


def shift(db: Database, *, by: float) -> None:
    """The clock was put forward by so many seconds, or back (negative): what was sent, granted or held back goes with it."""
    open_ones = batches.c.state.in_(UNFINISHED)
    told = {column: column + by for column in (batches.c.sent_at, batches.c.granted_at, batches.c.fault_since)}
    db.execute(sa.update(batches).where(open_ones).values(told))
    db.execute(sa.update(jobs).where(jobs.c.finished_at.is_(None)).values(expires_at=jobs.c.expires_at + by))
    held = (batches.c.state == BatchState.PLANNED) & (batches.c.not_before > 0)
    db.execute(sa.update(batches).where(held).values(not_before=batches.c.not_before + by))


def last_told(db: Database) -> float:
    """The latest moment at which something was heard or sent, by the clock of that time; 0 for never."""
    heard = db.execute(sa.select(sa.func.max(workers.c.seen_at))).scalar()
    sent = db.execute(sa.select(sa.func.max(batches.c.sent_at)).where(batches.c.state.in_(UNFINISHED))).scalar()
    return max(heard or 0.0, sent or 0.0)
