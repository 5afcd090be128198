"""Rows per second of the whole ring against three scripts, in interleaved rounds on one computer.

Run it as `python -m tests.bench.ring_speed [--rows N] [--rounds N]`. The ring: from the file on disk until every outcome is
committed in the ledger, mode create, one worker process. The straight line: one process that reads the same CSV, builds
and checks the same documents with the same code, and posts them one after the other; once with the port's schema asked
about every document (lxml), and once with the worker's own shorter proof. The loop of today: zeep's proxy, one call per
row. The simulated AOS swallows calls (`--count`).
"""

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from uuid import uuid4

import zeep

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout, Target
from tests.bench.rig import COLUMNS, Rig, ring, write_csv
from workers import aos, documents
from workers.load.proof import Proof

BATCHES = (200, 500, 1000)
Request = Callable[[aos.Port, documents.Writer, list[Row]], bytes]


def through_the_ring(rig: Rig, path: Path, rows: int, batch: int) -> float:
    """Seconds until the ledger says that the job has ended."""
    started = time.time()
    job = rig.finish(rig.submit(rig.upload(path), batch_rows=batch)["id"])
    assert job["rows"]["created"] == rows, job  # type: ignore[index]
    return datetime.fromisoformat(str(job["finished_at"])).timestamp() - started


def asking_the_schema(port: aos.Port, writer: documents.Writer, rows: list[Row]) -> bytes:
    """The request of a batch; its document was put before the port's schema."""
    body = writer.create(writer.written(rows).records)
    assert port.invalid(body.document) == []
    return body.request


def proving(port: aos.Port, writer: documents.Writer, rows: list[Row]) -> bytes:
    """The request of a batch, checked as a worker checks it."""
    written, proof = writer.written(rows), Proof(port, writer)
    proof.add(written)
    assert proof.holds()
    return writer.create(written.records).request


def straight_line(url: str, path: Path, batch: int, *, request: Request) -> None:
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
        while chunk := list(islice(reader, batch)):
            body = request(port, writer, [Row(0, cells) for cells in chunk])
            port.create(body, message_id=str(uuid4()), time_limit_s=60)


def loop_of_today(url: str, path: Path, batch: int) -> None:
    """What people write: zeep's proxy, one call per row."""
    client = zeep.Client(f"{url}/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc?wsdl")
    proxy = client.bind("RoutingService", "BasicHttpBinding_CustomersService")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            record = {"class": "entity", "action": "create"} | row
            proxy.create({"Customers": [record]}, _soapheaders={"context": {"Company": "USMF", "MessageId": str(uuid4())}})


SCRIPTS = {
    "schema": partial(straight_line, request=asking_the_schema),
    "proof": partial(straight_line, request=proving),
    "today": loop_of_today,
}


def by_script(name: str, url: str, path: Path, batch: int) -> float:
    """Seconds of a script in a process of its own, without the start of Python and its imports."""
    command = [sys.executable, "-m", "tests.bench.ring_speed", "--script", name, "--url", url, "--file", str(path)]
    command += ["--batch", str(batch)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=50_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--script", choices=SCRIPTS)
    options.add_argument("--url")
    options.add_argument("--file", type=Path)
    options.add_argument("--batch", type=int)
    given = options.parse_args()
    if given.script:
        started = time.perf_counter()
        SCRIPTS[given.script](given.url, given.file, given.batch)
        print(time.perf_counter() - started)
        return
    measure(given.rows, given.rounds)


def measure(rows: int, rounds: int) -> None:
    """Interleaved rounds, then medians."""
    few = max(200, rows // 100)
    speeds: dict[int, dict[str, list[float]]] = {batch: {"ring": [], "schema": [], "proof": []} for batch in BATCHES}
    today: list[float] = []
    with tempfile.TemporaryDirectory() as folder, ring(Path(folder)) as rig:
        path, small = Path(folder) / "big" / "Customers.csv", Path(folder) / "small" / "Customers.csv"
        for file, count in ((path, rows), (small, few)):
            file.parent.mkdir()
            write_csv(file, count)
        for _ in range(rounds):
            for batch, found in speeds.items():
                found["ring"].append(rows / through_the_ring(rig, path, rows, batch))
                for script in ("schema", "proof"):
                    found[script].append(rows / by_script(script, rig.aos, path, batch))
            today.append(few / by_script("today", rig.aos, small, 1))
    _print(rows, rounds, speeds, today)


def _print(rows: int, rounds: int, speeds: dict[int, dict[str, list[float]]], today: list[float]) -> None:
    print(f"{rows:,} rows, {rounds} interleaved rounds, one worker process; medians (min to max) of rows per second\n")
    print("| rows per batch | ring | line, schema | line, proof | loop of today | ring / schema | ring / proof | ring / today |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for batch, found in speeds.items():
        columns = [*found.values(), today]
        ring_median = statistics.median(found["ring"])
        ratios = [ring_median / statistics.median(column) for column in columns[1:]]
        cells = " | ".join(map(_range, columns))
        print(f"| {batch} | {cells} | {ratios[0]:.2f} | {ratios[1]:.2f} | {ratios[2]:.0f} |")


def _range(found: list[float]) -> str:
    return f"{statistics.median(found):,.0f} ({min(found):,.0f} to {max(found):,.0f})"


if __name__ == "__main__":
    main()
