"""Batches: the unit of queueing and of retry. What was granted to them is in `grants`, which attempt counts in `attempts`."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from connector.ledger import attempts, closing, endings, twice
from connector.ledger.attempts import CURRENT, UNFINISHED, BatchState
from connector.ledger.places import Run
from connector.ledger.schema import batches, steps
from connector.ledger.store import Database
from connector.ledger.twice import Second
from connector.wire.reports import PENDING, BatchRef, Intent, Outcome, Outcomes

_START_STEP = (
    sa.update(steps)
    .where(steps.c.job == sa.bindparam("of_job"), steps.c.no == sa.bindparam("of_step"), steps.c.started_at.is_(None))
    .values(started_at=sa.bindparam("now"))
)
_RANK = sa.select(sa.func.min(batches.c.rank)).where(batches.c.job == sa.bindparam("of_job"), batches.c.state.in_(UNFINISHED))
_CLAIMABLE = (
    sa.select(batches)
    .where(
        batches.c.job == sa.bindparam("of_job"),
        batches.c.state == BatchState.PLANNED,
        batches.c.rank == _RANK.scalar_subquery(),
        batches.c.not_before <= sa.bindparam("now"),
    )
    .limit(sa.bindparam("most"))
)
_IN_ORDER = _CLAIMABLE.order_by(batches.c.id)
_UNTRIED_FIRST = _CLAIMABLE.order_by(batches.c.sent_at.nulls_first(), batches.c.id)
_SEND = (
    sa.update(batches)
    .where(batches.c.id == sa.bindparam("of_id"))
    .values(state=BatchState.SENT, attempt=batches.c.attempt + 1, sent_at=sa.bindparam("now"))
)
_COUNT_IN_FLIGHT = sa.select(sa.func.count()).where(
    batches.c.state == BatchState.SENT, batches.c.endpoint == sa.bindparam("of_endpoint")
)
_ANY_UNFINISHED = sa.select(batches.c.id).where(batches.c.job == sa.bindparam("of_job"), batches.c.state.in_(UNFINISHED)).limit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBatch:
    """A batch as planning makes it. `size` counts nested rows too."""

    step: int
    no: int
    rank: int
    size: int
    places: Sequence[Run]
    rows: bytes | None
    options: Mapping[str, object] = field(default_factory=dict)
    """what its message says beside its step's options"""
    second: Second | None = None
    """the pass that its rows make once more"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A batch that is about to leave."""

    ref: BatchRef
    size: int
    rows: bytes
    so_far: Outcomes | None
    open_intent: Intent | None
    options: Mapping[str, Any]
    second: Second | None = None
    is_second: bool = False
    """it leaves for its second pass"""


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """A batch that was sent and has no end yet."""

    ref: BatchRef
    endpoint: str
    sent_at: float


def add_many(db: Database, *, job: str, endpoint: str, new: Sequence[NewBatch]) -> None:
    """Store planned batches."""
    if new:
        db.execute(
            sa.insert(batches),
            [
                {
                    "job": job,
                    "endpoint": endpoint,
                    "step": batch.step,
                    "no": batch.no,
                    "rank": batch.rank,
                    "state": BatchState.PLANNED,
                    "size": batch.size,
                    "places": json.dumps(batch.places, separators=(",", ":")),
                    "rows": batch.rows,
                    "options": json.dumps(batch.options, separators=(",", ":")) if batch.options else "{}",
                    "second": batch.second.as_text() if batch.second else None,
                }
                for batch in new
            ],
        )


def claim(db: Database, *, job: str, limit: int, now: float, untried_first: bool = False) -> list[Sending]:
    """Mark up to `limit` batches of the job's present rank as sent, with their next attempt number."""
    query = _UNTRIED_FIRST if untried_first else _IN_ORDER
    found = db.execute(query, {"of_job": job, "now": now, "most": limit}).mappings().all()
    if found:
        db.execute(_SEND, [{"of_id": row["id"], "now": now} for row in found])
    return [_sending(row) for row in found]


