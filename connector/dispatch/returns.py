"""A batch came back unfinished: what becomes of it, of its job, and of its endpoint. What it is to be, `policy` says."""

import logging
from typing import Final

from connector.dispatch import pace, policy, replanning, turns
from connector.dispatch.breaker import Outage
from connector.dispatch.dispatcher import Dispatcher
from connector.dispatch.policy import Fault
from connector.ledger import Database, batches, endpoints, faults, jobs, limits, untold
from connector.wire.reports import PENDING, BatchReturned, SurveyDone

log = logging.getLogger(__name__)

#: What is told of the rows of a batch that came back too often: {times}, {reason}.
_GIVEN_UP: Final = {
    Fault.CONFLICT: faults.Because(
        message="AX rolled the row's call back {times} times, because of other transactions: {reason}",
        advice="Load the row again when less goes on in AX.",
        code="RSC-3320",
    ),
    Fault.SILENT: faults.Because(
        message="The AOS gave no answer {times} times, while it answered for other rows: {reason}",
        advice="See the event log of the AOS computer for what the row sets off, and load it again.",
        code="RSC-3321",
    ),
}

#: Jobs whose batches end without having been carried out. A survey has no rows that could be given up.
_WITH_ROWS: Final = frozenset({jobs.JobKind.LOAD, jobs.JobKind.PREVIEW})


def take_back(dispatcher: Dispatcher, db: Database, report: BatchReturned, *, now: float) -> None:
    """Record a batch that came back. Raises NotFound for one of a job that nobody knows."""
    job = jobs.get(db, report.ref.job)
    past = faults.past(db, report.ref)
    if past is None:  # another attempt has the batch
        return
    if untold.end(db, report.ref, so_far=report.so_far, at=now):
        _say(db, report, now=now)
        dispatcher.close_if_done(db, job)
        return
    fault = policy.fault_of(report, own_company=_is_own(db, job))
    if job.ending or fault is Fault.JOB:
        _end(dispatcher, db, job, report, now=now)
    elif fault is Fault.ENDPOINT:
        _say(db, report, now=now)
        _keep(db, report, not_before=0.0)
        _stop(db, job, limits.Stopped(at=now, reason=report.reason, advice=report.advice, code=report.code))
    elif fault is Fault.CONTRACT:
        _hold_back(dispatcher, db, job, report, past, now=now)
    elif fault in _GIVEN_UP:
        _repeat(dispatcher, db, job, report, past, fault, now=now)
    else:  # nothing has happened: its worker ends, or an answer is waited for
        if fault is Fault.STOPPING:
            _say(db, report, now=now)
        pause = dispatcher.policy.pause_s(fault, 1)
        _keep(db, report, not_before=now + pause if pause else 0.0)


def _hold_back(
    dispatcher: Dispatcher, db: Database, job: jobs.Job, report: BatchReturned, past: faults.Past, *, now: float
) -> None:  # fmt: skip
    """The port has another contract than the job was planned by. Where reading it again is no help, the endpoint is stopped."""
    found = policy.once_more(past, Fault.CONTRACT, left=None, at=now, answered_at=0.0)
    _say(db, report, now=now)
    faults.note(db, report.ref, found)
    _keep(db, report, not_before=0.0)
    if policy.is_spent(found):
        reason = f"{report.reason.rstrip('.')}, and reading it again changes nothing."
        _stop(db, job, limits.Stopped(at=now, reason=reason, advice=report.advice, code=report.code))
    else:
        replanning.met(dispatcher, db, job, now=now)


def _repeat(
    dispatcher: Dispatcher,
    db: Database,
    job: jobs.Job,
    report: BatchReturned,
    past: faults.Past,
    fault: Fault,
    *,
    now: float,
) -> None:
    """The same once more, later; or no more, where that has gone on for too long."""
    breakers = dispatcher.gate.breakers
    left = report.so_far.letters.count(PENDING) if report.so_far else None
    found = policy.once_more(past, fault, left=left, at=now, answered_at=breakers.answered_at(job.endpoint))
    _say(db, report, now=now)
    if policy.is_spent(found) and job.kind in _WITH_ROWS:
        _give_up(dispatcher, db, report, found, now=now)
        return
    faults.note(db, report.ref, found)
    if fault is Fault.CONFLICT:
        breakers.answered(job.endpoint, at=now)
        _keep(db, report, not_before=now + dispatcher.policy.pause_s(fault, found.times))
        return
    if past.open_rows and not report.settled:
        pace.cut_off(db, job.endpoint, report.ref, rows=past.open_rows, courses=dispatcher.courses)
    outage = breakers.silent(job.endpoint, reason=report.reason, since=found.since or now, at=now)
    _keep(db, report, not_before=0.0 if outage.is_open else now + dispatcher.policy.pause_s(fault, found.times))
    if outage.is_open:  # from here on the breaker says when something is tried
        faults.wake(db, job.endpoint, fault=fault)
        _ask_where_alone(dispatcher, db, job.endpoint, outage)
    if now - outage.since > dispatcher.policy.patience_s:
        hours = f"{dispatcher.policy.patience_s / 3600:.3g} hours"
        reason = f"the AOS has not answered for {hours}: {report.reason}"
        _stop(db, job, limits.Stopped(at=now, reason=reason, advice=report.advice, code=report.code))


