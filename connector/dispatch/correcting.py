"""A person hands in the corrected rows of a load: those that are not in by now are loaded, by a job of their own.

Their outcomes become those of the load. Rows travel as they did there: with those of their document, by its mapping and in
its mode; what is in is not loaded again.
"""

from dataclasses import dataclass
from typing import Final

from connector.dispatch import control, corrected
from connector.dispatch.dispatcher import Dispatcher
from connector.errors import Conflict, PackageRefused, Place
from connector.intake import fixed
from connector.intake.fixed import Corrections
from connector.ledger import Database, audit, following, jobs, packages, retries
from connector.wire.reports import Outcome

_TAKEN: Final = (Outcome.FAILED, Outcome.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of a workbook: how many are taken up, and how many are left alone."""

    taken: int
    left: int


def look(dispatcher: Dispatcher, job_id: str, *, workbook: str) -> Rows:
    """What would be taken up by `retry`. Raises as that does; nothing is changed."""
    with dispatcher.ledger.read() as db:
        first = control.ended_load(db, job_id)
        record = packages.get(db, workbook)
    found = _read(dispatcher, first, record)
    with dispatcher.ledger.read() as db:
        _refuse_busy(db, first)
        return _counted(db, first, found)


def retry(dispatcher: Dispatcher, job_id: str, *, workbook: str, by: str = audit.ITSELF) -> jobs.Job:
    """Accept a job that takes up the rows of an ended load that are in a workbook, which was received, as they stand there.

    Raises NotFound; PackageRefused for a workbook of another load, or one in which nobody knows where a row belongs; and
    Conflict where rows of the load are on their way, or none of these is to be taken up.
    """
    with dispatcher.ledger.read() as db:
        first = control.ended_load(db, job_id)
        record = packages.get(db, workbook)
    found = _read(dispatcher, first, record)
    with dispatcher.ledger.write() as db:
        first = control.ended_load(db, job_id)
        _refuse_busy(db, first)
        rows = _counted(db, first, found)
        job = control.successor(db, first, retry_rows=retries.words(_TAKEN), corrections=workbook)
        for line in _told(first, record, rows):
            jobs.say(db, job.id, line, at=job.submitted_at)
        for notice in found.notices:
            jobs.say(db, job.id, notice, at=job.submitted_at)
        taken = f"{job.id} takes up {_words(rows.taken)}, corrected{audit.said_by(by)}."
        jobs.say(db, first.id, taken, at=job.submitted_at)
        told = {"rows": "corrected", "workbook": workbook, "job": job.id}
        audit.note(db, "job retry", by=by, subject=first.id, at=job.submitted_at, details=told)
    dispatcher.to_plan.put(job.id)
    return job


def _read(dispatcher: Dispatcher, first: jobs.Job, record: packages.PackageRecord) -> Corrections:
    place = Place(file=record.name)
    path = dispatcher.package_path(record.sha256)
    told = fixed.head(path, name=record.name, limits=dispatcher.package_limits)
    if told is None:
        raise PackageRefused(
            "this is no workbook of rows to correct.",
            advice=f"Get one: rapidstart job results {first.id} --xlsx FILE",
            place=place,
        )
    if told.job != first.id:
        raise PackageRefused(
            f"this workbook corrects rows of {told.job}, not of {first.id}.",
            advice=f"Hand it in for that job: rapidstart job retry {told.job} --fixed FILE",
            place=place,
        )
    package, _ = corrected.opened(first, corrected.fetched(dispatcher, first), limits=dispatcher.package_limits)
    return fixed.corrections(path, name=record.name, package=package, limits=dispatcher.package_limits)


def _refuse_busy(db: Database, first: jobs.Job) -> None:
    """Two jobs must not have the same row on its way."""
    for each in following.family(db, first):
        if each.finished_at is None:
            raise Conflict(
                f"{each.id} is loading rows of {first.id}.", advice=f"Wait for its end: rapidstart job watch {each.id}"
            )


def _counted(db: Database, first: jobs.Job, found: Corrections) -> Rows:
    told = retries.ended(db, first.id)
    are = [told.of(origin, row) in _TAKEN for origin, row in found.places()]
    if not any(are):
        raise Conflict(
            f"none of the {len(are):,} rows of the workbook is to be loaded: they are in by now, or wait to be settled.",
            advice=f"See what is not in: rapidstart job results {first.id}",
        )
    return Rows(taken=sum(are), left=len(are) - sum(are))


def _told(first: jobs.Job, record: packages.PackageRecord, rows: Rows) -> list[str]:
    told = [f"Accepted: {_words(rows.taken)} of {first.id}, corrected in {record.name}."]
    if rows.left:
        told.append(f"{_words(rows.left)} of the workbook {'is' if rows.left == 1 else 'are'} in by now, and left alone.")
    return told


def _words(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
