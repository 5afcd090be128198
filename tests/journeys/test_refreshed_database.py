"""An AX database that is refreshed in the middle of a load: nothing is written to it before a person has seen what was lost."""

import shutil
from pathlib import Path

import pytest

from tests.journeys.driving import ROOT, Site, eventually, free_port, listens, write_csv

pytestmark = pytest.mark.slow

ROWS = [[f"{number:05}", f"Group {number}"] for number in range(200)]


def test_a_refreshed_database_is_held_back_until_a_person_goes_on(site: Site, tmp_path: Path) -> None:
    site.extra |= {"RAPIDSTART_BATCH_ROWS": "10", "RAPIDSTART_RETRY_PAUSE_S": "0.5", "RAPIDSTART_CALL_TIMEOUT_S": "5"}
    file = write_csv(tmp_path / "CustGroup.csv", ["CustGroup", "Name"], ROWS)
    data = tmp_path / "data"
    start_aos(site, file, data)
    url = f"http://127.0.0.1:{site.ports['A1']}"
    site.start_dispatcher()
    added = ("endpoint", "add", "A1", "--url", url, "--port", "RapidStart", "--port", "RapidStartTables", "--company", "USMF")
    site.json(*added, "--concurrency", "2")
    site.start_worker("A1")
    load = ("load", file, "--endpoint", "A1", "--company", "USMF")
    job = site.json(*load)
    eventually(lambda: site.job(job["id"])["rows"]["created"] >= 30, what="a load that is under way")
    assert site.json("endpoint", "show", "A1")["changed"] is None

    site.kill("aos")
    shutil.rmtree(data)
    start_aos(site, file, data)
    found = eventually(lambda: changed(site), what="a changed database that is told")
    assert found["state"] == "paused"
    assert found["changed"]["reason"].startswith("the database of A1 changed since 20")
    assert found["changed"]["seen_at"] <= found["changed"]["noticed_at"]
    (lost,) = found["changed"]["loads"]
    before = site.job(job["id"])["rows"]["created"]
    assert (lost["job"], lost["written"], lost["company"]) == (job["id"], before, "USMF")
    assert lost["left"] > 0
    told = site.rapidstart("endpoint", "show", "A1").stdout
    assert "Nothing is written: the database of A1 changed since 20" in told
    assert "rapidstart endpoint resume A1" in told
    reason = eventually(lambda: waiting_for_a_person(site, job["id"]), what="a job that says what it waits for")
    assert reason.endswith("rapidstart endpoint resume A1")
    assert site.json("endpoint", "test", "A1")["job"]["state"] == "succeeded"
    assert site.json("endpoint", "show", "A1")["state"] == "paused", "a test is no person's word"
    assert site.records("A1", "CustGroup") == []

    assert site.json("endpoint", "resume", "A1")["changed"] is None
    ended = site.ended(job["id"], within_s=60)
    assert (ended["state"], ended["rows"]["created"]) == ("succeeded", 200), site.logs()
    assert len(site.records("A1", "CustGroup")) == 200 - before, "what was written before is as lost as it was told"
    again = site.json(*load, "--watch")
    assert (again["rows"]["created"], again["rows"]["unchanged"]) == (before, 200 - before)
    assert site.json("endpoint", "show", "A1")["state"] == "online"


def start_aos(site: Site, file: Path, data: Path) -> None:
    """A simulated AOS with its document services, and the table service beside them."""
    port = site.ports.setdefault("A1", free_port())
    contract = ROOT / "deploy" / "ax" / "contract"
    named = ("--tables-from", file, "--key", "CustGroup=CustGroup", "--contract", contract, "--data", data)
    site.start("aos", "workers", "simulate", "--port", str(port), "--company", "USMF", "--latency", "100", *named)
    eventually(lambda: listens(port), what="a listening AOS")


def changed(site: Site) -> dict[str, object] | None:
    found = site.json("endpoint", "show", "A1")
    return found if found["changed"] else None


def waiting_for_a_person(site: Site, job: str) -> str:
    reason = str(site.job(job)["reason"])
    return reason if reason.startswith("waiting: the database of A1 changed since 20") else ""
