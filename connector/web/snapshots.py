"""What the live events say: how jobs and endpoints stand at one moment of the ledger. Reads, and never writes."""

import functools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from connector import api, live
from connector.dispatch.turns import PRIORITIES
from connector.ledger import Database, changes, courses, endpoints, jobs, results, throughput
from connector.web.objects import endpoint_state, failure_object, moment, optional_moment, rows_object, step_state, worker_object

#: Over so many seconds the rate of a job is taken: long enough for a batch of slow calls.
_WINDOW_S: Final = 30
_DAY_S: Final = 86400
#: Jobs that are asked for in one question.
_AT_ONCE: Final = 500
#: Failures that an event carries.
_FAILURES: Final = 5


@dataclass(frozen=True, kw_only=True)  # no slots: its JSON is kept beside it
class JobSnapshot:
    """A job after its change number `seq`; `key` is its endpoint's."""

    seq: int
    key: str
    event: live.JobEvent

    @functools.cached_property
    def data(self) -> bytes:
        """The event as JSON, made once for all who read it."""
        return json.dumps(self.event).encode()

    @property
    def has_ended(self) -> bool:
        """Nothing more will become of it by itself."""
        return self.event["state"] in api.FINAL_STATES


def in_brief(db: Database, changed: Sequence[changes.Change]) -> list[JobSnapshot]:
    """Jobs without their steps and failures, in the order of their changes."""
    names = {endpoint.key: endpoint.name for endpoint in endpoints.every(db)} if changed else {}
    pages = (changed[start : start + _AT_ONCE] for start in range(0, len(changed), _AT_ONCE))
    return [snapshot for page in pages for snapshot in _page(db, page, names)]


def _page(db: Database, changed: Sequence[changes.Change], names: Mapping[str, str]) -> Iterator[JobSnapshot]:
    ids = [job for _, job in changed]
    found = {job.id: job for job in jobs.these(db, ids)}
    counts, rates = jobs.totals(db, ids), rates_of(db, list(found.values()))
    for seq, job in changed:
        if job in found:
            event = _event(found[job], counts[job], rates.get(job), names)
            yield JobSnapshot(seq=seq, key=found[job].endpoint, event=event)


def in_full(db: Database, changed: Sequence[changes.Change]) -> list[JobSnapshot]:
    """Jobs with their steps and the newest failures, in the order of their changes."""
    snapshots = in_brief(db, changed)
    for snapshot in snapshots:
        job = jobs.get(db, snapshot.event["id"])
        snapshot.event["steps"] = [_progress(step, job) for step in courses.steps_of(db, job.id)]
        failed = results.newest_failures(db, job.id, most=_FAILURES)
        snapshot.event["failures"] = [failure_object(each) for each in failed]
    return snapshots


def of_endpoints(db: Database) -> dict[str, live.EndpointEvent]:
    """How every endpoint does, by its key."""
    work = work_of(db)
    return {each.key: _endpoint(db, each, work.get(each.key, IDLE)) for each in endpoints.every(db)}


IDLE: Final = api.Work(queued=0, running=0, waiting_since=None, failed_24h=0)


def work_of(db: Database) -> dict[str, api.Work]:
    """What endpoints have to do, by their keys; one that is missing has nothing to do, and nothing failed."""
    found: dict[str, api.Work] = {}
    for job in jobs.unfinished(db):
        work = found.setdefault(job.endpoint, IDLE.copy())
        if job.state is jobs.JobState.RUNNING:
            work["running"] += 1
        elif job.state is not jobs.JobState.PAUSED:
            work["queued"] += 1
            work["waiting_since"] = work["waiting_since"] or moment(job.submitted_at)  # they come in their order
    for key, rows in throughput.failed_lately(db, since=time.time() - _DAY_S).items():
        found.setdefault(key, IDLE.copy())["failed_24h"] = max(rows, 0)
    return found


def _endpoint(db: Database, endpoint: endpoints.Endpoint, work: api.Work) -> live.EndpointEvent:
    workers = endpoints.workers_of(db, endpoint.key)
    now = time.time()
    seen = [worker_object(worker, now=now) for worker in workers]
    return live.EndpointEvent(
        name=endpoint.name,
        service_instance=endpoint.service_instance,
        state=endpoint_state(endpoint, seen),
        stopped=endpoint.stopped.reason if endpoint.stopped else "",
        work=work,
        workers=sum(worker["online"] for worker in seen),
        seen_at=optional_moment(max((worker.seen_at for worker in workers), default=None)),
    )


def rates_of(db: Database, found: Sequence[jobs.Job]) -> dict[str, float]:
    """Rows per second that lately got an outcome, by the id of each job that runs."""
    now = time.time()
    running = {job.id: job for job in found if job.state is jobs.JobState.RUNNING and job.started_at is not None}
    ended = throughput.ended_lately(db, running, since=now - _WINDOW_S)
    since = {job.id: max(now - _WINDOW_S, job.started_at or 0.0) for job in running.values()}
    return {job: round(max(ended.get(job, 0), 0) / max(now - since[job], throughput.BUCKET_S), 1) for job in running}


def _event(job: jobs.Job, counts: Mapping[str, int], rate: float | None, names: Mapping[str, str]) -> live.JobEvent:
    left = job.rows - sum(counts.values())
    return live.JobEvent(
        id=job.id,
        kind=job.kind,
        state=job.state,
        reason=job.reason,
        advice=job.advice,
        code=job.code,
        endpoint=names.get(job.endpoint, job.endpoint),
        company=job.company,
        package=api.PackageName(name=job.package_name, sha256=job.package) if job.package else None,
        planned=job.planned,
        priority=PRIORITIES[job.priority],
        rows=rows_object(job.rows, counts),
        steps=[],
        rate=rate,
        seconds_left=round(left / rate, 1) if rate else None,
        failures=[],
        submitted_at=moment(job.submitted_at),
        started_at=optional_moment(job.started_at),
        finished_at=optional_moment(job.finished_at),
        removed_at=optional_moment(job.removed_at),
    )


def _progress(step: courses.Step, job: jobs.Job) -> live.StepProgress:
    state = step_state(step, job)
    return live.StepProgress(
        no=step.no,
        state=state,
        rows=rows_object(step.rows, step.counts),
        blanks_kept=step.blanks_kept,
        started_at=optional_moment(step.started_at),
        finished_at=None if state in {"queued", "running"} else optional_moment(step.finished_at),
    )
