"""What was sent and never came home: found, and put back among what is planned.

Recovery is the ledger's alone. A batch is lost when its lease ran out, or when it lies on no queue and no worker took it.
Both are told by silence, which proves nothing before everything that was told is recorded.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Final

from connector.dispatch.dispatcher import Dispatcher
from connector.dispatch.outbox import task_id
from connector.ledger import Database, batches, jobs, untold
from connector.wire.reports import BatchRef

log = logging.getLogger(__name__)

#: A batch that no worker took for so long is looked for on the queue, in seconds.
_UNTAKEN_S: Final = 5.0
_SILENT: Final = "its worker was not heard of"
_UNTAKEN: Final = "it was lost on the way"


class Lost:
    """Of the reconciler's thread alone."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        """Nothing was looked for yet."""
        self._dispatcher = dispatcher
        self._leases = dispatcher.leases
        self.is_first_look = True
        """what workers held before this start is not known yet"""
        self._missed: dict[BatchRef, float] = {}
        """batches that lay on no queue, and that nobody was known to hold; and when that was seen first"""

    def replace(self) -> None:
        """Put back what is lost. Raises NotReachable: then it is looked for again later."""
        if self._dispatcher.trouble:  # nobody can be heard
            self._leases.renew_all()
            return
        expired = set(self._leases.expired())
        with self._dispatcher.ledger.read() as db:
            sent = batches.in_flight(db)
        missing = self._off_queue([batch for batch in sent if batch.ref in expired or self._is_untaken(batch)])
        if self.is_first_look:
            self._leases.renew(missing)
            self.is_first_look = False
            return
        if expired or self._unclaimed(missing):
            with self._dispatcher.ledger.write() as db:  # no report is recorded meanwhile
                self._replace_all(db, missing)
        for ref in expired.intersection(self._leases.expired()):  # what lies on its queue again, or has an end
            self._leases.end(ref)

    def _is_untaken(self, batch: batches.InFlight) -> bool:
        """Whether a batch should have been heard of: after a restart every one, else by its age."""
        if self.is_first_look:
            return True
        return not self._leases.holds(batch.ref) and batch.sent_at < self._dispatcher.now() - _UNTAKEN_S

    def _off_queue(self, due: Iterable[batches.InFlight]) -> list[BatchRef]:
        """Those of the batches that do not lie on their queue."""
        by_endpoint: dict[str, list[BatchRef]] = {}
        for batch in due:
            by_endpoint.setdefault(batch.endpoint, []).append(batch.ref)
        missing: list[BatchRef] = []
        for endpoint, refs in by_endpoint.items():
            there = set(self._dispatcher.outbox.waiting(endpoint))
            missing += [ref for ref in refs if task_id(ref) not in there]
        return missing

    def _unclaimed(self, missing: Sequence[BatchRef]) -> list[BatchRef]:
        """Those that were missing before, and whose worker would have been heard of since, if one had taken them."""
        now = time.monotonic()
        self._missed = {ref: self._missed.get(ref, now) for ref in missing if not self._leases.holds(ref)}
        return [ref for ref, since in self._missed.items() if since < self._leases.heard]

    def _replace_all(self, db: Database, missing: Sequence[BatchRef]) -> None:
        expired = set(self._leases.expired())
        unclaimed = self._unclaimed(missing)
        for ref in missing:
            if ref in expired:
                self._replace(db, ref, _SILENT)
            elif ref in unclaimed:
                self._replace(db, ref, _UNTAKEN)

    def _replace(self, db: Database, ref: BatchRef, reason: str) -> None:
        is_over = untold.end(db, ref, so_far=None, at=time.time())
        if not is_over and batches.replace(db, ref, now=self._dispatcher.now(), reason=reason) is None:
            return
        goes_on = "" if is_over or jobs.get(db, ref.job).ending else "; it is sent again"
        told = f"Batch {ref.batch} of step {ref.step}, attempt {ref.attempt}: {reason}{goes_on}."
        jobs.say(db, ref.job, told, at=time.time())
        if not is_over:
            log.warning("a batch is sent again", extra={"action": "batch_replaced", "batch": str(ref)})
