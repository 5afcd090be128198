"""Workers beside an AOS are started, drained and stopped as an operator wishes; nothing is lost, nothing done twice."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.driving import COMPANY, Site, eventually, living_with, write_csv

pytestmark = pytest.mark.slow

ROWS = 600


def _package(folder: Path) -> Path:
    return write_csv(folder / "CustGroup.csv", ["CustGroup", "Name"], [[f"{n:04d}", f"Group {n}"] for n in range(ROWS)])


def _start_service(site: Site, endpoint: str, *, most: int) -> None:
    site.start(f"service-{endpoint}", "workers", "service", "run", "--endpoint", endpoint, "--max-workers", str(most))


def _online(site: Site, endpoint: str) -> list[dict[str, Any]]:
    return [worker for worker in site.json("endpoint", "show", endpoint)["workers"] if worker["online"]]


def _eventually_online(site: Site, endpoint: str, count: int) -> list[dict[str, Any]]:
    return eventually(
        lambda: (found := _online(site, endpoint)) is not None and len(found) == count and (found or [{}]),
        what=f"{count} workers online",
    )


def _load(site: Site, package: Path, *more: str) -> str:
    return str(site.json("load", package, "--endpoint", "A1", "--company", COMPANY, "--mode", "create", *more)["id"])


def _all_in_once(site: Site, job: str) -> None:
    ended = site.ended(job)
    assert ended["state"] == "succeeded", ended
    assert ended["rows"]["created"] == ROWS
    assert len(site.records("A1", "CustGroup")) == ROWS
    assert site.stats("A1")["rows_created"] == ROWS


@pytest.fixture
def package(site: Site, tmp_path: Path) -> Path:
    """A load of 60 batches, for an AOS that takes its time for each call."""
    site.extra["RAPIDSTART_BATCH_ROWS"] = "10"
    site.extra["RAPIDSTART_CALL_TIMEOUT_S"] = "5"  # what a killed worker had in hand waits for it
    file = _package(tmp_path)
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", file, "--key", "CustGroup=CustGroup", "--latency", "300")
    return file


def test_workers_follow_the_wish_and_a_killed_one_is_replaced(site: Site, package: Path) -> None:
    _start_service(site, "A1", most=3)
    _eventually_online(site, "A1", 1)
    site.rapidstart("endpoint", "scale", "A1", "--workers", "9", "--concurrency", "2")
    workers = _eventually_online(site, "A1", 3)
    job = _load(site, package)
    eventually(lambda: site.job(job)["rows"]["created"] > ROWS // 10, what="a load under way")
    killed = workers[0]["pid"]
    os.kill(killed, signal.SIGKILL)
    _all_in_once(site, job)
    replaced = eventually(
        lambda: (found := [w["pid"] for w in _online(site, "A1") if w["pid"] != killed]) and len(found) == 3 and found,
        what="three workers again",
    )
    site.running["service-A1"].send_signal(signal.SIGTERM)
    assert site.running.pop("service-A1").wait(30) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in replaced)
    assert site.json("endpoint", "show", "A1")["crews"] == []


def test_scaled_to_none_its_jobs_wait_and_say_so_until_it_is_scaled_up(site: Site, package: Path) -> None:
    _start_service(site, "A1", most=2)
    site.rapidstart("endpoint", "scale", "A1", "--workers", "2", "--concurrency", "1")
    _eventually_online(site, "A1", 2)
    job = _load(site, package)
    eventually(lambda: site.job(job)["rows"]["created"] > ROWS // 10, what="a load under way")
    site.rapidstart("endpoint", "scale", "A1", "--workers", "0")
    eventually(lambda: "scaled to 0 workers" in site.job(job)["reason"], what="a job that says why it waits")
    assert site.job(job)["rows"]["created"] < ROWS
    site.rapidstart("endpoint", "scale", "A1", "--workers", "1", "--concurrency", "4")
    _all_in_once(site, job)


def test_a_killed_service_takes_its_workers_along_and_the_next_one_goes_on(site: Site, package: Path) -> None:
    site.extra["RAPIDSTART_GRACE_S"] = "20"
    _start_service(site, "A1", most=2)
    site.rapidstart("endpoint", "scale", "A1", "--workers", "2", "--concurrency", "2")
    _eventually_online(site, "A1", 2)
    job = _load(site, package)
    eventually(lambda: site.job(job)["rows"]["created"] > ROWS // 10, what="a load under way")
    site.kill("service-A1")
    eventually(lambda: not living_with("--commands-on-stdin", str(site.folder)), what="the end of its workers")
    _start_service(site, "A1", most=2)
    _all_in_once(site, job)
