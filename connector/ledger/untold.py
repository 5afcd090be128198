"""Calls that may have been made without this ledger's knowledge, because it was restored from a backup.

A row that is loaded again is found by its key; a call of an operation or a method leaves no such trace, and its MessageId
tells AX nothing where another attempt made it. So none of them is made by itself: the rows are unknown, and wait for a person.
"""

import json
from typing import Final

import sqlalchemy as sa

from connector.ledger import attempts, closing
from connector.ledger.attempts import BatchState
from connector.ledger.schema import batches as table
from connector.ledger.schema import steps
from connector.ledger.store import Database
from connector.wire.reports import PENDING, BatchRef, Outcome, Outcomes, Problem

_MARK: Final = "untold"
_MESSAGE: Final = "The ledger was restored from a backup: this call may have been made since then, or not."
_ADVICE: Final = (
    "Look in AX whether it has, then settle it: rapidstart job resolve JOB --row FILE:SHEET:ROW --as done (or retry, or skip)."
)
_CODE: Final = "RSC-3146"

_OF_CALLS: Final = sa.exists().where(steps.c.job == table.c.job, steps.c.no == table.c.step, steps.c.kind != "load.tables")


def hold(db: Database, job: str, *, at: float) -> None:
    """Make no call of a job any more: those that wait end as unknown, those on the way unless their worker tells their end."""
    mine = (table.c.job == job) & _OF_CALLS
    for row in db.execute(sa.select(table).where(mine, table.c.state == BatchState.PLANNED)).mappings().all():
        _end(db, row, None, at=at)
    for row in db.execute(sa.select(table).where(mine, table.c.state == BatchState.SENT)).mappings().all():
        marked = json.dumps(json.loads(row["options"]) | {_MARK: True})
        db.execute(sa.update(table).where(table.c.id == row["id"]).values(options=marked))


def end(db: Database, ref: BatchRef, *, so_far: Outcomes | None, at: float) -> bool:
    """End a batch that was on the way when the ledger was restored, and has come back or is lost: what is left is unknown.

    False for every other batch, and where this attempt is not the current one: it may be sent again.
    """
    row = attempts.current(db, ref)
    if row is None or _MARK not in json.loads(row["options"]):
        return False
    _end(db, row, so_far, at=at)
    return True


def count(db: Database, job: str) -> int:
    """How many batches of calls a job has that no worker has told the end of."""
    open_states = [BatchState.PLANNED, BatchState.SENT, BatchState.UNKNOWN]
    query = sa.select(sa.func.count()).where(table.c.job == job, table.c.state.in_(open_states), _OF_CALLS)
    return int(db.execute(query).scalar_one())


def _end(db: Database, row: sa.RowMapping, so_far: Outcomes | None, *, at: float) -> None:
    if so_far is None:
        so_far = Outcomes.model_validate_json(row["so_far"]) if row["so_far"] else Outcomes(letters=PENDING * row["size"])
    doubtful = [place for place, letter in enumerate(so_far.letters) if letter == PENDING]
    told = [Problem(row=place, message=_MESSAGE, advice=_ADVICE, code=_CODE) for place in doubtful]
    letters = so_far.letters.replace(PENDING, Outcome.UNKNOWN)
    outcomes = so_far.model_copy(update={"letters": letters, "problems": (*so_far.problems, *told)})
    state = BatchState.UNKNOWN if Outcome.UNKNOWN in letters else BatchState.DONE
    closing.settle(db, row, outcomes, state=state, calls=0, seconds=0.0, at=at, keep_intent=True)
