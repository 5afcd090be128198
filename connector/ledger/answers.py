"""What service operations and class methods answered, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from connector.ledger.schema import answers, steps
from connector.ledger.store import Database
from connector.wire.reports import Outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call for one row answered."""

    id: int
    step: int
    entity: str
    file: str
    sheet: str | None
    row: int
    text: str


def tell(db: Database, *, job: str, places: Sequence[tuple[int, int]], outcomes: Outcomes) -> None:
    """Record the answers of a batch; `places` are the (step, row number) of its rows."""
    told = [
        {"job": job, "step": places[index][0], "row": places[index][1], "text": text} for index, text in outcomes.answers.items()
    ]
    db.execute(sa.insert(answers), told)


def of_job(db: Database, job: str, *, after: int = 0, limit: int = 1000) -> list[Answer]:
    """Answers in the order in which they were told; `after` is the id of the last one of the page before."""
    query = (
        sa.select(answers.c.id, answers.c.step, steps.c.entity, steps.c.file, steps.c.sheet, answers.c.row, answers.c.text)
        .join(steps, (steps.c.job == answers.c.job) & (steps.c.no == answers.c.step))
        .where(answers.c.job == job, answers.c.id > after)
        .order_by(answers.c.id)
        .limit(limit)
    )
    return [Answer(**row) for row in db.execute(query).mappings()]


def count(db: Database, job: str) -> int:
    """How many rows of a job have an answer."""
    found = db.execute(sa.select(sa.func.count()).select_from(answers).where(answers.c.job == job)).scalar_one()
    return int(found)
