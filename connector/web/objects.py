"""From what the ledger holds to what the API says. Pure."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import compress
from typing import Final

from connector import api, rights
from connector.dispatch import gate
from connector.dispatch.breaker import Outage
from connector.dispatch.turns import PRIORITIES
from connector.intake.values import Package
from connector.ledger import answers, audit, courses, crews, endpoints, jobs, marks, packages, results
from connector.ledger.limits import Limits, Stopped
from connector.seals import Sealing

#: A worker tells every few seconds that it lives; one that was silent for longer is offline.
ONLINE_WITHIN_S: Final = 15.0
#: One that ended in silence is shown by its name for so long: it may come back, or be missed.
_SILENT_FOR_S: Final = 3600.0


def job_object(
    job: jobs.Job, *, counts: Mapping[str, int], steps: Sequence[courses.Step] = (), endpoint: str | None = None
) -> api.Job:
    """A job as every reader of the API gets it. `endpoint` is the name as it was registered."""
    package = api.PackageName(name=job.package_name, sha256=job.package) if job.package else None
    return api.Job(
        id=job.id,
        kind=job.kind,
        state=job.state,
        reason=job.reason,
        advice=job.advice,
        code=job.code,
        endpoint=endpoint or job.endpoint,
        company=job.company,
        partition=job.partition,
        package=package,
        mode=job.order.mode,
        planned=job.planned,
        rows=rows_object(job.rows, counts),
        steps=[_step(step, job) for step in steps],
        submitted_at=moment(job.submitted_at),
        started_at=optional_moment(job.started_at),
        finished_at=optional_moment(job.finished_at),
        retry_of=job.retry_of,
        priority=PRIORITIES[job.priority],
        expires_at=optional_moment(job.expires_at),
        stop_after=job.order.stop_after,
        removed_at=optional_moment(job.removed_at),
    )


def package_object(record: packages.PackageRecord, package: Package) -> api.Package:
    """A package that was received, as it reads."""
    return api.Package(
        sha256=record.sha256,
        name=record.name,
        size=record.size,
        received_at=moment(record.received_at),
        format=package.format,
        actions=[
            api.Action(entity=action.entity, file=action.file, sheet=action.sheet, columns=list(action.columns))
            for action in package.actions
        ],
        notices=list(package.notices),
        corrects=package.corrects,
    )


def endpoint_object(
    endpoint: endpoints.Endpoint,
    *,
    workers: Sequence[endpoints.Worker],
    services: Sequence[crews.Crew],
    scale: crews.Scale,
    unfinished: int,
    work: api.Work,
    outage: Outage | None,
    sealing: Sealing,
    loads: Sequence[marks.Loaded] = (),
) -> api.Endpoint:
    """An endpoint with its workers, as they were last seen."""
    now = time.time()
    opens = gate.opens_at(endpoint, at=now)
    seen = [worker_object(worker, now=now) for worker in workers]
    is_there = [not worker.stopped and now - worker.seen_at < _SILENT_FOR_S for worker in workers]
    gone = [worker.seen_at for worker, there in zip(workers, is_there, strict=True) if not there]
    return api.Endpoint(
        name=endpoint.name,
        service_instance=endpoint.service_instance,
        state=endpoint_state(endpoint, seen),
        addresses=list(endpoint.addresses),
        companies=list(endpoint.companies),
        partition=endpoint.partition,
        contract=endpoint.has_contract,
        unfinished_jobs=unfinished,
        work=work,
        workers=list(compress(seen, is_there)),
        gone=api.Gone(count=len(gone), seen_at=optional_moment(max(gone, default=None))),
        scale=api.Scale(workers=scale.workers, concurrency=scale.concurrency),
        crews=[_crew(crew, now) for crew in services],
        checks=[api.Check(name=c.name, ok=c.ok, detail=c.detail, advice=c.advice, tried=c.tried) for c in endpoint.checks],
        limits=_limits(endpoint.limits),
        not_idempotent=list(endpoint.not_idempotent),
        database=endpoint.database,
        scope=endpoint.scope,
        virtual_companies={each.name: list(each.companies) for each in endpoint.virtual_companies},
        stopped=_stopped(endpoint.stopped),
        outage=_outage(outage, now),
        changed=_changed(endpoint, loads),
        sealing=sealing,
        opens_at=None if opens == now else moment(opens),
        fingerprint=endpoint.fingerprint,
        added_at=moment(endpoint.added_at),
        surveyed_at=optional_moment(endpoint.surveyed_at),
        seen_at=optional_moment(max((worker.seen_at for worker in workers), default=None)),
    )


def failure_object(failure: results.Failure) -> api.Failure:
    """A row that is not in."""
    return api.Failure(
        step=failure.step,
        entity=failure.entity,
        file=failure.file,
        sheet=failure.sheet,
        row=failure.row,
        outcome=failure.outcome,
        column=failure.column,
        field=failure.field,
        value=failure.value,
        message=failure.message,
        advice=failure.advice,
        code=failure.code,
    )


def answer_object(answer: answers.Answer) -> api.Answer:
    """What a call for a row answered."""
    return api.Answer(
        step=answer.step, entity=answer.entity, file=answer.file, sheet=answer.sheet, row=answer.row, answer=answer.text
    )


def moment(seconds: float) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(at: datetime | None) -> float | None:
    """A moment as the ledger keeps it."""
    return None if at is None else at.timestamp()


def audit_object(line: audit.Line) -> rights.AuditLine:
    """A command that changed something."""
    return rights.AuditLine(at=moment(line.at), by=line.by, what=line.what, subject=line.subject, details=dict(line.details))


def optional_moment(seconds: float | None) -> str | None:
    """A moment that may not have come."""
    return None if seconds is None else moment(seconds)


def rows_object(total: int, counts: Mapping[str, int]) -> api.Rows:
    """Rows by outcome."""
    return api.Rows(
        total=total,
        created=counts["created"],
        updated=counts["updated"],
        unchanged=counts["unchanged"],
        deleted=counts["deleted"],
        failed=counts["failed"],
        skipped=counts["skipped"],
        unknown=counts["unknown"],
        handed_over=counts["handed_over"],
    )


def _step(step: courses.Step, job: jobs.Job) -> api.Step:
    state = step_state(step, job)
    return api.Step(
        no=step.no,
        entity=step.entity,
        file=step.file,
        sheet=step.sheet,
        table=step.table,
        service=step.service,
        parent=step.parent,
        rank=step.rank,
        reasons=dict(step.reasons),
        mode=step.mode,
        state=state,
        rows=rows_object(step.rows, step.counts),
        blanks_kept=step.blanks_kept,
        started_at=optional_moment(step.started_at),
        finished_at=None if state in {"queued", "running"} else optional_moment(step.finished_at),
    )


def step_state(step: courses.Step, job: jobs.Job) -> str:
    """A step's state in the words of jobs: the ledger keeps its rows, the rest follows from them."""
    bad = sum(step.counts[word] for word in ("failed", "unknown", "skipped", "handed_over"))
    ended = sum(step.counts.values())
    looked_at = job.kind == jobs.JobKind.PREVIEW and job.state not in {jobs.JobState.CANCELLED, jobs.JobState.FAILED}
    if job.finished_at is not None and looked_at:  # rows without an outcome are those that fit, and of which no AOS was asked
        return str(jobs.JobState.PARTLY_SUCCEEDED if bad else jobs.JobState.SUCCEEDED)
    if job.finished_at is not None and ended < step.rows:
        return str(jobs.JobState.CANCELLED if job.state is jobs.JobState.CANCELLED else jobs.JobState.FAILED)
    if job.planned and ended >= step.rows:
        if not bad:
            return str(jobs.JobState.SUCCEEDED)
        return str(
            jobs.JobState.FAILED
            if bad == ended and not step.counts["unknown"] + step.counts["handed_over"]
            else jobs.JobState.PARTLY_SUCCEEDED
        )
    return str(jobs.JobState.RUNNING if ended or step.started_at else jobs.JobState.QUEUED)


