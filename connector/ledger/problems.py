"""Why rows are not in: one record per row that failed, was skipped, or is unknown."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import sqlalchemy as sa

from connector.ledger.schema import problems, steps
from connector.ledger.store import Database
from connector.wire.reports import OUTCOME_WORDS, Outcome, Outcomes, Problem


def tell(db: Database, *, job: str, batch: int, places: Sequence[tuple[int, int]], outcomes: Outcomes) -> None:
    """Record the problems of a batch; `places` are the (step, row number) of its rows."""
    told = [_values(job, places[p.row], batch, OUTCOME_WORDS[Outcome(outcomes.letters[p.row])], p) for p in outcomes.problems]
    if told:
        db.execute(sa.insert(problems), told)


def refuse(db: Database, *, job: str, rows: Sequence[tuple[int, int, Outcome, Problem]]) -> None:
    """Record rows that were failed or skipped before they were sent: (step, row number, outcome, problem).

    A row with several problems counts once; all of them must come in one call.
    """
    if not rows:
        return
    told = [_values(job, (step, number), None, OUTCOME_WORDS[outcome], problem) for step, number, outcome, problem in rows]
    db.execute(sa.insert(problems), told)
    counts = Counter((step, OUTCOME_WORDS[outcome]) for step, _, outcome in {each[:3] for each in rows})
    for (step, word), count in counts.items():
        mine = (steps.c.job == job) & (steps.c.no == step)
        db.execute(sa.update(steps).where(mine).values({word: steps.c[word] + count}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One thing that is wrong with a row."""

    row: int
    column: str | None
    message: str
    advice: str


def by_row(db: Database, job: str, step: int) -> Iterator[tuple[int, list[Wrong]]]:
    """What is wrong with the rows of a step, row by row, in their order."""
    names = [problems.c[name] for name in ("row", "column", "message", "advice")]
    query = sa.select(*names).where(problems.c.job == job, problems.c.step == step).order_by(problems.c.row, problems.c.id)
    found = (Wrong(**row) for row in db.execute(query.execution_options(yield_per=1000)).mappings())
    return ((row, list(several)) for row, several in groupby(found, key=lambda each: each.row))


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
