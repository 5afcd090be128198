"""The door to the broker: puts work on an endpoint's queue, and looks what lies there.

The broker is not the record of anything: whatever is sent can be sent again from the ledger.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import kombu
import redis
from celery import Celery
from kombu.exceptions import KombuError, OperationalError

from connector import broker, tracing
from connector.dispatch.letters import Letters
from connector.errors import NotReachable
from connector.wire import codec, routes
from connector.wire.keys import Public
from connector.wire.reports import BatchRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A message with its address: the queue's endpoint, the task, and what Flower shows of it."""

    endpoint: str
    ref: BatchRef
    message: codec.Message
    shown: str
    """short and readable; never row values"""
    readers: tuple[Public, ...] | None = None
    """the keys that may open it; None: it is not sealed"""
    trace: str = ""
    """the span that it belongs to; "": nothing is traced"""


class Outbox:
    """Sends Celery tasks by name, and asks the broker the few things that recovery needs."""

    def __init__(self, broker_url: str, letters: Letters | None = None) -> None:
        """Nothing is contacted yet. Without `letters` nothing can be sealed."""
        self.letters = letters or Letters()
        self._app = Celery("rapidstart", set_as_current=False)
        self._app.conf.update(routes.celery_settings(broker_url))
        self.redis = broker.connect(broker_url, socket_timeout=10, socket_connect_timeout=5, health_check_interval=10)

    def send(self, parcel: Parcel) -> None:
        """Put one batch on its endpoint's queue. Raises NotReachable: it may be there all the same."""
        ref, readers = parcel.ref, parcel.readers
        text = self.letters.order(parcel.message, endpoint=parcel.endpoint, ref=ref, readers=readers)
        with translated():
            self._app.send_task(
                parcel.message.KIND,
                args=(text,),
                task_id=task_id(ref),
                queue=_queue(parcel.endpoint),
                argsrepr=f"({parcel.shown})",
                kwargsrepr="{}",
                headers={tracing.HEADER: parcel.trace} if parcel.trace else None,
                retry=False,
            )

    def waiting(self, endpoint: str) -> list[str]:
        """Task ids on an endpoint's queue that no worker has taken, the next one last. Raises NotReachable."""
        with translated():
            found = self.redis.lrange(routes.queue(endpoint), 0, -1)
        return [str(json.loads(item)["headers"]["id"]) for item in found]

    def epoch(self) -> str | None:
        """The mark that the broker carries; None on one that was flushed or replaced. Raises NotReachable."""
        with translated():
            value: Any = self.redis.get(routes.EPOCH_KEY)
        return value.decode() if value else None

    def new_epoch(self) -> str:
        """Mark the broker anew. Raises NotReachable."""
        mark = secrets.token_hex(8)
        with translated():
            self.redis.set(routes.EPOCH_KEY, mark)
        return mark

    def pulse(self) -> str | None:
        """The last pulse of a ledger that this broker was told of. Raises NotReachable."""
        with translated():
            value: Any = self.redis.get(routes.PULSE_KEY)
        return value.decode() if value else None

    def tell_pulse(self, pulse: str) -> None:
        """Remember the ledger's pulse. Raises NotReachable."""
        with translated():
            self.redis.set(routes.PULSE_KEY, pulse)

    def counts(self, endpoint: str) -> tuple[int, int]:
        """Reports on an endpoint's stream that are not recorded yet, and batches on its queue. Raises NotReachable."""
        with translated():
            reports: Any = self.redis.xlen(routes.report_stream(endpoint))
            waiting: Any = self.redis.llen(routes.queue(endpoint))
        return int(reports), int(waiting)

    def memory(self) -> tuple[int, int]:
        """Bytes that the broker uses, and the most that it may; 0: as many as there are. Raises NotReachable."""
        with translated():
            told: Any = self.redis.info("memory")
        return int(told.get("used_memory", 0)), int(told.get("maxmemory", 0))

    def close(self) -> None:
        """End all connections."""
        self._app.close()
        self.redis.close()


def task_id(ref: BatchRef) -> str:
    """The Celery task id of an attempt: it can be read, and Flower's addresses may hold it."""
    return f"{ref.job}.{ref.step}.{ref.batch}.{ref.attempt}"


def _queue(endpoint: str) -> kombu.Queue:  # type: ignore[name-defined]  # kombu exports it at run time
    """The queue behind the default exchange: publishing declares nothing and touches no key but the queue's own."""
    name = routes.queue(endpoint)
    return kombu.Queue(name, exchange=None, routing_key=name, no_declare=True)  # type: ignore[attr-defined,no-untyped-call]


@contextmanager
def translated() -> Iterator[None]:
    """Turns what redis and kombu raise into NotReachable."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, OperationalError, OSError) as error:
        raise NotReachable(
            "the broker cannot be reached.", advice="Check RAPIDSTART_BROKER_URL, and that the server runs."
        ) from error
    except (redis.RedisError, KombuError) as error:
        raise NotReachable(
            f"the broker refuses: {error}.", advice="Check its memory, its disk and the rights of our login."
        ) from error
