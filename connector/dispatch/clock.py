"""Notices that the wall clock was set: times that are kept for later, as those in the ledger, move with it."""

import logging
import time
from collections.abc import Callable
from typing import Final

from connector.ledger import Database, moments

log = logging.getLogger(__name__)

#: Smaller differences are left until they add up: a clock that is corrected bit by bit is no news each second.
_SLACK_S: Final = 2.0


def _apart() -> float:
    return time.time() - time.monotonic()


class Watch:
    """Holds the wall clock against the monotonic one, for a ledger that moves its moments with it (`Ledger.timed`)."""

    def __init__(self, *, apart: Callable[[], float] = _apart) -> None:
        """What the wall clock says now is right. `apart`: how far it is before the monotonic one, in seconds."""
        self._measure = apart
        self._apart = apart()
        self._shifting = 0.0
        self.followers: list[Callable[[float], None]] = []
        """who else is to know by how many seconds the clock was set"""

    def jumped(self) -> float:
        """By how many seconds the wall clock was put forward, or back (negative), since `settle` last; 0 where it was not."""
        jump = self._measure() - self._apart
        return jump if abs(jump) >= _SLACK_S else 0.0

    def now(self) -> float:
        """The time by which the ledger keeps its moments: it jumps when they move, not in the middle of what is being written."""
        return time.monotonic() + self._apart + self._shifting

    def begin(self, db: Database) -> float:
        """Move what the ledger keeps for later where the clock was set: by how many seconds. `settle` follows, or `undo`."""
        self._shifting = by = self.jumped()
        if by:
            moments.shift(db, by=by)
        return by

    def undo(self) -> None:
        """Nothing was written: the ledger's moments are where they were."""
        self._shifting = 0.0

    def settle(self) -> None:
        """The ledger's moments have moved."""
        by, self._shifting = self._shifting, 0.0
        if not by:
            return
        self._apart += by
        log.warning("the clock was set by %.0f s", by, extra={"action": "clock_set"})
        for follow in self.followers:
            follow(by)
