"""What the guarantees cost: rows per second with and without fsync at the ledger, with and without grants.

Run it as `python -m tests.bench.guarantees [--rows N] [--rounds N] [--batch N] [--calls N] [--latency MS]`. Each variant is a
ring of its own; all are up at once and take turns in each round. The weaker variants exist here alone: the product has no
switch for them.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import sqlalchemy as sa

from connector.__main__ import main as connector_main
from connector.ledger import store
from connector.recorder import Recorder
from connector.wire import codec, reports, routes
from connector.wire.jobs import Grant
from tests.bench.rig import Rig, ring, write_csv
from tests.bench.ring_speed import through_the_ring

#: By name: SQLite's `synchronous`, and whether a writing call waits for the commit of its intent.
VARIANTS = {
    "as it is": ("FULL", True),
    "no fsync at a commit (NORMAL)": ("NORMAL", True),
    "no fsync at all (OFF)": ("OFF", True),
    "no grants": ("FULL", False),
    "neither": ("OFF", False),
}


def serve(variant: str) -> None:
    """Be the dispatcher of a variant."""
    synchronous, grants = VARIANTS[variant]
    _sync(synchronous)
    if not grants:
        _leave_at_once()
    sys.argv = ["rapidstart", "dispatcher"]
    connector_main()


def _sync(synchronous: str) -> None:
    """Open SQLite files with this `synchronous`."""
    opened: Callable[[sa.URL], sa.Engine] = store._sqlite

    def weaker(url: sa.URL) -> sa.Engine:
        engine = opened(url)
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute(f"PRAGMA synchronous={synchronous}"))
        return engine

    store._sqlite = weaker


def _leave_at_once() -> None:
    """Answer every intent before anything else, and forget it: no look at the attempt, no commit."""
    apply: Callable[..., None] = Recorder._apply

    def forgetful(self: Recorder, entries: Sequence[tuple[str, bytes, bytes]]) -> None:
        told = {entry: codec.decode(entry[2], reports.REPORTS) for entry in entries}
        intents = {entry: report for entry, report in told.items() if isinstance(report, reports.IntentReported)}
        answers = [(routes.reply_key(each.endpoint, each.event_id), Grant(granted=True)) for each in intents.values()]
        if intents:
            self._acknowledge(list(intents), answers)
        if rest := [entry for entry in entries if entry not in intents]:
            apply(self, rest)

    Recorder._apply = forgetful  # type: ignore[method-assign]


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=40_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--batch", type=int, default=200)
    options.add_argument("--calls", type=int, default=4, help="at a time")
    options.add_argument("--latency", type=int, default=0, help="milliseconds that the AOS takes for a call")
    options.add_argument("--serve", choices=VARIANTS)
    given = options.parse_args()
    if given.serve:
        serve(given.serve)
        return
    print(f"load average before: {os.getloadavg()[0]:.1f}; an fsync takes {_fsync_ms():.2f} ms")
    told = f"{given.rows:,} rows, {given.batch} per batch, {given.calls} calls at a time, {given.latency} ms per call"
    found = measure(given.rows, given.rounds, batch=given.batch, calls=given.calls, latency_ms=given.latency)
    print(f"{told}, {given.rounds} interleaved rounds; medians (min to max)\n")
    _print(found, batches=-(-given.rows // given.batch))


def measure(rows: int, rounds: int, *, batch: int, calls: int, latency_ms: int) -> dict[str, list[float]]:
    """Seconds of each round, by variant."""
    seconds: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        path = Path(name) / "big" / "Customers.csv"
        path.parent.mkdir()
        write_csv(path, rows)
        slow = ("--latency", str(latency_ms)) if latency_ms else ()
        rigs: dict[str, Rig] = {}
        for no, variant in enumerate(VARIANTS):
            command = ("tests.bench.guarantees", "--serve", variant)
            folder, aos = Path(name) / str(no), ("--count", *slow)
            rigs[variant] = stack.enter_context(ring(folder, concurrency=calls, aos_options=aos, dispatcher=command))
        for no in range(rounds):
            for variant in _turned(list(VARIANTS), no):
                seconds[variant].append(through_the_ring(rigs[variant], path, rows, batch))
    return seconds


def _fsync_ms() -> float:
    """The median of some, of a page each, where the ledgers will lie."""
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(50):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


def _turned(variants: list[str], by: int) -> list[str]:
    """Another one goes first in each round."""
    at = by % len(variants)
    return variants[at:] + variants[:at]


def _print(found: dict[str, list[float]], *, batches: int) -> None:
    print("| variant | ms per batch | of as it is |\n| --- | ---: | ---: |")
    usual = statistics.median(found["as it is"])
    for variant, seconds in found.items():
        median, least, most = (1000 * of(seconds) / batches for of in (statistics.median, min, max))
        print(f"| {variant} | {median:.2f} ({least:.2f} to {most:.2f}) | {median * batches / 1000 / usual:.2f} |")


if __name__ == "__main__":
    main()
