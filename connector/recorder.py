"""The only way a report comes home: the endpoints' report streams -> ledger, then grants and the next batches.

A report is acknowledged after its commit; read twice, it changes nothing twice. One thread reads all streams, so that the
reports of one batch are applied in order.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import redis

from connector.dispatch import Dispatcher, gate, importing, marking, pace, replanning, returns, scaling
from connector.dispatch.hearing import Hearing
from connector.dispatch.letters import Letters
from connector.dispatch.logged import note
from connector.dispatch.outbox import Parcel, translated
from connector.errors import NotFound, NotReachable, Refused
from connector.ledger import Database, batches, courses, crews, endpoints, holders, jobs, limits
from connector.wire import codec, reports, routes
from connector.wire.jobs import Contract, Grant
from connector.wire.keys import Public

log = logging.getLogger(__name__)

_AT_ONCE = 100
#: How long one read waits, in milliseconds; a new endpoint's stream is read after at most this time.
_BLOCK_MS = 500
#: What a dispatcher took that led before, and froze then, is looked for this often, in seconds.
_PENDING_S = 5.0
#: An answer that nobody fetched is forgotten after this time, in seconds.
_ANSWER_LIFE_S = 60


@dataclass(slots=True)
class _Turn:
    """What one group of reports brings: answers and parcels leave after the commit."""

    db: Database
    now: float
    letters: Letters
    writes: bool = False
    reader: Public | None = None
    """who sent the report in hand, where its endpoint is sealed"""
    answers: list[tuple[str, str]] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    endpoints: set[str] = field(default_factory=set)
    """where batches may leave now"""
    jobs: set[str] = field(default_factory=set)
    """which may have ended"""
    held: dict[str, tuple[str, str]] = field(default_factory=dict)
    """per endpoint: why no further call is made now, and why not even one that may have been made"""
    to_plan: list[str] = field(default_factory=list)
    """jobs that waited for metadata and may be planned now"""

    def answer(self, question: reports.Report, message: codec.Message) -> None:
        """Answer the report in hand once this is committed."""
        text = self.letters.answer(message, question=question, reader=self.reader)
        self.answers.append((routes.reply_key(question.endpoint, question.event_id), text))


class Recorder:
    """Reads report streams until it is stopped."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        """Nothing runs before `start`."""
        self._dispatcher = dispatcher
        self._redis = dispatcher.outbox.redis
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._forever, name="recorder", daemon=True)
        self._grouped: set[str] = set()
        self._known: list[str] = []
        self._look_again = 0.0
        self._starting: dict[tuple[str, int], float] = {}
        """steps that a worker has begun, until the ledger is told"""
        self._started: set[tuple[str, int]] = set()
        self._learned: set[tuple[str, int]] = set()
        """the step whose service's key was learnt last: one look per step is enough"""
        self._hearing = Hearing(dispatcher.outbox.letters)
        self._again = False
        self._pending = True
        """entries that were delivered before, and not acknowledged, come first"""
        self._look_back = time.monotonic() + _PENDING_S
        self._listening_since = time.time()
        """whoever was silent before may have had nobody to speak to"""

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self) -> None:
        """End after the reports in hand."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def _forever(self) -> None:
        while not self._stopping.is_set():
            try:
                self.turn()
            except NotReachable as error:
                log.warning("%s", error, extra={"action": "not_reachable"})
                self._grouped.clear()
                self._pending = True
                self._stopping.wait(1)
                self._listening_since = time.time()
            except Exception:  # the outermost loop of this thread: reports wait on the stream, nothing is lost
                log.exception("reports could not be recorded", extra={"action": "record_failed"})
                self._pending = True
                self._stopping.wait(1)

    def turn(self) -> None:
        """Read what has come, record it, answer. Raises NotReachable."""
        if not self._dispatcher.met.wait(_BLOCK_MS / 1000):
            return
        streams = self._streams()
        if not streams:
            self._stopping.wait(_BLOCK_MS / 1000)
            return
        for stream in streams:
            self._join(stream)
        if entries := self._read(streams):
            self._record(entries)

    def _streams(self) -> list[str]:
        """The streams of all endpoints, as the ledger named them lately."""
        if time.monotonic() > self._look_again:
            with self._dispatcher.ledger.read() as db:
                self._known = [routes.report_stream(endpoint.key) for endpoint in endpoints.every(db)]
            self._look_again = time.monotonic() + _BLOCK_MS / 1000
        return self._known

    def _join(self, stream: str) -> None:
        if stream in self._grouped:
            return
        with translated():
            try:
                self._redis.xgroup_create(stream, routes.REPORT_GROUP, id="0", mkstream=True)
            except redis.ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
        self._grouped.add(stream)

    def _read(self, streams: Sequence[str]) -> list[tuple[str, bytes, bytes]]:
        """(stream, entry id, text) of what has come."""
        if time.monotonic() > self._look_back:
            self._pending, self._look_back = True, time.monotonic() + _PENDING_S
        self._again = self._pending
        start = "0" if self._pending else ">"
        try:
            with translated():
                answer: Any = self._redis.xreadgroup(
                    routes.REPORT_GROUP, "dispatcher", dict.fromkeys(streams, start), count=_AT_ONCE, block=_BLOCK_MS
                )
        except NotReachable:
            self._grouped.clear()  # a flushed broker has no groups
            raise
        answer = answer.items() if isinstance(answer, dict) else answer or []
        found = [(stream.decode(), entry, fields.get(b"m", b"")) for stream, items in answer for entry, fields in _flat(items)]
        if not found:
            self._pending = False
        return found

    def _record(self, entries: Sequence[tuple[str, bytes, bytes]]) -> None:
        try:
            self._apply(entries)
        except (ValueError, Refused):
            # One report that contradicts the ledger must not hold up the others: each gets a transaction of its own.
            for entry in entries:
                try:
                    self._apply([entry])
                except (ValueError, Refused):
                    log.exception("a report was dropped", extra={"action": "report_dropped"})
                    self._acknowledge([entry], [])

    def _apply(self, entries: Sequence[tuple[str, bytes, bytes]]) -> None:
        with self._dispatcher.ledger.write() as db:
            turn = _Turn(db=db, now=self._dispatcher.now(), letters=self._dispatcher.outbox.letters)
            for stream, _, text in entries:
                self._take(turn, stream, text)
            # Whoever waits for a grant does not wait for this; but it does not wait for ever either.
            if turn.writes and (not turn.answers or turn.now > min(self._starting.values(), default=turn.now) + 1):
                self._tell_started(db)
            for job in turn.jobs:
                self._dispatcher.close_if_done(db, jobs.get(db, job))
            for endpoint in sorted(turn.endpoints):
                turn.parcels += self._dispatcher.claim(db, endpoint)
        self._acknowledge(entries, turn.answers)
        self._dispatcher.send(turn.parcels)
        for job_id in turn.to_plan:
            self._dispatcher.to_plan.put(job_id)

    def _take(self, turn: _Turn, stream: str, text: bytes) -> None:
        heard = self._hearing.hear(turn.db, stream, text, is_again=self._again)
        if heard is None:
            turn.writes = True  # that it was refused may be noted
            return
        report, turn.reader = heard.report, heard.key
        turn.writes |= not isinstance(report, reports.BatchTaken)
        if isinstance(report, _OF_HOLDER) and holders.is_anothers(turn.db, report.ref, worker=report.worker):
            self._refuse_twin(turn, report)
        else:
            _TAKE[report.KIND](self, turn, report)

    def _refuse_twin(self, turn: _Turn, report: reports.IntentReported | reports.BatchDone | reports.BatchReturned) -> None:
        """Another process carries this attempt out: what this one tells of it counts for nothing."""
        log.warning("an attempt is in two processes", extra={"action": "attempt_twice", "batch": str(report.ref)})
        if isinstance(report, reports.IntentReported):
            turn.answer(report, Grant(granted=False, reason="another process carries this attempt out"))

    def _acknowledge(self, entries: Sequence[tuple[str, bytes, bytes]], answers: Sequence[tuple[str, str]]) -> None:
        with translated(), self._redis.pipeline(transaction=False) as pipe:
            for key, answer in answers:
                pipe.rpush(key, answer)
                pipe.expire(key, _ANSWER_LIFE_S)
            for stream, entry, _ in entries:
                pipe.xack(stream, routes.REPORT_GROUP, entry)
                pipe.xdel(stream, entry)
            pipe.execute()

    # -- one function per kind of report

    def _leave(self, turn: _Turn, report: reports.LeaveWanted) -> None:
        reason = self._hearing.leave(turn.db, report)
        turn.answer(report, Grant(granted=not reason, reason=reason))

    def _refused(self, turn: _Turn, report: reports.MessageRefused) -> None:
        self._hearing.refused(turn.db, report)

    def _alive(self, turn: _Turn, report: reports.WorkerAlive) -> None:
        self._dispatcher.leases.renew(report.held)
        endpoints.worker_seen(turn.db, report, at=turn.now)
        if self._dispatcher.leases.seen(report.endpoint, report.worker, concurrency=report.concurrency):
            turn.endpoints.add(report.endpoint.lower())

    def _stopped(self, turn: _Turn, report: reports.WorkerStopped) -> None:
        self._dispatcher.leases.gone(report.endpoint, report.worker)
        endpoints.worker_stopped(turn.db, report.endpoint, report.worker)
        for ref in report.returned:
            self._dispatcher.leases.end(ref)  # it lies on its queue again

    def _crew_alive(self, turn: _Turn, report: reports.CrewAlive) -> None:
        crews.seen(turn.db, report, at=turn.now)
        wish = scaling.share(turn.db, report.endpoint, report.worker, now=turn.now, listening_since=self._listening_since)
        if wish is not None:
            turn.answer(report, wish)

    def _crew_stopped(self, turn: _Turn, report: reports.CrewStopped) -> None:
        crews.stopped(turn.db, report.endpoint, report.worker)

    def _taken(self, turn: _Turn, report: reports.BatchTaken) -> None:
        """Nothing is written here: the worker's next report, which it may wait for, must not wait for a commit."""
        self._dispatcher.leases.renew([report.ref])
        if (report.ref.job, report.ref.step) not in self._started:
            self._starting.setdefault((report.ref.job, report.ref.step), turn.now)

    def _tell_started(self, db: Database) -> None:
        for (job, step), at in self._starting.items():
            batches.start_step(db, job=job, step=step, at=at)
            self._start_job(db, job, at)
        self._started |= set(self._starting)
        self._starting.clear()

    def _start_job(self, db: Database, job_id: str, at: float) -> None:
        try:
            job = jobs.get(db, job_id)
        except NotFound:  # of a ledger that was restored since: it must not hold up what is told of others
            return
        if job.started_at is None:
            jobs.mark(db, job.id, started_at=at)
        if job.state in {jobs.JobState.QUEUED, jobs.JobState.WAITING}:
            jobs.set_state(db, job.id, jobs.JobState.RUNNING)

    def _intent(self, turn: _Turn, report: reports.IntentReported) -> None:
        self._meet_database(turn, report)
        held, barred = self._held(turn, report.endpoint.lower())
        reason = batches.grant(
            turn.db,
            report.ref,
            intent=report.intent,
            so_far=report.so_far,
            at=turn.now,
            worker=report.worker,
            held=held,
            barred=barred,
        )
        if not reason:
            self._dispatcher.leases.renew([report.ref])
        elif reason == batches.PREVIEW_WRITES_NOTHING:
            self._end_preview(turn, report)
        turn.answer(report, Grant(granted=not reason, reason=reason))

    def _held(self, turn: _Turn, endpoint: str) -> tuple[str, str]:
        """Why a load makes no further call at this endpoint now, as in `_Turn`; it is looked up once for a group of reports."""
        if endpoint not in turn.held:
            target = endpoints.get(turn.db, endpoint)
            turn.held[endpoint] = gate.stopped(target) or gate.closed(target, at=turn.now), gate.barred(target)
        return turn.held[endpoint]

    def _meet_database(self, turn: _Turn, report: reports.IntentReported | reports.BatchDone | reports.SurveyDone) -> None:
        """Hold back what writes where the database behind the AOS is another one than before."""
        if marking.meet(turn.db, report.endpoint.lower(), report.mark, at=turn.now):
            turn.held.clear()

    def _end_preview(self, turn: _Turn, report: reports.IntentReported) -> None:
        """The worker takes a preview for a load: it got no leave, and would ask again for ever."""
        job = jobs.get(turn.db, report.ref.job)
        if not job.ending:
            reason = f"the worker {report.worker} cannot preview; nothing was written."
            advice = "Bring the worker to the dispatcher's version, then validate again."
            self._dispatcher.end(turn.db, job, jobs.JobState.FAILED, reason=reason, advice=advice, code="RSC-2991")

    def _done(self, turn: _Turn, report: reports.BatchDone) -> None:
        ref = report.ref
        self._meet_database(turn, report)
        self._dispatcher.leases.end(ref)
        if not batches.done(turn.db, ref, outcomes=report.outcomes, calls=report.calls, seconds=report.seconds, at=turn.now):
            return
        for line in report.log:
            jobs.say(turn.db, ref.job, line, at=turn.now)
        self._dispatcher.meter.called(report.endpoint, calls=report.calls, seconds=report.seconds)
        self._learn_key(turn, report)
        pace.learn(turn.db, report, courses=self._dispatcher.courses)
        self._dispatcher.gate.breakers.answered(report.endpoint.lower(), at=turn.now)
        turn.jobs.add(ref.job)
        turn.endpoints.add(report.endpoint.lower())

    def _learn_key(self, turn: _Turn, report: reports.BatchDone) -> None:
        step = (report.ref.job, report.ref.step)
        if report.outcomes.key_fields and step not in self._learned:
            self._learned = {step}
            service = courses.course(turn.db, *step).target.service
            endpoints.learn_key(turn.db, report.endpoint.lower(), service=service, fields=report.outcomes.key_fields)

    def _returned(self, turn: _Turn, report: reports.BatchReturned) -> None:
        self._dispatcher.meter.came_back(report.endpoint, code=report.code)
        turn.endpoints.add(report.endpoint.lower())
        returns.take_back(self._dispatcher, turn.db, report, now=turn.now)

    def _contract(self, turn: _Turn, report: reports.ContractWanted) -> None:
        answer = Contract(contract=codec.to_text(endpoints.contract(turn.db, report.endpoint.lower()) or b""))
        turn.answer(report, answer)

    def _surveyed(self, turn: _Turn, report: reports.SurveyDone) -> None:
        key, ref = report.endpoint.lower(), report.ref
        self._meet_database(turn, report)
        endpoints.surveyed(turn.db, key, found=report.metadata, checks=report.checks, at=turn.now)
        self._dispatcher.leases.end(ref)
        if not batches.done(turn.db, ref, outcomes=reports.Outcomes(letters=""), calls=0, seconds=0.0, at=turn.now):
            return
        job = jobs.get(turn.db, ref.job)
        if report.reason:
            jobs.close(turn.db, job.id, jobs.JobState.FAILED, at=turn.now, reason=report.reason)
            if job.kind == "metadata":
                returns.without_metadata(turn.db, report, now=turn.now)
        else:
            self._dispatcher.gate.breakers.answered(key, at=turn.now)
            limits.go_on(turn.db, key)
            self._dispatcher.close_if_done(turn.db, job)
        turn.endpoints.add(key)
        turn.to_plan += replanning.surveyed(turn.db, key, report.metadata, now=turn.now)
        self._started.clear()  # steps of jobs that are planned anew have not begun

    def _slice(self, turn: _Turn, report: reports.DictionarySlice) -> None:
        answer = importing.take_slice(self._dispatcher, turn.db, report, now=turn.now)
        turn.answer(report, answer)

    def _imported(self, turn: _Turn, report: reports.DictionaryDone) -> None:
        importing.take_end(self._dispatcher, turn.db, report, now=turn.now)
        turn.endpoints.add(report.endpoint.lower())


