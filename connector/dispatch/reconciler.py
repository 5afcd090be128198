"""Once a second: plans what waits, sends again what got lost, and says of every job what it waits for.

Recovery is the ledger's alone. A batch is lost when its lease ran out, or when it lies on no queue and no worker took it.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from connector.dispatch import corrected, gate, hands, outages, replanning, scaling, turns, verdicts
from connector.dispatch.dispatcher import Dispatcher
from connector.dispatch.outbox import Parcel, task_id
from connector.dispatch.planner import Planner
from connector.dispatch.retention import Retention
from connector.errors import NotReachable, Refused
from connector.ledger import (
    Database,
    batches,
    courses,
    crews,
    endpoints,
    jobs,
    moments,
    outdated,
    pulse,
    throughput,
    trust,
    untold,
)
from connector.wire.reports import BatchRef

log = logging.getLogger(__name__)

TICK_S = 1.0
#: A batch that no worker took for so long is looked for on the queue.
_UNTAKEN_S = 5.0
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
        self._first_look = True
        """what workers held before this start is not known yet"""
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
        self._replace_lost()
        with self._ledger.read() as db:
            unfinished = jobs.unfinished(db)
            held_back = outdated.at_rest(db)
        self._ask_to_plan(unfinished, held_back)
        busy = sorted({job.endpoint for job in unfinished})
        for endpoint in busy:
            self._dispatcher.release(endpoint)
        for endpoint in busy:
            with self._ledger.write() as db:  # one by one: in between workers get their grants
                self._tell_states(db, endpoints.get(db, endpoint))
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
            by = min(0.0, time.time() - moments.last_told(db) + _SKEW_S) if self._first_look else 0.0
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

    def _replace_lost(self) -> None:
        leases = self._dispatcher.leases
        if self._dispatcher.trouble:
            leases.renew_all()
            return
        with self._ledger.read() as db:
            sent = batches.in_flight(db)
        missing = self._missing([batch for batch in sent if self._is_due(batch)])
        if self._first_look:
            leases.renew(missing)
            self._first_look = False
            return
        lost = {ref: "its worker was not heard of" if leases.holds(ref) else "it was lost on the way" for ref in missing}
        for ref in leases.expired():
            leases.end(ref)
        if lost:
            with self._ledger.write() as db:
                for ref, reason in lost.items():
                    self._replace(db, ref, reason)

    def _is_due(self, batch: batches.InFlight) -> bool:
        """Whether a batch should have been heard of: after a restart every one, else by its lease, or by its age."""
        if self._first_look or batch.ref in self._dispatcher.leases.expired():
            return True
        return not self._dispatcher.leases.holds(batch.ref) and batch.sent_at < self._dispatcher.now() - _UNTAKEN_S

    def _missing(self, due: Iterable[batches.InFlight]) -> list[BatchRef]:
        """Those of the batches that do not lie on their queue."""
        by_endpoint: dict[str, list[BatchRef]] = {}
        for batch in due:
            by_endpoint.setdefault(batch.endpoint, []).append(batch.ref)
        missing: list[BatchRef] = []
        for endpoint, refs in by_endpoint.items():
            there = set(self._dispatcher.outbox.waiting(endpoint))
            missing += [ref for ref in refs if task_id(ref) not in there]
        return missing

    def _replace(self, db: Database, ref: BatchRef, reason: str) -> None:
        is_over = untold.end(db, ref, so_far=None, at=time.time())
        if not is_over and batches.replace(db, ref, now=self._dispatcher.now(), reason=reason) is None:
            return
        self._dispatcher.leases.end(ref)
        goes_on = "" if is_over or jobs.get(db, ref.job).ending else "; it is sent again"
        told = f"Batch {ref.batch} of step {ref.step}, attempt {ref.attempt}: {reason}{goes_on}."
        jobs.say(db, ref.job, told, at=time.time())
        if not is_over:
            log.warning("a batch is sent again", extra={"action": "batch_replaced", "batch": str(ref)})

    # -- states

    def _tell_states(self, db: Database, endpoint: endpoints.Endpoint) -> None:
        unfinished = jobs.unfinished(db, endpoint=endpoint.key)
        blockers = turns.blockers(jobs.of_database(db, endpoint=endpoint.key))
        flying = batches.in_flight(db, endpoint.key)
        in_hand = Counter(b.ref.job for b in flying if self._dispatcher.leases.holds(b.ref))
        for job in unfinished:
            if job.ending:
                batches.cancel_waiting(db, job.id, held=self._dispatcher.leases.holds, at=time.time())
            if self._dispatcher.close_if_done(db, job) or (not in_hand[job.id] and self._expire(db, endpoint, job)):
                continue
            if job.ending or job.paused:
                state, reason = job.state, verdicts.still_steered(job, in_hand[job.id])
            elif in_hand[job.id] and not self._dispatcher.trouble:
                # An import's reason says how far it is.
                told = job.reason if job.order.dictionary is not None and job.state is jobs.JobState.RUNNING else ""
                state, reason = jobs.JobState.RUNNING, told
            else:
                state, reason = self._why(db, endpoint, job, unfinished, blockers)
            if state is jobs.JobState.RUNNING and not reason:
                mine = [batch for batch in flying if batch.ref.job == job.id]
                reason = hands.told(mine, self._dispatcher.leases, endpoint=endpoint.name, now=self._dispatcher.now())
            if (state, reason) != (job.state, job.reason):
                jobs.set_state(db, job.id, state, reason=reason, advice=job.advice, code=job.code)

    def _expire(self, db: Database, endpoint: endpoints.Endpoint, job: jobs.Job) -> bool:
        """End a job of which no worker has taken anything in its time. True where it is so."""
        if job.expires_at is None or job.started_at is not None or job.ending or self._dispatcher.now() < job.expires_at:
            return False
        reason = f"expired: no worker of {endpoint.name} took it before {hands.clock(job.expires_at)}"
        advice = f"See what its workers do: rapidstart endpoint show {endpoint.name}. Then load it again."
        self._dispatcher.end(db, job, jobs.JobState.FAILED, reason=reason, advice=advice, code="RSC-4100")
        return True

    def _why(
        self,
        db: Database,
        endpoint: endpoints.Endpoint,
        job: jobs.Job,
        unfinished: list[jobs.Job],
        blockers: Mapping[str, jobs.Job],
    ) -> tuple[jobs.JobState, str]:
        """What a job that no worker is busy with waits for."""
        waiting = jobs.JobState.WAITING
        if self._dispatcher.trouble:
            return waiting, f"waiting: {self._dispatcher.trouble}"
        if endpoint.paused:
            return waiting, f"waiting: {endpoint.name} is paused"
        if why := self._dispatcher.outbox.letters.barred(endpoint, trust.readers(db, endpoint.key)):
            return waiting, f"waiting: {why}"
        if job.kind in {jobs.JobKind.LOAD, jobs.JobKind.PREVIEW} and (why := gate.stopped(endpoint)):
            return waiting, f"waiting: {why}"
        if not self._dispatcher.leases.slots(endpoint.key):
            return waiting, f"waiting: {self._offline(db, endpoint)}"
        if not job.planned:
            if endpoint.surveyed_at is None:
                return waiting, f"waiting: metadata of {endpoint.name}{self._no_metadata(db, endpoint, unfinished)}"
            return jobs.JobState.QUEUED, "queued: its package is planned when its turn comes"
        if first := blockers.get(job.id):
            return waiting, f"waiting: {turns.told(first, job)}"
        if job.kind == jobs.JobKind.LOAD and (why := gate.closed(endpoint, at=time.time())):
            return waiting, f"waiting: {why}"
        if held := self._held_back(db, endpoint, job) or self._too_fast(endpoint):
            return waiting, f"waiting: {held}"
        if job.started_at:
            return jobs.JobState.RUNNING, ""
        return jobs.JobState.QUEUED, f"queued: no worker of {endpoint.name} has taken its first batch yet"

    def _no_metadata(self, db: Database, endpoint: endpoints.Endpoint, unfinished: list[jobs.Job]) -> str:
        """Why the survey that is under way has brought nothing yet, where that is known."""
        held = (self._held_back(db, endpoint, job) for job in unfinished if job.kind == "metadata")
        return next((f": {why}" for why in held if why), "")

    def _held_back(self, db: Database, endpoint: endpoints.Endpoint, job: jobs.Job) -> str:
        if job.id in outdated.of_endpoint(db, endpoint.key):
            return replanning.why(endpoint)
        if outage := self._dispatcher.gate.breakers.outage(endpoint.key):
            silent = f"the AOS of {endpoint.name} has not answered since {hands.clock(outage.since)}"
            return f"{silent}: {outage.reason.rstrip('.')}; next try at {hands.clock(max(outage.next_try, time.time()))}"
        due = batches.next_due(db, job=job.id)
        return f"{due[1].rstrip('.')}; next try at {hands.clock(due[0])}" if due and due[0] > self._dispatcher.now() else ""

    def _too_fast(self, endpoint: endpoints.Endpoint) -> str:
        """Until when nothing leaves because enough rows did, where that is worth a word."""
        rate = endpoint.limits.rows_per_second
        wait_s = self._dispatcher.gate.buckets.wait_s(endpoint.key, rate=rate) if rate else 0.0
        if wait_s < TICK_S:
            return ""
        return f"{endpoint.name} takes {rate:g} rows per second; the next ones leave at {hands.clock(time.time() + wait_s)}"

    def _offline(self, db: Database, endpoint: endpoints.Endpoint) -> str:
        scale, services = crews.wish(db, endpoint.key), crews.of_endpoint(db, endpoint.key)
        if why := scaling.offline(scale, services, name=endpoint.name):
            return why
        seen = endpoints.workers_of(db, endpoint.key)
        if not seen:
            return f"no worker of {endpoint.name} has been seen yet; start one: rapidstart-worker run --endpoint {endpoint.name}"
        return f"{endpoint.name} is offline since {hands.clock(seen[0].seen_at)}"


def _placed(error: Refused) -> str:
    return f"{error.place}: {error.message}" if str(error.place) else error.message
