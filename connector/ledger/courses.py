"""What the plan of a job became: its steps, and the course that each step's batches take. Jobs themselves are in `jobs`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from connector.ledger.jobs import OUTCOMES
from connector.ledger.schema import batches, jobs, problems, staging, steps
from connector.ledger.store import Database
from connector.wire.jobs import Layout, Mode, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action within a job: what it writes, in which order and why, and what became of its rows."""

    no: int
    entity: str
    file: str
    sheet: str | None
    table: str
    service: str
    parent: int | None
    rank: int
    reasons: dict[str, str]
    mode: str
    rows: int
    counts: dict[str, int]
    blanks_kept: int = 0
    started_at: float | None = None
    finished_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What every batch of a step needs to travel."""

    layout: Layout
    target: Target
    mode: Mode
    kind: str = "load.tables"
    """the task that carries its batches out"""
    options: Mapping[str, object] = field(default_factory=dict)
    """what messages of this kind say besides"""

    @property
    def service(self) -> str:
        """By what calls are told apart that take more or less time: the service, and the record that it writes."""
        return f"{self.target.service}/{self.layout.table}"


_ANY_STEP = sa.select(steps.c.no).where(steps.c.job == sa.bindparam("of_job")).limit(1)
_ADD_STEP = sa.insert(steps)
_COUNT_STEP = (
    sa.update(steps)
    .where(steps.c.job == sa.bindparam("of_job"), steps.c.no == sa.bindparam("of_step"))
    .values(rows=sa.bindparam("count"))
)
_PLANNED = sa.update(jobs).where(jobs.c.id == sa.bindparam("of_job")).values(planned=True, rows=sa.bindparam("count"))
_COURSE = sa.select(steps.c.layout, steps.c.target, steps.c.mode, steps.c.kind, steps.c.options).where(
    steps.c.job == sa.bindparam("of_job"), steps.c.no == sa.bindparam("of_step")
)


def clear_plan(db: Database, job_id: str) -> None:
    """Remove what an interrupted planning left behind."""
    if db.execute(_ANY_STEP, {"of_job": job_id}).first() is None:
        return
    for table in (batches, staging, problems, steps):
        db.execute(sa.delete(table).where(table.c.job == job_id))


def add_steps(db: Database, job_id: str, planned: Sequence[tuple[Step, Course]]) -> None:
    """Store the steps of a plan."""
    for step, course in planned:
        db.execute(
            _ADD_STEP,
            {
                "job": job_id,
                "no": step.no,
                "entity": step.entity,
                "file": step.file,
                "sheet": step.sheet,
                "table": step.table,
                "service": step.service,
                "parent": step.parent,
                "rank": step.rank,
                "reasons": json.dumps(step.reasons),
                "mode": step.mode,
                "target": course.target.model_dump_json(),
                "layout": course.layout.model_dump_json(),
                "kind": course.kind,
                "options": json.dumps(course.options),
                "rows": 0,
            },
        )


def planned(db: Database, *, job_id: str, rows: dict[int, int]) -> None:
    """The plan is complete: rows per step are known, batches may leave."""
    for no, count in rows.items():
        db.execute(_COUNT_STEP, {"of_job": job_id, "of_step": no, "count": count})
    db.execute(_PLANNED, {"of_job": job_id, "count": sum(rows.values())})


def course(db: Database, job_id: str, step: int) -> Course:
    """What the batches of a step need to travel."""
    found = db.execute(_COURSE, {"of_job": job_id, "of_step": step}).one()
    return Course(
        layout=Layout.model_validate_json(found.layout),
        target=Target.model_validate_json(found.target),
        mode=Mode(found.mode),
        kind=found.kind,
        options=json.loads(found.options),
    )


def steps_of(db: Database, job_id: str) -> list[Step]:
    """The steps of a job, in order."""
    rows = db.execute(sa.select(steps).where(steps.c.job == job_id).order_by(steps.c.no)).mappings()
    return [_step(row) for row in rows]


def _step(row: sa.RowMapping) -> Step:
    return Step(
        **{name: row[name] for name in ("no", "entity", "file", "sheet", "table", "service", "parent", "rank", "mode", "rows")},
        reasons=json.loads(row["reasons"]),
        counts={word: row[word] for word in OUTCOMES},
        blanks_kept=row["blanks_kept"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )
