"""Rows per second by the number of concurrent calls, at an AOS that takes its time.

Run it as `python -m tests.bench.linear [--batches N] [--batch-rows N] [--latency MS] [--rounds N] [--workers N]`. The simulated
AOS swallows calls (`--count`) and answers each after its latency; a batch is one call. All rings are up side by side, and take
turns in each round. What each process takes of CPU for a batch holds on a busy computer too; whose the cores were says what
the limit is.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.rig import Rig, ring, write_csv
from tests.bench.ring_speed import through_the_ring

CALLS = (1, 2, 4, 8, 16)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--batches", type=int, default=20, help="for each concurrent call")
    options.add_argument("--batch-rows", type=int, default=200)
    options.add_argument("--latency", type=int, default=50, help="milliseconds")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--workers", type=int, default=1, help="processes that share the calls, one thread each at least")
    given = options.parse_args()
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    found = measure(given.batches, given.rounds, batch_rows=given.batch_rows, latency_ms=given.latency, workers=given.workers)
    speeds = {calls: seen.speeds for calls, seen in found.items()}
    _print(speeds, latency_ms=given.latency, rounds=given.rounds, batches=given.batches, batch_rows=given.batch_rows)
    _print_cpu(found)
    _print_shares(found)


Cpu = dict[str, float]
"""seconds, by process"""


@dataclass(slots=True)
class Shares:
    """Of how many seconds of its cores a computer spent what, while one ring was at work."""

    wall: float = 0.0
    ring: float = 0.0
    waiting_rings: float = 0.0
    """those whose turn it was not"""
    everything: float = 0.0
    """of all processes, the benchmark's own with them"""


@dataclass(slots=True)
class Measured:
    """What was seen at one number of concurrent calls."""

    speeds: list[float] = field(default_factory=list)
    """rows per second, round by round"""
    taken: Cpu = field(default_factory=dict)
    """for all batches of all rounds"""
    batches: int = 0
    shares: Shares = field(default_factory=Shares)


def measure(batches: int, rounds: int, *, batch_rows: int, latency_ms: int, workers: int) -> dict[int, Measured]:
    """By the number of concurrent calls."""
    found = {calls: Measured() for calls in CALLS}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        rigs: dict[int, tuple[Rig, Path, int]] = {}
        for calls in CALLS:
            folder, rows = Path(name) / str(calls), calls * batches * batch_rows
            aos = ("--count", "--latency", str(latency_ms))
            rig = stack.enter_context(ring(folder, concurrency=calls, workers=min(workers, calls), aos_options=aos))
            path = folder / "big" / "Customers.csv"
            path.parent.mkdir()
            write_csv(path, rows)
            rigs[calls] = rig, path, rows
        for _ in range(rounds):
            for calls, (rig, path, rows) in rigs.items():
                with _watched(found[calls], rig, [other for other, _, _ in rigs.values() if other is not rig]):
                    found[calls].speeds.append(rows / through_the_ring(rig, path, rows, batch_rows))
                found[calls].batches += rows // batch_rows
                time.sleep(0.2)  # the ledgers of the others get their turn at the disk
    return found


@contextmanager
def _watched(seen: Measured, rig: Rig, others: list[Rig]) -> Iterator[None]:
    """Add what each process takes meanwhile."""
    started, before = time.monotonic(), rig.cpu_s()
    waiting, busy = _of_all(others), _busy_s()
    yield
    for name, now in rig.cpu_s().items():
        seen.taken[name] = seen.taken.get(name, 0.0) + now - before[name]
        seen.shares.ring += now - before[name]
    seen.shares.waiting_rings += _of_all(others) - waiting
    seen.shares.everything += _busy_s() - busy
    seen.shares.wall += time.monotonic() - started


def _of_all(rigs: list[Rig]) -> float:
    return sum(sum(rig.cpu_s().values()) for rig in rigs)


def _busy_s() -> float:
    """CPU seconds of everything on this computer since it was started (Linux)."""
    told = Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, softirq, steal = map(int, told[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _print(found: dict[int, list[float]], *, latency_ms: int, rounds: int, batches: int, batch_rows: int) -> None:
    told = f"{batches} batches of {batch_rows} rows for each concurrent call"
    print(f"{told}, {latency_ms} ms per call, {rounds} interleaved rounds; medians (min to max) of rows per second\n")
    print("| concurrent calls | rows per second | of the AOS' own limit | of linear |")
    print("| ---: | ---: | ---: | ---: |")
    one = statistics.median(found[1])
    for calls, speeds in found.items():
        median = statistics.median(speeds)
        limit = calls * batch_rows * 1000 / latency_ms
        shown = f"{median:,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f})"
        print(f"| {calls} | {shown} | {median / limit:.2f} | {median / (one * calls):.2f} |")


def _print_cpu(found: dict[int, Measured]) -> None:
    """A process runs Python on one core at a time, and all of them together have so many."""
    cores = os.cpu_count() or 1
    names = ("worker", "dispatcher", "broker", "aos")
    print(f"\nMilliseconds of CPU for a batch, and how many batches a second that lets through on {cores} cores\n")
    print(f"| concurrent calls | {' | '.join(names)} | all | batches per second at most |")
    print(f"| ---: |{' ---: |' * (len(names) + 2)}")
    for calls, seen in found.items():
        spent = {name: seconds / seen.batches for name, seconds in seen.taken.items()}
        every = sum(spent.values())
        most = min(cores / every, 1 / spent["dispatcher"])
        shown = " | ".join(f"{1000 * spent[name]:.1f} ({spent[name] / every:.0%})" for name in names)
        print(f"| {calls} | {shown} | {1000 * every:.1f} | {most:.0f} |")


def _print_shares(found: dict[int, Measured]) -> None:
    """Whose the cores were while a ring was at work: where they were all taken, they are what limits it."""
    cores = os.cpu_count() or 1
    print(f"\nWhose the {cores} cores were meanwhile\n")
    print("| concurrent calls | this ring | the rings that wait | everything else | nobody |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for calls, seen in found.items():
        shares, whole = seen.shares, seen.shares.wall * cores
        else_ = max(0.0, shares.everything - shares.ring - shares.waiting_rings)
        nobody = max(0.0, whole - shares.everything)
        shown = " | ".join(f"{part / whole:.0%}" for part in (shares.ring, shares.waiting_rings, else_, nobody))
        print(f"| {calls} | {shown} |")


if __name__ == "__main__":
    main()
