"""What people who look at many jobs or many failed rows ask for: parts of them, grouped, sorted, counted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from connector.ledger import jobs as kept
from connector.ledger.results import Failure
from connector.ledger.schema import batches, jobs, problems, steps
from connector.ledger.store import Database

#: By what jobs may be sorted.
SORTED_BY: Final[Mapping[str, sa.ColumnElement[object]]] = {
    "submitted": jobs.c.number,
    "package": sa.func.lower(jobs.c.package_name),
    "endpoint": jobs.c.endpoint,
    "company": sa.func.lower(jobs.c.company),
    "state": jobs.c.state,
    "rows": jobs.c.rows,
}


#: By what rows that are not in may be sorted; `row` is the order in which they were told.
FAILURES_BY: Final[Mapping[str, sa.ColumnElement[object]]] = {
    "row": problems.c.id,
    "entity": problems.c.step,
    "outcome": problems.c.outcome,
    "field": sa.func.lower(sa.func.coalesce(problems.c.column, problems.c.field, "")),
    "value": sa.func.lower(sa.func.coalesce(problems.c.value, "")),
    "message": sa.func.lower(problems.c.message),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which jobs are looked for; "" and None: all."""

    states: Collection[str] = ()
    kinds: Collection[str] = ()
    endpoint: str = ""
    company: str = ""
    sought: str = ""
    """part of an id, or of a package's name"""
    among: Collection[str] | None = None
    """keys of endpoints"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that are not in for the same reason."""

    outcome: str
    message: str
    advice: str
    code: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How often a step's batches were tried, and the last reason why one came back."""

    batches: int
    done: int
    tried_again: int
    """attempts beyond the first of each batch: never a number of rows"""
    calls: int
    seconds: float
    reason: str = ""
    batch: int = 0
    """the batch that came back last, and which attempt it has come to"""
    attempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A batch that came back without an outcome, and why."""

    job: str
    step: int
    entity: str
    batch: int
    attempt: int
    reason: str
    sent_at: float | None


def listing(db: Database, wanted: Wanted, *, by: str, down: bool, limit: int, skip: int) -> list[kept.Job]:
    """A page of jobs, sorted; among equals the newest first."""
    column = SORTED_BY[by]
    query = _of(sa.select(jobs), wanted).order_by(column.desc() if down else column, jobs.c.number.desc())
    return [kept.of_row(row) for row in db.execute(query.limit(limit).offset(skip)).mappings()]


def by_state(db: Database, wanted: Wanted) -> dict[str, int]:
    """How many jobs there are in each state."""
    query = _of(sa.select(jobs.c.state, sa.func.count()), wanted).group_by(jobs.c.state)
    return {str(state): int(count) for state, count in db.execute(query)}


def groups(db: Database, job: str, *, limit: int) -> list[Group]:
    """The reasons for which rows of a job are not in, the most frequent first."""
    told = (problems.c.outcome, problems.c.message, problems.c.advice, problems.c.code)
    count = sa.func.count().label("rows")
    query = sa.select(*told, count).where(problems.c.job == job).group_by(*told).order_by(count.desc(), problems.c.message)
    return [Group(**row) for row in db.execute(query.limit(limit)).mappings()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which failures are looked for; "" and None: all."""

    message: str = ""
    outcome: str = ""
    step: int | None = None
    sought: str = ""
    """part of a value, a field or a message"""
    behind: int = 0
    """the id of a row that is not in: only those that were told after it"""


def failures(db: Database, job: str, chosen: Chosen, *, after: int, limit: int) -> list[Failure]:
    """Rows that are not in, as they are chosen; `after` is the id of the last one of the page before."""
    return _failures(db, _not_in(job, chosen).where(problems.c.id > after).order_by(problems.c.id).limit(limit))


def sorted_failures(
    db: Database, job: str, chosen: Chosen, *, by: str, down: bool, limit: int, skip: int
) -> list[Failure]:  # fmt: skip
    """The same by one of `FAILURES_BY`: `limit` of them behind the first `skip`."""
    column = FAILURES_BY[by]
    query = _not_in(job, chosen).order_by(column.desc() if down else column, problems.c.id)
    return _failures(db, query.limit(limit).offset(skip))


