"""A port whose contract changes in the middle of a load: the load waits, the contract is read again, and it goes on or ends."""

import shutil
from pathlib import Path

import pytest

from tests.journeys.driving import COMPANY, Site, eventually, write_csv

pytestmark = pytest.mark.slow

ROWS = [[f"{number:05}", f"Group {number}"] for number in range(200)]


def begin(site: Site, tmp_path: Path) -> str:
    """A load that is under way at an AOS that keeps its rows."""
    site.extra |= {"RAPIDSTART_BATCH_ROWS": "10", "RAPIDSTART_RETRY_PAUSE_S": "0.5", "RAPIDSTART_CALL_TIMEOUT_S": "10"}
    file = write_csv(tmp_path / "CustGroup.csv", ["CustGroup", "Name"], ROWS)
    site.start_dispatcher()
    site.start_aos("A1", *options(file, tmp_path))
    site.start_worker("A1")
    site.json("endpoint", "limit", "A1", "--concurrency", "2")
    job: str = site.json("load", file, "--endpoint", "A1", "--company", COMPANY)["id"]
    eventually(lambda: site.job(job)["rows"]["created"] >= 30, what="a load that is under way")
    return job


def options(file: Path, tmp_path: Path) -> list[str | Path]:
    return ["--tables-from", file, "--key", "CustGroup=CustGroup", "--latency", "100", "--data", tmp_path / "data"]


def change(site: Site, tmp_path: Path, columns: list[str]) -> None:
    """The same AOS comes back with another contract."""
    (tmp_path / "other").mkdir()
    other = write_csv(tmp_path / "other" / "CustGroup.csv", columns, [["x"] * len(columns)])
    site.kill("aos-A1")
    port = str(site.ports["A1"])
    site.start("aos-A1", "workers", "simulate", "--port", port, "--company", COMPANY, *options(other, tmp_path))


def test_a_load_goes_on_by_the_new_contract_where_its_columns_are_still_there(site: Site, tmp_path: Path) -> None:
    job = begin(site, tmp_path)
    site.kill("worker-A1")
    # Else the worker would go on by the contract that it knows.
    shutil.rmtree(site.folder / "home" / "endpoints" / "a1" / "contracts")
    change(site, tmp_path, ["CustGroup", "PaymTermId", "Name"])
    site.start_worker("A1")
    ended = site.ended(job, within_s=90)
    assert (ended["state"], ended["rows"]["total"], ended["reason"]) == ("succeeded", 200, ""), site.logs()
    assert ended["rows"]["created"] + ended["rows"]["unchanged"] == 200
    assert sorted(record["CustGroup"] for record in site.records("A1", "CustGroup")) == [row[0] for row in ROWS]
    told = site.rapidstart("job", "log", job).stdout
    assert "It waits: the contract of A1 changed and is being read again" in told
    assert "The contract of A1 was read again: the plan fits it as it is." in told
    assert site.json("endpoint", "show", "A1")["stopped"] is None


def test_a_load_that_has_no_place_there_any_more_ends_and_says_what_was_written(site: Site, tmp_path: Path) -> None:
    job = begin(site, tmp_path)
    change(site, tmp_path, ["CustGroup", "Description"])
    ended = site.ended(job, within_s=90)
    assert (ended["state"], ended["code"]) == ("failed", "RSC-2200"), site.logs()
    assert ended["reason"].startswith("the contract of A1 changed, and the package does not fit it any more: ")
    rows = ended["rows"]
    assert rows["created"] >= 30
    assert rows["created"] + rows["skipped"] + rows["unknown"] == 200
    assert len(site.records("A1", "CustGroup")) >= rows["created"]
    assert site.json("endpoint", "show", "A1")["stopped"] is None, "other loads go on"
