"""Which worker process carries an attempt out: the one whose call was granted first.

A broken connection, or an old append-only file, can bring one message to two processes. Without this both would be given
leave, and what AX cannot recognise by its MessageId, a method of a class, would be called twice. It must never change what
an intent says: the mark stands in front of its text, as a field that whoever reads it does not know.
"""

import json
from typing import Final

import sqlalchemy as sa

from connector.ledger.attempts import CURRENT, OF, named
from connector.ledger.schema import batches
from connector.ledger.store import Database
from connector.wire.reports import BatchRef

#: Names of processes are far shorter; the text behind the mark may be long.
_LONGEST: Final = 500
_MARK = sa.select(sa.func.substr(batches.c.open_intent, 1, _LONGEST)).where(OF)
_SENT = sa.select(batches.c.id).where(CURRENT)


def marked(intent: str, ref: BatchRef, *, worker: str) -> str:
    """The text of a granted intent, with the process that it was granted to."""
    return f"{_opening(ref)}{json.dumps(worker)[1:]},{intent[1:]}"


def is_anothers(db: Database, ref: BatchRef, *, worker: str) -> bool:
    """Whether a call of this attempt was granted, and to another process than this one."""
    told = db.execute(_MARK, named(ref)).scalar() or ""
    return told.startswith(_opening(ref)) and not told.startswith(marked("{", ref, worker=worker))


def is_current(db: Database, ref: BatchRef) -> bool:
    """Whether an attempt is the one that was sent last, and has no end."""
    return db.execute(_SENT, named(ref)).first() is not None


def _opening(ref: BatchRef) -> str:
    return f'{{"by":"{ref.attempt} '
