"""What an installation costs that does nothing: a dispatcher, its broker, and a worker for each of many endpoints.

Run it as `python -m tests.bench.idle [--endpoints N ...] [--seconds S]` (Linux). All are processes of their own on this computer:
a hundred workers want 8 GB. For each number of endpoints, one after the other, it starts what is missing, waits until the
dispatcher has heard of every worker and no job waits, and then looks on.
"""

import argparse
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.journeys.driving import Site, eventually, free_port, listens, write_csv

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What some processes have used so far."""

    memory_mb: float
    """of their own, and their part of what they share"""
    cpu_s: float


def used(*pids: int) -> Used:
    """Of these processes together."""
    memory, ticks = 0, 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        memory += int(next(line for line in lines if line.startswith("Pss:")).split()[1])
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(words[11]) + int(words[12])
    return Used(memory_mb=memory / 1024, cpu_s=ticks / _TICKS)


def grow(site: Site, names: list[str], aos: int) -> None:
    """Register endpoints and start their workers, four at a time: more starts at once only wait for each other."""
    for first in range(0, len(names), 4):
        some = names[first : first + 4]
        for name in some:
            site.json("endpoint", "add", name, "--url", f"http://127.0.0.1:{aos}")
            site.start_worker(name, concurrency=4)
        eventually(lambda some=some: set(some) <= online(site), within_s=120, what="workers that are online")


def online(site: Site) -> set[str]:
    """The endpoints of which the dispatcher has heard a worker."""
    lines = site.rapidstart("endpoint", "list", "--json").stdout.splitlines()
    return {each["name"] for each in map(json.loads, lines) if each["state"] == "online"}


def looked_on(site: Site, broker: dict[str, object], seconds: float) -> list[str]:
    """One row of the table: memory and the part of one processor, of each."""
    workers = [process.pid for name, process in site.running.items() if name.startswith("worker-")]
    groups = {"dispatcher": [site.running["dispatcher"].pid], "broker": [int(str(broker["pid"]))], "workers": workers}
    client = redis.Redis.from_url(str(broker["url"]))
    before = {name: used(*pids) for name, pids in groups.items()}
    commands = client.info("stats")["total_commands_processed"]
    time.sleep(seconds)
    after = {name: used(*pids) for name, pids in groups.items()}
    told = client.info()
    cells = [str(len(workers))]
    for name, pids in groups.items():
        each = len(pids)
        cells.append(f"{after[name].memory_mb / each:.0f}")
        cells.append(f"{100 * (after[name].cpu_s - before[name].cpu_s) / seconds / each:.2f}")
    rate = (told["total_commands_processed"] - commands) / seconds
    return [*cells, f"{told['used_memory'] / 2**20:.1f}", str(told["connected_clients"]), f"{rate:.0f}"]


HEAD = (
    "endpoints", "dispatcher MB", "% of a processor", "broker MB", "% of a processor", "each worker MB", "% of a processor",
    "used_memory MB", "connections", "commands per second",
)  # fmt: skip


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--endpoints", type=int, nargs="+", default=[1, 20, 100])
    asked.add_argument("--seconds", type=float, default=60)
    given = asked.parse_args()
    print("| " + " | ".join(HEAD) + " |\n" + "| ---: " * len(HEAD) + "|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), f"http://127.0.0.1:{free_port()}")
        try:
            aos = free_port()
            file = write_csv(site.folder / "CustGroup.csv", ["CustGroup", "Name"], [["10", "Wholesale"]])
            site.start("aos", "workers", "simulate", "--port", str(aos), "--company", "USMF", "--tables-from", file)
            site.start_dispatcher()
            eventually(lambda: listens(aos), what="a listening AOS")
            broker = json.loads((site.folder / "home" / "broker.json").read_text(encoding="utf-8"))
            there = 0
            for number in sorted(given.endpoints):
                grow(site, [f"E{each:03}" for each in range(there, number)], aos)
                there = number
                time.sleep(10)  # what a start brings with it is over by then
                print("| " + " | ".join(looked_on(site, broker, given.seconds)) + " |", flush=True)
        finally:
            site.close()


if __name__ == "__main__":
    main()
