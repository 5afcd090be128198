"""What each kind of job sends: one function per kind, and the table that names them."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from connector import tracing
from connector.dispatch.outbox import Parcel
from connector.ledger import Database, batches, courses, dictionaries, endpoints, jobs, limits
from connector.plan import passes
from connector.wire import codec
from connector.wire.jobs import WORK, ImportDictionary, LoadTables, Mode, Reference, SurveyConnection, SurveyMetadata, Target
from connector.wire.keys import Public

_KNOWN_COURSES: Final = 256


class Courses:
    """The courses of the steps that were sent last: once a job is planned, only another contract of its port changes them."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], courses.Course] = {}

    def of(self, db: Database, job: str, step: int) -> courses.Course:
        """The course of a step."""
        found = self._known.get((job, step))
        if found is None:
            if len(self._known) >= _KNOWN_COURSES:
                self._known.clear()
            found = self._known[job, step] = courses.course(db, job, step)
        return found

    def forget(self, job: str) -> None:
        """The courses of a job have changed."""
        for known in [key for key in self._known if key[0] == job]:
            self._known.pop(known, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Composes the messages of one job."""

    db: Database
    job: jobs.Job
    endpoint: endpoints.Endpoint
    courses: Courses
    call_timeout_s: float
    readers: tuple[Public, ...] | None = None
    """the keys that may open what is sent; None: it is not sealed"""
    manners: dict[str, "_Manner"] = field(default_factory=dict)
    """how services are called: nothing changes that while the batches of one transaction are composed"""

    def parcel(self, sending: batches.Sending) -> Parcel:
        """The message of one batch, addressed."""
        message, shown = _COMPOSE[self.job.kind](self, sending)
        trace = tracing.of_job(self.job.id, submitted_at=self.job.submitted_at)
        key, ref = self.endpoint.key, sending.ref
        return Parcel(endpoint=key, ref=ref, message=message, shown=shown, readers=self.readers, trace=trace)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manner:
    call_rows: int
    """root rows that a call takes, as was learnt; 0: as many as a batch holds"""
    idempotent: bool
    """a call may be repeated: by the endpoint's own word, and by AX's, which may carry a repeated call out again"""


def _manner(sender: Sender, course: courses.Course) -> _Manner:
    """How the service of a step is called; the ledger is asked once."""
    known = sender.manners.get(course.service)
    if known is None:
        db, endpoint = sender.db, sender.endpoint
        target = course.target
        once = not endpoint.may_repeat(target.port) or dictionaries.carries_out_again(db, endpoint.key, target.service)
        rows = limits.call_rows(db, endpoint.key, service=course.service)
        known = sender.manners[course.service] = _Manner(call_rows=rows, idempotent=not once)
    return known


def _load(sender: Sender, sending: batches.Sending) -> tuple[codec.Message, str]:
    course = sender.courses.of(sender.db, sender.job.id, sending.ref.step)
    said: dict[str, Any] = {"marker": _marker(sender.endpoint)}
    if course.kind == LoadTables.KIND:
        said["idempotent"] = _manner(sender, course).idempotent
    if sending.second:
        course, sending = _pass(course, sending, sending.second.fields)
    message = WORK[course.kind](**_rows(sender, sending, course), **course.options, **sending.options, **said)
    return message, f"{sender.job.id}, {_shown(course, sending)}"


def _marker(endpoint: endpoints.Endpoint) -> Target | None:
    return endpoint.marker and endpoint.marker.model_copy(update={"given": endpoint.has_contract})


def _preview(sender: Sender, sending: batches.Sending) -> tuple[codec.Message, str]:
    """Never another message than this one: its kind is the only one that can be previewed."""
    course = sender.courses.of(sender.db, sender.job.id, sending.ref.step)
    told = [Reference.model_validate(each) for each in sending.options.get("references", ())]
    given = {"given": sender.endpoint.has_contract}
    references = tuple(each.model_copy(update={"target": each.target.model_copy(update=given)}) for each in told)
    guessed = bool(course.options.get("guessed"))
    rows = _rows(sender, sending, course)
    message = LoadTables(**rows, mode=course.mode, preview=True, guessed=guessed, references=references)
    return message, f"{sender.job.id}, preview of {_shown(course, sending)}"


def _rows(sender: Sender, sending: batches.Sending, course: courses.Course) -> dict[str, Any]:
    """What every message with rows says."""
    return {
        "endpoint": sender.endpoint.key,
        "ref": sending.ref,
        "company": sender.job.company or "",
        "partition": sender.job.partition,
        "target": course.target.model_copy(update={"given": sender.endpoint.has_contract}),
        "layout": course.layout,
        "call_timeout_s": sender.call_timeout_s,
        "call_rows": _manner(sender, course).call_rows,
        "rows": codec.to_text(sending.rows),
        "so_far": sending.so_far,
        "open_intent": sending.open_intent,
    }


def _pass(course: courses.Course, sending: batches.Sending, later: Sequence[str]) -> tuple[courses.Course, batches.Sending]:
    """What leaves of rows that go in two passes: all but the fields that are filled later, or these, as an update by key."""
    whole = course.layout
    layout = passes.second_layout(whole, later) if sending.is_second else passes.first_layout(whole, later)
    rows = passes.cut(codec.unpack_rows(sending.rows), whole, layout)
    mode = Mode.UPDATE if sending.is_second else course.mode
    narrowed = replace(course, layout=layout, mode=mode, options={**course.options, "mode": mode.value})
    return narrowed, replace(sending, rows=codec.pack_rows(rows))


def _shown(course: courses.Course, sending: batches.Sending) -> str:
    ref = sending.ref
    which = ", second pass" if sending.is_second else ""
    return f"{course.layout.entity[:60]}, batch {ref.batch}{which}, attempt {ref.attempt}, {sending.size} rows"


def _metadata(sender: Sender, sending: batches.Sending) -> tuple[codec.Message, str]:
    if sender.job.order.dictionary is not None:
        return _dictionary(sender, sending, sender.job.order.dictionary)
    contract = endpoints.contract(sender.db, sender.endpoint.key)
    message = SurveyMetadata(
        endpoint=sender.endpoint.key,
        ref=sending.ref,
        addresses=sender.endpoint.addresses,
        company=next(iter(sender.endpoint.companies), None) or jobs.company_in_need(sender.db, sender.endpoint.key),
        contract=base64.b64encode(contract).decode("ascii") if contract else None,
    )
    return message, f"{sender.job.id}, contracts of {sender.endpoint.name}"


def _dictionary(sender: Sender, sending: batches.Sending, wanted: Mapping[str, Any]) -> tuple[codec.Message, str]:
    endpoint = sender.endpoint
    told = {name: value for name, value in wanted.items() if name != "address"}
    addresses = (wanted["address"],) if wanted.get("address") else endpoint.addresses
    message = ImportDictionary(endpoint=endpoint.key, ref=sending.ref, addresses=addresses, **told)
    return message, f"{sender.job.id}, data dictionary of {endpoint.name}"


def _test(sender: Sender, sending: batches.Sending) -> tuple[codec.Message, str]:
    endpoint = sender.endpoint
    contract = endpoints.contract(sender.db, endpoint.key)
    message = SurveyConnection(
        endpoint=endpoint.key,
        ref=sending.ref,
        addresses=endpoint.addresses,
        companies=endpoint.companies,
        partition=endpoint.partition,
        contract=base64.b64encode(contract).decode("ascii") if contract else None,
    )
    return message, f"{sender.job.id}, connection of {endpoint.name}"


_Compose = Callable[[Sender, batches.Sending], tuple[codec.Message, str]]
_COMPOSE: Final[dict[str, _Compose]] = {
    jobs.JobKind.LOAD: _load,
    jobs.JobKind.PREVIEW: _preview,
    jobs.JobKind.METADATA: _metadata,
    jobs.JobKind.TEST: _test,
}
