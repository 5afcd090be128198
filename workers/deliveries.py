"""The messages that this process was delivered: renewed while they are held, put back or dropped when it ends.

kombu stamps a delivery once and renews nothing, so that a long call would run twice; and what a dead process held is put
back by others only after a while.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import redis
from celery import bootsteps, signals

from connector.wire import routes

log = logging.getLogger(__name__)

_SETTLE_S: Final = 1.0
_RENEW_S: Final = routes.VISIBILITY_TIMEOUT_S / 3


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
        renew(parent.task_consumer.channel)


def renew(channel: Any) -> None:
    """Keep what this process holds from being put back, and put back what nobody holds.

    What was stamped by a clock that was set ahead would else stay where it is until that time has come.
    """
    held, now = _held(channel), time.time()
    try:
        with channel.conn_or_acquire() as client:
            held += client.zrange(channel.qos.unacked_index_key, now + routes.VISIBILITY_TIMEOUT_S, "+inf", byscore=True)
            if held:
                client.zadd(channel.qos.unacked_index_key, dict.fromkeys(held, now), xx=True)
        channel.qos.restore_visible(num=channel.unacked_restore_limit, interval=1)
    except redis.RedisError as error:
        log.warning("held messages could not be renewed (%s)", type(error).__name__, extra={"action": "renew_failed"})


def renew_while_ending(consumer: Any, *, every_s: float = _RENEW_S) -> threading.Thread:
    """Renew in a thread of its own until the channel closes: the loop that did it is over, the calls in hand are not."""
    channel = consumer.channel

    def on() -> None:
        while not channel.closed:
            try:
                renew(channel)
            except AttributeError:  # kombu closed it at this moment: its connection is None
                if not channel.closed:
                    raise
            time.sleep(every_s)

    thread = threading.Thread(target=on, name="renew", daemon=True)
    thread.start()
    return thread


def give_up(consumer: Any, *, told: Callable[[str], bool]) -> None:
    """Drop the messages of tasks that the dispatcher was told of, by their id; put the others back."""
    channel = consumer.channel
    try:
        for tag in _held(channel):
            task = channel.qos._delivered[tag].headers.get("id", "")
            channel.qos.reject(tag, requeue=not told(task))
    except redis.RedisError as error:
        log.warning("held messages could not be given back (%s)", type(error).__name__, extra={"action": "give_back_failed"})


def _held(channel: Any) -> list[Any]:
    """The tags of what was delivered to this process and not acknowledged."""
    return [tag for tag in list(channel.qos._delivered) if tag not in channel.qos._dirty]
