"""Loads through contracts of real installations: services keyed by RecId, without findKeys, with header and lines."""

import os
from pathlib import Path

import pytest

from connector.wire.codec import Row
from connector.wire.jobs import Target
from tests.load.conftest import Aos, Dispatcher, batch, layout, running
from workers import aos
from workers.load import tables

SHARED = Path(os.environ.get("RAPIDSTART_SHARED") or Path(__file__).resolve().parents[3] / "shared")
CONTRACTS = SHARED / "ax2012" / "contracts"
pytestmark = pytest.mark.skipif(not CONTRACTS.is_dir(), reason="the folder of real AX 2012 contracts is not here")


def opened(ax: Aos) -> aos.Port:
    """The one service of the port, its key as a survey would learn it."""
    first = ax.ask("tables")["tables"][0]
    address = f"{ax.url}/MicrosoftDynamicsAXAif60/{first['port']}/xppservice.svc"
    door = aos.Door([ax.url])
    found = aos.read_metadata(door, [address])
    target = Target(address=address, port=first["port"], service=found.services[0].name, contract=found.fingerprint)
    return aos.open_port(door, target, company="USMF", language="en-us", partition=None)


@pytest.mark.parametrize("keys", [(), ("--key", "STG_CustTable=AccountNum")])
def test_a_service_without_find_keys_is_asked_by_find(keys):
    """It offers create, find, read and update."""
    customers = layout("STG_CustTable", "AccountNum", "Name", "CreditMax", key=["AccountNum"])
    with running("--contract", str(CONTRACTS / "UploadCustomerService"), "--company", "USMF", *keys) as ax:
        port = opened(ax)

        def load(rows, **more):
            return tables.run(batch(customers, rows, **more), port=port, ask=Dispatcher()).outcomes

        assert load([["C1", "One", "1.50"], ["C2", "Two", ""]], mode="create").letters == "cc"
        assert load([["C1", "Uno", "1.5"], ["C2", "Two", ""], ["C3", "Three", ""]]).letters == "u=c"
        assert load([["C1", "Uno", ""]], mode="delete").letters == "f"  # the port has no delete
        records = {record["AccountNum"]: record["Name"] for record in ax.records("STG_CustTable")}
        assert records == {"C1": "Uno", "C2": "Two", "C3": "Three"}


@pytest.mark.parametrize("keys", [(), ("--key", "TEC_STG_InventTable=ItemId")])
def test_items_are_created_updated_and_deleted(keys):
    items = layout("TEC_STG_InventTable", "ItemId", "Description_2", key=["ItemId"])
    with running("--contract", str(CONTRACTS / "UploadInventService"), "--company", "USMF", *keys) as ax:
        port = opened(ax)

        def load(rows, **more):
            return tables.run(batch(items, rows, **more), port=port, ask=Dispatcher()).outcomes

        assert load([["I1", "one"], ["I2", "two"]]).letters == "cc"
        assert load([["I1", "one"], ["I2", "zwei"], ["I3", "three"]]).letters == "=uc"
        assert load([["I2", ""], ["I9", ""]], mode="delete").letters == "ds"
        assert [record["ItemId"] for record in ax.records("TEC_STG_InventTable")] == ["I1", "I3"]


@pytest.mark.parametrize("keys", [(), ("--key", "TEC_STG_PurchTable=PurchID")])
def test_orders_travel_with_their_lines(keys):
    lines = layout("TEC_STG_PurchLine", "Itemid", "PurchQty", key=["Itemid"], step=2)
    orders = layout("TEC_STG_PurchTable", "PurchID", "VendAccount", key=["PurchID"], children=(lines,))

    def order(number, vendor, *items):
        return Row(number, [f"P{number}", vendor], [[Row(n, list(item)) for n, item in enumerate(items, 2)]])

    with running("--contract", str(CONTRACTS / "UploadPurchOrderService"), "--company", "USMF", *keys) as ax:
        port = opened(ax)

        def load(*rows, **more):
            return tables.run(batch(orders, rows, **more), port=port, ask=Dispatcher()).outcomes

        assert load(order(1, "V1", ("A", "1"), ("B", "2")), order(2, "V1")).letters == "cccc"
        assert load(order(1, "V2", ("A", "1.00"), ("B", "3"), ("C", "4"))).letters == "u=uc"
        kept = [(line["Itemid"], line["PurchQty"]) for line in ax.records("TEC_STG_PurchLine")]
        assert [(item, float(quantity)) for item, quantity in kept] == [("A", 1), ("B", 3), ("C", 4)]
