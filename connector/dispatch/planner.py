"""From an accepted job to batches in the ledger. Nothing leaves before the whole package was read.

Rows stream through: nested rows are laid aside in the ledger, then taken by their parents.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from connector import plan as planning
from connector.errors import Place
from connector.intake.package import Package, open_package
from connector.ledger import Database, Ledger, batches, jobs, places, problems, staging
from connector.plan import batching, checking, mapping
from connector.wire.codec import Row, pack_rows
from connector.wire.jobs import flatten
from connector.wire.metadata import Metadata
from connector.wire.reports import Problem

#: Batches that are written to the ledger in one transaction.
_CHUNK = 50
_STAGE_CHUNK = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Plans one job. Raises Refused errors of intake and plan: then the job ends with nothing sent."""

    ledger: Ledger
    batch_rows: int

    def plan(self, job: jobs.Job, package_path: Path, metadata: Metadata, *, then: Callable[[Database], None]) -> None:
        """Write the steps and batches of a job; what an interrupted planning left is removed first.

        `then` is called in the transaction that makes the plan complete: for a small package that is the only one.
        """
        package = open_package(package_path, name=job.package_name)
        chosen = self._make(job, package, metadata)
        writing = _Writing(self.ledger)
        writing.add(lambda db: jobs.clear_plan(db, job.id))
        writing.add(lambda db: jobs.add_steps(db, job.id, [_described(step) for step in chosen.steps]))
        for notice in (*package.notices, *chosen.notices):
            writing.add(partial(jobs.say, job_id=job.id, text=notice, at=time.time()))
        rows = _Batching(
            ledger=self.ledger,
            writing=writing,
            job=job,
            package=package,
            plan=chosen,
            size=job.order.batch_rows or self.batch_rows,
            checked=metadata if job.order.strict else None,
        )
        counts = rows.write()
        writing.add(partial(jobs.planned, job_id=job.id, rows=counts))
        writing.add(partial(jobs.say, job_id=job.id, text=_counted(counts), at=time.time()))
        if rows.unfit:
            writing.add(partial(_refuse_strictly, job_id=job.id, unfit=len(rows.unfit)))
        writing.add(then)
        writing.flush()

    def _make(self, job: jobs.Job, package: Package, metadata: Metadata) -> planning.Plan:
        text, name = (
            (job.order.mapping, job.order.mapping_name) if job.order.mapping else (package.mapping_toml, "rapidstart.toml")
        )
        return planning.make(
            package,
            metadata,
            mapping=mapping.parse(text or "", name),
            mode=job.order.mode,
            blank=job.order.blank,
            only=job.order.only,
        )


def _described(step: planning.Step) -> tuple[jobs.Step, jobs.Course]:
    reasons = {"order": step.rank_reason, "target": step.match_reason, "key": step.key_reason}
    described = jobs.Step(
        no=step.no,
        entity=step.entity,
        file=step.file,
        sheet=step.sheet,
        table=step.table,
        service=step.target.service,
        parent=step.parent_step,
        rank=step.rank,
        reasons=reasons,
        mode=step.mode,
        rows=0,
        counts={},
    )
    return described, jobs.Course(layout=step.layout, target=step.target, mode=step.mode, kind=step.kind, options=step.options)


