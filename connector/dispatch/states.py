"""Says of every unfinished job in which state it is, and what it waits for."""

import time
from collections import Counter
from collections.abc import Mapping

from connector.dispatch import gate, hands, replanning, scaling, turns, verdicts
from connector.dispatch.dispatcher import Dispatcher
from connector.ledger import Database, batches, crews, endpoints, jobs, outdated, trust


class States:
    """Of the reconciler's thread alone."""

    def __init__(self, dispatcher: Dispatcher, *, tick_s: float) -> None:
        """`tick_s`: how often it is asked; what passes sooner is not told."""
        self._dispatcher = dispatcher
        self._tick_s = tick_s

    def tell(self, db: Database, endpoint: endpoints.Endpoint) -> None:
        """Tell the state of every unfinished job of an endpoint, and end those that may end."""
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
        if wait_s < self._tick_s:
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
