"""What a person asks of a job: to end, to pause, to go on, to go first; and to take up its rows again once it has ended."""

import time
from dataclasses import replace
from typing import Final

from connector.dispatch import turns, verdicts
from connector.dispatch.dispatcher import Dispatcher
from connector.errors import Conflict
from connector.ledger import Database, audit, batches, endpoints, following, jobs, packages, retention, retries
from connector.wire.jobs import Mode
from connector.wire.reports import OUTCOME_WORDS, Outcome

#: What `--rows` may say, and the outcomes that it means. Rows are skipped because others failed, or because the job ended.
CHOICES: Final[dict[str, tuple[Outcome, ...]]] = {
    "failed": (Outcome.FAILED, Outcome.SKIPPED),
    "skipped": (Outcome.SKIPPED,),
    "unknown": (Outcome.UNKNOWN,),
    "all-not-in": (Outcome.FAILED, Outcome.SKIPPED, Outcome.UNKNOWN),
}


def cancel(dispatcher: Dispatcher, job_id: str, *, by: str = audit.ITSELF) -> jobs.Job:
    """End a job: what no worker holds is dropped at once, a call in hand is finished. Raises NotFound, Conflict."""
    with dispatcher.ledger.write() as db:
        job = _open_job(db, job_id)
        told = f"Cancelled{audit.said_by(by)}: what no worker holds is dropped, a call in hand is finished."
        jobs.say(db, job.id, told, at=time.time())
        audit.note(db, "job cancel", by=by, subject=job.id, at=time.time())
        dispatcher.end(db, job, jobs.JobState.CANCELLED, reason="cancelling")
        job = jobs.get(db, job.id)
        if job.finished_at is None:
            jobs.set_state(db, job.id, jobs.JobState.RUNNING, reason=verdicts.steered(job, in_hand(dispatcher, db, job)))
        return jobs.get(db, job.id)


def pause(dispatcher: Dispatcher, job_id: str, *, by: str = audit.ITSELF) -> jobs.Job:
    """Send no more batches of a job until it is resumed; a call in hand is finished. Raises NotFound, Conflict."""
    with dispatcher.ledger.write() as db:
        job = _open_job(db, job_id)
        jobs.mark(db, job.id, paused=True)
        jobs.set_state(db, job.id, jobs.JobState.PAUSED, reason=verdicts.steered(job, in_hand(dispatcher, db, job)))
        jobs.say(db, job.id, f"Paused{audit.said_by(by)}.", at=time.time())
        audit.note(db, "job pause", by=by, subject=job.id, at=time.time())
        return jobs.get(db, job.id)


def resume(dispatcher: Dispatcher, job_id: str, *, by: str = audit.ITSELF) -> jobs.Job:
    """Go on with a paused job. Raises NotFound, Conflict."""
    with dispatcher.ledger.write() as db:
        job = _open_job(db, job_id)
        jobs.mark(db, job.id, paused=False)
        jobs.set_state(db, job.id, jobs.JobState.QUEUED)
        jobs.say(db, job.id, f"Resumed{audit.said_by(by)}.", at=time.time())
        audit.note(db, "job resume", by=by, subject=job.id, at=time.time())
    return _let_go(dispatcher, job)


def prioritise(dispatcher: Dispatcher, job_id: str, *, priority: str, by: str = audit.ITSELF) -> jobs.Job:
    """Let a job go before others of its endpoint, or behind them; `priority` is one of `turns.PRIORITIES`.

    A load that has begun is not held up for it. Raises NotFound, Conflict.
    """
    with dispatcher.ledger.write() as db:
        job = _open_job(db, job_id)
        jobs.mark(db, job.id, priority=turns.PRIORITIES.index(priority))
        jobs.say(db, job.id, f"Priority set{audit.said_by(by)}: {priority}.", at=time.time())
        audit.note(db, "job prioritise", by=by, subject=job.id, at=time.time(), details={"priority": priority})
    return _let_go(dispatcher, job)


def in_hand(dispatcher: Dispatcher, db: Database, job: jobs.Job) -> int:
    """How many batches of a job workers hold."""
    flying = batches.in_flight(db, job.endpoint)
    return sum(each.ref.job == job.id and dispatcher.leases.holds(each.ref) for each in flying)


