"""What a job has come to: its state by what became of its rows, also when that is settled later."""

import re
import time
from collections.abc import Mapping
from typing import Final

from connector.ledger import Database, courses, following, jobs, settling
from connector.ledger.settling import End
from connector.wire.reports import Outcome

#: What a lookup told of a document that is not in AX.
_NOT_THERE: Final = "RSC-3111"
#: What is told of a preview that asked nobody.
_OFFLINE: Final = "the rows were held against the contract; the AOS was not asked"
#: What to do with a job that has as many errors as it may have.
STOPPED_ADVICE: Final = "Correct what is wrong, then load the others: rapidstart job retry {job}"
_RETRY: Final = "Load it again: rapidstart job retry {job}"


def verdict(job: jobs.Job, counts: Mapping[str, int]) -> jobs.JobState:
    """The state in which a job ends whose rows have these outcomes."""
    left = counts["unknown"] + counts["handed_over"]
    if not counts["failed"] + left + counts["skipped"]:
        return jobs.JobState.SUCCEEDED
    done = counts["created"] + counts["updated"] + counts["unchanged"] + counts["deleted"] + left
    if job.kind == jobs.JobKind.PREVIEW:  # rows that fit, and of which no AOS was asked
        done += job.rows - sum(counts.values())
    return jobs.JobState.PARTLY_SUCCEEDED if done else jobs.JobState.FAILED


def closing(job: jobs.Job, counts: Mapping[str, int]) -> str:
    """The reason of a job that ends now."""
    if job.ending is jobs.JobState.CANCELLED and job.kind == jobs.JobKind.LOAD:
        return f"cancelled: {_written(counts)}"
    if job.ending is jobs.JobState.CANCELLED:
        return "cancelled"
    if job.ending:
        return job.reason
    return _not_asked(job, counts) if job.kind == jobs.JobKind.PREVIEW else ""


def _not_asked(job: jobs.Job, counts: Mapping[str, int]) -> str:
    """What is told of a preview's rows of which AX was not asked what would become of them."""
    if job.order.offline:
        return _OFFLINE
    left = job.rows - sum(counts.values())
    count = "1 row" if left == 1 else f"{left:,} rows"
    return (
        f"AX was not asked about {count}: what is called, or goes in a file, is held against the contract alone" if left else ""
    )


def steered(job: jobs.Job, in_hand: int) -> str:
    """What is told of a job that a person paused, or that ends, while workers hold batches of it."""
    held = "1 batch in hand" if in_hand == 1 else f"{in_hand:,} batches in hand"
    if job.ending is jobs.JobState.CANCELLED:
        return f"cancelling, {held}"
    if job.ending is None:
        return f"paused, {held}" if in_hand else "paused"
    return job.reason


def still_steered(job: jobs.Job, in_hand: int) -> str:
    """The same a while later. What else it was paused for stays as it was told."""
    return steered(job, in_hand) if job.ending or re.fullmatch("paused(, .* in hand)?", job.reason) else job.reason


def too_many_errors(job: jobs.Job, counts: Mapping[str, int]) -> str:
    """Why a job shall go on no more, by its own `stop_after`; "" where it may."""
    limit = job.order.stop_after
    most = job.rows * int(limit[:-1]) / 100 if limit.endswith("%") else int(limit)
    if counts["failed"] < max(most, 1):
        return ""
    errors = "1 error" if counts["failed"] == 1 else f"{counts['failed']:,} errors"
    return f"stopped after {errors}, as --stop-after {limit} asks"


def _written(counts: Mapping[str, int]) -> str:
    written = counts["created"] + counts["updated"] + counts["deleted"]
    told = f"{in_rows(written)} {'was' if written == 1 else 'were'} written before" if written else "nothing was written"
    return f"{told}, {in_rows(counts['unknown'])} unknown" if counts["unknown"] else told


def judge(db: Database, job: jobs.Job) -> None:
    """The state of an ended job follows its rows, unless it was ended for another reason; so does what is told of its rows.

    What was settled in a job that took up rows of others shows there too.
    """
    _judge(db, job)
    tell_family(db, job)


def tell_family(db: Database, job: jobs.Job) -> None:
    """A load has ended that took up rows of others, or rows of it were settled: each of the others shows what it has of them."""
    if job.kind != jobs.JobKind.LOAD or not job.retry_rows:
        return
    now = time.time()
    for other in following.family(db, job):
        if other.id == job.id or other.finished_at is None or other.removed_at is not None:
            continue
        moved = following.follow(db, other.id, job.id, at=now)
        if moved:
            told = ", ".join(f"{count:,} {word}" for word, count in sorted(moved.items()))
            jobs.say(db, other.id, f"{job.id} took up {in_rows(moved.total())} of this job: {told}.", at=now)
            _judge(db, other)


def _judge(db: Database, job: jobs.Job) -> None:
    counts = jobs.totals(db, [job.id])[job.id]
    state = verdict(job, counts)
    if state is jobs.JobState.SUCCEEDED or (job.ending is None and state is not job.state):
        jobs.mark(db, job.id, state=state, reason="", advice="", code="")  # what was told was of the other state
    elif job.ending is jobs.JobState.CANCELLED:
        jobs.mark(db, job.id, reason=closing(job, counts))


def look_back(db: Database, lookup: jobs.Job) -> None:
    """A lookup has ended: what it found settles rows of the job that it was made for. The others stay unknown."""
    job = jobs.get(db, lookup.retry_of or "")
    found = settling.seen(db, lookup.id)
    sources = {step.no: (step.entity, step.file, step.sheet) for step in courses.steps_of(db, job.id)}
    asked = settling.made_for(db, lookup.id)
    ends: dict[settling.Place, End] = {}
    for place, each in settling.unsettled(db, job.id).items():
        seen = found.get((*sources[place[0]], place[1])) if place in asked else None
        if seen is not None and (end := _found(seen, each.meant, job.id)):
            ends[place] = end
    count = settling.settle(db, job.id, ends)
    left = len(asked) - count
    unproved = f" {in_rows(left)} could not be proved, and stay as they are." if left else ""
    jobs.say(db, job.id, f"{lookup.id} has looked up {in_rows(len(asked))}: {in_rows(count)} settled.{unproved}", at=time.time())
    judge(db, job)


def _found(seen: settling.Seen, meant: Outcome, job: str) -> End | None:
    """What a look at AX proves of a row; None where it proves nothing."""
    is_missing = seen.code == _NOT_THERE
    if seen.outcome is Outcome.UNCHANGED or (is_missing and meant is Outcome.DELETED):
        return End(outcome=meant)
    advice = _RETRY.format(job=job)
    if is_missing:
        return End(outcome=Outcome.FAILED, message="Looked up: AX has no such record.", advice=advice, code="RSC-3142")
    if seen.outcome is Outcome.UPDATED:
        message = "Looked up: the record is in AX, with other values than the row."
        return End(outcome=Outcome.FAILED, message=message, advice=advice, code="RSC-3143")
    if seen.outcome is Outcome.DELETED:
        return End(outcome=Outcome.FAILED, message="Looked up: the record is still in AX.", advice=advice, code="RSC-3144")
    return None


def in_rows(count: int) -> str:
    """A number of rows in words."""
    return "1 row" if count == 1 else f"{count:,} rows"
