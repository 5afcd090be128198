"""The Celery worker of one endpoint: threads pool, one queue, event loop forced, messages renewed while they are held.

Why each of these: kombu stamps a delivery once and renews nothing (a long call would run twice), and on Windows Celery runs
a blocking loop that restores nothing and waits up to 2 s whenever its window is full.
"""

import gc
import logging
import os
import platform
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import kombu
from celery import Celery, signals
from celery.worker import state

from connector import __version__
from connector.wire import routes
from connector.wire.reports import BatchRef, BatchReturned, BatchTaken, Retry
from workers import aos, deliveries, monitoring, tasks
from workers.ending import Ending
from workers.exchange import Exchange
from workers.letters import Letters, Plain
from workers.login import Login
from workers.policy import Policy
from workers.reporter import Reporter

log = logging.getLogger(__name__)

#: How long calls in hand are waited for when a worker is told to stop, where nothing else is said, in seconds.
GRACE_S: Final = 120.0
#: How often a connection that waits for room in its window is looked at for a new login, in seconds.
_SIGN_ON_S: Final = 1.0
#: The code of an attempt that ended because its worker could not wait for its call.
_GAVE_UP: Final = "RSC-5491"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker that can be run: `run` returns when it was told to stop."""

    app: Celery
    reporter: Reporter
    name: str
    concurrency: int
    grace_s: float

    def run(self, *, commands: int | None = None) -> None:
        """Work until SIGTERM or SIGINT: calls in hand are finished, what was not started goes back on the queue.

        When they take longer than the grace, or a second signal comes, the process ends without them: what was begun is
        told as unsettled, so that the dispatcher finds out. `commands`: the descriptor of an input on which a
        worker service says the same.
        """
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
            quiet=True,  # no banner: printing it ends a worker whose log lies on a full disk
        )
        worker.install_platform_tweaks = lambda _: None  # its signals: a second Ctrl-C would lose track of calls in hand
        ending = Ending(
            grace_s=self.grace_s, drain=lambda: _drain(worker, self.reporter), give_up=lambda: _give_up(worker, self.reporter)
        )
        ending.watch()
        ending.on_signals()
        if commands is not None:
            ending.on_input(commands)
        try:
            worker.start()
        finally:
            self.reporter.stop()


def create(
    broker_url: str,
    *,
    endpoint: str,
    concurrency: int,
    door: aos.Door,
    exchange: Exchange,
    spool: Path | None = None,
    grace_s: float = GRACE_S,
    letters: Letters | None = None,
    policy: Policy | None = None,
    login: Login | None = None,
) -> Worker:
    """The worker of an endpoint. Its name carries the endpoint, the process and the computer.

    `spool`: the folder in which reports are kept while the broker is away. `grace_s`: see `Worker.run`. Without `letters`
    messages are not sealed; without a policy whatever the dispatcher orders is carried out; without a `login` it signs on at
    the broker as the URL says.
    """
    letters = letters or Plain()
    process = f"{os.getpid():x}-{secrets.token_hex(2)}"  # in a container every process has the same number
    name = f"{endpoint}.{process}@{platform.node()}"
    reporter = Reporter(
        broker_url,
        endpoint=endpoint,
        worker=name,
        concurrency=concurrency,
        version=__version__,
        folder=spool,
        letters=letters,
        login=login,
    )
    app = Celery("rapidstart-worker", set_as_current=True)
    app.conf.update(routes.celery_settings(broker_url, endpoint=endpoint))
    if login is not None:
        _sign_on(app, login)
    queue = routes.queue(endpoint)
    app.conf.task_default_queue = queue
    app.conf.task_queues = [kombu.Queue(queue, exchange=None, routing_key=queue, no_declare=True)]  # type: ignore[attr-defined,no-untyped-call]
    app.IS_WINDOWS = False  # the event loop on every system: see above
    app.steps["consumer"] |= {deliveries.Renew, monitoring.Gather}
    tasks.register(app, tasks.Bench(door=door, exchange=exchange, reporter=reporter, letters=letters, policy=policy))
    _follow(reporter)
    return Worker(app=app, reporter=reporter, name=name, concurrency=concurrency, grace_s=grace_s)


def _sign_on(app: Celery, login: Login) -> None:
    """Have all connections of Celery sign on as the login says. It passes no such thing on: its class of connections does."""
    app.amqp.Connection = partial(kombu.Connection, credential_provider=login)  # type: ignore[attr-defined]
    app.conf.broker_transport_options["reauth_check_interval"] = _SIGN_ON_S


def _follow(reporter: Reporter) -> None:
    """Tell the dispatcher what Celery takes off the queue, as soon as it does."""

    def received(request: Any, **_: Any) -> None:
        ref = _ref(request.id)
        if ref is not None:
            reporter.hold(ref)
            reporter.tell(BatchTaken(**reporter.sender(), ref=ref))

    signals.task_received.connect(received, weak=False)


def _ref(task_id: str) -> BatchRef | None:
    """The batch that a task id names, as JB-7Q2K.1.3.2 (job, step, batch, attempt)."""
    try:
        job, step, batch, attempt = task_id.split(".")
        return BatchRef(job=job, step=int(step), batch=int(batch), attempt=int(attempt))
    except ValueError:
        return None


def _drain(worker: Any, reporter: Reporter) -> None:
    """Nothing more is taken off the queue, and nobody waits for an answer any longer."""
    reporter.quiesce()
    state.should_stop = 0
    if (consumer := _consumer(worker)) is not None:
        deliveries.renew_while_ending(consumer)


def _give_up(worker: Any, reporter: Reporter) -> None:
    """Tell of every batch in hand that its end is not known, then drop its message: the dispatcher sends it anew."""
    held = list(reporter.held())
    for ref in held:
        told = BatchReturned(
            **reporter.sender(),
            ref=ref,
            retry=Retry.SOON,
            reason="the worker had to end before its call did; whether AX carried it out is found out.",
            code=_GAVE_UP,
            settled=False,
        )
        reporter.tell(told)
        reporter.let_go(ref)
    delivered = reporter.stop(timeout_s=5)
    consumer = _consumer(worker)
    if delivered and consumer is not None:
        deliveries.give_up(consumer, told=lambda task: _ref(task) in held)


def _consumer(worker: Any) -> Any:
    """What takes messages off the queue; None before it has connected."""
    return getattr(getattr(worker, "consumer", None), "task_consumer", None)
