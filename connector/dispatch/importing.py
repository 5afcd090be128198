"""Imports AX's data dictionary from an endpoint: orders it, lays its slices aside, and puts the whole in use at its end."""

import logging
import time
from dataclasses import asdict, dataclass
from typing import Final

from connector.dispatch.dispatcher import Dispatcher
from connector.errors import Conflict
from connector.ledger import Database, audit, batches, dictionaries, endpoints, faults, jobs
from connector.ledger.dictionaries import Kind
from connector.wire import dictionary
from connector.wire.codec import WireError
from connector.wire.jobs import Grant
from connector.wire.reports import DictionaryDone, DictionarySlice, Outcomes

log = logging.getLogger(__name__)

#: How many of each, in words.
_WORDS: Final = {
    Kind.TABLE: ("table", "tables"),
    Kind.ENUM: ("enumeration", "enumerations"),
    Kind.SERVICE: ("service", "services"),
    Kind.CLASS: ("class", "classes"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be imported."""

    language: str = "en-us"
    services_only: bool = False
    tables: tuple[str, ...] = ()
    """these alone, beside what is known; () for everything, in place of it"""
    address: str = ""
    """of the AOS' MetadataService; "": beside the endpoint's own addresses"""


def order(dispatcher: Dispatcher, name: str, wish: Wish, *, by: str = audit.ITSELF) -> jobs.Job:
    """Have a worker import the data dictionary; the same wish is not carried out twice at once.

    Raises NotFound, and Conflict while another import is under way.
    """
    told = {**asdict(wish), "tables": list(wish.tables)}
    with dispatcher.ledger.write() as db:
        endpoint = endpoints.get(db, name)
        if under_way := under_way_of(db, endpoint.key):
            if under_way.order.dictionary == told:
                return under_way
            raise Conflict(
                f"{endpoint.name} is imported from already, by {under_way.id}.",
                advice=f"Wait for it: rapidstart job watch {under_way.id}. Or end it: rapidstart job cancel {under_way.id}",
            )
        dictionaries.discard(db, endpoint.key)
        job = _add(db, endpoint.key, jobs.Order(dictionary=told))
        audit.note(db, "endpoint metadata", by=by, subject=endpoint.key, at=job.submitted_at, details={"job": job.id, **told})
    dispatcher.release(job.endpoint)
    return job


def under_way_of(db: Database, endpoint: str) -> jobs.Job | None:
    """The import of an endpoint that has no end yet."""
    return next((job for job in jobs.unfinished(db, endpoint=endpoint) if job.order.dictionary is not None), None)


def take_slice(dispatcher: Dispatcher, db: Database, report: DictionarySlice, *, now: float) -> Grant:
    """Lay a slice aside. Whether the worker may go on."""
    if faults.past(db, report.ref) is None:
        return Grant(granted=False, reason="this attempt was replaced")
    job = jobs.get(db, report.ref.job)
    if job.ending:
        dictionaries.discard(db, job.endpoint)
        return Grant(granted=False, reason="the job was ended")
    dispatcher.leases.renew([report.ref])
    try:
        part = dictionary.unpack(report.content)
    except WireError as error:
        dispatcher.end(
            db, job, jobs.JobState.FAILED, reason=f"{error}.", advice="Bring dispatcher and worker to the same version."
        )
        return Grant(granted=False, reason=str(error))
    dictionaries.stage(db, job.endpoint, part, job=job.id, at=now)
    jobs.set_state(db, job.id, jobs.JobState.RUNNING, reason=f"{report.done:,} of {report.total:,} read")
    if job.started_at is None:
        jobs.mark(db, job.id, started_at=now)
    return Grant(granted=True)


def take_end(dispatcher: Dispatcher, db: Database, report: DictionaryDone, *, now: float) -> None:
    """An import has ended: what it brought is put in use, or dropped where it ended for a reason."""
    if not batches.done(db, report.ref, outcomes=Outcomes(letters=""), calls=0, seconds=0.0, at=now):
        return
    job = jobs.get(db, report.ref.job)
    for line in report.log:
        jobs.say(db, job.id, line, at=now)
    if report.reason or job.ending:
        dictionaries.discard(db, job.endpoint)
    if report.reason:
        jobs.close(db, job.id, jobs.JobState.FAILED, at=now, reason=report.reason, advice=report.advice, code=report.code)
        return
    if not job.ending:
        dictionaries.adopt(db, job.endpoint, job=job.id, replaced=[kind for kind in Kind if kind in report.replaced])
        jobs.say(db, job.id, f"The data dictionary holds {_told(db, job.endpoint)} now.", at=now)
        log.info("a data dictionary was imported", extra={"action": "dictionary_imported", "aos": job.endpoint})
    dispatcher.gate.breakers.answered(job.endpoint, at=now)
    dispatcher.close_if_done(db, job)


def _told(db: Database, endpoint: str) -> str:
    return (
        ", ".join(f"{held.count:,} {_WORDS[held.kind][held.count != 1]}" for held in dictionaries.holdings(db, endpoint))
        or "nothing"
    )


def _add(db: Database, endpoint: str, wanted: jobs.Order) -> jobs.Job:
    job = jobs.Job(
        id=jobs.new_id(db),
        kind=jobs.JobKind.METADATA,
        endpoint=endpoint,
        order=wanted,
        planned=True,
        submitted_at=time.time(),
    )
    jobs.add(db, job)
    only = batches.NewBatch(step=0, no=1, rank=0, size=0, places=(), rows=None)
    batches.add_many(db, job=job.id, endpoint=endpoint, new=[only])
    return job
