"""One function per kind of report: what the ledger is told by it, what is answered, what may leave because of it.

Nothing here speaks to the broker: answers and parcels wait in the `Turn` until it is committed.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from connector.dispatch import Dispatcher, gate, importing, marking, pace, replanning, returns, scaling
from connector.dispatch.hearing import Hearing
from connector.dispatch.letters import Known, Letters
from connector.dispatch.logged import note
from connector.dispatch.outbox import Parcel
from connector.errors import NotFound
from connector.ledger import Database, batches, courses, crews, endpoints, grants, holders, jobs, limits
from connector.wire import codec, reports, routes
from connector.wire.jobs import Contract, Grant
from connector.wire.keys import Public

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Turn:
    """What one group of reports brings: answers and parcels leave after the commit."""

    db: Database
    now: float
    letters: Letters
    writes: bool = False
    known: Known = field(default_factory=dict)
    """whose reports count"""
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
    started: set[tuple[str, int]] = field(default_factory=set)
    """steps that the ledger was told to have begun"""
    home: list[reports.BatchRef] = field(default_factory=list)
    """attempts that no worker holds any more"""
    learned: set[tuple[str, int]] = field(default_factory=set)
    """the step whose service's key was learnt"""

    def answer(self, question: reports.Report, message: codec.Message) -> None:
        """Answer the report in hand once this is committed."""
        text = self.letters.answer(message, question=question, reader=self.reader)
        self.answers.append((routes.reply_key(question.endpoint, question.event_id), text))