def worker_object(worker: endpoints.Worker, *, now: float) -> api.Worker:
    """A worker process as it was last seen."""
    return api.Worker(
        name=worker.worker,
        host=worker.host,
        pid=worker.pid,
        version=worker.version,
        concurrency=worker.concurrency,
        online=not worker.stopped and now - worker.seen_at < ONLINE_WITHIN_S,
        seen_at=moment(worker.seen_at),
    )


def _crew(crew: crews.Crew, now: float) -> api.Crew:
    return api.Crew(
        name=crew.crew,
        host=crew.host,
        pid=crew.pid,
        version=crew.version,
        most=crew.most,
        running=crew.running,
        online=now - crew.seen_at < ONLINE_WITHIN_S,
        seen_at=moment(crew.seen_at),
    )


def _limits(limits: Limits) -> api.Limits:
    return api.Limits(
        concurrency=limits.concurrency,
        rows_per_second=limits.rows_per_second,
        hours=limits.hours,
        call_seconds=list(limits.call_seconds) if limits.call_seconds else None,
    )


def _stopped(stopped: Stopped | None) -> api.Stopped | None:
    if stopped is None:
        return None
    return api.Stopped(at=moment(stopped.at), reason=stopped.reason, advice=stopped.advice, code=stopped.code)


def _outage(outage: Outage | None, now: float) -> api.Outage | None:
    if outage is None:
        return None
    return api.Outage(since=moment(outage.since), reason=outage.reason, next_try=moment(max(outage.next_try, now)))


def _changed(endpoint: endpoints.Endpoint, loads: Sequence[marks.Loaded]) -> api.ChangedDatabase | None:
    if endpoint.mark is None or not endpoint.mark.changed:
        return None
    return api.ChangedDatabase(
        reason=gate.changed(endpoint.name, endpoint.mark),
        noticed_at=moment(endpoint.mark.noticed_at),
        seen_at=moment(endpoint.mark.seen_at),
        loads=[_loaded(each) for each in loads],
    )


def _loaded(load: marks.Loaded) -> api.Loaded:
    return api.Loaded(
        job=load.job.id,
        state=load.job.state,
        package=load.job.package_name,
        company=load.job.company,
        written=load.written,
        unknown=load.unknown,
        left=load.left,
        finished_at=optional_moment(load.job.finished_at),
    )


def endpoint_state(endpoint: endpoints.Endpoint, workers: Sequence[api.Worker]) -> str:
    """An endpoint's state in one word, by its workers as they were last seen."""
    if endpoint.paused or gate.barred(endpoint):
        return "paused"
    if endpoint.stopped:
        return "stopped"
    if any(worker["online"] for worker in workers):
        return "online"
    return "offline" if workers else "new"
