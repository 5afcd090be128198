"""A load goes on when the broker's master dies in its middle and a sentinel names another."""

from pathlib import Path

import pytest

from tests.broker.watched import watched
from tests.journeys.driving import Site, eventually, write_csv

pytestmark = pytest.mark.slow

COLUMNS = ["CustGroup", "Name"]
ROWS = [[f"{number:05}", f"Group {number}"] for number in range(300)]


def test_a_load_goes_on_with_the_next_master(site: Site, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "CustGroup.csv", COLUMNS, ROWS)
    with watched(tmp_path) as broker:
        site.extra |= {"RAPIDSTART_BROKER_URL": broker.url, "RAPIDSTART_BATCH_ROWS": "10", "RAPIDSTART_LEASE_S": "4"}
        site.extra |= {"RAPIDSTART_CALL_TIMEOUT_S": "5"}
        site.start_dispatcher()
        site.start_aos("A1", "--tables-from", file, "--key", "CustGroup=CustGroup", "--latency", "150")
        site.start_worker("A1")
        job = site.json("load", file, "--endpoint", "A1", "--company", "USMF")
        eventually(lambda: site.job(job["id"])["rows"]["created"] >= 50, what="a load that is under way")
        broker.kill_master()
        assert site.job(job["id"])["rows"]["created"] < 300
        ended = site.ended(job["id"], within_s=90)

        assert {word: count for word, count in ended["rows"].items() if count} == {"total": 300, "created": 300}, site.logs()
        assert site.records("A1", "CustGroup") == [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
        assert site.stats("A1")["rows_created"] == 300
        site.close()
