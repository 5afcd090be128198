"""Service and class actions from a mapping to a custom service: called once each, whatever dies in between."""

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.journeys.driving import COMPANY, ROOT, Site, eventually, free_port, listens, write_csv

CONTRACT = ROOT / "tests" / "actions" / "contract"
MAPPING = (ROOT / "tests" / "actions" / "calls.toml").read_text(encoding="utf-8")

pytestmark = pytest.mark.slow


def start(site: Site, *options: str) -> None:
    """A dispatcher, and an AOS whose contract was handed in as a folder."""
    port = site.ports["A1"] = free_port()
    site.start_dispatcher()
    site.start(
        "aos", "workers", "simulate", "--port", str(port), "--company", COMPANY, "--contract", CONTRACT, "--data", "aos", *options
    )
    eventually(lambda: listens(port))
    added = site.rapidstart("endpoint", "add", "A1", "--url", f"http://127.0.0.1:{port}", "--contract", CONTRACT)
    assert added.returncode == 0, added.stderr
    site.start_worker("A1")
    (site.folder / "mapping.toml").write_text(MAPPING)


def package(folder: Path, *, count: int) -> Path:
    folder.mkdir()
    numbers = [f"{number:03}" for number in range(count)]
    write_csv(folder / "1 Journals.csv", ["Journal name", "Total"], [[f"J{n}", "1.50"] for n in numbers])
    write_csv(
        folder / "2 Lines.csv", ["Journal", "Account", "Amount"], [[f"J{n}", a, "1"] for n in numbers for a in ("11", "12")]
    )
    write_csv(folder / "3 Limits.csv", ["Cust account", "Limit"], [[f"C{n}", n] for n in numbers])
    write_csv(folder / "4 Post.csv", ["Customer", "Days"], [[f"C{n}", "30"] for n in numbers])
    return folder


def outcomes(job: dict[str, Any]) -> dict[str, int]:
    return {word: count for word, count in job["rows"].items() if count}


def invoked(site: Site) -> dict[str, int]:
    return site.stats("A1")["invoked"]


def loaded(site: Site, folder: Path) -> tuple[str | Path, ...]:
    return ("load", folder, "--endpoint", "A1", "--company", COMPANY, "--mapping", site.folder / "mapping.toml")


def test_a_package_of_calls(site: Site, tmp_path: Path) -> None:
    start(site)
    folder = package(tmp_path / "calls", count=3)
    job = site.json(*loaded(site, folder), "--watch")
    assert outcomes(job) == {"total": 15, "created": 9, "updated": 6}
    assert [step["rank"] for step in job["steps"] if step["parent"] is None] == [1, 2, 3]
    assert invoked(site) == dict.fromkeys((f"JournalService.{name}" for name in ("postJournal", "setLimit", "runClass")), 3)
    first = site.records("A1", "postJournal")[0]
    assert first["_contract.Lines.JournalLine[2].Account"] == "12"
    call = site.records("A1", "runClass")[0]
    assert (call["_className"], call["_methodName"], call["_arguments.MethodArgument[2].Text"]) == ("CustPost", "run", "30")
    answers = site.api(f"/jobs/{job['id']}/answers")
    assert answers["total"] == 9
    assert '"Total":"1.50"' in answers["items"][0]["answer"]
    site.rapidstart("job", "results", job["id"], "--xlsx", site.folder / "r.xlsx")
    assert len(list(openpyxl.load_workbook(site.folder / "r.xlsx")["Answers"].iter_rows())) == 10
    assert "9 answers of AX" in site.rapidstart("job", "results", job["id"]).stdout


def test_a_worker_that_is_killed_calls_nothing_twice(site: Site, tmp_path: Path) -> None:
    """What can be proved is told as it was; what cannot is unknown, at most the calls in hand."""
    count = 60
    site.extra |= {"RAPIDSTART_BATCH_ROWS": "10", "RAPIDSTART_LEASE_S": "4", "RAPIDSTART_CALL_TIMEOUT_S": "5"}
    start(site, "--latency", "60")
    job_id = site.json(*loaded(site, package(tmp_path / "calls", count=count)))["id"]
    for operation in ("postJournal", "setLimit", "runClass"):
        eventually(lambda name=operation: invoked(site).get(f"JournalService.{name}", 0) >= 25, what=operation)
        site.kill("worker-A1")
        site.start_worker("A1")
    job = site.ended(job_id)
    unknown = job["rows"]["unknown"]
    assert invoked(site)["JournalService.postJournal"] == count
    for operation in ("setLimit", "runClass"):
        assert count - unknown <= invoked(site)[f"JournalService.{operation}"] <= count
    assert job["rows"]["created"] == 3 * count, site.logs()
    assert job["rows"]["updated"] + unknown == 2 * count
    assert unknown <= 4
    told = site.api(f"/jobs/{job_id}/results")["items"]
    assert len(told) == unknown
    assert {item["code"] for item in told} <= {"RSC-3128"}
    assert job["state"] == ("partly_succeeded" if unknown else "succeeded")