class Kinds:
    """What is known from one report to the next. Of the recorder's thread alone."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        """Nothing was heard yet."""
        self._dispatcher = dispatcher
        self._starting: dict[tuple[str, int], float] = {}
        """steps that a worker has begun, until the ledger is told"""
        self._started: set[tuple[str, int]] = set()
        self._learned: set[tuple[str, int]] = set()
        """the step whose service's key was learnt last: one look per step is enough"""
        self._hearing = Hearing(dispatcher.outbox.letters)
        self.listening_since = time.time()
        """whoever was silent before may have had nobody to speak to"""

    def take(self, turn: Turn, stream: str, text: bytes, *, is_again: bool) -> None:
        """Tell the ledger what came on a stream. Raises ValueError or Refused for what contradicts it."""
        heard = self._hearing.hear(turn.db, stream, text, is_again=is_again, known=turn.known)
        if heard is None:
            turn.writes = True  # that it was refused may be noted
            return
        report, turn.reader = heard.report, heard.key
        turn.writes |= not isinstance(report, reports.BatchTaken)
        if isinstance(report, _OF_HOLDER) and holders.is_anothers(turn.db, report.ref, worker=report.worker):
            self._refuse_twin(turn, report)
        else:
            _TAKE[report.KIND](self, turn, report)

    def tell_started(self, turn: Turn) -> None:
        """Tell the ledger which steps have begun, once nobody waits for it, or it was put off for long enough."""
        if not turn.writes or (turn.answers and turn.now <= min(self._starting.values(), default=turn.now) + 1):
            return
        for (job, step), at in self._starting.items():
            batches.start_step(turn.db, job=job, step=step, at=at)
            self._start_job(turn.db, job, at)
        turn.started |= set(self._starting)

    def committed(self, turn: Turn) -> None:
        """Keep in mind what the ledger was told. Of a turn that was rolled back nothing is: its reports come again."""
        for ref in turn.home:
            self._dispatcher.leases.end(ref)
        self._started |= turn.started
        for step in turn.started:
            self._starting.pop(step, None)
        self._learned = turn.learned or self._learned

    def _refuse_twin(self, turn: Turn, report: reports.IntentReported | reports.BatchDone | reports.BatchReturned) -> None:
        """Another process carries this attempt out: what this one tells of it counts for nothing."""
        log.warning("an attempt is in two processes", extra={"action": "attempt_twice", "batch": str(report.ref)})
        if isinstance(report, reports.IntentReported):
            turn.answer(report, Grant(granted=False, reason="another process carries this attempt out"))

    # -- one function per kind of report

    def _leave(self, turn: Turn, report: reports.LeaveWanted) -> None:
        reason = self._hearing.leave(turn.db, report)
        turn.answer(report, Grant(granted=not reason, reason=reason))

    def _refused(self, turn: Turn, report: reports.MessageRefused) -> None:
        self._hearing.refused(turn.db, report)

    def _alive(self, turn: Turn, report: reports.WorkerAlive) -> None:
        self._dispatcher.leases.renew(report.held)
        endpoints.worker_seen(turn.db, report, at=turn.now)
        if self._dispatcher.leases.seen(report.endpoint, report.worker, concurrency=report.concurrency):
            turn.endpoints.add(report.endpoint.lower())

    def _stopped(self, turn: Turn, report: reports.WorkerStopped) -> None:
        self._dispatcher.leases.gone(report.endpoint, report.worker)
        endpoints.worker_stopped(turn.db, report.endpoint, report.worker)
        turn.home += report.returned  # they lie on their queue again

    def _crew_alive(self, turn: Turn, report: reports.CrewAlive) -> None:
        crews.seen(turn.db, report, at=turn.now)
        wish = scaling.share(turn.db, report.endpoint, report.worker, now=turn.now, listening_since=self.listening_since)
        if wish is not None:
            turn.answer(report, wish)

    def _crew_stopped(self, turn: Turn, report: reports.CrewStopped) -> None:
        crews.stopped(turn.db, report.endpoint, report.worker)

    def _taken(self, turn: Turn, report: reports.BatchTaken) -> None:
        """Nothing is written here: the worker's next report, which it may wait for, must not wait for a commit."""
        self._dispatcher.leases.renew([report.ref])
        if (report.ref.job, report.ref.step) not in self._started:
            self._starting.setdefault((report.ref.job, report.ref.step), turn.now)

    def _start_job(self, db: Database, job_id: str, at: float) -> None:
        try:
            job = jobs.get(db, job_id)
        except NotFound:  # of a ledger that was restored since: it must not hold up what is told of others
            return
        if job.started_at is None:
            jobs.mark(db, job.id, started_at=at)
        if job.state in {jobs.JobState.QUEUED, jobs.JobState.WAITING}:
            jobs.set_state(db, job.id, jobs.JobState.RUNNING)

    def _intent(self, turn: Turn, report: reports.IntentReported) -> None:
        self._meet_database(turn, report)
        held, barred = self._held(turn, report.endpoint.lower())
        reason = grants.grant(
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
        elif reason == grants.PREVIEW_WRITES_NOTHING:
            self._end_preview(turn, report)
        turn.answer(report, Grant(granted=not reason, reason=reason))

    def _held(self, turn: Turn, endpoint: str) -> tuple[str, str]:
        """Why a load makes no further call at this endpoint now, as in `Turn`; it is looked up once for a group of reports."""
        if endpoint not in turn.held:
            target = endpoints.get(turn.db, endpoint)
            turn.held[endpoint] = gate.stopped(target) or gate.closed(target, at=turn.now), gate.barred(target)
        return turn.held[endpoint]

    def _meet_database(self, turn: Turn, report: reports.IntentReported | reports.BatchDone | reports.SurveyDone) -> None:
        """Hold back what writes where the database behind the AOS is another one than before."""
        if marking.meet(turn.db, report.endpoint.lower(), report.mark, at=turn.now):
            turn.held.clear()

    def _end_preview(self, turn: Turn, report: reports.IntentReported) -> None:
        """The worker takes a preview for a load: it got no leave, and would ask again for ever."""
        job = jobs.get(turn.db, report.ref.job)
        if not job.ending:
            reason = f"the worker {report.worker} cannot preview; nothing was written."
            advice = "Bring the worker to the dispatcher's version, then validate again."
            self._dispatcher.end(turn.db, job, jobs.JobState.FAILED, reason=reason, advice=advice, code="RSC-2991")

    def _done(self, turn: Turn, report: reports.BatchDone) -> None:
        ref = report.ref
        self._meet_database(turn, report)
        turn.home.append(ref)
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

    def _learn_key(self, turn: Turn, report: reports.BatchDone) -> None:
        step = (report.ref.job, report.ref.step)
        if report.outcomes.key_fields and step not in self._learned | turn.learned:
            turn.learned = {step}
            service = courses.course(turn.db, *step).target.service
            endpoints.learn_key(turn.db, report.endpoint.lower(), service=service, fields=report.outcomes.key_fields)

    def _returned(self, turn: Turn, report: reports.BatchReturned) -> None:
        self._dispatcher.meter.came_back(report.endpoint, code=report.code)
        turn.endpoints.add(report.endpoint.lower())
        turn.home.append(report.ref)
        returns.take_back(self._dispatcher, turn.db, report, now=turn.now)

    def _contract(self, turn: Turn, report: reports.ContractWanted) -> None:
        answer = Contract(contract=codec.to_text(endpoints.contract(turn.db, report.endpoint.lower()) or b""))
        turn.answer(report, answer)

    def _surveyed(self, turn: Turn, report: reports.SurveyDone) -> None:
        key, ref = report.endpoint.lower(), report.ref
        self._meet_database(turn, report)
        endpoints.surveyed(turn.db, key, found=report.metadata, checks=report.checks, at=turn.now)
        turn.home.append(ref)
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

    def _slice(self, turn: Turn, report: reports.DictionarySlice) -> None:
        answer = importing.take_slice(self._dispatcher, turn.db, report, now=turn.now)
        turn.answer(report, answer)

    def _imported(self, turn: Turn, report: reports.DictionaryDone) -> None:
        turn.home.append(report.ref)
        importing.take_end(self._dispatcher, turn.db, report, now=turn.now)
        turn.endpoints.add(report.endpoint.lower())


#: What only the process that carries an attempt out may tell of it.
_OF_HOLDER: Final = (reports.IntentReported, reports.BatchDone, reports.BatchReturned)
_TAKE: Final[dict[str, Callable[..., None]]] = {
    reports.WorkerAlive.KIND: Kinds._alive,
    reports.WorkerStopped.KIND: Kinds._stopped,
    reports.CrewAlive.KIND: Kinds._crew_alive,
    reports.CrewStopped.KIND: Kinds._crew_stopped,
    reports.BatchTaken.KIND: Kinds._taken,
    reports.IntentReported.KIND: Kinds._intent,
    reports.BatchDone.KIND: Kinds._done,
    reports.BatchReturned.KIND: Kinds._returned,
    reports.ExceptionsLogged.KIND: lambda _, turn, report: note(turn.db, report, now=turn.now),
    reports.ContractWanted.KIND: Kinds._contract,
    reports.LeaveWanted.KIND: Kinds._leave,
    reports.MessageRefused.KIND: Kinds._refused,
    reports.SurveyDone.KIND: Kinds._surveyed,
    reports.DictionarySlice.KIND: Kinds._slice,
    reports.DictionaryDone.KIND: Kinds._imported,
}
