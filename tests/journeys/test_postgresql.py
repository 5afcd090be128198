"""The ledger on PostgreSQL, seen from outside: a load goes on when the database was away in its middle."""

from pathlib import Path

from tests.journeys.driving import Site, eventually, write_csv
from tests.postgres import Cluster

COLUMNS = ["CustGroup", "Name"]
ROWS = [[f"{number:05}", f"Group {number}"] for number in range(200)]


def test_a_csv_arrives_although_the_database_was_away(site: Site, postgresql: Cluster, tmp_path: Path) -> None:
    site.extra |= {"RAPIDSTART_LEDGER_URL": postgresql.database(), "RAPIDSTART_BATCH_ROWS": "10"}
    site.extra["RAPIDSTART_CALL_TIMEOUT_S"] = "10"  # so long a call waits whose grant was committed and never told
    file = write_csv(tmp_path / "CustGroup.csv", COLUMNS, ROWS)
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", file, "--key", "CustGroup=CustGroup", "--latency", "100")
    site.start_worker("A1")
    job = site.json("load", file, "--endpoint", "A1", "--company", "USMF")
    eventually(lambda: site.job(job["id"])["rows"]["created"] >= 30, what="a load that is under way")
    with postgresql.away():
        eventually(lambda: not site.is_ready(), what="a dispatcher that says it is not ready")
        assert site.rapidstart("job", "list").returncode == 4
    assert site.job(job["id"])["rows"]["created"] < 200
    ended = site.ended(job["id"], within_s=60)

    assert {word: count for word, count in ended["rows"].items() if count} == {"total": 200, "created": 200}, site.logs()
    assert site.records("A1", "CustGroup") == [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
    assert site.stats("A1")["rows_created"] == 200
    assert not list((site.folder / "home").glob("*.db")), "the ledger is elsewhere"
