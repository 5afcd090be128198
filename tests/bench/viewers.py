"""What fifty people who watch cost: the load's slowdown, and how long the API and a page take, as ratios to nobody watching.

Run it as `python -m tests.bench.viewers [--rows N] [--viewers N] [--rounds N]`. A load without viewers and one with them take
turns. Half of the viewers follow the load, half follow everything. One client asks for the job, the list of jobs and the first
page, one after the other, all the time; the median and the 99th percentile of its waiting are told for each.
"""

import argparse
import asyncio
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.bench.rig import Rig, ring, write_csv

ASKED = {"job": "/api/v1/jobs/{job}", "jobs": "/api/v1/jobs", "page": "/"}


@dataclass
class Watching:
    """Viewers on an event loop of their own: they read everything, and count events and bytes."""

    rig: Rig
    job: str
    viewers: int
    events: int = 0
    read: int = 0

    @contextmanager
    def going_on(self) -> Iterator[None]:
        loop, ended = asyncio.new_event_loop(), asyncio.Event()
        thread = threading.Thread(target=lambda: loop.run_until_complete(self._all(ended)))
        thread.start()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join()
            loop.close()

    async def _all(self, ended: asyncio.Event) -> None:
        paths = [f"/api/v1/jobs/{self.job}/events" if n % 2 else "/api/v1/events" for n in range(self.viewers)]
        watching = [asyncio.create_task(self._watch(path)) for path in paths]
        await ended.wait()
        for each in watching:
            each.cancel()
        await asyncio.gather(*watching, return_exceptions=True)

    async def _watch(self, path: str) -> None:
        parts = urlsplit(self.rig.api)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        headers = "".join(f"{name}: {value}\r\n" for name, value in self.rig.login.items())
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n".encode())
        try:
            while line := await reader.readline():
                self.events += line.startswith(b"event: ")
                self.read += len(line)
        finally:
            writer.close()


@dataclass
class Asking:
    """One client that asks for each of a few things in turn."""

    rig: Rig
    job: str
    waited_ms: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ASKED})

    @contextmanager
    def going_on(self) -> Iterator[None]:
        ended = threading.Event()
        thread = threading.Thread(target=self._ask, args=(ended,))
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _ask(self, ended: threading.Event) -> None:
        root = self.rig.api.removesuffix("/api/v1")
        with requests.Session() as session:
            session.headers.update(self.rig.login)
            while not ended.wait(0.02):
                for name, path in ASKED.items():
                    begun = time.perf_counter()
                    answer = session.get(root + path.format(job=self.job), timeout=60)
                    assert answer.ok, answer.text
                    self.waited_ms[name].append((time.perf_counter() - begun) * 1000)


def load(rig: Rig, folder: Path, *, rows: int, first: int, viewers: int) -> tuple[float, Asking, Watching]:
    """Rows per second of one load, what its client waited, and what its viewers read."""
    file = folder / "Customers.csv"
    write_csv(file, rows, first=first)
    job = str(rig.submit(rig.upload(file), batch_rows=500)["id"])
    asking, watching = Asking(rig, job), Watching(rig, job, viewers)
    with watching.going_on(), asking.going_on():
        ended = rig.finish(job)
    assert ended["state"] == "succeeded", ended
    started, finished = (datetime.fromisoformat(str(ended[name])) for name in ("started_at", "finished_at"))
    return rows / (finished - started).total_seconds(), asking, watching


def percentile(waited: list[float], share: float) -> float:
    return sorted(waited)[min(int(len(waited) * share), len(waited) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rates: dict[int, list[float]] = {0: [], given.viewers: []}
    waited: dict[int, dict[str, list[float]]] = {count: {name: [] for name in ASKED} for count in rates}
    with tempfile.TemporaryDirectory() as name, ring(Path(name)) as rig:
        for number in range(given.rounds * 2):
            viewers = given.viewers if number % 2 else 0
            first = 1_000_000 + number * given.rows
            rate, asking, watching = load(rig, Path(name), rows=given.rows, first=first, viewers=viewers)
            rates[viewers].append(rate)
            for what, found in asking.waited_ms.items():
                waited[viewers][what] += found
            print(
                f"{viewers} viewers: {rate:.0f} rows/s, {watching.events} events, {watching.read / 1e6:.1f} MB read", flush=True
            )
    alone, watched = (statistics.median(rates[count]) for count in rates)
    print(f"load: {alone:.0f} rows/s alone, {watched:.0f} watched, slower by a factor of {alone / watched:.2f}")
    for what in ASKED:
        for label, share in (("median", 0.5), ("p99", 0.99)):
            before, after = (percentile(waited[count][what], share) for count in rates)
            print(f"{what} {label}: {before:.1f} ms alone, {after:.1f} ms watched, ratio {after / before:.2f}")


if __name__ == "__main__":
    main()
