"""Rows per second of the whole ring against two scripts, in interleaved rounds on one computer.

Run it as `python -m tests.bench.ring_speed [--rows N] [--rounds N]`. The ring: from the file on disk until every outcome is
committed in the ledger, mode create, one worker process. The straight line: one process that reads the same CSV, builds
and checks the same documents with the same code, and posts them one after the other. The loop of today: zeep's proxy, one
call per row. The simulated AOS swallows calls (`--count`).
"""

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from itertools import islice
from pathlib import Path
from uuid import uuid4

import zeep

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout, Target
from tests.bench.rig import COLUMNS, Rig, ring, write_csv
from workers import aos, documents

BATCH = 200


def through_the_ring(rig: Rig, path: Path, rows: int) -> float:
    """Seconds until the ledger says that the job has ended."""
    started = time.time()
    job = rig.finish(rig.submit(rig.upload(path))["id"])
    assert job["rows"]["created"] == rows, job  # type: ignore[index]
    return datetime.fromisoformat(str(job["finished_at"])).timestamp() - started


def straight_line(url: str, path: Path) -> None:
    """The whole script: read, build, check, post."""
    address = f"{url}/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"
    door = aos.Door([url])
    found = aos.read_metadata(door, [address])
    service = found.services[0]
    target = Target(address=address, port=service.port, service=service.name, contract=found.fingerprint)
    port = aos.open_port(door, target, company="USMF", language="en-us", partition=None)
    columns = tuple(Column(name=name, field=name) for name in COLUMNS)
    writer = documents.Writer(service, Layout(step=1, entity="Customers", file="f", table="Customers", columns=columns))
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        while chunk := list(islice(reader, BATCH)):
            body = writer.create([writer.record(Row(0, cells)) for cells in chunk])
            assert port.invalid(body.document) == []
            port.create(body.request, message_id=str(uuid4()), time_limit_s=60)


def loop_of_today(url: str, path: Path) -> None:
    """What people write: zeep's proxy, one call per row."""
    client = zeep.Client(f"{url}/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc?wsdl")
    proxy = client.bind("RoutingService", "BasicHttpBinding_CustomersService")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            record = {"class": "entity", "action": "create"} | row
            proxy.create({"Customers": [record]}, _soapheaders={"context": {"Company": "USMF", "MessageId": str(uuid4())}})


SCRIPTS = {"straight": straight_line, "today": loop_of_today}


def by_script(name: str, url: str, path: Path) -> float:
    """Seconds of a script in a process of its own, without the start of Python and its imports."""
    command = [sys.executable, "-m", "tests.bench.ring_speed", "--script", name, "--url", url, "--file", str(path)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=50_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--script", choices=SCRIPTS)
    options.add_argument("--url")
    options.add_argument("--file", type=Path)
    given = options.parse_args()
    if given.script:
        started = time.perf_counter()
        SCRIPTS[given.script](given.url, given.file)
        print(time.perf_counter() - started)
        return
    measure(given.rows, given.rounds)


def measure(rows: int, rounds: int) -> None:
    """Interleaved rounds, then medians."""
    few = max(200, rows // 100)
    speeds: dict[str, list[float]] = {"ring": [], "straight": [], "today": []}
    with tempfile.TemporaryDirectory() as folder, ring(Path(folder)) as rig:
        path, small = Path(folder) / "big" / "Customers.csv", Path(folder) / "small" / "Customers.csv"
        for file, count in ((path, rows), (small, few)):
            file.parent.mkdir()
            write_csv(file, count)
        for _ in range(rounds):
            speeds["ring"].append(rows / through_the_ring(rig, path, rows))
            speeds["straight"].append(rows / by_script("straight", rig.aos, path))
            speeds["today"].append(few / by_script("today", rig.aos, small))
    ring_median = statistics.median(speeds["ring"])
    print(f"{rows:,} rows, {rounds} interleaved rounds, batches of {BATCH}, one worker process\n")
    print("| way | rows/s (median) | min | max | the ring is … times as fast |\n| --- | ---: | ---: | ---: | ---: |")
    for name, found in speeds.items():
        median = statistics.median(found)
        print(f"| {name} | {median:,.0f} | {min(found):,.0f} | {max(found):,.0f} | {ring_median / median:.2f} |")


if __name__ == "__main__":
    main()
