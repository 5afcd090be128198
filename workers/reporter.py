"""The only way a report leaves: one thread adds reports to the endpoint's stream, in order, however long Redis is away.

While Redis is away, reports that tell an outcome are kept on disk too: the next worker sends what a killed one left.
It also keeps the list of batches that this process holds, and tells it every few seconds: that renews their leases.
"""

import logging
import os
import platform
import queue
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import redis

from connector.wire import codec, routes, sealing
from connector.wire.reports import (
    REPORTS,
    BatchDone,
    BatchRef,
    BatchReturned,
    DictionaryDone,
    MessageRefused,
    Report,
    SurveyDone,
    WorkerAlive,
    WorkerStopped,
)
from workers import spool
from workers.errors import Retry
from workers.heard import Heard
from workers.letters import Letters, Plain
from workers.login import Login, connect
from workers.spool import Legacy, Spool

log = logging.getLogger(__name__)

#: A third of the shortest lease that a dispatcher may be set to.
_ALIVE_S: Final = 1.0
#: An answer that did not come in this time is asked for again; the same event id makes that harmless.
_ASK_AGAIN_S: Final = 5
_AT_ONCE: Final = 50
#: Pause before a broker that is away is tried again, in seconds.
_TRY_AGAIN_S: Final = 1.0
#: What the dispatcher could not find out by itself; a question of a dead worker must not be asked by another.
_KEPT: Final = (BatchDone, BatchReturned, SurveyDone, DictionaryDone)

A = TypeVar("A", bound=codec.Message)


