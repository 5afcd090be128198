"""Plans what waits; and once a second sends again what got lost, lets go what may go, and tells every job's state."""

import logging
import threading
import time
from collections.abc import Callable, Iterable

from connector.dispatch import corrected, outages, replanning
from connector.dispatch.dispatcher import Dispatcher
from connector.dispatch.lost import Lost
from connector.dispatch.outbox import Parcel
from connector.dispatch.planner import Planner
from connector.dispatch.retention import Retention
from connector.dispatch.states import States
from connector.errors import NotReachable, Refused
from connector.ledger import Database, batches, courses, endpoints, jobs, moments, outdated, pulse, throughput, untold

log = logging.getLogger(__name__)

TICK_S = 1.0
#: What another computer's clock may be behind the last leader's, and no batch is held up for.
_SKEW_S = 2.0
#: Workers that were not seen for so long are forgotten.
_FORGET_WORKERS_S = 7 * 86400.0


class Reconciler:
    """Two loops: one plans, one reconciles. Both end with `stop`."""

    def __init__(self, dispatcher: Dispatcher, planner: Planner, *, keep_s: float | None = None) -> None:
        """Nothing runs before `start`. `keep_s`: how long rows are kept after the end of their job; None: for ever."""
        self._dispatcher = dispatcher
        self._ledger = dispatcher.ledger
        self._planner = planner
        self._stopping = threading.Event()
        self._asked: set[str] = set()
        """jobs that the planner was told of and has not planned yet"""
        self._retention = Retention(dispatcher.ledger, shelf=dispatcher.shelf, keep_s=keep_s)
        dispatcher.watch.followers.append(lambda _: self._retention.wait())
        self._outages = outages.Told()
        self._lost = Lost(dispatcher)
        self._states = States(dispatcher, tick_s=TICK_S)
        self._threads = [
            threading.Thread(target=self._forever, args=(self._plan_when_asked,), name="planner", daemon=True),
            threading.Thread(target=self._forever, args=(self._tick_when_due,), name="reconciler", daemon=True),
        ]

    def start(self) -> None:
        """Start both loops."""
        self._dispatcher.to_plan.put(None)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End both loops; a package that is being planned is planned anew after the next start."""
        self._stopping.set()
        self._dispatcher.to_plan.put(None)
        for thread in self._threads:
            thread.join(timeout=5)

    def _forever(self, turn: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                turn()
            except NotReachable as error:
                log.warning("%s", error, extra={"action": "not_reachable"})
                self._stopping.wait(TICK_S)
            except Exception:  # the outermost loop of this thread: one bad turn must not end recovery for all jobs
                log.exception("a turn failed", extra={"action": "turn_failed"})
                self._stopping.wait(TICK_S)

    # -- planning

    def _plan_when_asked(self) -> None:
        asked = self._dispatcher.to_plan.get()
        for job in [asked] if asked else self._unplanned():
            if self._stopping.is_set():
                return
            try:
                self._plan(job)
            except NotReachable:
                self._dispatcher.to_plan.put(job)  # it is planned anew as soon as that is back
                raise
            except Exception:  # the edge of one job: a defect of ours must end it with a sentence, not leave it queued for ever
                log.exception("a job could not be planned", extra={"action": "plan_failed", "job": job})
                reason = "the package could not be planned: the dispatcher has a defect. Nothing was sent."
                self._end_unplanned(job, reason=reason, advice="Report it with the dispatcher's log.", code="RSC-2990")

    def _unplanned(self) -> list[str]:
        with self._ledger.read() as db:
            return [*(job.id for job in jobs.unfinished(db) if not job.planned), *outdated.at_rest(db)]

    def _plan(self, job_id: str) -> None:
        with self._ledger.read() as db:
            job = jobs.get(db, job_id)
            metadata = endpoints.metadata(db, job.endpoint)
            is_outdated, attempt = job.id in outdated.at_rest(db), outdated.last_attempt(db, job.id)
        if (job.planned and not is_outdated) or job.paused or job.ending or job.finished_at:
            return
        if metadata is None:
            self._ask_for_metadata(job.endpoint)
            return
        if job.planned and not replanning.hold(self._dispatcher, self._planner, job, metadata):
            self._dispatcher.release(job.endpoint)
            return
        parcels: list[Parcel] = []

        def leave(db: Database) -> None:
            outdated.number_on(db, job.id, attempt=attempt)
            now = jobs.get(db, job.id)
            if now.ending:  # a person ended it while its package was read
                batches.cancel_waiting(db, job.id, held=self._dispatcher.leases.holds, at=time.time())
            if pulse.held(db, job.id):  # it may have been planned and begun before, and the ledger was not told
                untold.hold(db, job.id, at=time.time())
            self._dispatcher.close_if_done(db, now)
            parcels.extend(self._dispatcher.claim(db, job.endpoint))

        try:
            self._planner.plan(job, corrected.fetched(self._dispatcher, job), metadata, then=leave)
        except Refused as error:
            self._end_unplanned(job.id, reason=_placed(error), advice=error.advice, code=error.code)
            return
        self._dispatcher.send(parcels)

    def _end_unplanned(self, job_id: str, *, reason: str, advice: str, code: str) -> None:
        """End a job that has no plan as failed; what was written of one is removed."""
        with self._ledger.write() as db:
            if not jobs.get(db, job_id).planned:
                courses.clear_plan(db, job_id)
                jobs.close(db, job_id, jobs.JobState.FAILED, at=time.time(), reason=reason, advice=advice, code=code)

    def _ask_for_metadata(self, endpoint: str) -> None:
        with self._ledger.write() as db:
            if endpoints.metadata(db, endpoint) is not None:  # it came in the meantime, and with it the order to plan
                return
            target = endpoints.get(db, endpoint)
            if target.stopped:  # a test comes first
                return
            self._dispatcher.add_survey(db, target, "metadata")
        self._dispatcher.release(endpoint)

    # -- reconciling

    def _tick_when_due(self) -> None:
        self.tick()
        self._retention.turn()
        self._stopping.wait(TICK_S)

    def tick(self) -> None:
        """Set right what got lost, let go what may go, and tell every job's state."""
        self._follow_clock()
        self._meet_broker()
        self._lost.replace()
        with self._ledger.read() as db:
            unfinished = jobs.unfinished(db)
            held_back = outdated.at_rest(db)
        self._ask_to_plan(unfinished, held_back)
        busy = sorted({job.endpoint for job in unfinished})
        for endpoint in busy:
            self._dispatcher.release(endpoint)
        for endpoint in busy:
            with self._ledger.write() as db:  # one by one: in between workers get their grants
                self._states.tell(db, endpoints.get(db, endpoint))
                self._outages.tell(db, endpoint, self._dispatcher.gate.breakers.outage(endpoint))
        with self._ledger.write() as db:
            endpoints.forget_workers(db, before=time.time() - _FORGET_WORKERS_S)
            outdated.drop_ended(db)
            throughput.note_ages(db, at=time.time())
            self._outages.clean(db)
            told = pulse.advance(db) if busy else None
        if told and not self._dispatcher.trouble:
            self._dispatcher.outbox.tell_pulse(told)

    def _follow_clock(self) -> None:
        """Move what is waited for where the wall clock was set, now or while no dispatcher ran: pauses keep their length."""
        with self._ledger.write() as db:  # which moves them where the clock was set a moment ago
            by = min(0.0, time.time() - moments.last_told(db) + _SKEW_S) if self._lost.is_first_look else 0.0
            if by:
                moments.shift(db, by=by)
        if by:
            log.warning("the clock was set by %.0f s", by, extra={"action": "clock_set"})

    def _ask_to_plan(self, unfinished: Iterable[jobs.Job], held_back: Iterable[str]) -> None:
        """Tell the planner of jobs that other processes accepted or let go on, and of those that met another contract."""
        waiting = {job.id for job in unfinished if not (job.planned or job.paused or job.ending)} | set(held_back)
        for job in sorted(waiting - self._asked):
            self._dispatcher.to_plan.put(job)
        self._asked = waiting

    def _meet_broker(self) -> None:
        """Notice a broker that is back, was flushed, or is another one; what lay on it is found missing by itself."""
        try:
            if not self._dispatcher.met.is_set():
                self._meet_ledger()
            mark = self._dispatcher.outbox.epoch()
            with self._ledger.read() as db:
                known = endpoints.fact(db, "epoch")
            if mark is None or mark != known:
                mark = self._dispatcher.outbox.new_epoch()
                log.warning("the broker is new or was emptied", extra={"action": "epoch_changed"})
                with self._ledger.write() as db:
                    endpoints.remember(db, "epoch", mark)
        except NotReachable as error:
            self._dispatcher.trouble = error.message
            return
        self._dispatcher.trouble = ""

    def _meet_ledger(self) -> None:
        """Notice a ledger that was restored: its loads wait for a person, before anything is sent or granted."""
        outbox = self._dispatcher.outbox
        told = outbox.pulse()
        with self._ledger.read() as db:
            missing = pulse.behind(db, told)
            keys = [endpoint.key for endpoint in endpoints.every(db)]
        if missing:
            there = [
                pulse.Waiting(endpoint=key, reports=found[0], batches=found[1])
                for key in keys
                if any(found := outbox.counts(key))
            ]
            with self._ledger.write() as db:
                held = pulse.hold_back(db, missing=missing, waiting=tuple(there), at=time.time())
            log.warning(
                "the ledger was restored from a backup: %d loads are paused; see: rapidstart ledger show",
                len(held.jobs),
                extra={"action": "ledger_restored"},
            )
        self._dispatcher.met.set()


def _placed(error: Refused) -> str:
    return f"{error.place}: {error.message}" if str(error.place) else error.message
