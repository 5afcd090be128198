"""Dimensions, persons and lines from a folder of files into a port that has them: loaded, loaded again, taken away."""

from pathlib import Path

import pytest

from tests.journeys.driving import COMPANY, ROOT, Site, eventually, free_port, get, listens, write_csv

CONTRACT = ROOT / "tests" / "documents" / "contracts" / "Customers"

pytestmark = pytest.mark.slow

MAPPING = """
[table.Customers]
target = "CustTable"
key = ["AccountNum"]
effective = "now"
structure.DefaultDimension = { update = "merge" }

[table.People]
target = "DirParty"
type = "DirPerson"
key = ["PartyNumber"]
parent = { target = "CustTable", on = { AccountNum = "AccountNum" } }

[table.Names]
target = "DirPersonName"
key = ["ValidFrom"]
fields = { PartyNumber = "" }
parent = { target = "DirParty", on = { PartyNumber = "PartyNumber" } }
"""


@pytest.fixture
def customers(site: Site) -> Site:
    site.start_dispatcher()
    port = site.ports["A1"] = free_port()
    keys = ("CustTable=AccountNum", "DirParty=PartyNumber", "DirPersonName=ValidFrom")
    options = [option for key in keys for option in ("--key", key)]
    site.start("aos", "workers", "simulate", "--port", str(port), "--company", COMPANY, "--contract", CONTRACT, *options)
    eventually(lambda: listens(port))
    offered = get(f"http://127.0.0.1:{port}/_sim/tables")["tables"][0]["port"]
    added = site.rapidstart("endpoint", "add", "A1", "--url", f"http://127.0.0.1:{port}", "--port", offered)
    assert added.returncode == 0, added.stderr
    site.start_worker("A1")
    return site


def load(site: Site, folder: Path, mapping: str, *more: str) -> dict[str, int]:
    (site.folder / "mapping.toml").write_text(mapping)
    options = ("--endpoint", "A1", "--company", COMPANY, "--mapping", site.folder / "mapping.toml", "--watch", *more)
    job = site.json("load", folder, *options)
    return {word: count for word, count in job["rows"].items() if count}


def test_customers_are_persons_with_dimensions_and_names(customers: Site, tmp_path: Path) -> None:
    folder = tmp_path / "customers"
    folder.mkdir()
    head = ["AccountNum", "CustGroup", "DefaultDimension.Department", "DefaultDimension.CostCenter"]
    write_csv(folder / "Customers.csv", head, [["C1", "10", "010", "025"], ["C2", "10", "", ""]])
    write_csv(folder / "People.csv", ["AccountNum", "PartyNumber", "Name", "Initials"], [["C1", "P1", "Ann", "A."]])
    write_csv(folder / "Names.csv", ["PartyNumber", "ValidFrom", "FirstName"], [["P1", "2011-01-31T13:30:00+01:00", "Ann"]])
    assert load(customers, folder, MAPPING) == {"total": 4, "created": 4}
    assert load(customers, folder, MAPPING) == {"total": 4, "unchanged": 4}
    write_csv(folder / "Customers.csv", head[:3], [["C1", "10", "011"]])
    assert load(customers, folder, MAPPING) == {"total": 3, "updated": 1, "unchanged": 2}
    (held, _) = customers.records("A1", "CustTable")
    assert (held["DefaultDimension.Department"], held["DefaultDimension.CostCenter"]) == ("011", "025")
    (name,) = customers.records("A1", "DirPersonName")
    assert (name["ValidFrom"], name["FirstName"]) == ("2011-01-31T12:30:00Z", "Ann")
    deleting = MAPPING.replace('target = "DirPersonName"', 'target = "DirPersonName"\ndelete = true')
    assert load(customers, folder, deleting, "--mode", "update") == {"total": 3, "unchanged": 2, "deleted": 1}
    assert customers.records("A1", "DirPersonName") == []


def test_what_is_not_decided_is_asked_for(customers: Site, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "Customers.csv", ["AccountNum", "CustGroup", "DefaultDimension.Department"], [["C1", "10", "1"]])
    (customers.folder / "mapping.toml").write_text('[table.Customers]\ntarget = "CustTable"\nkey = ["AccountNum"]\n')
    options = ("--endpoint", "A1", "--company", COMPANY, "--mapping", customers.folder / "mapping.toml", "--watch")
    refused = customers.rapidstart("load", file, *options)
    assert refused.returncode == 3
    assert 'update = "merge"' in refused.stdout + refused.stderr
