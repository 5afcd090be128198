"""Rows per second, per endpoint: what was let go is owed, and nothing more leaves before the debt is paid off by time.

Kept in memory: after a restart nothing is owed, so that one batch may leave early.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

#: Seconds that an endpoint may save up while nothing leaves.
_SAVED_S: Final = 1.0


class Buckets:
    """One token bucket per endpoint; batches are never divided, so that it may run into debt. For several threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is owed."""
        self._clock = clock
        self._lock = threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}
        """per endpoint: rows that may leave (debts are negative), and when that was so"""

    def may_leave(self, endpoint: str, *, rate: float) -> bool:
        """Whether a batch may leave at this rate, in rows per second."""
        return self.wait_s(endpoint, rate=rate) <= 0

    def wait_s(self, endpoint: str, *, rate: float) -> float:
        """How long until the next batch may leave, in seconds."""
        with self._lock:
            return max(0.0, -self._level(endpoint, rate) / rate)

    def left(self, endpoint: str, *, rate: float, rows: int) -> None:
        """So many rows were let go."""
        with self._lock:
            self._levels[endpoint] = self._level(endpoint, rate) - rows, self._clock()

    def _level(self, endpoint: str, rate: float) -> float:
        now = self._clock()
        level, at = self._levels.get(endpoint, (0.0, now))
        return min(level + (now - at) * rate, rate * _SAVED_S)
