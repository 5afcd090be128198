"""One tail of the ledger per process: it reads what changed, and hands it to everybody who follows.

Of each job only its newest event waits for a follower, so a slow one holds no more than there are jobs, and reads no number
that was never true. Nothing is read while nobody follows.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

from connector import live
from connector.errors import NotReachable
from connector.ledger import Ledger, changes
from connector.web import snapshots
from connector.web.snapshots import JobSnapshot

log = logging.getLogger(__name__)

T = TypeVar("T")

#: How often the ledger is looked at, in seconds: a job is told of at most so often.
_TURN_S: Final = 0.4
#: How often rates of running jobs, and endpoints, are looked at: they change by time alone.
_RATES_S: Final = 5.0
_ENDPOINTS_S: Final = 2.0
#: Changes that one look reads.
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """How things stand as somebody begins to follow: every change up to `reached` is in it."""

    jobs: list[JobSnapshot]
    reached: int
    endpoints: dict[str, live.EndpointEvent] = field(default_factory=dict)


class Follower:
    """One reader of live events: of one job, or of all jobs and endpoints whose keys it sees (None: all)."""

    def __init__(self, *, job: str | None, sees: frozenset[str] | None) -> None:
        self.job = job
        self.sees = sees
        self.news = asyncio.Event()
        self.has_ended = False
        """nothing more comes"""
        self.job_has_ended = False
        """because the job has ended"""
        self.sent = 0
        """everything up to this change was told"""
        self._reached = 0
        self._told: dict[str, int] = {}
        self._waiting: dict[str, JobSnapshot] = {}
        self._endpoints: dict[str, live.EndpointEvent] = {}

    def begin(self, first: First) -> None:
        """What is told before any change."""
        for each in first.jobs:
            self.offer(each)
        for key, event in first.endpoints.items():
            self.offer_endpoint(key, event)
        self._reached = first.reached
        self.news.set()

    def offer(self, found: JobSnapshot, *, again: bool = False) -> None:
        """A job as it is now; `again`: also where only its rate is another."""
        job = found.event["id"]
        if self.job not in {None, job} or not self._sees(found.key):
            return
        known = max(self._told.get(job, 0), self._waiting[job].seq if job in self._waiting else 0)
        if found.seq > known or (again and found.seq == known and found.event["rate"] is not None):
            self._waiting[job] = found
            self.news.set()

    def offer_endpoint(self, key: str, event: live.EndpointEvent) -> None:
        """An endpoint as it is now."""
        if self.job is None and self._sees(key):
            self._endpoints[key] = event
            self.news.set()

    def take(self) -> bytes:
        """What waits, in the order of the changes, as it goes over the line."""
        found, self._waiting = sorted(self._waiting.values(), key=lambda each: each.seq), {}
        events, self._endpoints = self._endpoints, {}
        self.news.clear()
        parts = []
        for each in found:
            self.sent = max(self.sent, each.seq)
            self._told[each.event["id"]] = each.seq
            parts.append(b"event: job\nid: %d\ndata: %b\n\n" % (self.sent, each.data))
        parts += [b"event: endpoint\ndata: %b\n\n" % json.dumps(event).encode() for event in events.values()]
        self.sent = max(self.sent, self._reached)
        self.job_has_ended = self.job is not None and (found[-1].has_ended if found else self.job_has_ended)
        self.has_ended |= self.job_has_ended
        return b"".join(parts)

    def end(self) -> None:
        """Nothing more comes."""
        self.has_ended = True
        self.news.set()

    def _sees(self, key: str) -> bool:
        return self.sees is None or key in self.sees


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What one look of the tail is for."""

    after: int
    all: bool
    jobs: frozenset[str]
    rates: bool
    endpoints: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What changed, for those who follow all, and for those who follow one job."""

    after: int
    brief: list[JobSnapshot]
    full: list[JobSnapshot]
    endpoints: dict[str, live.EndpointEvent]


@dataclass(slots=True)
class Tail:
    """Reads for all followers of this process. Used on one event loop; the ledger is read in threads of its own."""

    ledger: Callable[[], Ledger]
    is_ending: Callable[[], bool] = lambda: False
    """whether the process is told to stop: followers shall not hold it up"""
    _followers: set[Follower] = field(default_factory=set)
    _task: "asyncio.Task[None] | None" = None
    _after: int = 0
    _turns: asyncio.Lock = field(default_factory=asyncio.Lock)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, thread_name_prefix="live"))
    _known: dict[str, live.EndpointEvent] = field(default_factory=dict)

    async def join(self, follower: Follower) -> None:
        """From now on the follower is offered each change; what was before, it must look up itself. Raises NotReachable."""
        async with self._turns:  # a look that is under way knows nothing of it
            if self._task is None:
                self._after = await self.ask(lambda: _latest(self.ledger()))
                self._known = {}
                self._task = asyncio.create_task(self._run())
            self._followers.add(follower)

    def leave(self, follower: Follower) -> None:
        """Offer it nothing more."""
        self._followers.discard(follower)

    @property
    def count(self) -> int:
        """How many follow."""
        return len(self._followers)

    async def ask(self, question: Callable[[], T]) -> T:
        """The answer to a question that waits for the ledger."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, question)

    async def _run(self) -> None:
        rates_at = endpoints_at = time.monotonic()
        try:
            while not self.is_ending():
                await asyncio.sleep(_TURN_S)
                if not self._followers:
                    return
                now = time.monotonic()
                async with self._turns:
                    wanted = self._wanted(rates=now >= rates_at, endpoints=now >= endpoints_at)
                    await self._turn(wanted)
                rates_at = now + _RATES_S if wanted.rates else rates_at
                endpoints_at = now + _ENDPOINTS_S if wanted.endpoints else endpoints_at
        finally:  # nobody is left to wait for a tail that has ended
            self._task = None
            for follower in list(self._followers):
                follower.end()

    def _wanted(self, *, rates: bool, endpoints: bool) -> _Wanted:
        return _Wanted(
            after=self._after,
            all=any(each.job is None for each in self._followers),
            jobs=frozenset(each.job for each in self._followers if each.job is not None),
            rates=rates,
            endpoints=endpoints,
        )

    async def _turn(self, wanted: _Wanted) -> None:
        try:
            found = await self.ask(lambda: _look(self.ledger(), wanted))
        except NotReachable as error:  # who follows stays, and is told once the ledger is back
            log.info("live events wait: %s", error, extra={"action": "not_reachable"})
            return
        self._after = found.after
        changed = {key: event for key, event in found.endpoints.items() if self._known.get(key) != event}
        self._known |= changed
        for follower in self._followers:
            for each in found.brief if follower.job is None else found.full:
                follower.offer(each, again=wanted.rates)
            for key, event in changed.items():
                follower.offer_endpoint(key, event)


def _latest(ledger: Ledger) -> int:
    with ledger.read() as db:
        return changes.latest(db)


def _look(ledger: Ledger, wanted: _Wanted) -> _Found:
    """One state of the ledger: everything that is told of it belongs together."""
    with ledger.read() as db:
        changed = changes.since(db, wanted.after, most=_AT_ONCE)
        after = changed[-1][0] if changed else wanted.after
        if wanted.rates:
            changed = sorted({*changed, *changes.of_running(db)})
        return _Found(
            after=after,
            brief=snapshots.in_brief(db, changed) if wanted.all else [],
            full=snapshots.in_full(db, [each for each in changed if each[1] in wanted.jobs]),
            endpoints=snapshots.of_endpoints(db) if wanted.all and wanted.endpoints else {},
        )