def _flat(items: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The entries of one stream; redis-py nests them once more in RESP3. A deleted entry has no fields."""
    if items and isinstance(items[0], list):
        items = items[0]
    return [(entry, fields or {}) for entry, fields in items]


#: What only the process that carries an attempt out may tell of it.
_OF_HOLDER: Final = (reports.IntentReported, reports.BatchDone, reports.BatchReturned)
_TAKE: Final[dict[str, Callable[..., None]]] = {
    reports.WorkerAlive.KIND: Recorder._alive,
    reports.WorkerStopped.KIND: Recorder._stopped,
    reports.CrewAlive.KIND: Recorder._crew_alive,
    reports.CrewStopped.KIND: Recorder._crew_stopped,
    reports.BatchTaken.KIND: Recorder._taken,
    reports.IntentReported.KIND: Recorder._intent,
    reports.BatchDone.KIND: Recorder._done,
    reports.BatchReturned.KIND: Recorder._returned,
    reports.ExceptionsLogged.KIND: lambda _, turn, report: note(turn.db, report, now=turn.now),
    reports.ContractWanted.KIND: Recorder._contract,
    reports.LeaveWanted.KIND: Recorder._leave,
    reports.MessageRefused.KIND: Recorder._refused,
    reports.SurveyDone.KIND: Recorder._surveyed,
    reports.DictionarySlice.KIND: Recorder._slice,
    reports.DictionaryDone.KIND: Recorder._imported,
}