def retry(dispatcher: Dispatcher, job_id: str, *, rows: str = "failed", by: str = audit.ITSELF) -> jobs.Job:
    """Accept a job that takes up rows of an ended load which are not in; `rows` is one of `CHOICES`.

    It asks for the same: package, with what was corrected of it, endpoint, company, mapping, mode. Its outcomes become those
    of the first as well. Rows that an unfinished retry has are left out. Raises NotFound, and Conflict where there is nothing
    to take up.
    """
    with dispatcher.ledger.write() as db:
        first = ended_load(db, job_id)
        wanted = _wanted(db, first, CHOICES[rows])
        job = successor(db, first, retry_rows=retries.words(wanted))
        jobs.say(db, job.id, f"Accepted{audit.said_by(by)}: {_in_words(wanted)} of {first.id}, once more.", at=job.submitted_at)
        jobs.say(db, first.id, f"{job.id} takes up {_in_words(wanted)}.", at=job.submitted_at)
        audit.note(db, "job retry", by=by, subject=first.id, at=job.submitted_at, details={"rows": rows, "job": job.id})
    dispatcher.to_plan.put(job.id)
    return job


def _let_go(dispatcher: Dispatcher, job: jobs.Job) -> jobs.Job:
    dispatcher.to_plan.put(job.id)
    dispatcher.release(job.endpoint)
    with dispatcher.ledger.read() as db:
        return jobs.get(db, job.id)


def _open_job(db: Database, job_id: str) -> jobs.Job:
    job = jobs.get(db, job_id)
    if job.state in jobs.FINAL:
        raise Conflict(
            f"{job.id} has ended: {job.state.replace('_', ' ')}.", advice=f"See its results: rapidstart job results {job.id}"
        )
    if job.ending:
        raise Conflict(f"{job.id} is about to end: {job.reason}.", advice=f"Wait for it: rapidstart job watch {job.id}")
    return job


def ended_load(db: Database, job_id: str) -> jobs.Job:
    """A load whose rows have all found their end, and are still there. Raises NotFound, Conflict."""
    job = jobs.get(db, job_id)
    if job.kind != jobs.JobKind.LOAD:
        raise Conflict(f"{job.id} is no load: it has written nothing.", advice="Load the package: rapidstart load FILE")
    if job.finished_at is None:
        raise Conflict(
            f"{job.id} has not ended: {job.state}.",
            advice=f"Wait for its end, or end it: rapidstart job cancel {job.id}",
        )
    retention.check(job)
    return job


def successor(
    db: Database,
    first: jobs.Job,
    *,
    retry_rows: str = "",
    kind: jobs.JobKind = jobs.JobKind.LOAD,
    corrections: str | None = None,
) -> jobs.Job:
    """A new job for rows of an ended one: the same package, as it was corrected, for the same place. Raises NotFound.

    `corrections`: a workbook that corrects more of it; then the job takes up only rows that stand there.
    """
    endpoints.get(db, first.endpoint)
    known = following.corrections(db, first)
    job = jobs.Job(
        id=jobs.new_id(db),
        kind=kind,
        endpoint=first.endpoint,
        company=first.company,
        partition=first.partition,
        package=packages.get(db, first.package or "").sha256,
        package_name=first.package_name,
        priority=first.priority,
        order=first.order if kind == jobs.JobKind.LOAD else _looking(first.order),
        submitted_at=time.time(),
        retry_of=first.id,
        retry_rows=retry_rows,
        corrections=(*known, corrections) if corrections else known,
        only_corrected=corrections is not None,
    )
    jobs.add(db, job)
    return job


def _looking(order: jobs.Order) -> jobs.Order:
    """Records are looked up as if they were to be updated: then none that is missing is taken for one to be created."""
    return replace(order, mode=order.mode if order.mode is Mode.DELETE else Mode.UPDATE)


def _wanted(db: Database, first: jobs.Job, asked: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """The outcomes whose rows are taken up: those that no other retry has taken, as far as there are such rows."""
    others = [each for each in following.family(db, first) if each.finished_at is None]
    taken = frozenset[Outcome]().union(*(retries.outcomes(other) for other in others))
    counts = retries.counts(db, first.id)
    never_sent = {Outcome.SKIPPED} if not first.planned else set()
    there = [each for each in asked if counts[OUTCOME_WORDS[each]] or each in never_sent]
    wanted = tuple(each for each in there if each not in taken)
    if wanted:
        return wanted
    if there:
        last = others[-1].id
        raise Conflict(
            f"{_in_words(there)} of {first.id} were taken up by {last} already.",
            advice=f"Wait for its end: rapidstart job watch {last}",
        )
    raise Conflict(
        f"{first.id} has no {_in_words(asked, joined=' or ')}.", advice=f"See its results: rapidstart job results {first.id}"
    )


def _in_words(outcomes: tuple[Outcome, ...] | list[Outcome], *, joined: str = " and ") -> str:
    return f"{joined.join(OUTCOME_WORDS[each] for each in outcomes)} rows"