class Reporter:
    """Shared by all threads of a worker process."""

    def __init__(
        self,
        broker_url: str,
        *,
        endpoint: str,
        worker: str,
        concurrency: int,
        version: str,
        folder: Path | None = None,
        letters: Letters | None = None,
        login: Login | None = None,
    ) -> None:
        """Nothing is contacted before `start`. Without a folder nothing is kept on disk; without `letters` nothing is sealed;
        without a `login` it signs on at the broker as the URL says.
        """
        self.endpoint = endpoint
        self._letters = letters or Plain()
        self.worker = worker
        self._login = login
        self._redis = connect(broker_url, login=login, socket_timeout=_ASK_AGAIN_S + 5, socket_connect_timeout=5)
        self._stream = routes.report_stream(endpoint)
        self._concurrency, self._version = concurrency, version
        self._folder = folder
        self._spool = Spool(folder, endpoint=endpoint) if folder else None
        self._unsent: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
        self._held: set[BatchRef] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._all_sent = True
        self._threads = [
            threading.Thread(target=self._send_all, name="reporter", daemon=True),
            threading.Thread(target=self._tell_alive, name="alive", daemon=True),
        ]

    def start(self) -> None:
        """Start sending, and telling that this worker lives."""
        for thread in self._threads:
            thread.start()

    def stop(self, *, timeout_s: float = 10) -> bool:
        """Tell that this worker ends, and give what is unsent a last chance. Whether all of it was sent."""
        self._stopping.set()
        self._ended.set()
        self.tell(WorkerStopped(**self.sender(), returned=tuple(self.held())))
        self._unsent.put(None)
        self._threads[0].join(timeout=timeout_s)
        return self._all_sent and not self._threads[0].is_alive()

    def quiesce(self) -> None:
        """The worker is about to end: whoever waits for an answer stops waiting."""
        self._stopping.set()

    def sender(self) -> dict[str, Any]:
        """The fields that every report of this worker has."""
        return {"endpoint": self.endpoint, "worker": self.worker}

    def tell(self, report: Report) -> None:
        """Send a report. Never waits, never fails: it leaves when Redis is there."""
        self._unsent.put(report)

    def ask(self, question: Report, answer: type[A]) -> A:
        """Send a question and wait for its answer, however long the dispatcher is away.

        Raises Retry when this worker is told to stop meanwhile.
        """
        key = routes.reply_key(self.endpoint, question.event_id)
        while not self._stopping.is_set():
            self.tell(question)
            found = self._wait(key)
            told = self._answer(found, question) if found is not None else None
            if isinstance(told, answer):
                return told
        raise Retry("the worker is stopping.", code="RSC-5490")

    def _answer(self, text: bytes, question: Report) -> codec.Message | None:
        """What an answer says; None where it is refused: the question is asked again."""
        try:
            return self._letters.answer(text, question.event_id)
        except sealing.Unsealable as refused:
            log.error("an answer is refused: %s", refused, extra={"action": "message_refused"})  # noqa: TRY400 - it says it all
            ref = getattr(question, "ref", None)
            self.tell(MessageRefused(**self.sender(), ref=ref, why=refused.why, told=str(refused)))
            return None

    def hold(self, ref: BatchRef) -> None:
        """This process has a batch."""
        with self._lock:
            self._held.add(ref)

    def let_go(self, ref: BatchRef) -> None:
        """This process has it no longer."""
        with self._lock:
            self._held.discard(ref)

    def held(self) -> Iterable[BatchRef]:
        """The batches that this process has."""
        with self._lock:
            return sorted(self._held, key=str)

    def _wait(self, key: str) -> bytes | None:
        try:
            found: Any = self._redis.blpop([key], timeout=_ASK_AGAIN_S)
        except redis.RedisError:
            self._stopping.wait(1)
            return None
        return found[1] if found else None

    def _tell_alive(self) -> None:
        heard = Heard(self._redis, endpoint=self.endpoint)
        while not self._ended.is_set():  # calls in hand are finished after a stop: their leases must not run out
            alive = WorkerAlive(
                **self.sender(),
                host=platform.node(),
                pid=os.getpid(),
                version=self._version,
                concurrency=self._concurrency,
                held=tuple(self.held()),
                spool_bytes=spool.size(self._folder, endpoint=self.endpoint) if self._folder else 0,
            )
            if self._unsent.empty():  # while Redis is away one word of life is enough
                self.tell(alive)
            heard.look()
            if self._login:
                self._login.look()
            self._ended.wait(_ALIVE_S)

    def _send_all(self) -> None:
        if self._folder:
            self._send_legacy(self._folder)
        ended = False
        while not ended:
            reports = self._next()
            ended = None in reports
            self._deliver([report for report in reports if report is not None])

    def _send_legacy(self, folder: Path) -> None:
        """Send what dead workers left: it comes before anything that this one tells."""
        left = Legacy(folder, endpoint=self.endpoint)
        reports = _reports(left.texts)
        if not reports:
            left.remove()
            return
        while not self._try(reports):
            if self._ended.wait(_TRY_AGAIN_S):
                return
        log.info("sent %d reports that a worker had left", len(reports), extra={"action": "reports_sent_late"})
        left.remove()

    def _next(self) -> list[Report | None]:
        found = [self._unsent.get()]
        while len(found) < _AT_ONCE and not self._unsent.empty():
            found.append(self._unsent.get())
        return found

    def _deliver(self, reports: list[Report]) -> None:
        """Send reports, and those that come while the broker is away; meanwhile the disk holds them too."""
        if self._try(reports):
            return
        log.warning("reports wait: the broker cannot be reached", extra={"action": "reports_wait"})
        self._keep(reports)
        while not self._ended.is_set():
            others = self._await_others()
            self._keep(others)
            reports = reports + others
            if self._try(reports):
                if self._spool:
                    self._spool.clear()
                return
        self._all_sent = False

    def _keep(self, reports: Iterable[Report]) -> None:
        lasting = [codec.encode(report) for report in reports if isinstance(report, _KEPT)]
        if self._spool and lasting:
            self._spool.keep(lasting)

    def _await_others(self) -> list[Report]:
        """The next report at once, to be kept at once; none after the pause, or at the end."""
        try:
            report = self._unsent.get(timeout=_TRY_AGAIN_S)
        except queue.Empty:
            return []
        if report is None:  # the end: whoever waits for it must find it
            self._unsent.put(None)
            return []
        return [] if isinstance(report, WorkerAlive) else [report]  # the next word of life comes soon enough

    def _try(self, reports: list[Report]) -> bool:
        """Add reports to the endpoint's stream; False where the broker cannot be reached.

        They are written anew for each try: what was sent twice has another number each time.
        """
        try:
            for start in range(0, len(reports), _AT_ONCE):
                with self._redis.pipeline(transaction=False) as pipe:
                    for report in reports[start : start + _AT_ONCE]:
                        pipe.xadd(self._stream, {"m": self._letters.report(report)})
                    pipe.execute()
        except redis.RedisError:
            return False
        return True


def _reports(texts: Iterable[str]) -> list[Report]:
    """What was kept on disk; what another version kept and this one cannot read is left out, and told."""
    found = []
    for text in texts:
        try:
            found.append(codec.decode(text, REPORTS))
        except codec.WireError as error:
            log.warning("a report that a worker had left cannot be read: %s", error, extra={"action": "report_unreadable"})
    return found
