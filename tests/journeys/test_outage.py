"""An AOS that goes away in the middle of a load: it is told, it is probed, and the load goes on by itself."""

from pathlib import Path

import pytest

from tests.journeys.driving import Site, eventually, write_csv

pytestmark = pytest.mark.slow

ROWS = [[f"{number:05}", f"Group {number}"] for number in range(200)]


def test_a_load_waits_for_an_aos_that_is_away_and_goes_on_when_it_is_back(site: Site, tmp_path: Path) -> None:
    site.extra |= {"RAPIDSTART_BATCH_ROWS": "10", "RAPIDSTART_RETRY_PAUSE_S": "0.5", "RAPIDSTART_CALL_TIMEOUT_S": "5"}
    file = write_csv(tmp_path / "CustGroup.csv", ["CustGroup", "Name"], ROWS)
    options = ("--tables-from", file, "--key", "CustGroup=CustGroup", "--latency", "100", "--data", tmp_path / "data")
    site.start_dispatcher()
    site.start_aos("A1", *options)
    site.start_worker("A1")
    site.json("endpoint", "limit", "A1", "--concurrency", "2")
    job = site.json("load", file, "--endpoint", "A1", "--company", "USMF")
    eventually(lambda: site.job(job["id"])["rows"]["created"] >= 30, what="a load that is under way")
    site.kill("aos-A1")
    told = eventually(lambda: site.json("endpoint", "show", "A1")["outage"], what="an outage that is told")
    assert told["since"] <= told["next_try"]
    eventually(
        lambda: site.job(job["id"])["reason"].startswith("waiting: the AOS of A1 has not answered since"),
        what="a job that says what it waits for",
    )
    port = str(site.ports["A1"])
    site.start("aos-A1", "workers", "simulate", "--port", port, "--company", "USMF", *options)
    ended = site.ended(job["id"], within_s=60)
    assert (ended["state"], ended["rows"]["created"]) == ("succeeded", 200), site.logs()
    assert sorted(record["CustGroup"] for record in site.records("A1", "CustGroup")) == [row[0] for row in ROWS]
    assert site.json("endpoint", "show", "A1")["outage"] is None
