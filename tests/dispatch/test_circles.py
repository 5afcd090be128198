"""Two tables of a simulated AOS that refuses what names no record, and that name each other: both go in, whoever is killed."""

from pathlib import Path

import pytest

from connector.ledger import Ledger, dictionaries
from connector.ledger.store import sqlite_url
from connector.wire.dictionary import DataTable, Dictionary, TableIndex, TableRelation
from tests.journeys.driving import Site, eventually, free_port, write_csv

pytestmark = pytest.mark.slow

TABLES = """
[[table]]
name = "Unit"
key = ["UnitId"]
fields.UnitId = {}
fields.Name = {}
fields.Head = { references = "Person.PersonId" }
fields.Above = { references = "Unit.UnitId" }

[[table]]
name = "Person"
key = ["PersonId"]
fields.PersonId = {}
fields.UnitId = { references = "Unit.UnitId", mandatory = true }
"""
COUNT = 60
UNITS = [[f"U{no:03}", f"Unit {no}", f"P{no:03}", f"U{no + 1:03}" if no + 1 < COUNT else ""] for no in range(COUNT)]
PERSONS = [[f"P{no:03}", f"U{no:03}"] for no in range(COUNT)]


def table(name: str, *names: tuple[str, str, str]) -> DataTable:
    relations = tuple(TableRelation(name=mine, table=other, fields=((mine, theirs),)) for mine, other, theirs in names)
    return DataTable(name=name, relations=relations, indexes=(TableIndex(name="I", fields=(f"{name}Id",), unique=True),))


DICTIONARY = Dictionary(
    tables=(
        table("Unit", ("Head", "Person", "PersonId"), ("Above", "Unit", "UnitId")),
        table("Person", ("UnitId", "Unit", "UnitId")),
    )
)


@pytest.fixture
def site(tmp_path: Path):
    made = Site(tmp_path, f"http://127.0.0.1:{free_port()}")
    made.extra |= {"RAPIDSTART_BATCH_ROWS": "10", "RAPIDSTART_LEASE_S": "4", "RAPIDSTART_CALL_TIMEOUT_S": "5"}
    (tmp_path / "tables.toml").write_text(TABLES)
    (tmp_path / "package").mkdir()
    write_csv(tmp_path / "package" / "Unit.csv", ["UnitId", "Name", "Head", "Above"], UNITS)
    write_csv(tmp_path / "package" / "Person.csv", ["PersonId", "UnitId"], PERSONS)
    made.start_dispatcher()
    yield made
    made.close()


def know(site: Site) -> None:
    """As if the data dictionary had been imported."""
    ledger = Ledger(sqlite_url(site.folder / "home" / "ledger.db"))
    with ledger.write() as db:
        dictionaries.keep(db, "a1", DICTIONARY, at=1.0)
    ledger.close()


def submit(site: Site, *options: str) -> str:
    return str(site.json("load", site.folder / "package", "--endpoint", "A1", "--company", "USMF", *options)["id"])


def held(site: Site, table: str, *fields: str) -> list[list[str]]:
    return sorted([record.get(field) or "" for field in fields] for record in site.records("A1", table))


def assert_all_in(site: Site, job_id: str, **outcomes: int) -> None:
    job = site.ended(job_id)
    assert {word: count for word, count in job["rows"].items() if count} == {"total": 2 * COUNT, **outcomes}, site.logs()
    assert job["state"] == "succeeded"
    assert held(site, "Unit", "UnitId", "Name", "Head", "Above") == UNITS
    assert held(site, "Person", "PersonId", "UnitId") == PERSONS
    assert site.stats("A1")["rows_created"] == 2 * COUNT


def test_without_the_dictionary_rows_fail_and_with_it_all_go_in(site: Site) -> None:
    site.start_aos("A1", "--tables", site.folder / "tables.toml")
    site.start_worker("A1")
    mapping = site.folder / "keys.toml"
    mapping.write_text('table.Unit.key = ["UnitId"]\ntable.Person.key = ["PersonId"]\n')
    assert site.ended(submit(site, "--mapping", str(mapping)))["rows"]["failed"] > 0
    know(site)
    again = site.ended(submit(site))
    assert again["state"] == "succeeded"
    assert [step["table"] for step in again["steps"]] == ["Unit", "Person"]
    assert again["rows"]["total"] == 2 * COUNT


@pytest.mark.parametrize("moment", ["in the first pass", "between the passes", "in the second pass"])
def test_a_worker_that_is_killed(site: Site, moment: str) -> None:
    site.start_aos("A1", "--tables", site.folder / "tables.toml", "--latency", "300")
    know(site)
    site.start_worker("A1")
    job_id = submit(site)
    wanted = {"in the first pass": ("rows_created", 10), "between the passes": ("rows_created", 2 * COUNT - 10)}
    count, least = wanted.get(moment, ("rows_updated", 10))
    eventually(lambda: site.stats("A1")[count] >= least, what=moment)
    site.kill("worker-A1")
    assert site.job(job_id)["finished_at"] is None
    site.start_worker("A1")
    assert_all_in(site, job_id, created=2 * COUNT)


def test_a_second_load_finds_all_unchanged(site: Site) -> None:
    site.start_aos("A1", "--tables", site.folder / "tables.toml")
    know(site)
    site.start_worker("A1")
    assert_all_in(site, submit(site), created=2 * COUNT)
    assert_all_in(site, submit(site), unchanged=2 * COUNT)
