"""What may leave to an endpoint now: its limits, its hours, its breaker, and whether it was stopped. It never sends anything."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connector.dispatch import hours
from connector.dispatch.breaker import Breakers
from connector.dispatch.leases import Leases
from connector.dispatch.policy import Policy
from connector.dispatch.pouring import Buckets
from connector.errors import Refused
from connector.ledger import batches
from connector.ledger.endpoints import Endpoint
from connector.ledger.jobs import JobKind
from connector.ledger.limits import Limits
from connector.ledger.marks import Mark

#: Batches on the way per worker thread: one at work, one ready. Redis never holds more.
_PER_SLOT: Final = 2
#: Batches on the queue of an endpoint whose workers are not known.
_WITHOUT_WORKERS: Final = 2


class Gate:
    """One for all endpoints. What it has learnt is in memory."""

    def __init__(self, leases: Leases, policy: Policy) -> None:
        """All endpoints are taken to be well."""
        self.breakers = Breakers(policy)
        self.buckets = Buckets()
        self._leases = leases

    def passage(self, endpoint: Endpoint, *, on_way: int) -> "Passage":
        """How much may leave to an endpoint of which `on_way` batches were sent and have no end."""
        now = time.time()
        probes = self.breakers.most(endpoint.key, on_way=on_way, at=now)
        room = self._window(endpoint) - on_way
        return Passage(
            endpoint=endpoint,
            buckets=self.buckets,
            room=room,
            probes=room if probes is None else min(room, probes),
            is_probing=probes is not None,
            is_open=opens_at(endpoint, at=now) == now,
        )

    def _window(self, endpoint: Endpoint) -> int:
        """How many batches may be on the way at once. A limit counts those that are ready as well: a worker may take them."""
        window = _PER_SLOT * self._leases.slots(endpoint.key) or _WITHOUT_WORKERS
        return min(window, endpoint.limits.concurrency or window)


@dataclass(slots=True, kw_only=True)
class Passage:
    """One passing of batches to one endpoint, under the ledger's lock: room is taken by what has left."""

    endpoint: Endpoint
    buckets: Buckets
    room: int
    probes: int
    """room for what the breaker holds back"""
    is_probing: bool
    """the AOS is silent: whoever was not tried for the longest time goes first"""
    is_open: bool
    """it takes loads at this hour"""

    def most(self, kind: str) -> int:
        """How many batches of a job of this kind may leave now. A connection test finds out whether all is well again."""
        if kind == JobKind.TEST:
            return self.room
        if kind == JobKind.METADATA:
            return self.probes
        if stopped(self.endpoint) or (kind == JobKind.LOAD and not self.is_open):
            return 0
        rate = self.endpoint.limits.rows_per_second
        if rate is None:
            return self.probes
        return min(self.probes, 1 if self.buckets.may_leave(self.endpoint.key, rate=rate) else 0)

    def passed(self, sent: Sequence[batches.Sending]) -> None:
        """These batches leave."""
        self.room -= len(sent)
        self.probes -= len(sent)
        if rate := self.endpoint.limits.rows_per_second:
            self.buckets.left(self.endpoint.key, rate=rate, rows=sum(sending.size for sending in sent))


def opens_at(endpoint: Endpoint, *, at: float) -> float:
    """When an endpoint takes loads next: `at` itself where it takes them at that time."""
    return hours.parse(endpoint.limits.hours).opens_at(at) if endpoint.limits.hours else at


def closed(endpoint: Endpoint, *, at: float) -> str:
    """Why an endpoint takes no loads at this time, and when it will; "" where it takes them."""
    opens = opens_at(endpoint, at=at)
    if opens == at:
        return ""
    allowed = hours.parse(endpoint.limits.hours)
    return f"{endpoint.name} takes loads {allowed}; opens {allowed.said(opens, now=at)}"


def stopped(endpoint: Endpoint) -> str:
    """Why an endpoint was stopped, and what to do; "" where it was not."""
    if why := barred(endpoint):
        return why
    if endpoint.stopped is None:
        return ""
    why = " ".join(part for part in (endpoint.stopped.reason, endpoint.stopped.advice) if part)
    return f"{endpoint.name} is stopped: {why} Then: rapidstart endpoint test {endpoint.name}"


def barred(endpoint: Endpoint) -> str:
    """Why nothing at all is written before a person says so; "" where it may be."""
    if endpoint.mark is None or not endpoint.mark.changed:
        return ""
    return (
        f"{changed(endpoint.name, endpoint.mark)}. What was loaded before may not be there any more: "
        f"rapidstart endpoint show {endpoint.name}, then rapidstart endpoint resume {endpoint.name}"
    )


def changed(name: str, mark: Mark) -> str:
    """In words, that an endpoint's database is another one."""
    since = f"{datetime.fromtimestamp(mark.seen_at).astimezone():%Y-%m-%d %H:%M}"
    if not mark.other:
        return f"the database of {name} is not told by its mark any more, as it was until {since}: it may have been refreshed"
    return f"the database of {name} changed since {since}: it was refreshed or restored"


def checked(limits: Limits) -> Limits:
    """Limits as an operator asked for them, where they make sense. Raises Refused."""
    if limits.concurrency is not None and limits.concurrency < 1:
        raise Refused("the concurrency must be at least 1.", advice="To send nothing at all: rapidstart endpoint pause")
    if limits.rows_per_second is not None and not 0 < limits.rows_per_second < 1e9:
        raise Refused("rows per second must be more than 0.", advice="To send nothing at all: rapidstart endpoint pause")
    if limits.call_seconds and not 0 < limits.call_seconds[0] < limits.call_seconds[1] < 1e6:
        raise Refused("the shortest call must be shorter than the longest.", advice="Write it as 2-20, in seconds.")
    if limits.hours:
        hours.parse(limits.hours)
    return limits
