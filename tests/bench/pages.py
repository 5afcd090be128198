"""What looking costs: bytes of pages, as a whole and of the part alone that a live page asks for anew, and the dispatcher's time.

Run it as `python -m tests.bench.pages [--rows N]`. Every tenth row is refused, so that there is much to tell. A load is paused on
its way, so that the dispatcher has nothing else to do, and its CPU time is taken, which other programs do not change.
"""

import argparse
import csv
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from tests.bench.rig import COLUMNS, Rig, ring

PAGES = {"job": "/jobs/{job}", "home": "/", "jobs": "/jobs", "deployment": "/deployments/BENCH"}
_TIMES = 100


def write(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        to = csv.writer(file)
        to.writerow(COLUMNS)
        for n in range(rows):
            to.writerow([f"P{n:08d}", "N" * 80 if n % 10 == 0 else f"Customer {n}", "10", "1.50", "EUR", "note"])


def asked(rig: Rig, session: requests.Session, path: str, *, part: bool) -> tuple[int, float]:
    """Bytes, and milliseconds of the dispatcher's CPU."""
    root = rig.api.removesuffix("/api/v1")
    headers = {"Accept": "text/html"} | ({"HX-Target": "live"} if part else {})
    size, before = 0, rig.cpu_s()["dispatcher"]
    for _ in range(_TIMES):
        answer = session.get(f"{root}{path}", headers=headers, timeout=60)
        assert answer.ok, answer.text
        size = len(answer.content)
    return size, (rig.cpu_s()["dispatcher"] - before) * 1000 / _TIMES


def told(rig: Rig, job: str) -> Iterator[str]:
    with requests.Session() as session:
        session.headers.update(rig.login)
        for name, path in PAGES.items():
            whole, part = (asked(rig, session, path.format(job=job), part=wanted) for wanted in (False, True))
            yield f"| {name} | {whole[0]:,} | {whole[1]:.1f} | {part[0]:,} | {part[1]:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ring(Path(name)) as rig:
        file = Path(name) / "Customers.csv"
        write(file, given.rows)
        job = str(rig.submit(rig.upload(file), batch_rows=500)["id"])
        look = f"{rig.api}/jobs/{job}"
        while requests.get(look, headers=rig.login, timeout=60).json()["rows"]["created"] < given.rows // 2:
            time.sleep(0.1)
        assert requests.post(f"{look}/pause", headers=rig.login, timeout=60).ok
        time.sleep(5)  # calls in hand come home
        print("| page | whole, bytes | CPU ms | part, bytes | CPU ms |\n|---|---:|---:|---:|---:|")
        print("\n".join(told(rig, job)), flush=True)


if __name__ == "__main__":
    main()
