"""Which attempt at a batch counts: the one that was sent last, while it has no end."""

from enum import StrEnum

import sqlalchemy as sa

from connector.ledger.schema import batches
from connector.ledger.store import Database
from connector.wire.reports import BatchRef


class BatchState(StrEnum):
    """Where a batch stands. The last four are final."""

    PLANNED = "planned"
    """not on the queue"""
    SENT = "sent"
    """on the queue, or at a worker"""
    DONE = "done"
    """every row has an outcome"""
    FAILED = "failed"
    """it could not be carried out"""
    UNKNOWN = "unknown"
    """a person must settle rows of it"""
    CANCELLED = "cancelled"
    """never carried out, or not to its end"""


UNFINISHED = (BatchState.PLANNED, BatchState.SENT)

#: The parameters of what follows come from `named`. Statements of every batch are made once: making one costs more than
#: running it.
OF = (
    (batches.c.job == sa.bindparam("of_job"))
    & (batches.c.step == sa.bindparam("of_step"))
    & (batches.c.no == sa.bindparam("of_batch"))
    & (batches.c.attempt == sa.bindparam("of_attempt"))
)
CURRENT = OF & (batches.c.state == BatchState.SENT)
_FIND_CURRENT = sa.select(batches).where(CURRENT)


def named(ref: BatchRef) -> dict[str, object]:
    """The parameters of `OF` and `CURRENT`."""
    return {"of_job": ref.job, "of_step": ref.step, "of_batch": ref.batch, "of_attempt": ref.attempt}


def current(db: Database, ref: BatchRef) -> sa.RowMapping | None:
    """The batch of an attempt; None where the attempt was replaced, or has an end."""
    return db.execute(_FIND_CURRENT, named(ref)).mappings().first()