def next_due(db: Database, *, job: str) -> tuple[float, str] | None:
    """When the next batch that is held back may leave, and why it is held back."""
    query = (
        sa.select(batches.c.not_before, batches.c.reason)
        .where(batches.c.job == job, batches.c.state == BatchState.PLANNED, batches.c.not_before > 0)
        .order_by(batches.c.not_before)
        .limit(1)
    )
    row = db.execute(query).first()
    return (row[0], row[1]) if row else None


def in_flight(db: Database, endpoint: str | None = None) -> list[InFlight]:
    """Batches that were sent and have no end yet."""
    query = sa.select(batches.c.job, batches.c.step, batches.c.no, batches.c.attempt, batches.c.endpoint, batches.c.sent_at)
    query = query.where(batches.c.state == BatchState.SENT)
    if endpoint is not None:
        query = query.where(batches.c.endpoint == endpoint)
    return [
        InFlight(
            ref=BatchRef(job=row.job, step=row.step, batch=row.no, attempt=row.attempt),
            endpoint=row.endpoint,
            sent_at=row.sent_at,
        )
        for row in db.execute(query)
    ]


def count_in_flight(db: Database, endpoint: str) -> int:
    """How many batches of an endpoint were sent and have no end yet."""
    return int(db.execute(_COUNT_IN_FLIGHT, {"of_endpoint": endpoint}).scalar_one())


def start_step(db: Database, *, job: str, step: int, at: float) -> None:
    """A worker has taken the first batch of a step."""
    db.execute(_START_STEP, {"of_job": job, "of_step": step, "now": at})


def done(db: Database, ref: BatchRef, *, outcomes: Outcomes, calls: int, seconds: float, at: float) -> bool:
    """All rows have an outcome: the batch ends, or waits for its second pass.

    False where this attempt is not the current one, or had told its end before.
    """
    row = attempts.current(db, ref)
    if row is None:
        return False
    if closing.again(db, row, outcomes, state=BatchState.PLANNED, calls=calls, seconds=seconds, at=at):
        return True
    state = BatchState.UNKNOWN if Outcome.UNKNOWN in outcomes.letters else BatchState.DONE
    _settle(db, row, outcomes, state=state, calls=calls, seconds=seconds, at=at)
    return True


def returned(
    db: Database,
    ref: BatchRef,
    *,
    so_far: Outcomes | None,
    settled: bool,
    not_before: float,
    reason: str,
    sent: bool = True,
) -> bool:
    """The batch came back unfinished and is sent again later. False where this attempt is not the current one.

    Unless it is `settled`, AX may still be at work on its granted call: it waits until that call's limit has passed. Where
    nothing was `sent`, that has passed already: the attempt itself had waited for it.
    """
    if not settled and sent:
        not_before = max(not_before, _limit(attempts.current(db, ref)))
    values = {"state": BatchState.PLANNED, "not_before": not_before, "reason": reason}
    if so_far is not None:
        values["so_far"] = so_far.model_dump_json()
    if settled:
        values |= {"open_intent": None, "granted_at": None}
    return bool(db.execute(sa.update(batches).where(CURRENT).values(values), attempts.named(ref)).rowcount)


def replace(db: Database, ref: BatchRef, *, now: float, reason: str) -> float | None:
    """Take a batch away from an attempt that was lost. Returns when it may be sent again.

    Where a granted call has told no end, AX may still be at work on it: the batch waits until the call's limit has passed.
    None where this attempt is not the current one.
    """
    row = attempts.current(db, ref)
    if row is None:
        return None
    limit = _limit(row)
    due = max(now, limit) if limit else 0.0
    values = {"state": BatchState.PLANNED, "not_before": due, "reason": reason}
    db.execute(sa.update(batches).where(CURRENT).values(values), attempts.named(ref))
    return due


