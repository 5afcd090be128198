"""Rows per second by the number of concurrent calls, at an AOS that takes its time.

Run it as `python -m tests.bench.linear [--batches N] [--batch-rows N] [--latency MS] [--rounds N] [--workers N]`. The simulated
AOS swallows calls (`--count`) and answers each after its latency; a batch is one call. All rings are up side by side, and take
turns in each round. What each process takes of CPU for a batch says what the limit is: it holds on a busy computer too.
"""

import argparse
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
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
    found, taken = measure(
        given.batches, given.rounds, batch_rows=given.batch_rows, latency_ms=given.latency, workers=given.workers
    )
    _print(found, latency_ms=given.latency, rounds=given.rounds, batches=given.batches, batch_rows=given.batch_rows)
    _print_cpu(taken)


Cpu = dict[str, float]


def measure(
    batches: int, rounds: int, *, batch_rows: int, latency_ms: int, workers: int
) -> tuple[dict[int, list[float]], dict[int, Cpu]]:
    """By the number of concurrent calls: rows per second of each round, and the CPU seconds of each process for a batch."""
    speeds: dict[int, list[float]] = {calls: [] for calls in CALLS}
    taken: dict[int, Cpu] = {}
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
                before = rig.cpu_s()
                speeds[calls].append(rows / through_the_ring(rig, path, rows, batch_rows))
                spent = {name: (now - before[name]) * batch_rows / rows / rounds for name, now in rig.cpu_s().items()}
                taken[calls] = {name: taken.get(calls, {}).get(name, 0.0) + each for name, each in spent.items()}
                time.sleep(0.2)  # the ledgers of the others get their turn at the disk
    return speeds, taken


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


def _print_cpu(taken: dict[int, Cpu]) -> None:
    """A process runs Python on one core at a time, and all of them together have so many."""
    cores = os.cpu_count() or 1
    names = ("worker", "dispatcher", "broker", "aos")
    print(f"\nMilliseconds of CPU for a batch, and how many batches a second that lets through on {cores} cores\n")
    print(f"| concurrent calls | {' | '.join(names)} | all | batches per second at most |")
    print(f"| ---: |{' ---: |' * (len(names) + 2)}")
    for calls, spent in taken.items():
        every = sum(spent.values())
        most = min(cores / every, 1 / spent["dispatcher"])
        shown = " | ".join(f"{1000 * spent[name]:.1f}" for name in names)
        print(f"| {calls} | {shown} | {1000 * every:.1f} | {most:.0f} |")


if __name__ == "__main__":
    main()
