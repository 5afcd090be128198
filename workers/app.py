"""The Celery worker of one endpoint: threads pool, one queue, event loop forced, messages renewed while they are held.

Why each of these: kombu stamps a delivery once and renews nothing (a long call would run twice), and on Windows Celery runs
a blocking loop that restores nothing and waits up to 2 s whenever its window is full.
"""

import gc
import logging
import os
import platform
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import kombu
import redis
from celery import Celery, bootsteps, signals

from connector import __version__
from connector.wire import routes
from connector.wire.reports import BatchRef, BatchTaken
from workers import aos, tasks
from workers.exchange import Exchange
from workers.reporter import Reporter

log = logging.getLogger(__name__)

_SETTLE_S: Final = 1.0
_RENEW_S: Final = routes.VISIBILITY_TIMEOUT_S / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker that can be run: `run` returns when it was told to stop."""

    app: Celery
    reporter: Reporter
    name: str
    concurrency: int

    def run(self) -> None:
        """Work until SIGTERM or SIGINT: calls in hand are finished, what was not started goes back on the queue."""
        gc.freeze()  # what was imported stays: looking through it again and again costs a tenth of a worker's time
        self.reporter.start()
        worker = self.app.Worker(
            hostname=self.name,
            pool="threads",
            concurrency=self.concurrency,
            without_gossip=True,
            without_mingle=True,
            loglevel="INFO",
            task_events=True,
        )
        try:
            worker.start()
        finally:
            self.reporter.stop()


def create(
    broker_url: str, *, endpoint: str, concurrency: int, door: aos.Door, exchange: Exchange, spool: Path | None = None
) -> Worker:
    """The worker of an endpoint. Its name carries the endpoint, the process and the computer.

    `spool`: the folder in which reports are kept while the broker is away.
    """
    process = f"{os.getpid():x}-{secrets.token_hex(2)}"  # in a container every process has the same number
    name = f"{endpoint}.{process}@{platform.node()}"
    reporter = Reporter(broker_url, endpoint=endpoint, worker=name, concurrency=concurrency, version=__version__, folder=spool)
    app = Celery("rapidstart-worker", set_as_current=True)
    app.conf.update(routes.celery_settings(broker_url, endpoint=endpoint))
    queue = routes.queue(endpoint)
    app.conf.task_default_queue = queue
    app.conf.task_queues = [kombu.Queue(queue, exchange=None, routing_key=queue, no_declare=True)]  # type: ignore[attr-defined,no-untyped-call]
    app.IS_WINDOWS = False  # the event loop on every system: see above
    app.steps["consumer"].add(Renew)
    tasks.register(app, tasks.Bench(door=door, exchange=exchange, reporter=reporter))
    _follow(reporter)
    return Worker(app=app, reporter=reporter, name=name, concurrency=concurrency)


def _follow(reporter: Reporter) -> None:
    """Tell the dispatcher what Celery takes off the queue, as soon as it does."""

    def received(request: Any, **_: Any) -> None:
        ref = _ref(request.id)
        if ref is not None:
            reporter.hold(ref)
            reporter.tell(BatchTaken(**reporter.sender(), ref=ref))

    def stopping(**_: Any) -> None:
        reporter.quiesce()

    signals.task_received.connect(received, weak=False)
    signals.worker_shutting_down.connect(stopping, weak=False)


def _ref(task_id: str) -> BatchRef | None:
    """The batch that a task id names, as JB-7Q2K.1.3.2 (job, step, batch, attempt)."""
    try:
        job, step, batch, attempt = task_id.split(".")
        return BatchRef(job=job, step=int(step), batch=int(batch), attempt=int(attempt))
    except ValueError:
        return None


class Renew(bootsteps.StartStopStep):  # type: ignore[misc]  # celery has no types
    """Keeps the messages that this process holds from being put back, and puts back those that nobody holds.

    Runs on either of Celery's loops. It reads kombu's book of deliveries, which has no public name.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        self._timers: list[Any] = []
        self._ended: dict[str, float] = {}
        signals.task_postrun.connect(self._note_end, weak=False)
        super().__init__(parent, **kwargs)

    def start(self, parent: Any) -> None:
        """Begin, each time the consumer has connected."""
        self._timers = [
            parent.timer.call_repeatedly(_RENEW_S, self._renew, (parent,)),
            parent.timer.call_repeatedly(_SETTLE_S, self._settle, (parent,)),
        ]

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - the signature is Celery's
        """End, each time the connection is lost."""
        for timer in self._timers:
            timer.cancel()
        self._timers = []

    def _note_end(self, task_id: str = "", **_: Any) -> None:
        self._ended[task_id] = time.monotonic()

    def _settle(self, parent: Any) -> None:
        """Acknowledge again what ended while the broker was away.

        Celery only logs an acknowledgement that failed. The message would fill the window for ever, and with a full
        window nothing is read, so that the loss of the connection would never be noticed either.
        """
        qos = parent.task_consumer.channel.qos
        left = {message.headers.get("id"): tag for tag, message in list(qos._delivered.items()) if tag not in qos._dirty}
        before = time.monotonic() - _SETTLE_S
        try:
            for task_id in [task_id for task_id, at in list(self._ended.items()) if at < before]:
                if task_id in left:
                    qos.ack(left[task_id])
                del self._ended[task_id]
        except redis.RedisError as error:
            log.warning("ended batches could not be settled (%s)", type(error).__name__, extra={"action": "settle_failed"})

    def _renew(self, parent: Any) -> None:
        channel = parent.task_consumer.channel
        held = [tag for tag in list(channel.qos._delivered) if tag not in channel.qos._dirty]
        try:
            if held:
                with channel.conn_or_acquire() as client:
                    client.zadd(channel.qos.unacked_index_key, dict.fromkeys(held, time.time()), xx=True)
            channel.qos.restore_visible(num=channel.unacked_restore_limit, interval=1)
        except redis.RedisError as error:
            log.warning("held messages could not be renewed (%s)", type(error).__name__, extra={"action": "renew_failed"})
