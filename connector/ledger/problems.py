"""Why rows are not in: one record per row that failed, was skipped, or is unknown."""

from collections.abc import Sequence

import sqlalchemy as sa

from connector.ledger.schema import problems, steps
from connector.ledger.store import Database
from connector.wire.reports import OUTCOME_WORDS, Outcome, Outcomes, Problem


def tell(db: Database, *, job: str, batch: int, places: Sequence[tuple[int, int]], outcomes: Outcomes) -> None:
    """Record the problems of a batch; `places` are the (step, row number) of its rows."""
    told = [_values(job, places[p.row], batch, OUTCOME_WORDS[Outcome(outcomes.letters[p.row])], p) for p in outcomes.problems]
    if told:
        db.execute(sa.insert(problems), told)


def refuse(db: Database, *, job: str, rows: Sequence[tuple[int, int, Problem]]) -> None:
    """Record rows that failed before they were sent: (step, row number, problem). They count as failed."""
    if not rows:
        return
    db.execute(sa.insert(problems), [_values(job, (step, number), None, "failed", problem) for step, number, problem in rows])
    for step in {step for step, _, _ in rows}:
        mine = (steps.c.job == job) & (steps.c.no == step)
        count = sum(1 for other, _, _ in rows if other == step)
        db.execute(sa.update(steps).where(mine).values(failed=steps.c.failed + count))


def _values(job: str, place: tuple[int, int], batch: int | None, outcome: str, problem: Problem) -> dict[str, object]:
    step, number = place
    return {
        "job": job,
        "step": step,
        "batch": batch,
        "index": problem.row,
        "row": number,
        "outcome": outcome,
        "column": problem.column,
        "field": problem.field,
        "value": problem.value,
        "message": problem.message,
        "advice": problem.advice,
        "code": problem.code,
    }
