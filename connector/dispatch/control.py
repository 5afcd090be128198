"""What a person asks of a job that has ended: to take up its rows again."""

import time
from dataclasses import replace
from typing import Final

from connector.dispatch.dispatcher import Dispatcher
from connector.errors import Conflict
from connector.ledger import Database, audit, endpoints, jobs, packages, retries
from connector.wire.jobs import Mode
from connector.wire.reports import OUTCOME_WORDS, Outcome

#: What `--rows` may say, and the outcomes that it means. Rows are skipped because others failed, or because the job ended.
CHOICES: Final[dict[str, tuple[Outcome, ...]]] = {
    "failed": (Outcome.FAILED, Outcome.SKIPPED),
    "skipped": (Outcome.SKIPPED,),
    "unknown": (Outcome.UNKNOWN,),
    "all-not-in": (Outcome.FAILED, Outcome.SKIPPED, Outcome.UNKNOWN),
}


def retry(dispatcher: Dispatcher, job_id: str, *, rows: str = "failed", by: str = audit.ITSELF) -> jobs.Job:
    """Accept a job that takes up rows of an ended load which are not in; `rows` is one of `CHOICES`.

    It asks for the same: package, endpoint, company, mapping, mode. What the rows of an earlier retry became is its own
    affair: they are left out. Raises NotFound, and Conflict where there is nothing to take up.
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


def ended_load(db: Database, job_id: str) -> jobs.Job:
    """A load whose rows have all found their end. Raises NotFound, Conflict."""
    job = jobs.get(db, job_id)
    if job.kind != jobs.JobKind.LOAD:
        raise Conflict(f"{job.id} is no load: it has written nothing.", advice="Load the package: rapidstart load FILE")
    if job.finished_at is None:
        raise Conflict(
            f"{job.id} has not ended: {job.state}.",
            advice=f"Wait for its end, or end it: rapidstart job cancel {job.id}",
        )
    return job


def successor(db: Database, first: jobs.Job, *, retry_rows: str = "", kind: jobs.JobKind = jobs.JobKind.LOAD) -> jobs.Job:
    """A new job for rows of an ended one: the same package, for the same place. Raises NotFound."""
    endpoints.get(db, first.endpoint)
    job = jobs.Job(
        id=jobs.new_id(db),
        kind=kind,
        endpoint=first.endpoint,
        company=first.company,
        partition=first.partition,
        package=packages.get(db, first.package or "").sha256,
        package_name=first.package_name,
        order=first.order if kind == jobs.JobKind.LOAD else _looking(first.order),
        submitted_at=time.time(),
        retry_of=first.id,
        retry_rows=retry_rows,
    )
    jobs.add(db, job)
    return job


def _looking(order: jobs.Order) -> jobs.Order:
    """Records are looked up as if they were to be updated: then none that is missing is taken for one to be created."""
    return replace(order, mode=order.mode if order.mode is Mode.DELETE else Mode.UPDATE)


def _wanted(db: Database, first: jobs.Job, asked: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """The outcomes whose rows are taken up: those that no other retry has taken, as far as there are such rows."""
    others = retries.of_job(db, first.id)
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
            advice=f"What is still not in is to be retried there: rapidstart job retry {last}",
        )
    raise Conflict(
        f"{first.id} has no {_in_words(asked, joined=' or ')}.", advice=f"See its results: rapidstart job results {first.id}"
    )


def _in_words(outcomes: tuple[Outcome, ...] | list[Outcome], *, joined: str = " and ") -> str:
    return f"{joined.join(OUTCOME_WORDS[each] for each in outcomes)} rows"