class _Writing:
    """Writes that are held back until enough have come together: a commit costs more than what it writes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._held: list[Callable[[Database], None]] = []

    def add(self, write: Callable[[Database], None]) -> None:
        """Hold a write back."""
        self._held.append(write)

    def flush(self) -> None:
        """Write what is held back, in one transaction."""
        with self._ledger.write() as db:
            for write in self._held:
                write(db)
        self._held.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batching:
    """Turns the rows of a plan's steps into batches."""

    ledger: Ledger
    writing: _Writing
    job: jobs.Job
    package: Package
    plan: planning.Plan
    size: int
    checked: Metadata | None
    """where rows are checked (--strict): by what"""
    unfit: set[tuple[int, int]] = field(default_factory=set)
    """(step, row number) of rows that do not fit"""

    def write(self) -> dict[int, int]:
        """Write all batches; rows per step are returned."""
        counts = dict.fromkeys((step.no for step in self.plan.steps), 0)
        for step in self.plan.steps:
            if step.parent_step is None:
                self._stage_children(step, counts)
                self._write_step(step, counts)
                self._refuse_orphans(step)
        return counts

    def _children(self, step: planning.Step) -> list[planning.Step]:
        by_no = {child.no: child for child in self.plan.steps}
        return [by_no[layout.step] for layout in step.layout.children]

    def _rows(self, step: planning.Step) -> Iterator[Row]:
        """The step's rows with their nested rows in them."""
        children = self._children(step)
        rows = planning.rows(self.package, step)
        if not children:
            yield from rows
            return
        while chunk := list(islice(rows, 500)):
            with self.ledger.write() as db:
                groups = [self._staged(db, child, chunk) for child in children]
            yield from (Row(row.number, row.cells, nested) for row, *nested in zip(chunk, *groups, strict=True))

    def _staged(self, db: Database, child: planning.Step, parents: Sequence[Row]) -> list[list[Row]]:
        links = [_link(row, [parent for _, parent in child.link]) for row in parents]
        found = staging.staged(db, job=self.job.id, step=child.no, links=links)
        return [found.pop(link, []) for link in links]

    def _stage_children(self, step: planning.Step, counts: dict[int, int]) -> None:
        for child in self._children(step):
            self._stage_children(child, counts)
            columns = [column for column, _ in child.link]
            rows = self._rows(child)
            self.writing.flush()
            while chunk := [(_link(row, columns), row) for row in islice(rows, _STAGE_CHUNK)]:
                counts[child.no] += len(chunk)
                with self.ledger.write() as db:
                    staging.stage(db, job=self.job.id, step=child.no, linked=chunk)

    def _write_step(self, step: planning.Step, counts: dict[int, int]) -> None:
        made = batching.batches(self._rows(step), size=self.size, unit=step.unit, place=Place(file=step.file, sheet=step.sheet))
        checker = None
        if self.checked:
            checker = checking.Checker(step.layout, self.checked, service=step.target.service, mode=step.mode)
        new = (self._packed(step, no, rows, counts, checker) for no, rows in enumerate(made, start=1))
        while chunk := list(islice(new, _CHUNK)):  # packed: the rows themselves are not held
            self.writing.add(partial(batches.add_many, job=self.job.id, endpoint=self.job.endpoint, new=chunk))
            if len(chunk) == _CHUNK:
                self.writing.flush()

    def _packed(
        self, step: planning.Step, no: int, rows: Sequence[Row], counts: dict[int, int], checker: checking.Checker | None
    ) -> batches.NewBatch:
        counts[step.no] += len(rows)
        if checker:
            self._check(checker, rows)
        return _new_batch(step, no, rows)

    def _check(self, checker: checking.Checker, rows: Sequence[Row]) -> None:
        """Record what does not fit; a row is told once, by the first thing that is wrong with it."""
        told = []
        for step, number, problem in (found for row in rows for found in checker.problems(row)):
            if (step, number) not in self.unfit:
                self.unfit.add((step, number))
                told.append((step, number, problem))
        self.writing.add(partial(problems.refuse, job=self.job.id, rows=told))

    def _refuse_orphans(self, step: planning.Step) -> None:
        for child in self._children(step):
            self.writing.flush()
            with self.ledger.write() as db:
                while found := staging.orphans(db, job=self.job.id, step=child.no, limit=500):
                    told = [told for row in found for told in self._orphaned(step, child, row)]
                    problems.refuse(db, job=self.job.id, rows=told)
                    if self.checked:
                        self.unfit.update((no, number) for no, number, _ in told)
            self._refuse_orphans(child)

    def _orphaned(self, parent: planning.Step, child: planning.Step, row: Row) -> Iterator[tuple[int, int, Problem]]:
        """A nested row without its parent, and the rows nested in it."""
        (column, parent_column), *_ = child.link
        problem = Problem(
            row=0,
            column=self._caption(child, column),
            value=row.cells[column],
            message=f"No row of {parent.entity} has this value in {self._caption(parent, parent_column)}.",
            advice=f"Add the {parent.entity} row that this row belongs to, or correct the value.",
            code="RSC-3300",
        )
        for part, nested in flatten(child.layout, row):
            yield part.step, nested.number, problem

    def _caption(self, step: planning.Step, cell: int) -> str:
        return self.package.actions[step.action_index].columns[step.carried[cell]]


def _counted(rows: dict[int, int]) -> str:
    total = sum(rows.values())
    return f"Planned: {total:,} {'row' if total == 1 else 'rows'} in {len(rows):,} {'step' if len(rows) == 1 else 'steps'}."


def _refuse_strictly(db: Database, *, job_id: str, unfit: int) -> None:
    """Some rows do not fit, and the job is strict: the others are not written either."""
    batches.drop(db, job_id)
    rows = "1 row does" if unfit == 1 else f"{unfit:,} rows do"
    jobs.close(
        db,
        job_id,
        jobs.JobState.FAILED,
        at=time.time(),
        reason=f"{rows} not fit; nothing was written, because the load is strict.",
        advice="Correct the rows, or load without --strict: then the others go in.",
        code="RSC-2250",
    )


def _new_batch(step: planning.Step, no: int, rows: Sequence[Row]) -> batches.NewBatch:
    layout = step.layout
    if layout.children or len(step.carried) > len(layout.columns):
        rows = [planning.trimmed(layout, row) for row in rows]
    if layout.children:
        where = [(part.step, nested.number) for row in rows for part, nested in flatten(layout, row)]
    else:
        where = [(layout.step, row.number) for row in rows]
    return batches.NewBatch(
        step=layout.step, no=no, rank=step.rank, size=len(where), places=places.runs(where), rows=pack_rows(rows)
    )


def _link(row: Row, columns: Sequence[int]) -> str:
    return "\x1f".join(row.cells[column] or "" for column in columns)
