"""kill -9 in the middle of a load, and a new start, end in exactly the right rows and counts."""

from pathlib import Path
from typing import Any

import pytest

from tests.journeys.driving import Site, eventually, write_csv

pytestmark = pytest.mark.slow

COLUMNS = ["CustGroup", "Name"]
ROWS = [[f"{number:05}", f"Group {number}"] for number in range(400)]


@pytest.fixture
def loading(site: Site, tmp_path: Path) -> tuple[Site, str]:
    """A load of 40 batches, a good part of the way in; each call takes long enough to be hit."""
    site.extra |= {"RAPIDSTART_BATCH_ROWS": "10", "RAPIDSTART_LEASE_S": "4", "RAPIDSTART_CALL_TIMEOUT_S": "5"}
    file = write_csv(tmp_path / "CustGroup.csv", COLUMNS, ROWS)
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", file, "--key", "CustGroup=CustGroup", "--latency", "100")
    site.start_worker("A1")
    job = site.json("load", file, "--endpoint", "A1", "--company", "USMF")
    eventually(lambda: site.job(job["id"])["rows"]["created"] >= 50, what="a load that is under way")
    return site, job["id"]


def assert_exact(site: Site, job: dict[str, Any]) -> None:
    """Every row is in once, and every row is told as created, whichever attempt created it."""
    assert {word: count for word, count in job["rows"].items() if count} == {"total": 400, "created": 400}, site.logs()
    assert job["state"] == "succeeded"
    records = site.records("A1", "CustGroup")
    assert sorted(record["CustGroup"] for record in records) == [row[0] for row in ROWS]
    assert {record["CustGroup"]: record["Name"] for record in records} == dict(ROWS)
    assert site.stats("A1")["rows_created"] == 400


def test_a_killed_worker(loading: tuple[Site, str]) -> None:
    site, job_id = loading
    site.kill("worker-A1")
    assert site.job(job_id)["rows"]["created"] < 400
    site.start_worker("A1")
    assert_exact(site, site.ended(job_id, within_s=40))


def test_a_killed_dispatcher(loading: tuple[Site, str]) -> None:
    """Its broker goes with it; the worker finishes the call in hand and waits."""
    site, job_id = loading
    site.kill("dispatcher")
    site.start_dispatcher()
    assert site.job(job_id)["rows"]["created"] < 400
    assert_exact(site, site.ended(job_id, within_s=40))


def test_both_killed(loading: tuple[Site, str]) -> None:
    site, job_id = loading
    site.kill("worker-A1")
    site.kill("dispatcher")
    site.start_dispatcher()
    site.start_worker("A1")
    assert_exact(site, site.ended(job_id, within_s=40))


def test_a_stopped_worker_leaves_its_work_to_the_next(loading: tuple[Site, str]) -> None:
    """SIGTERM: the calls in hand are finished, the rest goes back at once."""
    site, job_id = loading
    process = site.running.pop("worker-A1")
    process.terminate()
    assert process.wait(30) == 0, site.logs()
    site.start_worker("A1")
    assert_exact(site, site.ended(job_id, within_s=40))
