"""Update and delete: what is cleared, what is kept, and who came first."""

from collections.abc import Callable
from typing import Any

import pytest

KEY = [{"CustGroup": "10"}]
ORDER = [{"PurchId": "P1"}]


@pytest.fixture
def group(client: Any, record: Callable[..., str]) -> dict[str, str]:
    """A customer group as it is read."""
    client.create("CustGroup", record("CustGroup", CustGroup="10", Name="Retail", Limit="5.00", Blocked="All"))
    return client.read("CustGroup", *KEY).records("CustGroup")[0]


@pytest.fixture
def order(client: Any, record: Callable[..., str]) -> Callable[[], dict[str, str]]:
    """A purchase order with two lines; the function reads its root record."""
    lines = record("PurchLine", LineNum="1", ItemId="A", Qty="1") + record("PurchLine", LineNum="2", ItemId="B", Qty="2")
    reply = client.create("PurchTable", record("PurchTable", lines, PurchId="P1", Remarks="old"), document="PurchaseOrders")
    assert reply.status == 200, reply.messages
    return lambda: client.read("PurchTable", *ORDER).records("PurchTable")[0]


def changed(record: Callable[..., str], read: dict[str, str], action: str | None, **fields: str) -> str:
    return hashed(record("CustGroup", action=action, CustGroup="10", **fields), read["_DocumentHash"])


def hashed(text: str, digest: str) -> str:
    return text.replace(">", f"><_DocumentHash>{digest}</_DocumentHash>", 1)


def test_a_partial_update_keeps_what_it_does_not_mention(client: Any, record: Callable[..., str], group: dict[str, str]) -> None:
    assert client.update("CustGroup", KEY, changed(record, group, "update", Name="Wholesale")).status == 200
    assert client.rows("CustGroup") == [{"CustGroup": "10", "Name": "Wholesale", "Limit": "5.00", "Blocked": "All"}]
    after = client.read("CustGroup", *KEY).records("CustGroup")[0]
    assert after["_DocumentHash"] != group["_DocumentHash"]
    assert (after["RecId"], int(after["RecVersion"])) == (group["RecId"], int(group["RecVersion"]) + 1)


@pytest.mark.parametrize("action", [None, "replace"])
def test_an_update_without_action_clears_what_it_does_not_mention(
    client: Any, record: Callable[..., str], group: dict[str, str], action: str | None
) -> None:
    assert client.update("CustGroup", KEY, changed(record, group, action, Name="Wholesale")).status == 200
    assert client.rows("CustGroup") == [{"CustGroup": "10", "Name": "Wholesale"}]


def test_empty_is_not_null(client: Any, record: Callable[..., str], group: dict[str, str]) -> None:
    text = changed(record, group, "update", Name="")
    text = text.replace("<CustGroup>10", '<Blocked xsi:nil="true"/><CustGroup>10')
    assert client.update("CustGroup", KEY, text).status == 200
    assert client.rows("CustGroup") == [{"CustGroup": "10", "Name": "", "Limit": "5.00"}]


def test_a_stale_hash_is_a_conflict(client: Any, record: Callable[..., str], group: dict[str, str]) -> None:
    client.update("CustGroup", KEY, changed(record, group, "update", Name="first"))
    reply = client.update("CustGroup", KEY, changed(record, group, "update", Name="second"))
    assert reply.messages == ["The document has changed since it was read."]
    assert client.rows("CustGroup")[0]["Name"] == "first"


def test_an_update_needs_a_hash_or_a_version(client: Any, record: Callable[..., str], group: dict[str, str]) -> None:
    reply = client.update("CustGroup", KEY, record("CustGroup", action="update", CustGroup="10", Name="x"))
    assert "are required to update a record" in reply.messages[0]
    version = {"RecId": group["RecId"], "RecVersion": group["RecVersion"]}
    fields = {"CustGroup": "10", "Name": "x", **version}
    assert client.update("CustGroup", KEY, record("CustGroup", action="update", **fields)).status == 200
    stale = client.update("CustGroup", KEY, record("CustGroup", action="update", **fields))
    assert "An update conflict occurred" in stale.messages[0]


def test_keys_and_records_must_be_equally_many(client: Any, record: Callable[..., str], group: dict[str, str]) -> None:
    assert client.update("CustGroup", [], changed(record, group, "update", Name="x")).messages == [
        "The parameter index is not valid."
    ]


def test_a_missing_record_is_named(client: Any, record: Callable[..., str], group: dict[str, str]) -> None:
    both = changed(record, group, "update", Name="x") + record("CustGroup", action="update", CustGroup="11")
    reply = client.update("CustGroup", [*KEY, {"CustGroup": "11"}], both)
    assert reply.messages == ["The record in CustGroup (Customer groups) was not found. CustGroup: 11."]
    assert reply.all("f:XPath") == ["/RsCustGroup/CustGroup[2]"]
    assert client.rows("CustGroup")[0]["Name"] == "Retail"


