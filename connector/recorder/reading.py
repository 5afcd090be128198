"""The streams of reports, read to the ledger: what came is recorded in one transaction, acknowledged, answered.

A report is acknowledged after its commit; read twice, it changes nothing twice. One thread reads all streams, so that the
reports of one batch are applied in order. What a report means is not known here, but in `kinds`.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import redis

from connector.dispatch import Dispatcher
from connector.dispatch.outbox import translated
from connector.errors import NotReachable, Refused
from connector.ledger import endpoints, jobs
from connector.recorder.kinds import Kinds, Turn
from connector.wire import routes

log = logging.getLogger(__name__)

_AT_ONCE = 100
#: How long one read waits, in milliseconds; a new endpoint's stream is read after at most this time.
_BLOCK_MS = 500
#: What a dispatcher took that led before, and froze then, is looked for this often, in seconds: sooner than any lease ends.
_PENDING_S = 1.0
#: An answer that nobody fetched is forgotten after this time, in seconds.
_ANSWER_LIFE_S = 60


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
        self._kinds = Kinds(dispatcher)
        self._again = False
        self._pending = True
        """entries that were delivered before, and not acknowledged, come first"""
        self._look_back = time.monotonic() + _PENDING_S

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
                self._kinds.listening_since = time.time()
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
        started = time.monotonic()
        if entries := self._read(streams):
            self._record(entries)
        if not self._again and max(Counter(stream for stream, _, _ in entries).values(), default=0) < _AT_ONCE:
            self._dispatcher.leases.listened(started)  # nothing was left on any stream when the read began

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
            turn = Turn(db=db, now=self._dispatcher.now(), letters=self._dispatcher.outbox.letters)
            for stream, _, text in entries:
                self._kinds.take(turn, stream, text, is_again=self._again)
            self._kinds.tell_started(turn)
            for job in turn.jobs:
                self._dispatcher.close_if_done(db, jobs.get(db, job))
            for endpoint in sorted(turn.endpoints):
                turn.parcels += self._dispatcher.claim(db, endpoint)
        self._kinds.committed(turn)
        for job_id in turn.to_plan:  # before the broker is spoken to: reports that come again bring them no second time
            self._dispatcher.to_plan.put(job_id)
        self._acknowledge(entries, turn.answers)
        self._dispatcher.send(turn.parcels)

    def _acknowledge(self, entries: Sequence[tuple[str, bytes, bytes]], answers: Sequence[tuple[str, str]]) -> None:
        with translated(), self._redis.pipeline(transaction=False) as pipe:
            for key, answer in answers:
                pipe.rpush(key, answer)
                pipe.expire(key, _ANSWER_LIFE_S)
            for stream, entry, _ in entries:
                pipe.xack(stream, routes.REPORT_GROUP, entry)
                pipe.xdel(stream, entry)
            pipe.execute()


def _flat(items: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The entries of one stream; redis-py nests them once more in RESP3. A deleted entry has no fields."""
    if items and isinstance(items[0], list):
        items = items[0]
    return [(entry, fields or {}) for entry, fields in items]
