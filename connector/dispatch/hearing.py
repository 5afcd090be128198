"""Reports as they come off the streams: read, proved, held against their endpoint; and which attempts have leave to begin."""

import logging
import time

from connector.dispatch.letters import Heard, Known, Letters
from connector.errors import NotFound
from connector.ledger import Database, holders, jobs, trust
from connector.wire import codec, reports, routes

log = logging.getLogger(__name__)

#: Sentences about unreadable reports that are remembered, so that each is told once.
_UNREAD = 1000
#: Attempts that are remembered with the process that has begun them.
_BEGUN = 10_000


class Hearing:
    """The recorder's ear. Of its thread alone."""

    def __init__(self, letters: Letters) -> None:
        """Nothing was heard yet."""
        self._letters = letters
        self._unread: set[tuple[str, str]] = set()
        """jobs that were told of a report that cannot be read, and why"""
        self._begun: dict[reports.BatchRef, str] = {}

    def hear(self, db: Database, stream: str, text: bytes, *, is_again: bool, known: Known) -> Heard | None:
        """What came on a stream; None where it does not count. See `Letters.report`."""
        try:
            heard = self._letters.report(db, stream, text, is_again=is_again, known=known)
        except codec.WireError as error:
            log.warning("a report cannot be read: %s", error, extra={"action": "report_unreadable"})
            self._say_unread(db, text, str(error))
            return None
        if heard is not None and routes.report_stream(heard.report.endpoint) != stream:
            log.warning("a report came on another endpoint's stream", extra={"action": "report_misplaced"})
            return None
        return heard

    def leave(self, db: Database, report: reports.LeaveWanted) -> str:
        """Why an attempt must not begin; "" where it may. An order that came again is counted as refused.

        What was begun is known to this process alone: after a restart an order that came again may get leave while the
        first is still at work. That is harmless. With this leave a worker only reads; before it writes it asks for a grant,
        and `ledger.holders` gives those of one attempt to one process, whichever asks first, also after a restart.
        """
        ref = report.ref
        if not holders.is_current(db, ref):
            why = "this attempt was replaced, or has ended"
        elif self._begun.setdefault(ref, report.worker) != report.worker:
            why = "another process has begun this attempt"
        else:
            why = ""
        while len(self._begun) > _BEGUN:
            del self._begun[next(iter(self._begun))]
        if why:
            told = f"the order {ref} came again: {why}"
            trust.refuse(db, report.endpoint, where="worker", why="repeated", told=told, at=time.time())
        return why

    def refused(self, db: Database, report: reports.MessageRefused) -> None:
        """Count what a worker has refused."""
        log.warning(
            "a worker of %s refused a message: %s", report.endpoint, report.told[:300], extra={"action": "message_refused"}
        )
        trust.refuse(db, report.endpoint, where="worker", why=report.why[:40], told=report.told[:300], at=time.time())

    def _say_unread(self, db: Database, text: bytes, why: str) -> None:
        """Tell a job that something of it could not be read, once: its worker may ask the same again and again."""
        ref = self._letters.ref(text)
        if ref is None or (ref.job, why) in self._unread:
            return
        if len(self._unread) >= _UNREAD:
            self._unread.clear()
        self._unread.add((ref.job, why))
        try:
            job = jobs.get(db, ref.job)
        except NotFound:
            return
        told = f"Batch {ref.batch} of step {ref.step}, attempt {ref.attempt}: {why}."
        jobs.say(db, job.id, f"{told} Bring dispatcher and worker to the same version.", at=time.time())
