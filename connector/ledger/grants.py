"""Intents and grants: what a worker is about to write, committed before it may. Nothing here answers anybody."""

import zlib

import sqlalchemy as sa

from connector.ledger import holders
from connector.ledger.attempts import CURRENT, named
from connector.ledger.jobs import JobKind
from connector.ledger.schema import batches, intents, jobs
from connector.ledger.store import Database
from connector.wire.reports import BatchRef, Intent, Outcomes

#: Why a worker that asks for leave in a preview gets none: it is older than previews, and takes the rows for a load.
PREVIEW_WRITES_NOTHING = "a preview writes nothing"

_GRANTABLE = (
    sa.select(batches.c.id, batches.c.open_intent, jobs.c.ending, jobs.c.paused, jobs.c.kind)
    .join(jobs, jobs.c.id == batches.c.job)
    .where(CURRENT)
)
_GRANT = (
    sa.update(batches)
    .where(batches.c.id == sa.bindparam("of_id"))
    .values(open_intent=sa.bindparam("intent"), granted_at=sa.bindparam("now"), so_far=sa.bindparam("told"))
)
_ADD_INTENT = sa.insert(intents)
_GRANTED = sa.select(intents.c.id).where(
    intents.c.batch == sa.bindparam("of_id"),
    intents.c.attempt == sa.bindparam("to"),
    intents.c.message_id == sa.bindparam("message"),
)


def grant(
    db: Database,
    ref: BatchRef,
    *,
    intent: Intent,
    so_far: Outcomes,
    at: float,
    worker: str = "",
    held: str = "",
    barred: str = "",
) -> str:
    """Record an intent, and what the calls before it brought. Returns "" when the call may be made, else why not.

    `worker`: the process that asks; from the first grant on the attempt is its own. `held`: why no other call is made now.
    `barred`: why none is made at all, nor one that may have been made settled.
    """
    row = db.execute(_GRANTABLE, named(ref)).mappings().first()
    if row is None:
        return "this attempt was replaced"
    repeats = row["open_intent"] is not None and Intent.model_validate_json(row["open_intent"]).message_id == intent.message_id
    if why := _never(db, row, ref, intent, repeats=repeats):
        return why
    if repeats and barred:
        return barred
    if not repeats and (why := _halted(row) or barred or held):  # a call that may have been made is settled all the same
        told = {"so_far": so_far.model_dump_json(), "open_intent": None, "granted_at": None}
        db.execute(sa.update(batches).where(batches.c.id == row["id"]).values(told))
        return why
    text = intent.model_dump_json()
    mine = holders.marked(text, ref, worker=worker)
    db.execute(_GRANT, {"of_id": row["id"], "intent": mine, "now": at, "told": so_far.model_dump_json()})
    if not repeats:
        packed = zlib.compress(text.encode(), 1)
        values = {"batch": row["id"], "attempt": ref.attempt, "message_id": intent.message_id, "intent": packed, "granted_at": at}
        db.execute(_ADD_INTENT, values)
    return ""


def _never(db: Database, row: sa.RowMapping, ref: BatchRef, intent: Intent, *, repeats: bool) -> str:
    """Why a call of a current attempt is not made, now or later; "" where it may be. What it told meanwhile is not taken."""
    if row["kind"] == JobKind.PREVIEW:
        return PREVIEW_WRITES_NOTHING
    if not repeats and db.execute(_GRANTED, {"of_id": row["id"], "to": ref.attempt, "message": intent.message_id}).first():
        return "this call was granted before"  # a report of old, come again: what was granted since stands
    return ""


def _halted(row: sa.RowMapping) -> str:
    """Why a job makes no further call; "" where it goes on."""
    return "the job was ended" if row["ending"] else "the job was paused" if row["paused"] else ""
