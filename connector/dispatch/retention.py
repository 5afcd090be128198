"""Removes what is kept longer than it shall be: rows of jobs that ended, then packages that no kept job needs.

A little at a time, between ticks, so that no writer waits long.
"""

import logging
import time
from pathlib import Path
from typing import Final

from connector.ledger import Ledger, retention

log = logging.getLogger(__name__)

#: Entries of the ledger that go in one transaction.
_PIECE: Final = 500
#: How long one turn may take, in seconds, and how long nothing is looked for where nothing was left.
_TURN_S: Final = 0.2
_IDLE_S: Final = 60.0
#: So long the clock must have run on without a jump: what a wrong clock takes for old is gone for good.
_SETTLED_S: Final = 600.0
#: A file without a record is somebody's upload for so long, in seconds.
_UPLOAD_S: Final = 86400.0


class Retention:
    """One for each term of the dispatcher that leads."""

    def __init__(self, ledger: Ledger, *, shelf: Path, keep_s: float | None, settled_s: float = _SETTLED_S) -> None:
        """`shelf`: the folder of the packages. `keep_s`: how long a job's rows are kept after its end; None: for ever."""
        self._ledger = ledger
        self._shelf = shelf
        self._keep_s = keep_s
        self._settled_s = settled_s
        self.wait()

    def wait(self) -> None:
        """The clock was set, or nobody knows yet whether it is right: remove nothing for some time."""
        self._next = time.monotonic() + self._settled_s
        self._apart = time.time() - time.monotonic()

    def _now(self) -> float:
        """What time it is by the clock that was trusted: one that was set a moment ago is not asked."""
        return time.monotonic() + self._apart

    def turn(self) -> None:
        """Remove some of what is too old. Raises NotReachable."""
        due = self._next
        if self._keep_s is None or time.monotonic() < due:
            return
        before, end = self._now() - self._keep_s, time.monotonic() + _TURN_S
        while self._step(before=before):
            if time.monotonic() > end:
                return
        if self._next != due:  # the clock was set, which the first step has noticed
            return
        self._next = time.monotonic() + _IDLE_S  # also where a file cannot be deleted
        self._tidy_shelf()

    def _step(self, *, before: float) -> bool:
        """One transaction of it. False where nothing is too old."""
        with self._ledger.write() as db:
            job = retention.begun(db, before=before, at=self._now())
            if job is None:
                return retention.forget_package(db, before=before)
            if not retention.remove_some(db, job, most=_PIECE):
                log.info("the rows of a job were removed", extra={"action": "rows_removed", "job": job})
            return True

    def _tidy_shelf(self) -> None:
        """Delete files of packages that are forgotten; a package that comes again at this moment is seen, or sees it."""
        before = self._now() - _UPLOAD_S
        old = {path.name: path for path in self._shelf.iterdir() if _is_older(path, before)}
        with self._ledger.read() as db:
            gone = retention.unknown(db, old)
        if not gone:
            return
        with self._ledger.write() as db:
            for name in retention.unknown(db, gone):
                if _is_older(old[name], before):
                    old[name].unlink(missing_ok=True)


def _is_older(path: Path, before: float) -> bool:
    """Whether a file was written before this time; one that is gone by now was not."""
    try:
        return path.stat().st_mtime < before
    except FileNotFoundError:
        return False
