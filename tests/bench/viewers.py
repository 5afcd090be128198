"""What fifty people who watch cost: the load's slowdown, and how long API and pages take, as ratios to a dispatcher at rest.

Run it as `python -m tests.bench.viewers [--rows N] [--viewers N] [--rounds N]`. Three cases take turns: nothing goes on (idle),
a load that nobody watches (load), a load with viewers (watched); in every second round the two loads the other way round, since
the ledger grows. Half of the viewers follow the load, half follow everything; they are a process of their own, as browsers are.
One client asks for the job, the list of jobs, the first page and the job's page, one after the other, all the time.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.synchronize import Event
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.bench.rig import Rig, ring, write_csv

ASKED = {"job": "/api/v1/jobs/{job}", "list of jobs": "/api/v1/jobs", "first page": "/", "page of the job": "/jobs/{job}"}
CASES = ("idle", "load", "watched")
_SPAWN = multiprocessing.get_context("spawn")


@dataclass
class Seen:
    """What all rounds of one case saw."""

    rates: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    """of the dispatcher, for each million rows"""
    waited_ms: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ASKED})
    read_mb: float = 0.0


def watch(
    url: str, login: dict[str, str], paths: list[str], begun: Event, ended: Event, told: "multiprocessing.Queue[int]"
) -> None:
    """Viewers in a process of their own: they read everything until it is over, and tell how many bytes."""

    async def one(path: str) -> int:
        parts, read = urlsplit(url), 0
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        headers = "".join(f"{name}: {value}\r\n" for name, value in login.items())
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n".encode())
        with suppress(asyncio.CancelledError):
            while piece := await reader.read(65536):
                read += len(piece)
        writer.close()
        return read

    async def everyone() -> int:
        tasks = [asyncio.create_task(one(path)) for path in paths]
        begun.set()
        await asyncio.to_thread(ended.wait)
        for task in tasks:
            task.cancel()
        return sum(await asyncio.gather(*tasks))

    told.put(asyncio.run(everyone()))


@contextmanager
def watching(rig: Rig, job: str, viewers: int, seen: Seen) -> Iterator[None]:
    """So many viewers, while it lasts."""
    if not viewers:
        yield
        return
    paths = [f"/api/v1/jobs/{job}/events" if n % 2 else "/api/v1/events" for n in range(viewers)]
    begun, ended, told = _SPAWN.Event(), _SPAWN.Event(), _SPAWN.Queue()
    process = _SPAWN.Process(target=watch, args=(rig.api, rig.login, paths, begun, ended, told))
    process.start()
    try:
        assert begun.wait(60)
        yield
    finally:
        ended.set()
        seen.read_mb += told.get(timeout=60) / 1e6
        process.join()


@contextmanager
def asking(rig: Rig, job: str, seen: Seen) -> Iterator[None]:
    """One client that asks for each of a few things in turn, while it lasts."""
    ended, root = threading.Event(), rig.api.removesuffix("/api/v1")
    refused: list[str] = []

    def ask() -> None:
        with requests.Session() as session:
            session.headers.update(rig.login)
            while not ended.wait(0.1):
                for name, path in ASKED.items():
                    begun = time.perf_counter()
                    answer = session.get(root + path.format(job=job), timeout=60)
                    if not answer.ok:
                        refused.append(f"{path}: {answer.status_code} {answer.text}")
                    seen.waited_ms[name].append((time.perf_counter() - begun) * 1000)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert not refused, (refused[0], (rig.home.parent / "dispatcher.log").read_text(encoding="utf-8")[-5000:])


def load(rig: Rig, folder: Path, *, rows: int, first: int, viewers: int, seen: Seen) -> str:
    """One load of rows that are not there yet; its id."""
    file = folder / "Customers.csv"
    write_csv(file, rows, first=first)
    job, before = str(rig.submit(rig.upload(file), batch_rows=500)["id"]), rig.cpu_s()["dispatcher"]
    with watching(rig, job, viewers, seen), asking(rig, job, seen):
        ended = rig.finish(job, timeout_s=6 * 3600)
    assert ended["state"] == "succeeded", ended
    started, finished = (datetime.fromisoformat(str(ended[name])) for name in ("started_at", "finished_at"))
    seen.rates.append(rows / (finished - started).total_seconds())
    seen.cpu_s.append((rig.cpu_s()["dispatcher"] - before) * 1e6 / rows)
    return job


def rest(rig: Rig, job: str, *, seconds: float, seen: Seen) -> None:
    """The same questions while nothing goes on."""
    with asking(rig, job, seen):
        time.sleep(seconds)


def percentile(waited: list[float], share: float) -> float:
    return sorted(waited)[min(int(len(waited) * share), len(waited) - 1)]


def table(found: dict[str, Seen], viewers: int) -> Iterator[str]:
    """What was found, as the README has it."""
    alone, watched = (statistics.median(found[case].rates) for case in ("load", "watched"))
    cpu = [statistics.median(found[case].cpu_s) for case in ("load", "watched")]
    yield f"| | idle | load, nobody watches | load, {viewers} viewers | load / idle | watched / idle | watched / load |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    yield f"| **load**, rows/s | | {alone:,.0f} | {watched:,.0f} | | | **{alone / watched:.2f}** slower |"
    yield f"| dispatcher, CPU s for a million rows | | {cpu[0]:.0f} | {cpu[1]:.0f} | | | {cpu[1] / cpu[0]:.2f} |"
    for what in ASKED:
        for label, share in (("median", 0.5), ("p99", 0.99)):
            idle, loaded, both = (percentile(found[case].waited_ms[what], share) for case in CASES)
            ratios = f"{loaded / idle:.1f} | {both / idle:.1f} | {both / loaded:.2f}"
            yield f"| {what}, ms, {label} | {idle:.1f} | {loaded:.1f} | {both:.1f} | {ratios} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rest", type=float, default=20.0, metavar="SECONDS", help="how long a round's idle case takes")
    given = parser.parse_args()
    found = {case: Seen() for case in CASES}
    with tempfile.TemporaryDirectory() as name, ring(Path(name)) as rig:
        first = 1_000_000
        for number in range(given.rounds):
            for case in ("load", "watched")[:: -1 if number % 2 else 1]:
                viewers = given.viewers if case == "watched" else 0
                job = load(rig, Path(name), rows=given.rows, first=first, viewers=viewers, seen=found[case])
                first += given.rows
                print(f"{case}: {found[case].rates[-1]:,.0f} rows/s, {found[case].cpu_s[-1]:.0f} CPU s/million rows", flush=True)
            rest(rig, job, seconds=given.rest, seen=found["idle"])
    asked = len(found["watched"].waited_ms["job"])
    print(f"the viewers read {found['watched'].read_mb:.1f} MB in all; they had {asked} questions of each kind beside them")
    print("\n".join(table(found, given.viewers)))


if __name__ == "__main__":
    main()