def cancel_waiting(db: Database, job: str, *, held: Callable[[BatchRef], bool], at: float) -> None:
    """End the batches of a job that no worker holds: their rows are skipped, or unknown where a call told no end."""
    mine = batches.c.job == job
    untouched = mine & (batches.c.state == BatchState.PLANNED) & batches.c.open_intent.is_(None) & batches.c.so_far.is_(None)
    alone = untouched & ~_nested()
    for step, size in db.execute(
        sa.select(batches.c.step, sa.func.sum(batches.c.size)).where(alone).group_by(batches.c.step)
    ).all():
        counted = (steps.c.job == job) & (steps.c.no == step)
        db.execute(sa.update(steps).where(counted).values(skipped=steps.c.skipped + size))
    db.execute(sa.update(batches).where(alone).values(state=BatchState.CANCELLED, rows=None))
    for row in db.execute(sa.select(batches).where(mine, batches.c.state.in_(UNFINISHED))).mappings().all():
        if row["state"] == BatchState.PLANNED or not held(_ref(row)):
            _end_early(db, row, at=at)


def end_early(db: Database, ref: BatchRef, *, at: float, so_far: Outcomes | None, settled: bool) -> bool:
    """A batch of a job that is ending came back: what is proved counts, the rest is skipped or unknown."""
    row = attempts.current(db, ref)
    if row is None:
        return False
    _end_early(db, row, at=at, so_far=so_far, settled=settled)
    return True


def drop(db: Database, job: str) -> None:
    """Nothing of a job is written: its planned rows are skipped, but for those that were refused."""
    db.execute(sa.delete(batches).where(batches.c.job == job))
    left = steps.c.rows - steps.c.failed
    db.execute(sa.update(steps).where(steps.c.job == job).values(skipped=left))


def any_unfinished(db: Database, job: str) -> bool:
    """Whether a batch of the job has no end yet."""
    return db.execute(_ANY_UNFINISHED, {"of_job": job}).first() is not None


def _limit(row: sa.RowMapping | None) -> float:
    """When the time limit of a batch's granted call has passed; 0 where it has none without an end."""
    if row is None or not row["open_intent"] or not row["granted_at"]:
        return 0.0
    return float(row["granted_at"] + Intent.model_validate_json(row["open_intent"]).time_limit_s)


def _nested() -> sa.ColumnElement[bool]:
    """Batches whose rows belong to more than one step."""
    lines = steps.alias("lines")
    return sa.exists().where(lines.c.job == batches.c.job, lines.c.parent == batches.c.step)


def _ref(row: sa.RowMapping) -> BatchRef:
    return BatchRef(job=row["job"], step=row["step"], batch=row["no"], attempt=row["attempt"])


def _sending(row: sa.RowMapping) -> Sending:
    return Sending(
        ref=BatchRef(job=row["job"], step=row["step"], batch=row["no"], attempt=row["attempt"] + 1),
        size=row["size"],
        rows=row["rows"] or b"",
        so_far=Outcomes.model_validate_json(row["so_far"]) if row["so_far"] else None,
        open_intent=Intent.model_validate_json(row["open_intent"]) if row["open_intent"] else None,
        options=json.loads(row["options"]),
        second=twice.read(row["second"]),
        is_second=row["first_letters"] is not None,
    )


def _end_early(db: Database, row: sa.RowMapping, *, at: float, so_far: Outcomes | None = None, settled: bool = False) -> None:
    if so_far is None:
        so_far = Outcomes.model_validate_json(row["so_far"]) if row["so_far"] else Outcomes(letters=PENDING * row["size"])
    intent = Intent.model_validate_json(row["open_intent"]) if row["open_intent"] and not settled else None
    outcomes = endings.ended(so_far, places=row["places"], step=row["step"], intent=intent)
    _settle(db, row, outcomes, state=BatchState.CANCELLED, calls=0, seconds=0.0, at=at)


def _settle(
    db: Database, row: sa.RowMapping, outcomes: Outcomes, *, state: BatchState, calls: int, seconds: float, at: float
) -> None:
    unknown = state is BatchState.UNKNOWN
    closing.settle(db, row, outcomes, state=state, calls=calls, seconds=seconds, at=at, keep_intent=unknown)
