"""A port has another contract than jobs were planned by: its endpoint goes on, and its jobs are held against the new one.

The job that meets it waits, and a survey reads the contract again; a survey that is refused stops the endpoint. Then each
unfinished job of the endpoint that was planned by another contract is planned once more, in mind:

- The same columns go to the same fields of the same services: its batches stay as they are, and go by the new contract.
- They do not, and nothing of it was written: it is planned from the beginning.
- They do not, and some of it was written: it ends as failed, and says why. What was written stays told; the rest is loaded
  by a retry, which is planned by the new contract.
- The package does not fit the new contract at all: it ends as failed with the sentence of the planner.
"""

import json
import time
from collections.abc import Sequence
from typing import Any, Final

from connector.dispatch import corrected
from connector.dispatch.dispatcher import Dispatcher
from connector.dispatch.planner import Planner
from connector.errors import Refused
from connector.ledger import Database, courses, endpoints, jobs, limits, outdated
from connector.wire.jobs import Layout, Target
from connector.wire.metadata import Metadata

_Steps = Sequence[tuple[courses.Step, courses.Course]]

_RETRY: Final = "Load the others by the new contract: rapidstart job retry {job}"
_CODE: Final = "RSC-2260"
#: Options that follow from whether a key is known.
_OF_THE_KEY: Final = frozenset({"mode", "guessed"})


def met(dispatcher: Dispatcher, db: Database, job: jobs.Job, *, now: float) -> None:
    """A batch of a job met another contract than it was planned by: the contract is read again before more of it is sent."""
    target = endpoints.get(db, job.endpoint)
    if outdated.mark(db, job.id, at=now):
        jobs.say(db, job.id, f"It waits: {why(target)}.", at=now)
    dispatcher.add_survey(db, target, jobs.JobKind.METADATA)


def why(endpoint: endpoints.Endpoint) -> str:
    """What a job waits for."""
    return f"the contract of {endpoint.name} changed and is being read again"


def surveyed(db: Database, endpoint: str, found: Metadata | None, *, now: float) -> list[str]:
    """An endpoint was surveyed: the jobs that may be planned now, or are to be held against the contracts that were read."""
    unplanned = [job.id for job in jobs.unfinished(db, endpoint=endpoint) if not job.planned]
    if found is None:
        return unplanned
    target = endpoints.get(db, endpoint)
    for job in outdated.mark_others(db, endpoint, fingerprint=found.fingerprint, at=now):
        jobs.say(db, job, f"The contract of {target.name} has changed: the job is held against it.", at=now)
    return [*unplanned, *outdated.of_endpoint(db, endpoint)]


def unread(db: Database, endpoint: str, why_not: limits.Stopped) -> None:
    """The contract could not be read again. Where jobs wait for that, nothing can be sent before it was set right."""
    if outdated.of_endpoint(db, endpoint):
        limits.stop(db, endpoint, why_not)


def hold(dispatcher: Dispatcher, planner: Planner, job: jobs.Job, metadata: Metadata) -> bool:
    """Hold a planned job against the contracts of today. True: its plan was given up, it is to be planned from the beginning."""
    with dispatcher.ledger.read() as db:
        target = endpoints.get(db, job.endpoint)
        is_read = outdated.is_read(db, job.id, target)
    if not is_read:
        _ask(dispatcher, job.endpoint)
        return False
    try:
        now = planner.sketch(job, corrected.fetched(dispatcher, job), metadata)
    except Refused as error:
        reason = f"the contract of {target.name} changed, and the package does not fit it any more: {error.message}"
        _end(dispatcher, job, reason=reason, advice=error.advice, code=error.code)
        return False
    return _decide(dispatcher, job, now, name=target.name)


def _decide(dispatcher: Dispatcher, job: jobs.Job, now: _Steps, *, name: str) -> bool:
    with dispatcher.ledger.write() as db:
        if (known := jobs.get(db, job.id)).ending or known.finished_at is not None:
            return False
        before = [(step, courses.course(db, job.id, step.no)) for step in courses.steps_of(db, job.id)]
        others = _others(before, now)
        dispatcher.courses.forget(job.id)
        if not others:
            outdated.retarget(db, job.id, {step.no: course.target for step, course in now})
            outdated.clear(db, job.id)
            jobs.say(db, job.id, f"The contract of {name} was read again: the plan fits it as it is.", at=time.time())
        elif outdated.is_untouched(db, job.id):
            jobs.mark(db, job.id, planned=False)
            outdated.clear(db, job.id)
            jobs.say(db, job.id, f"It is planned anew by the contract that {name} has now: nothing was written.", at=time.time())
            return True
    if others:
        reason = f"the contract of {name} changed, and {', '.join(others)} would go in by other columns than were begun with"
        _end(dispatcher, job, reason=reason, advice=_RETRY.format(job=job.id), code=_CODE)
    return False


def _others(
    before: Sequence[tuple[courses.Step, courses.Course]], now: Sequence[tuple[courses.Step, courses.Course]]
) -> list[str]:
    """The entities whose rows would be written in another way: other columns, another service, or another place in the plan."""
    if len(before) != len(now):
        return sorted({step.entity for step, _ in before} ^ {step.entity for step, _ in now}) or [now[0][0].entity]
    pairs = zip(before, now, strict=True)
    return [old[0].entity for old, new in pairs if _written(*old) != _written(*new)]


def _written(step: courses.Step, course: courses.Course) -> tuple[Any, ...]:
    """How the rows of a step are written.

    Not by which key they are looked up: of a service whose table was empty none was known, and what was begun goes on by
    the key that it was begun with. So does the mode, which follows from it.
    """
    options = json.loads(json.dumps({name: value for name, value in course.options.items() if name not in _OF_THE_KEY}))
    place = (step.entity, step.file, step.sheet, step.parent)
    return (*place, _where(course.target), _keyless(course.layout), course.kind, options)


def _where(target: Target) -> tuple[str, str, str]:
    return target.service, target.operation, target.table


def _keyless(layout: Layout) -> Layout:
    return layout.model_copy(update={"key": (), "children": tuple(_keyless(child) for child in layout.children)})


def _ask(dispatcher: Dispatcher, endpoint: str) -> None:
    """Have the contract read, where nobody has since and nobody is about to."""
    with dispatcher.ledger.write() as db:
        target = endpoints.get(db, endpoint)
        if target.stopped:  # a test comes first
            return
        dispatcher.add_survey(db, target, jobs.JobKind.METADATA)
    dispatcher.release(endpoint)


def _end(dispatcher: Dispatcher, job: jobs.Job, *, reason: str, advice: str, code: str) -> None:
    with dispatcher.ledger.write() as db:
        outdated.clear(db, job.id)
        if (now := jobs.get(db, job.id)).finished_at is None and not now.ending:
            dispatcher.end(db, now, jobs.JobState.FAILED, reason=reason, advice=advice, code=code)
