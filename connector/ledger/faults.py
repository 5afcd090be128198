"""How often a batch came back, and for what: what the retry policy decides by, and the end of a batch that is given up."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from connector.ledger import attempts, batches, endings
from connector.ledger.attempts import CURRENT, UNFINISHED, BatchState
from connector.ledger.schema import batches as table
from connector.ledger.store import Database
from connector.wire.reports import PENDING, BatchRef, Intent, Outcome, Outcomes, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Why a batch came back before, in succession."""

    fault: str = ""
    times: int = 0
    since: float | None = None
    left: int | None = None
    """its rows without an outcome, the last time"""
    open_rows: int = 0
    """root rows of its call that told no end"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """Why a batch is given up, for each of its rows."""

    message: str
    advice: str
    code: str


def past(db: Database, ref: BatchRef) -> Past | None:
    """What is known of the batch; None where this attempt is not the current one."""
    row = attempts.current(db, ref)
    if row is None:
        return None
    open_rows = len(Intent.model_validate_json(row["open_intent"]).documents) if row["open_intent"] else 0
    return Past(fault=row["fault"], times=row["faults"], since=row["fault_since"], left=row["fault_left"], open_rows=open_rows)


def note(db: Database, ref: BatchRef, found: Past) -> None:
    """The batch came back once more."""
    values = {"fault": found.fault, "faults": found.times, "fault_since": found.since, "fault_left": found.left}
    db.execute(sa.update(table).where(CURRENT).values(values), attempts.named(ref))


def wake(db: Database, endpoint: str, *, fault: str) -> None:
    """Let go at once what was held back for one reason, but for batches of which AX may still be at work on a call."""
    held = (table.c.endpoint == endpoint) & (table.c.state == BatchState.PLANNED) & (table.c.not_before > 0)
    mine = held & (table.c.fault == fault) & table.c.open_intent.is_(None)
    db.execute(sa.update(table).where(mine).values(not_before=0.0))


def last_tried(db: Database, endpoint: str) -> dict[str, float]:
    """When a batch of each job was sent last that has no end; jobs of which none was are left out."""
    query = sa.select(table.c.job, sa.func.max(table.c.sent_at)).where(table.c.endpoint == endpoint, table.c.sent_at.is_not(None))
    found = db.execute(query.where(table.c.state.in_(UNFINISHED)).group_by(table.c.job))
    return {job: at for job, at in found}  # noqa: C416 - rows are no pairs to mypy


def open_batches(db: Database, jobs: Sequence[str]) -> int:
    """How many batches of these jobs are on the way, or may be sent as soon as the AOS answers."""
    ranks = sa.select(table.c.job, sa.func.min(table.c.rank).label("rank"))
    ranks = ranks.where(table.c.job.in_(jobs), table.c.state.in_(UNFINISHED)).group_by(table.c.job)
    now = ranks.subquery()
    mine = sa.select(sa.func.count()).join_from(table, now, (now.c.job == table.c.job) & (now.c.rank == table.c.rank))
    return int(db.execute(mine.where(table.c.state.in_(UNFINISHED))).scalar_one())


def give_up(db: Database, ref: BatchRef, *, so_far: Outcomes | None, settled: bool, because: Because, at: float) -> bool:
    """End a batch that would come back for ever: what is left has failed, or is unknown where a call told no end.

    False where this attempt is not the current one.
    """
    row = attempts.current(db, ref)
    if row is None:
        return False
    if so_far is None:
        so_far = Outcomes.model_validate_json(row["so_far"]) if row["so_far"] else Outcomes(letters=PENDING * row["size"])
    intent = Intent.model_validate_json(row["open_intent"]) if row["open_intent"] and not settled else None
    ended = endings.ended(so_far, places=row["places"], step=row["step"], intent=intent)
    outcomes = _explained(so_far, ended, because)
    return batches.done(db, ref, outcomes=outcomes, calls=0, seconds=0.0, at=at)


def _explained(so_far: Outcomes, ended: Outcomes, because: Because) -> Outcomes:
    """What is left has failed for the reason given; what is unknown says so in its own words."""
    failed = [
        place
        for place, (before, after) in enumerate(zip(so_far.letters, ended.letters, strict=True))
        if before == PENDING and after == Outcome.SKIPPED
    ]
    letters = "".join(Outcome.FAILED if place in set(failed) else letter for place, letter in enumerate(ended.letters))
    doubts = [
        problem.model_copy(update={"message": f"{because.message} A call was under way: the row may be in AX, or not."})
        for problem in ended.problems[len(so_far.problems) :]
    ]
    told = [Problem(row=place, message=because.message, advice=because.advice, code=because.code) for place in failed]
    return ended.model_copy(update={"letters": letters, "problems": (*so_far.problems, *doubts, *told)})