def _ask_where_alone(dispatcher: Dispatcher, db: Database, endpoint: str, outage: Outage) -> None:
    """Have the connection tested where no other batch could tell whether it is the AOS that is silent, or this batch's rows."""
    line = turns.runnable(jobs.of_database(db, endpoint=endpoint), endpoint=endpoint)
    if outage.is_milestone and faults.open_batches(db, [job.id for job in line]) == 1:
        dispatcher.add_survey(db, endpoints.get(db, endpoint), jobs.JobKind.TEST)


def _keep(db: Database, report: BatchReturned, *, not_before: float) -> None:
    """The batch is sent again, not before a time."""
    batches.returned(
        db,
        report.ref,
        so_far=report.so_far,
        settled=report.settled,
        not_before=not_before,
        reason=report.reason,
        sent=report.sent,
    )


def _end(dispatcher: Dispatcher, db: Database, job: jobs.Job, report: BatchReturned, *, now: float) -> None:
    """The batch ends as it is, and with it its job."""
    batches.end_early(db, report.ref, at=now, so_far=report.so_far, settled=report.settled)
    _say(db, report, now=now)
    if not job.ending:
        dispatcher.end(db, job, jobs.JobState.FAILED, reason=report.reason, advice=report.advice, code=report.code)
    dispatcher.close_if_done(db, jobs.get(db, job.id))


def _stop(db: Database, job: jobs.Job, why: limits.Stopped) -> None:
    """Nothing more is sent to the endpoint: its jobs wait until a person, or a test, says that all is well again."""
    if limits.stop(db, job.endpoint, why):
        jobs.say(db, job.id, f"Nothing more is sent to {endpoints.get(db, job.endpoint).name}: {why.reason}", at=why.at)
        log.warning("an endpoint was stopped", extra={"action": "endpoint_stopped", "aos": job.endpoint})


def _give_up(dispatcher: Dispatcher, db: Database, report: BatchReturned, past: faults.Past, *, now: float) -> None:
    told = _GIVEN_UP[Fault(past.fault)]
    because = faults.Because(
        message=told.message.format(times=past.times, reason=report.reason), advice=told.advice, code=told.code
    )
    faults.give_up(db, report.ref, so_far=report.so_far, settled=report.settled, because=because, at=now)
    dispatcher.close_if_done(db, jobs.get(db, report.ref.job))


def without_metadata(db: Database, report: SurveyDone, *, now: float) -> None:
    """Nothing was read. Jobs that waited for it end, or wait on where it is the endpoint that must be set right."""
    key, reason = report.endpoint.lower(), report.reason
    if endpoints.metadata(db, key) is not None:
        replanning.unread(db, key, limits.Stopped(at=now, reason=report.reason, code=report.code))
        return
    if policy.stops_endpoint(report.code):
        limits.stop(db, key, limits.Stopped(at=now, reason=reason, code=report.code))
        return
    for job in jobs.unfinished(db, endpoint=key):
        if not job.planned:
            jobs.close(db, job.id, jobs.JobState.FAILED, at=now, reason=reason)


def _say(db: Database, report: BatchReturned, *, now: float) -> None:
    ref = report.ref
    text = f"Batch {ref.batch} of step {ref.step}, attempt {ref.attempt}, came back: {report.reason} {report.advice}"
    jobs.say(db, ref.job, text.strip(), at=now)


def _is_own(db: Database, job: jobs.Job) -> bool:
    """Whether the job's company is one of those that its endpoint was registered with."""
    companies = {name.lower() for name in endpoints.get(db, job.endpoint).companies}
    return (job.company or "").lower() in companies
