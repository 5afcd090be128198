"""A ledger that is put back from a backup: its loads wait, are listed, and go on to exactly the right rows."""

import shutil
from pathlib import Path

import pytest

from tests.journeys.driving import Site, eventually, write_csv

pytestmark = pytest.mark.slow

COLUMNS = ["CustGroup", "Name"]
ROWS = [[f"{number:05}", f"Group {number}"] for number in range(400)]


def test_a_load_goes_on_from_a_backup_although_it_had_ended_since(site: Site, tmp_path: Path) -> None:
    site.extra |= {"RAPIDSTART_BATCH_ROWS": "10", "RAPIDSTART_LEASE_S": "4", "RAPIDSTART_CALL_TIMEOUT_S": "5"}
    file = write_csv(tmp_path / "CustGroup.csv", COLUMNS, ROWS)
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", file, "--key", "CustGroup=CustGroup", "--latency", "150")
    site.start_worker("A1")
    job = site.json("load", file, "--endpoint", "A1", "--company", "USMF")["id"]
    eventually(lambda: site.job(job)["rows"]["created"] >= 50, what="a load that is under way")
    copy = tmp_path / "ledger.copy"
    assert site.json("ledger", "backup", copy)["bytes"] == copy.stat().st_size
    assert site.rapidstart("ledger", "backup", copy).returncode == 3, "a backup never replaces a file"
    assert site.ended(job, within_s=60)["rows"]["created"] == 400

    site.kill("dispatcher")
    home = site.folder / "home"
    for left in home.glob("ledger.db*"):
        left.unlink()
    shutil.copy(copy, home / "ledger.db")
    site.start_dispatcher()
    eventually(lambda: site.job(job)["state"] == "paused", within_s=10, what="a paused load")
    told = site.json("ledger", "show")
    assert told["restored"]["missing_s"] > 0
    (held,) = told["held_back"]
    assert (held["id"], held["calls"]) == (job, 0)
    assert held["planned"] + held["in_flight"] > 0
    shown = site.rapidstart("ledger", "show").stdout
    assert f"rapidstart job resume {job}" in shown
    assert site.stats("A1")["rows_created"] == 400

    site.rapidstart("job", "resume", job)
    ended = site.ended(job, within_s=90)
    counts = {word: count for word, count in ended["rows"].items() if count}
    assert counts["total"] == 400, site.logs()
    assert counts.keys() <= {"total", "created", "unchanged"}, "what is in is found, by its key or its message's id"
    assert site.records("A1", "CustGroup") == [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
    assert site.stats("A1")["rows_created"] == 400, "nothing was done twice"
    assert site.api("/ledger")["held_back"] == []
