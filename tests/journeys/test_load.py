"""A package goes in, rows arrive, every outcome comes back; seen from outside."""

from pathlib import Path

from tests.journeys.driving import Site, eventually, write_csv

COLUMNS = ["CustGroup", "Name", "PaymTermId", "Limit"]
ROWS = [[f"{number:05}", f"Group {number}", "N030", f"{number}.50"] for number in range(300)]


def totals(job: dict[str, dict[str, int]]) -> dict[str, int]:
    return {word: count for word, count in job["rows"].items() if count}


def as_records(rows: list[list[str]]) -> list[dict[str, str]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def test_a_csv_arrives_exactly_as_written_and_again_changes_only_what_differs(site: Site, tmp_path: Path) -> None:
    site.extra["RAPIDSTART_ENDPOINT"] = "A1"
    file = write_csv(tmp_path / "CustGroup.csv", COLUMNS, ROWS)
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", file, "--key", "CustGroup=CustGroup")
    site.start_worker("A1")
    load = ("load", file, "--company", "USMF", "--watch")

    job = site.json(*load)
    assert job["state"] == "succeeded"
    assert totals(job) == {"total": 300, "created": 300}
    assert site.records("A1", "CustGroup") == as_records(ROWS)

    assert totals(site.json(*load)) == {"total": 300, "unchanged": 300}

    changed = [[*row[:1], "Renamed", *row[2:]] if row[0] in {"00007", "00200"} else row for row in ROWS]
    write_csv(file, COLUMNS, changed)
    assert totals(site.json(*load)) == {"total": 300, "updated": 2, "unchanged": 298}
    assert site.records("A1", "CustGroup") == as_records(changed)

    listed = site.rapidstart("job", "list")
    assert listed.returncode == 0
    assert job["id"] in listed.stdout
    assert site.rapidstart("job", "results", job["id"], "--xlsx", tmp_path / "summary.xlsx").returncode == 0
    assert (tmp_path / "summary.xlsx").read_bytes()[:2] == b"PK"


def test_a_job_without_a_worker_says_what_it_waits_for_and_goes_on_when_one_comes(site: Site, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "CustGroup.csv", COLUMNS, ROWS)
    site.start_dispatcher()
    site.start_aos("AOSTEST", "--tables-from", file)
    job = site.json("load", file, "--endpoint", "AOSTEST", "--company", "USMF")
    waiting = eventually(lambda: (seen := site.job(job["id"]))["state"] == "waiting" and seen)
    assert "AOSTEST" in waiting["reason"]
    site.start_worker("AOSTEST")
    assert totals(site.ended(job["id"])) == {"total": 300, "created": 300}


def test_two_endpoints_get_what_is_theirs(site: Site, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "CustGroup.csv", COLUMNS, ROWS[:20])
    site.start_dispatcher()
    for name in ("One", "two"):
        site.start_aos(name, "--tables-from", file)
        site.start_worker(name)
    assert totals(site.json("load", file, "--endpoint", "one", "--company", "USMF", "--watch")) == {"total": 20, "created": 20}
    assert site.records("One", "CustGroup") == as_records(ROWS[:20])
    assert site.records("two", "CustGroup") == []
