"""Notices that the wall clock was set: times that are kept for later, as those in the ledger, move with it."""

import time
from collections.abc import Callable
from typing import Final

#: Smaller differences are left until they add up: a clock that is corrected bit by bit is no news each second.
_SLACK_S: Final = 2.0


def _apart() -> float:
    return time.time() - time.monotonic()


class Watch:
    """Holds the wall clock against the monotonic one."""

    def __init__(self, *, apart: Callable[[], float] = _apart) -> None:
        """What the wall clock says now is right. `apart`: how far it is before the monotonic one, in seconds."""
        self._measure = apart
        self._apart = apart()

    def jumped(self) -> float:
        """By how many seconds the wall clock was put forward, or back (negative), since the last look; 0 where it was not."""
        jump = self._measure() - self._apart
        if abs(jump) < _SLACK_S:
            return 0.0
        self._apart += jump
        return jump
