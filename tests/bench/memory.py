"""Peak memory of dispatcher, worker and broker for a small and a large load (Linux).

Run it as `python -m tests.bench.memory [--rows N ...]`. Each size gets fresh processes; the simulated AOS swallows calls.
"""

import argparse
import tempfile
from pathlib import Path

from tests.bench.rig import ring, write_csv

PROCESSES = ("dispatcher", "worker", "broker")


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000])
    given = options.parse_args()
    print(f"| rows | {' | '.join(f'{name} MB' for name in PROCESSES)} |\n| ---: | ---: | ---: | ---: |")
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as folder, ring(Path(folder)) as rig:
            package = Path(folder) / "big" / "Customers.csv"
            package.parent.mkdir()
            write_csv(package, rows)
            job = rig.finish(rig.submit(rig.upload(package))["id"])
            assert job["rows"]["created"] == rows, job  # type: ignore[index]
            print(f"| {rows:,} | {' | '.join(f'{rig.peak_mb(name):.0f}' for name in PROCESSES)} |", flush=True)


if __name__ == "__main__":
    main()
