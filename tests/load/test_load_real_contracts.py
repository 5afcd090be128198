"""Loads through contracts of real installations: services keyed by RecId, without findKeys, with header and lines."""

import os
from pathlib import Path

import pytest

from connector.wire.codec import Row
from connector.wire.jobs import Column, Target
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


def test_a_reference_goes_by_the_key_that_stands_for_its_number():
    """Two fields are that key here: an enumeration and a text."""
    filled = {"Item": ("ItemId", ""), "Group": ("Bossf_Group", ""), "Type": ("Product_Range", "GroupType")}
    filled["Range"] = ("Product_Range", "GroupID")
    columns = [Column(name=name, field=field, part=part) for name, (field, part) in filled.items()]
    structures = {"Bossf_Group": {"segments": ["GroupType", "GroupID"], "delimiter": ":"}}
    items = layout("TEC_STG_InventTable", key=["ItemId"], columns=columns, structures=structures)
    with running("--contract", str(CONTRACTS / "UploadInventService"), "--company", "USMF") as ax:
        port = opened(ax)

        def load(*rows):
            return tables.run(batch(items, rows), port=port, ask=Dispatcher()).outcomes

        assert load(["I1", "tec_basegroup:G1", "TEC_BOSSRange", "R1"], ["I2", "", "", ""]).letters == "cc"
        assert ax.records("TEC_STG_InventTable")[0]["Bossf_Group.GroupType"] == "TEC_BaseGroup"
        assert load(["I1", "TEC_BaseGroup:G1", "TEC_BOSSRange", "R1"], ["I2", "", "", ""]).letters == "=="
        outcomes = load(["I1", "TEC_BaseGroup:G2", "", "R1"], ["I3", "Nothing:G1", "", ""], ["I4", "", "", "R1"])
        assert outcomes.letters == "uff"
        assert [(p.row, p.column) for p in outcomes.problems] == [(1, "Group"), (2, "Type")]
        assert "has other parts and no GroupType" in outcomes.problems[1].message
        assert ax.records("TEC_STG_InventTable")[0]["Bossf_Group.GroupID"] == "G2"


def test_orders_and_their_lines_have_dimensions():
    columns = [Column(name="Line", field="Itemid"), Column(name="Unit", field="DefaultDimension", part="Unit")]
    merge = {"DefaultDimension": {"update": "merge"}}
    lines = layout("TEC_STG_PurchLine", key=["Itemid"], step=2, columns=columns, structures=merge)
    head = [Column(name="Order", field="PurchID"), Column(name="Unit", field="DefaultDimension", part="Unit")]
    orders = layout("TEC_STG_PurchTable", key=["PurchID"], columns=head, structures=merge, children=(lines,))
    with running("--contract", str(CONTRACTS / "UploadPurchOrderService"), "--company", "USMF") as ax:
        port = opened(ax)

        def load(unit, *of_lines):
            row = Row(2, ["P1", unit], [[Row(n, list(line)) for n, line in enumerate(of_lines, 2)]])
            return tables.run(batch(orders, [row]), port=port, ask=Dispatcher()).outcomes.letters

        assert load("01", ("A", "01"), ("B", "")) == "ccc"
        assert load("01", ("A", "01"), ("B", "")) == "==="
        assert load("02", ("A", "01"), ("B", "03")) == "u=u"
        assert [line.get("DefaultDimension.Unit") for line in ax.records("TEC_STG_PurchLine")] == ["01", "03"]
