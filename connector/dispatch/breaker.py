"""A circuit breaker per endpoint: after some batches in succession without an answer of the AOS, one probe at a time is sent.

It is kept in memory: after a restart it is closed, and the batches on the way open it again. When the silence began is read
from their past in the ledger.
"""

import threading
from dataclasses import dataclass, replace
from typing import Final

from connector.dispatch.policy import Policy

#: Batches without an answer in succession, after which nothing but probes is sent.
_OPENS_AFTER: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """An AOS does not answer. Times are seconds since 1970."""

    since: float
    reason: str
    failed: int
    """batches without an answer in succession"""
    next_try: float = 0.0
    """when the next probe may leave; 0: the breaker is still closed"""

    @property
    def is_open(self) -> bool:
        """Whether nothing but probes is sent."""
        return self.failed >= _OPENS_AFTER

    @property
    def is_milestone(self) -> bool:
        """Whether it has just opened, or as many batches again had no answer since the last milestone."""
        rounds, rest = divmod(self.failed, _OPENS_AFTER)
        return rest == 0 and rounds.bit_count() == 1


class Breakers:
    """What is known of each endpoint's AOS. Safe to use from several threads."""

    def __init__(self, policy: Policy) -> None:
        """All are closed."""
        self._policy = policy
        self._lock = threading.Lock()
        self._outages: dict[str, Outage] = {}
        self._answered: dict[str, float] = {}

    def silent(self, endpoint: str, *, reason: str, since: float, at: float) -> Outage:
        """A batch came back without an answer. `since`: when it did so first. The outage as it stands now."""
        with self._lock:
            known = self._outages.get(endpoint) or Outage(since=since, reason=reason, failed=0)
            failed = known.failed + 1
            outage = replace(known, since=min(since, known.since), reason=reason, failed=failed)
            late = not known.is_open or at >= known.next_try  # what was on the way when it opened is no probe
            if outage.is_open and late:
                outage = replace(outage, next_try=at + self._policy.probe_s(failed - _OPENS_AFTER))
            elif known.is_open:
                outage = replace(outage, failed=known.failed)
            self._outages[endpoint] = outage
            return outage

    def answered(self, endpoint: str, *, at: float) -> bool:
        """The AOS answered. True where the breaker was open."""
        with self._lock:
            self._answered[endpoint] = at
            known = self._outages.pop(endpoint, None)
            return known is not None and known.is_open

    def forget(self, endpoint: str) -> None:
        """A person says that it may be tried as ever: whether the AOS answers will be seen."""
        with self._lock:
            self._outages.pop(endpoint, None)

    def answered_at(self, endpoint: str) -> float:
        """When the AOS answered last, as far as this process knows; 0 for never."""
        with self._lock:
            return self._answered.get(endpoint, 0.0)

    def outage(self, endpoint: str) -> Outage | None:
        """The outage of an endpoint whose breaker is open."""
        with self._lock:
            known = self._outages.get(endpoint)
        return known if known and known.is_open else None

    def shift(self, by: float) -> None:
        """The wall clock was put forward by so many seconds, or back (negative)."""
        with self._lock:
            for key, known in self._outages.items():
                next_try = known.next_try + by if known.next_try else 0.0
                self._outages[key] = replace(known, since=known.since + by, next_try=next_try)
            self._answered = {key: at + by for key, at in self._answered.items()}

    def most(self, endpoint: str, *, on_way: int, at: float) -> int | None:
        """How many batches may leave: none, or one probe. None: as many as else."""
        outage = self.outage(endpoint)
        if outage is None:
            return None
        return 0 if at < outage.next_try or on_way else 1
