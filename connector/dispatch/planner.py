"""From an accepted job to batches in the ledger. Nothing leaves before the whole package was read.

Rows stream through: nested rows are laid aside in the ledger, then taken by their parents.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from connector import plan as planning
from connector import tracing
from connector.dispatch import corrected, dictionary, turns
from connector.dispatch.cutting import Cutting, Writing
from connector.dispatch.taking import Taken
from connector.intake.fixed import Corrections, Origin
from connector.intake.package import Package
from connector.intake.values import Limits
from connector.ledger import Database, Ledger, batches, courses, endpoints, jobs, retries
from connector.plan import mapping
from connector.plan.values import PER_COMPANY
from connector.wire.metadata import Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Plans one job. Raises Refused errors of intake and plan: then the job ends with nothing sent."""

    ledger: Ledger
    batch_rows: int
    limits: Limits = field(default_factory=Limits)
    """how much a package may hold: as it was received under"""

    def plan(self, job: jobs.Job, package_path: Path, metadata: Metadata, *, then: Callable[[Database], None]) -> None:
        """Write the steps and batches of a job; what an interrupted planning left is removed first.

        `then` is called in the transaction that makes the plan complete: for a small package that is the only one.
        """
        with tracing.Traced("plan a job", job=(job.id, job.submitted_at)) as span:
            span.note(rapidstart_job=job.id, rapidstart_kind=str(job.kind))
            self._plan(job, package_path, metadata, then)

    def _plan(self, job: jobs.Job, package_path: Path, metadata: Metadata, then: Callable[[Database], None]) -> None:
        package, corrections = corrected.opened(job, package_path, limits=self.limits)
        said = self._said(job, package)
        chosen = self._make(job, package, metadata, said)
        writing = Writing(self.ledger)
        writing.add(lambda db: courses.clear_plan(db, job.id))
        writing.add(lambda db: courses.add_steps(db, job.id, [_described(step, job) for step in chosen.steps]))
        for notice in (*package.notices, *chosen.notices):
            writing.add(partial(jobs.say, job_id=job.id, text=notice, at=time.time()))
        size = job.order.batch_rows or self.batch_rows
        rows = Cutting(
            ledger=self.ledger,
            writing=writing,
            job=job,
            package=package,
            plan=chosen,
            size=size,
            metadata=metadata,
            taken=self._taken(job, chosen, corrections),
        )
        counts = rows.write()
        writing.add(partial(courses.planned, job_id=job.id, rows=counts))
        writing.add(partial(_tell_scope, job=job, scopes=[_said_of(step, said) for step in chosen.steps]))
        for line in (_counted(counts, failed=rows.failed), *rows.doubts()):
            writing.add(partial(jobs.say, job_id=job.id, text=line, at=time.time()))
        if rows.failed and job.order.strict and job.kind == jobs.JobKind.LOAD:
            writing.add(partial(_refuse_strictly, job_id=job.id, unfit=rows.failed))
        writing.add(then)
        writing.flush()

    def sketch(self, job: jobs.Job, package_path: Path, metadata: Metadata) -> list[tuple[courses.Step, courses.Course]]:
        """The steps as they would be planned now, without rows; nothing is written. Raises as `plan` does."""
        package, _ = corrected.opened(job, package_path, limits=self.limits)
        return [_described(step, job) for step in self._make(job, package, metadata, self._said(job, package)).steps]

    def _taken(self, job: jobs.Job, chosen: planning.Plan, corrections: Corrections | None) -> Taken | None:
        """The rows that a retry takes up; None for other jobs."""
        if job.retry_of is None:
            return None
        with self.ledger.read() as db:
            is_wanted = retries.wanted(db, job)
        sources = {step.no: Origin(step.entity, step.file, step.sheet) for step in chosen.steps}
        if corrections is not None:
            return Taken(lambda step, row: corrections.has(sources[step], row) and is_wanted(sources[step], row))
        return Taken(lambda step, row: is_wanted(sources[step], row))

    def _said(self, job: jobs.Job, package: Package) -> mapping.Mapping:
        text, name = (
            (job.order.mapping, job.order.mapping_name) if job.order.mapping else (package.mapping_toml, "rapidstart.toml")
        )
        return mapping.parse(text or "", name)

    def _make(self, job: jobs.Job, package: Package, metadata: Metadata, said: mapping.Mapping) -> planning.Plan:
        order = job.order
        with self.ledger.read() as db:
            known = dictionary.of(db, job.endpoint, package, metadata, mapping=said)
        return planning.make(
            package, metadata, mapping=said, mode=order.mode, blank=order.blank, only=order.only, dictionary=known
        )


def _tell_scope(db: Database, *, job: jobs.Job, scopes: Sequence[str]) -> None:
    """Note how far the load reaches: what its tables do not tell, its endpoint may."""
    target = endpoints.get(db, job.endpoint)
    any_virtual = bool(target.virtual_companies)
    said = [scope or target.scope for scope in scopes]
    scope = turns.widest(turns.reach(each, any_virtual=any_virtual) for each in said)
    jobs.reaches(db, job.id, scope, shares_with=target.sharing(job.company) if scope == "virtual company" else ())
    if "virtual company" in said and not any_virtual:
        why = f"{target.name} names no virtual companies, so that all of the partition counts as shared: it goes alone there."
        jobs.say(db, job.id, why, at=time.time())


def _said_of(step: planning.Step, said: mapping.Mapping) -> str:
    """How far a step reaches, by its metadata or the mapping. That a table is kept per company, the mapping may say better."""
    if step.scope == PER_COMPANY and said.scope in {"company", "virtual company"}:
        return said.scope or ""
    return step.scope or said.scope or ""


def _described(step: planning.Step, job: jobs.Job) -> tuple[courses.Step, courses.Course]:
    reasons = {"order": step.rank_reason, "target": step.match_reason, "key": step.key_reason}
    described = courses.Step(
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
    options = {**step.options, "guessed": step.key_is_guess} if job.kind == jobs.JobKind.PREVIEW else step.options
    return described, courses.Course(layout=step.layout, target=step.target, mode=step.mode, kind=step.kind, options=options)


def _counted(rows: dict[int, int], *, failed: int) -> str:
    unfit = f"; {failed:,} cannot go in" if failed else ""
    return f"Planned: {_words(sum(rows.values()), 'row')} in {_words(len(rows), 'step')}{unfit}."


def _words(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


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
