"""A package is validated before it is loaded: what is told comes true, and nothing is written by it."""

import json
from pathlib import Path

import pytest

from tests.journeys.driving import Site, write_csv

DEFINITION = """port = "RapidStart"

[[table]]
name = "PaymTerm"
key = ["PaymTermId"]
[table.fields]
PaymTermId = { length = 10, mandatory = true }
Description = { length = 60 }

[[table]]
name = "CustGroup"
key = ["CustGroup"]
[table.fields]
CustGroup = { length = 10, mandatory = true }
Name = { length = 20 }
PaymTermId = { length = 10, references = "PaymTerm" }
"""
KEYS = '[table.CustGroup]\nkey = ["CustGroup"]\n[table.PaymTerm]\nkey = ["PaymTermId"]\n'


def totals(job: dict[str, dict[str, int]]) -> dict[str, int]:
    return {word: count for word, count in job["rows"].items() if count}


@pytest.fixture
def office(site: Site, tmp_path: Path) -> Site:
    """A dispatcher, an AOS with two tables of which one refers to the other, and a worker."""
    site.extra["RAPIDSTART_ENDPOINT"] = "A1"
    definition = tmp_path / "tables.toml"
    definition.write_text(DEFINITION)
    site.start_dispatcher()
    site.start_aos("A1", "--tables", definition)
    return site


def failures(site: Site, job_id: str) -> list[dict[str, object]]:
    done = site.rapidstart("job", "results", job_id, "--json")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_validate_tells_comes_true_and_it_writes_nothing(office: Site, tmp_path: Path) -> None:
    package, mapping = tmp_path / "package", tmp_path / "m.toml"
    package.mkdir()
    mapping.write_text(KEYS)
    write_csv(package / "PaymTerm.csv", ["PaymTermId", "Description"], [["N030", "30 days"]])
    rows = [["10", "Wholesale", "N030"], ["20", "Retail", "N060"], ["30", "a name that is too long", ""], ["40", "Export", ""]]
    write_csv(package / "CustGroup.csv", ["CustGroup", "Name", "PaymTermId"], rows)
    validate = ("package", "validate", package, "--company", "USMF", "--mapping", mapping)

    assert office.rapidstart(*validate).returncode == 4, "nobody has surveyed the endpoint yet"
    office.start_worker("A1")
    assert office.rapidstart("endpoint", "metadata", "A1", "--refresh").returncode == 0

    before = office.stats("A1")
    offline = office.json(*validate, "--offline", code=1)
    assert (offline["kind"], totals(offline)) == ("preview", {"total": 5, "failed": 1})

    told = office.json(*validate, code=1)
    assert (told["kind"], told["state"]) == ("preview", "partly_succeeded")
    assert totals(told) == {"total": 5, "created": 3, "failed": 2}
    assert sorted((each["field"], each["value"]) for each in failures(office, told["id"])) == [
        ("Name", "a name that is too long"),
        ("PaymTermId", "N060"),
    ]
    shown = office.rapidstart(*validate)
    assert "would fail" in shown.stdout
    assert "Would be created" in shown.stdout
    assert "preview" in office.rapidstart("job", "list").stdout
    after = office.stats("A1")
    assert all(after[counted] == before[counted] for counted in ("rows_created", "rows_updated", "duplicates_refused"))
    assert office.records("A1", "CustGroup") == office.records("A1", "PaymTerm") == []

    loaded = office.json("load", package, "--company", "USMF", "--mapping", mapping, "--watch", code=1)
    assert totals(loaded) == totals(told), "what was told came true"
    assert office.json("package", "validate", package / "PaymTerm.csv", "--company", "USMF")["rows"]["unchanged"] == 1
