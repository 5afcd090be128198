"""Of several dispatchers on one ledger one leads: it records, reconciles and plans. The others serve the API and wait."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from connector.errors import NotLeading, NotReachable
from connector.ledger import Ledger, leading

log = logging.getLogger(__name__)

#: Beats and looks in the time after which a silent leader is replaced.
_LOOKS = 5


class Succession:
    """Takes the lead where nobody has it, and lays it down. Everything else of a term is `begin`'s and `end`'s."""

    def __init__(
        self, ledger: Ledger, *, holder: str, takeover_s: float, begin: Callable[[Ledger], None], end: Callable[[], None]
    ) -> None:
        """`begin` is given the ledger that refuses to write once another leads. Nothing happens before `start`."""
        self._ledger = ledger
        self._holder = holder
        self._takeover_s = takeover_s
        self._begin, self._end = begin, end
        self._number: int | None = None
        self._known = leading.Lead()
        self._moved = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._forever, name="succession", daemon=True)

    def start(self) -> None:
        """Look at once whether to lead, then again and again. Raises NotReachable."""
        self._look()
        self._thread.start()

    def stop(self) -> None:
        """End a term in good order: another process takes over with its next look."""
        self._stopping.set()
        self._thread.join()
        if self._number is None:
            return
        self._end()
        try:
            with self._ledger.write() as db:
                leading.lay_down(db, number=self._number)
        except NotReachable as error:  # whoever leads next need not be told
            log.warning("%s", error, extra={"action": "not_reachable"})

    def _forever(self) -> None:
        while not self._stopping.wait(self._takeover_s / _LOOKS):
            try:
                self._look() if self._number is None else self._beat(self._number)
            except NotReachable as error:
                log.warning("%s", error, extra={"action": "not_reachable"})
            except Exception:  # the outermost loop of this thread: who does not beat any more must still be able to lead again
                log.exception("a turn failed", extra={"action": "turn_failed"})

    def _beat(self, number: int) -> None:
        try:
            with self._ledger.write() as db:
                leading.beat(db, number=number)
        except NotLeading as error:
            log.warning("%s", error, extra={"action": "lead_lost"})
            self._number = None
            self._end()

    def _look(self) -> None:
        with self._ledger.read() as db:
            found = leading.seen(db)
        if found != self._known:
            self._known, self._moved = found, time.monotonic()
        if found.holder and time.monotonic() < self._moved + self._takeover_s:
            return
        with self._ledger.write() as db:
            mine = leading.take(db, found, holder=self._holder)
        if mine is not None:
            log.info("this dispatcher leads", extra={"action": "lead_taken", "number": mine.number})
            self._number = mine.number
            self._begin(self._ledger.guarded(partial(leading.check, number=mine.number)))
