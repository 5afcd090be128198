"""Who holds which batch, and which workers live: kept in memory, on the monotonic clock. Pure.

A lease ends by what was listened to, not by the clock alone: while nobody reads the streams, or what is read cannot be
recorded, silence proves nothing. After a restart every batch that lies on no queue gets a fresh lease.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from connector.wire.reports import BatchRef


@dataclass(frozen=True, slots=True)
class _Presence:
    concurrency: int
    seen: float


class Leases:
    """Deadlines of the batches that workers hold, and when each worker last spoke."""

    def __init__(self, *, lease_s: float, clock: Callable[[], float] = time.monotonic, elsewhere: bool = False) -> None:
        """`lease_s`: a batch is lost when nothing was heard of it for so long.

        `elsewhere`: another process hears of them, so that every batch may be held.
        """
        self._lease_s = lease_s
        self._clock = clock
        self._elsewhere = elsewhere
        self._lock = threading.Lock()
        self._deadlines: dict[BatchRef, float] = {}
        self._workers: dict[tuple[str, str], _Presence] = {}
        self.heard = -math.inf
        """until when all that workers told is known"""

    def renew(self, refs: Iterable[BatchRef]) -> None:
        """A worker holds these batches now."""
        deadline = self._clock() + self._lease_s
        with self._lock:
            self._deadlines.update(dict.fromkeys(refs, deadline))

    def end(self, ref: BatchRef) -> None:
        """The batch came home."""
        with self._lock:
            self._deadlines.pop(ref, None)

    def holds(self, ref: BatchRef) -> bool:
        """Whether a worker holds the batch, as far as is known."""
        with self._lock:
            return self._elsewhere or ref in self._deadlines

    def quiet(self, refs: Iterable[BatchRef]) -> tuple[float, float]:
        """Of held batches: for how many seconds none was heard of, and how many are left of the lease that ends last."""
        now = self._clock()
        with self._lock:
            left = max((self._deadlines.get(ref, now) for ref in refs), default=now) - now
        return self._lease_s - left, left

    def listened(self, until: float) -> None:
        """All that was told until this moment of the monotonic clock is recorded."""
        self.heard = until

    def expired(self) -> list[BatchRef]:
        """The batches of which nothing was heard until their lease ran out."""
        with self._lock:
            return [ref for ref, deadline in self._deadlines.items() if deadline < self.heard]

    def renew_all(self) -> None:
        """Nobody could be heard for a while: silence proves nothing."""
        with self._lock:
            held = list(self._deadlines)
        self.renew(held)

    def seen(self, endpoint: str, worker: str, *, concurrency: int) -> bool:
        """A worker spoke. True where it was not known to live."""
        key = (endpoint.lower(), worker)
        with self._lock:
            before = self._workers.get(key)
            self._workers[key] = _Presence(concurrency, self._clock())
        return before is None or before.seen < self._clock() - self._lease_s

    def gone(self, endpoint: str, worker: str) -> None:
        """A worker said that it ends."""
        with self._lock:
            self._workers.pop((endpoint.lower(), worker), None)

    def slots(self, endpoint: str) -> int:
        """Threads of the endpoint's living workers; 0 where none lives."""
        since = self._clock() - self._lease_s
        with self._lock:
            return sum(p.concurrency for (key, _), p in self._workers.items() if key == endpoint and p.seen >= since)
