"""Looks on while the dispatcher serves many endpoints: what lies on Redis, what its jobs say, what memory it takes."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from connector.wire import routes
from tests.journeys.driving import Site

_QUEUES_S = 0.05
_JOBS_S = 0.5


@dataclass
class Seen:
    """The worst that was seen."""

    queued: int = 0
    """batches on one queue"""
    queued_in_all: int = 0
    reports: int = 0
    """reports on all streams that were not recorded yet"""
    silent_s: float = 0.0
    """how long a job said neither that it runs nor why it waits"""
    reasons: set[str] = field(default_factory=set)
    looks: int = 0
    answer_s: float = 0.0
    """the longest that the API took for the list of all jobs"""
    memory_mb: list[float] = field(default_factory=list)


class Watcher:
    """Two threads: one asks Redis, one the API."""

    def __init__(self, broker_url: str, site: Site, endpoints: Sequence[str], *, pid: int) -> None:
        self.seen = Seen()
        self.jobs: list[dict[str, Any]] = []
        """all loads, as they stood lately"""
        self._redis = redis.Redis.from_url(broker_url, socket_timeout=30)
        self._site, self._endpoints, self._pid = site, endpoints, pid
        self._explained: dict[str, float] = {}
        self._stopping = threading.Event()
        self._failed: list[Exception] = []
        turns = ((self._look_at_queues, _QUEUES_S), (self._look_at_jobs, _JOBS_S))
        self._threads = [threading.Thread(target=self._watch, args=turn, daemon=True) for turn in turns]

    def __enter__(self) -> "Watcher":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)
        self._redis.close()
        assert not self._failed, self._failed

    def _watch(self, look: Any, pause_s: float) -> None:
        try:
            while not self._stopping.wait(pause_s):
                look()
        except Exception as error:  # noqa: BLE001 - told by the thread that waits for this one
            self._failed.append(error)

    def _look_at_queues(self) -> None:
        with self._redis.pipeline(transaction=False) as pipe:
            for endpoint in self._endpoints:
                pipe.llen(routes.queue(endpoint))
            for endpoint in self._endpoints:
                pipe.xlen(routes.report_stream(endpoint))
            found = pipe.execute()
        queues, streams = found[: len(self._endpoints)], found[len(self._endpoints) :]
        self.seen.queued = max(self.seen.queued, *queues)
        self.seen.queued_in_all = max(self.seen.queued_in_all, sum(queues))
        self.seen.reports = max(self.seen.reports, sum(streams))

    def _look_at_jobs(self) -> None:
        began = time.monotonic()
        jobs = [job for job in self._site.api("/jobs?limit=1000")["items"] if job["kind"] == "load"]
        self.jobs, now = jobs, time.monotonic()
        self.seen.answer_s = max(self.seen.answer_s, now - began)
        for job in jobs:
            explained = job["finished_at"] or job["state"] == "running" or job["reason"]
            if explained or job["id"] not in self._explained:
                self._explained[job["id"]] = now
            self.seen.silent_s = max(self.seen.silent_s, now - self._explained[job["id"]])
            if job["state"] in {"waiting", "queued"} and job["reason"]:
                self.seen.reasons.add(job["reason"].replace(job["endpoint"], "E"))
        status = Path(f"/proc/{self._pid}/status").read_text(encoding="utf-8")
        self.seen.memory_mb.append(int(next(s for s in status.splitlines() if s.startswith("VmRSS")).split()[1]) / 1024)
        self.seen.looks += 1
