"""Rows that reach AX in files: AIF's file system adapter answers row by row, the Data Import/Export Framework when it can."""

import csv
import json

import pytest

from tests.journeys.driving import Site, eventually, write_csv

pytestmark = pytest.mark.slow

MAPPING = """
[table."CustGroup"]
via = "{via}"
{more}
"""


@pytest.fixture
def ready(site: Site) -> Site:
    exchange, dixf = site.folder / "exchange", site.folder / "dixf"
    for folder in (exchange / "in", exchange / "out", dixf / "in", dixf / "out"):
        folder.mkdir(parents=True)
    port = {"inbound": str(exchange / "in"), "outbound": str(exchange / "out")}
    site.extra["RAPIDSTART_AIF_FILES"] = json.dumps({"Journals": port})
    site.extra["RAPIDSTART_DIXF"] = json.dumps({"directory": str(dixf / "in"), "results": str(dixf / "out")})
    site.extra["RAPIDSTART_RETRY_PAUSE_S"] = "1"
    site.package = write_csv(site.folder / "CustGroup.csv", ["CustGroup", "Name"], [["10", "ten"], ["20", "x" * 80], ["30", ""]])
    site.start_dispatcher()
    site.start_aos("AOSTEST", "--tables-from", site.package, "--files", exchange)
    site.start_worker("AOSTEST")
    return site


def mapping(site: Site, via: str, more: str = ""):
    path = site.folder / f"{via}.toml"
    path.write_text(MAPPING.format(via=via, more=more))
    return path


def test_ax_answers_a_file_row_by_row(ready):
    job = ready.json(
        "load", ready.package, "--endpoint", "AOSTEST", "--company", "USMF", "--mapping", mapping(ready, "files"), "--watch"
    )
    assert job["state"] == "succeeded"
    assert (job["rows"]["created"], job["rows"]["handed_over"]) == (3, 0)
    assert [record["CustGroup"] for record in ready.records("AOSTEST", "CustGroup")] == ["10", "20", "30"]


def test_a_text_file_is_handed_over_and_called_loaded_only_by_its_result(ready):
    job = ready.json("load", ready.package, "--endpoint", "AOSTEST", "--company", "USMF", "--mapping", mapping(ready, "dixf"))
    inbound = ready.folder / "dixf" / "in"
    (control,) = eventually(lambda: list(inbound.glob("*.control.json")), what="a control file")
    data = inbound / control.name.removesuffix(".control.json")
    assert [line["CustGroup"] for line in csv.DictReader(data.open())] == ["10", "20", "30"]
    waiting = eventually(lambda: (found := ready.job(job["id"])) and found["state"] == "waiting" and found, what="waiting")
    assert "handed over" in waiting["reason"]
    result = ready.folder / "dixf" / "out" / f"{data.name}.result.csv"
    result.write_text("Row,Outcome,Message\n1,created,\n2,failed,Name is too long\n3,updated,\n")
    ended = ready.ended(job["id"])
    assert ended["state"] == "partly_succeeded"
    assert {word: count for word, count in ended["rows"].items() if count} == {
        "total": 3,
        "created": 1,
        "updated": 1,
        "failed": 1,
    }
