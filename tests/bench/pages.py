"""What looking costs: bytes and milliseconds of pages, as a whole and of the part alone that a live page asks for anew.

Run it as `python -m tests.bench.pages [--rows N]`. Every tenth row is refused, so that there is much to tell. The pages are asked
for by one client, one after the other: while the load runs, and once it has ended.
"""

import argparse
import csv
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from tests.bench.rig import COLUMNS, Rig, ring

PAGES = {"job": "/jobs/{job}", "home": "/", "jobs": "/jobs", "deployment": "/deployments/BENCH"}
_TIMES = 15


def write(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        to = csv.writer(file)
        to.writerow(COLUMNS)
        for n in range(rows):
            to.writerow([f"P{n:08d}", "N" * 80 if n % 10 == 0 else f"Customer {n}", "10", "1.50", "EUR", "note"])


def asked(rig: Rig, session: requests.Session, path: str, *, part: bool) -> tuple[int, float]:
    """Bytes, and the median of milliseconds."""
    root = rig.api.removesuffix("/api/v1")
    headers = {"Accept": "text/html"} | ({"HX-Target": "live"} if part else {})
    waited, size = [], 0
    for _ in range(_TIMES):
        begun = time.perf_counter()
        answer = session.get(f"{root}{path}", headers=headers, timeout=60)
        waited.append((time.perf_counter() - begun) * 1000)
        assert answer.ok, answer.text
        size = len(answer.content)
    return size, statistics.median(waited)


def told(rig: Rig, job: str, when: str) -> Iterator[str]:
    with requests.Session() as session:
        session.headers.update(rig.login)
        for name, path in PAGES.items():
            whole, part = (asked(rig, session, path.format(job=job), part=wanted) for wanted in (False, True))
            yield f"| {name}, {when} | {whole[0]:,} | {whole[1]:.1f} | {part[0]:,} | {part[1]:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ring(Path(name)) as rig:
        file = Path(name) / "Customers.csv"
        write(file, given.rows)
        job = str(rig.submit(rig.upload(file), batch_rows=500)["id"])
        while requests.get(f"{rig.api}/jobs/{job}", headers=rig.login, timeout=60).json()["rows"]["created"] < given.rows // 5:
            time.sleep(0.25)
        print("| page | whole, bytes | ms | part, bytes | ms |\n|---|---:|---:|---:|---:|")
        print("\n".join(told(rig, job, "running")), flush=True)
        rig.finish(job)
        print("\n".join(told(rig, job, "ended")))


if __name__ == "__main__":
    main()
