"""Rows per second by the number of concurrent calls, at an AOS that takes its time.

Run it as `python -m tests.bench.linear [--batches N] [--batch-rows N] [--latency MS] [--rounds N]`. The simulated AOS swallows
calls (`--count`) and answers each after its latency; a batch is one call. All rings are up side by side, and take turns in each
round.
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
    given = options.parse_args()
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    found = measure(given.batches, given.rounds, batch_rows=given.batch_rows, latency_ms=given.latency)
    _print(found, latency_ms=given.latency, rounds=given.rounds, batches=given.batches, batch_rows=given.batch_rows)


def measure(batches: int, rounds: int, *, batch_rows: int, latency_ms: int) -> dict[int, list[float]]:
    """Rows per second of each round, by the number of concurrent calls."""
    speeds: dict[int, list[float]] = {calls: [] for calls in CALLS}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        rigs: dict[int, tuple[Rig, Path, int]] = {}
        for calls in CALLS:
            folder, rows = Path(name) / str(calls), calls * batches * batch_rows
            rig = stack.enter_context(ring(folder, concurrency=calls, aos_options=("--count", "--latency", str(latency_ms))))
            path = folder / "big" / "Customers.csv"
            path.parent.mkdir()
            write_csv(path, rows)
            rigs[calls] = rig, path, rows
        for _ in range(rounds):
            for calls, (rig, path, rows) in rigs.items():
                speeds[calls].append(rows / through_the_ring(rig, path, rows, batch_rows))
                time.sleep(0.2)  # the ledgers of the others get their turn at the disk
    return speeds


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


if __name__ == "__main__":
    main()
