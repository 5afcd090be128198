"""Contracts of real installations, served as they are and planned against: what is loaded through them is there afterwards."""

import os
from pathlib import Path

import pytest

from tests.journeys.driving import COMPANY, ROOT, Site, eventually, free_port, get, listens, write_csv

CONTRACTS = Path(os.environ.get("RAPIDSTART_SHARED", ROOT.parent / "shared")) / "ax2012" / "contracts"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CONTRACTS.is_dir(), reason="the collection of real contracts is not beside this checkout"),
]


@pytest.fixture
def through(site: Site) -> Site:
    site.start_dispatcher()
    return site


def open_aos(site: Site, contract: str, *, handed_in: bool) -> None:
    """An AOS of this contract; the dispatcher reads the contract there, or is handed the folder."""
    folder = CONTRACTS / contract
    port = site.ports["A1"] = free_port()
    site.start("aos", "workers", "simulate", "--port", str(port), "--company", COMPANY, "--contract", folder)
    eventually(lambda: listens(port))
    offered = get(f"http://127.0.0.1:{port}/_sim/tables")["tables"][0]["port"]
    where = ("--contract", folder) if handed_in else ("--port", offered)
    added = site.rapidstart("endpoint", "add", "A1", "--url", f"http://127.0.0.1:{port}", *where)
    assert added.returncode == 0, added.stderr
    site.start_worker("A1")


def load(site: Site, path: Path, mapping: str) -> dict[str, int]:
    (site.folder / "mapping.toml").write_text(mapping)
    options = ("--endpoint", "A1", "--company", COMPANY, "--mapping", site.folder / "mapping.toml", "--watch")
    job = site.json("load", path, *options)
    return {word: count for word, count in job["rows"].items() if count}


@pytest.mark.parametrize("handed_in", [False, True])
def test_customers(through: Site, tmp_path: Path, handed_in: bool) -> None:
    """The service has no findKeys, and its records are keyed by RecId."""
    open_aos(through, "UploadCustomerService", handed_in=handed_in)
    mapping = '[table.Customers]\ntarget = "STG_CustTable"\nkey = ["AccountNum"]\nfields = { "Credit limit" = "CreditMax" }\n'
    head = ["AccountNum", "Name", "Credit limit"]
    file = write_csv(tmp_path / "Customers.csv", head, [["C1", "One", "1.50"], ["C2", "Two", "2.00"]])
    assert load(through, file, mapping) == {"total": 2, "created": 2}
    write_csv(file, head, [["C1", "Uno", "1.50"], ["C2", "Two", "2.00"], ["C3", "Three", "3.00"]])
    assert load(through, file, mapping) == {"total": 3, "created": 1, "updated": 1, "unchanged": 1}
    found = {record["AccountNum"]: record["Name"] for record in through.records("A1", "STG_CustTable")}
    assert found == {"C1": "Uno", "C2": "Two", "C3": "Three"}


def test_items(through: Site, tmp_path: Path) -> None:
    open_aos(through, "UploadInventService", handed_in=True)
    mapping = '[table.Items]\ntarget = "TEC_STG_InventTable"\nkey = ["ItemId"]\nfields = { "Text" = "Description_2" }\n'
    file = write_csv(tmp_path / "Items.csv", ["ItemId", "Text"], [[f"{number:04}", f"Item {number}"] for number in range(250)])
    assert load(through, file, mapping) == {"total": 250, "created": 250}
    assert load(through, file, mapping) == {"total": 250, "unchanged": 250}
    assert len(through.records("A1", "TEC_STG_InventTable")) == 250


def test_orders_with_their_lines(through: Site, tmp_path: Path) -> None:
    open_aos(through, "UploadPurchOrderService", handed_in=True)
    folder = tmp_path / "orders"
    folder.mkdir()
    write_csv(folder / "1 Orders.csv", ["Order", "Vendor"], [["P1", "V1"], ["P2", "V1"]])
    write_csv(folder / "2 Lines.csv", ["Order", "Item", "Quantity"], [["P1", "A", "1"], ["P1", "B", "2"], ["P2", "A", "5"]])
    mapping = """
[table."1 Orders"]
target = "TEC_STG_PurchTable"
key = ["PurchID"]
fields = { "Order" = "PurchID", "Vendor" = "VendAccount" }

[table."2 Lines"]
target = "TEC_STG_PurchLine"
key = ["Itemid"]
fields = { "Order" = "", "Item" = "Itemid", "Quantity" = "PurchQty" }
parent = { target = "TEC_STG_PurchTable", on = { "Order" = "Order" } }
"""
    assert load(through, folder, mapping) == {"total": 5, "created": 5}
    lines = [(line["Itemid"], float(line["PurchQty"])) for line in through.records("A1", "TEC_STG_PurchLine")]
    assert sorted(lines) == [("A", 1.0), ("A", 5.0), ("B", 2.0)]