def test_lines_carry_their_parents_key(client: Any, order: Callable[[], dict[str, str]]) -> None:
    assert client.rows("PurchLine") == [
        {"PurchId": "P1", "LineNum": "1", "ItemId": "A", "Qty": "1"},
        {"PurchId": "P1", "LineNum": "2", "ItemId": "B", "Qty": "2"},
    ]


def test_a_bad_line_is_named_and_takes_the_order_with_it(client: Any, record: Callable[..., str]) -> None:
    good = record("PurchTable", record("PurchLine", LineNum="1"), PurchId="P1")
    bad = record("PurchTable", record("PurchLine", LineNum="1") + record("PurchLine", LineNum="1"), PurchId="P2")
    reply = client.create("PurchTable", good + bad, document="PurchaseOrders")
    assert reply.all("f:XPath") == ["/PurchaseOrders/PurchTable[2]/PurchLine[2]"]
    assert "PurchId: P2, LineNum: 1. The record already exists." in reply.messages[0]
    assert client.rows("PurchTable") == client.rows("PurchLine") == []


def test_a_partial_update_leaves_other_lines_alone(
    client: Any, record: Callable[..., str], order: Callable[[], dict[str, str]]
) -> None:
    lines = record("PurchLine", action="update", LineNum="1", Qty="9") + record(
        "PurchLine", action="create", LineNum="3", ItemId="C"
    )
    text = hashed(record("PurchTable", lines, action="update", PurchId="P1"), order()["_DocumentHash"])
    reply = client.update("PurchTable", ORDER, text, document="PurchaseOrders")
    assert reply.status == 200, reply.messages
    assert [(row["LineNum"], row.get("ItemId"), row.get("Qty")) for row in client.rows("PurchLine")] == [
        ("1", "A", "9"),
        ("2", "B", "2"),
        ("3", "C", None),
    ]
    assert client.rows("PurchTable")[0]["Remarks"] == "old"


def test_a_line_is_deleted_by_its_action(client: Any, record: Callable[..., str], order: Callable[[], dict[str, str]]) -> None:
    text = record("PurchTable", record("PurchLine", action="delete", LineNum="1"), action="update", PurchId="P1")
    assert client.update("PurchTable", ORDER, hashed(text, order()["_DocumentHash"]), document="PurchaseOrders").status == 200
    assert [row["LineNum"] for row in client.rows("PurchLine")] == ["2"]


def test_a_full_update_deletes_the_lines_it_does_not_mention(
    client: Any, record: Callable[..., str], order: Callable[[], dict[str, str]]
) -> None:
    text = record("PurchTable", record("PurchLine", LineNum="2", ItemId="Z"), PurchId="P1")
    assert client.update("PurchTable", ORDER, hashed(text, order()["_DocumentHash"]), document="PurchaseOrders").status == 200
    assert client.rows("PurchLine") == [{"PurchId": "P1", "LineNum": "2", "ItemId": "Z"}]
    assert client.rows("PurchTable") == [{"PurchId": "P1"}]


def test_a_changed_line_changes_the_documents_hash(
    client: Any, record: Callable[..., str], order: Callable[[], dict[str, str]]
) -> None:
    before = order()["_DocumentHash"]
    text = record("PurchTable", record("PurchLine", action="update", LineNum="1", Qty="9"), action="update", PurchId="P1")
    client.update("PurchTable", ORDER, hashed(text, before), document="PurchaseOrders")
    assert order()["_DocumentHash"] != before


def test_delete_takes_the_lines_along(client: Any, key_list: Callable[..., str], order: Callable[[], dict[str, str]]) -> None:
    assert client.call("PurchTable", "delete", key_list(ORDER)).status == 200
    assert client.rows("PurchTable") == client.rows("PurchLine") == []
    assert client.sim("stats")["rows_deleted"] == 3
    assert "was not found" in client.call("PurchTable", "delete", key_list(ORDER)).messages[0]


def test_null_clears_a_reference_only_where_the_document_says_so(client: Any, record: Callable[..., str]) -> None:
    client.create("PaymTerm", record("PaymTerm", PaymTermId="A"))
    client.create("CustGroup", record("CustGroup", CustGroup="10", PaymTermId="A"))

    def send(prefix: str) -> None:
        digest = client.read("CustGroup", *KEY).records("CustGroup")[0]["_DocumentHash"]
        text = record("CustGroup", '<PaymTermId xsi:nil="true"/>', action="update", CustGroup="10")
        assert client.update("CustGroup", KEY, prefix + hashed(text, digest)).status == 200

    send("")
    assert client.rows("CustGroup")[0]["PaymTermId"] == "A"
    send("<ClearNilFieldsOnUpdate>true</ClearNilFieldsOnUpdate>")
    assert "PaymTermId" not in client.rows("CustGroup")[0]