def _not_in(job: str, chosen: Chosen) -> sa.Select[Any]:
    return (
        sa.select(problems, steps.c.entity, steps.c.file, steps.c.sheet)
        .join(steps, (steps.c.job == problems.c.job) & (steps.c.no == problems.c.step))
        .where(problems.c.job == job, *_chosen(chosen))
    )


def _failures(db: Database, query: sa.Select[Any]) -> list[Failure]:
    names = Failure.__dataclass_fields__
    return [Failure(**{name: row[name] for name in names}) for row in db.execute(query).mappings()]


def attempts(db: Database, job: str) -> dict[int, Attempts]:
    """How the batches of each step fared."""
    done = sa.case((batches.c.state == "done", 1), else_=0)
    again = sa.case((batches.c.attempt > 1, batches.c.attempt - 1), else_=0)
    query = (
        sa.select(
            batches.c.step,
            sa.func.count().label("batches"),
            sa.func.sum(done).label("done"),
            sa.func.sum(again).label("tried_again"),
            sa.func.sum(batches.c.calls).label("calls"),
            sa.func.sum(batches.c.seconds).label("seconds"),
        )
        .where(batches.c.job == job)
        .group_by(batches.c.step)
    )
    last = {row["step"]: row for row in db.execute(_LAST_REASONS, {"of_job": job}).mappings()}
    return {row["step"]: _attempts(row, last.get(row["step"])) for row in db.execute(query).mappings()}


def faults(db: Database, endpoint: str, *, limit: int) -> list[Fault]:
    """The last batches of an endpoint that came back, the newest first."""
    query = (
        sa.select(*(batches.c[name] for name in ("job", "step", "attempt", "reason", "sent_at")))
        .add_columns(steps.c.entity, batches.c.no.label("batch"))
        .join(steps, (steps.c.job == batches.c.job) & (steps.c.no == batches.c.step))
        .where(batches.c.endpoint == endpoint, batches.c.reason != "")
        .order_by(batches.c.id.desc())
        .limit(limit)
    )
    return [Fault(**row) for row in db.execute(query).mappings()]


_LAST_REASONS: Final = (
    sa.select(batches.c.step, batches.c.reason, batches.c.no, batches.c.attempt)
    .where(batches.c.job == sa.bindparam("of_job"), batches.c.reason != "")
    .order_by(batches.c.id)
)


def _attempts(row: sa.RowMapping, last: sa.RowMapping | None) -> Attempts:
    return Attempts(
        batches=int(row["batches"]),
        done=int(row["done"]),
        tried_again=int(row["tried_again"]),
        calls=int(row["calls"]),
        seconds=float(row["seconds"]),
        reason=last["reason"] if last else "",
        batch=last["no"] if last else 0,
        attempt=last["attempt"] if last else 0,
    )


def _of(query: sa.Select[Any], wanted: Wanted) -> sa.Select[Any]:
    if wanted.states:
        query = query.where(jobs.c.state.in_(wanted.states))
    if wanted.kinds:
        query = query.where(jobs.c.kind.in_(wanted.kinds))
    if wanted.endpoint:
        query = query.where(jobs.c.endpoint == wanted.endpoint.lower())
    if wanted.company:
        query = query.where(sa.func.lower(jobs.c.company) == wanted.company.lower())
    if wanted.among is not None:
        query = query.where(jobs.c.endpoint.in_(wanted.among))
    if wanted.sought:
        query = query.where(jobs.c.id.icontains(wanted.sought, autoescape=True) | _named(wanted.sought))
    return query


def _named(sought: str) -> sa.ColumnElement[bool]:
    return jobs.c.package_name.icontains(sought, autoescape=True)


def _chosen(chosen: Chosen) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if chosen.behind:
        found.append(problems.c.id > chosen.behind)
    if chosen.message:
        found.append(problems.c.message == chosen.message)
    if chosen.outcome:
        found.append(problems.c.outcome == chosen.outcome)
    if chosen.step is not None:
        found.append(problems.c.step == chosen.step)
    if chosen.sought:
        columns = (problems.c.value, problems.c.field, problems.c.column, problems.c.message)
        found.append(sa.or_(*(column.icontains(chosen.sought, autoescape=True) for column in columns)))
    return found
