"""A person settles rows whose outcome nobody could prove: by looking them up, loading them again, or by saying what is so."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from connector.dispatch import control, verdicts
from connector.dispatch.dispatcher import Dispatcher
from connector.errors import Conflict, NotFound, Place, Refused
from connector.ledger import Database, audit, courses, jobs, retries, settling
from connector.ledger.settling import End
from connector.wire.reports import Outcome

#: The ways to settle a row.
WAYS: Final = ("lookup", "retry", "done", "skip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """How many rows were settled, or are looked up; and the job that does it, where there is one."""

    rows: int
    made: str | None = None


def resolve(
    dispatcher: Dispatcher, job_id: str, *, way: str, rows: Sequence[Place] | None, by: str = audit.ITSELF
) -> Resolved:  # fmt: skip
    """Settle rows of an ended load that are unknown or handed over; `rows` None means all of them. `way` is one of `WAYS`.

    A row is settled with those of its document: they were written together.

    `done` and `skip` count at once. `retry` makes a load of these rows, `lookup` a preview, whose end settles them.
    Raises NotFound, Conflict where nothing is to be settled, and Refused for rows that cannot be looked up.
    """
    now = time.time()
    with dispatcher.ledger.write() as db:
        job = control.ended_load(db, job_id)
        meant = _chosen(db, job, rows)
        if way == "lookup":
            _refuse_calls(db, job, meant)
        if way == "retry":
            _refuse_taken(db, job, meant)
        made = _made(db, job, way)
        settling.note(db, job.id, list(meant), way=way, by=by, at=now, made=made)
        if way != "lookup":
            settling.settle(db, job.id, _ends(meant, way, made))
            verdicts.judge(db, job)
        told = (
            f"{verdicts.in_rows(len(meant))} settled{audit.said_by(by)}: {way}."
            if way != "lookup"
            else f"{made} looks up {verdicts.in_rows(len(meant))}."
        )
        jobs.say(db, job.id, told, at=now)
        audit.note(db, "job resolve", by=by, subject=job.id, at=now, details={"as": way, "rows": len(meant), "job": made})
    if made:
        dispatcher.to_plan.put(made)
    return Resolved(rows=len(meant), made=made)


def _chosen(db: Database, job: jobs.Job, rows: Sequence[Place] | None) -> dict[settling.Place, settling.Open]:
    unsettled = settling.unsettled(db, job.id)
    if not unsettled:
        raise Conflict(
            f"{job.id} has no rows that are unknown or handed over.", advice=f"See its results: rapidstart job results {job.id}"
        )
    if rows is None:
        return unsettled
    sources: dict[tuple[str, str | None], set[int]] = {}
    for step in courses.steps_of(db, job.id):
        sources.setdefault((step.file, step.sheet), set()).add(step.no)
    documents: set[settling.Place] = set()
    for row in rows:
        here = {(step, row.row or 0) for step in sources.get((row.file or "", row.sheet), ())} & unsettled.keys()
        if not here:
            raise NotFound(
                f"{row} is no row of {job.id} that is unknown or handed over.",
                advice=f"See which are: rapidstart job results {job.id}",
            )
        documents |= {unsettled[place].document for place in here}
    return {place: each for place, each in unsettled.items() if each.document in documents}


def _refuse_calls(db: Database, job: jobs.Job, meant: Mapping[settling.Place, settling.Open]) -> None:
    for step in {step for step, _ in meant}:
        if courses.course(db, job.id, step).kind != "load.tables":
            raise Refused(
                "a call, or a file that was handed over, leaves no record that could be looked up by its key.",
                advice="Look in AX what it has done, then settle the rows: --as done, skip or retry.",
            )


def _refuse_taken(db: Database, job: jobs.Job, meant: Mapping[settling.Place, settling.Open]) -> None:
    """A call that is loaded again by two jobs would be made twice."""
    if all(each.outcome is not Outcome.UNKNOWN for each in meant.values()):
        return
    for other in retries.of_job(db, job.id):
        if Outcome.UNKNOWN in retries.outcomes(other):
            raise Conflict(
                f"unknown rows of {job.id} were taken up by {other.id} already.",
                advice=f"What is still not in is to be retried there: rapidstart job retry {other.id}",
            )


def _made(db: Database, job: jobs.Job, way: str) -> str | None:
    if way == "lookup":
        return control.successor(db, job, kind=jobs.JobKind.PREVIEW).id
    return control.successor(db, job).id if way == "retry" else None


def _ends(meant: Mapping[settling.Place, settling.Open], way: str, made: str | None) -> dict[settling.Place, End]:
    if way == "done":
        return {place: End(outcome=each.meant) for place, each in meant.items()}
    if way == "skip":
        end = End(outcome=Outcome.SKIPPED, message="A person decided that it is not to be written.", code="RSC-3140")
    else:
        advice = f"See what became of it: rapidstart job results {made}"
        end = End(outcome=Outcome.SKIPPED, message=f"{made} takes it up.", advice=advice, code="RSC-3141")
    return dict.fromkeys(meant, end)
