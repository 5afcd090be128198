"""Read, find, findKeys, getKeys, getChangedKeys: what is told, what is left out, how values compare."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

G = "CustGroup"


@pytest.fixture
def groups(client: Any, record: Callable[..., str]) -> Any:
    reply = client.create(
        G,
        record(G, CustGroup="10", Name="Retail", Limit="9.5", Opened="2014-05-01", Blocked="No")
        + record(G, CustGroup="20", Name="Wholesale", Limit="10", Opened="1900-01-01", Blocked="Invoice")
        + record(G, CustGroup="x30", Name="", Limit="0.00", Blocked="All"),
    )
    assert reply.status == 200, reply.messages
    return client


def test_read_answers_in_the_order_of_the_keys(groups: Any) -> None:
    reply = groups.read(G, {G: "X30"}, {G: "10"})
    assert [found[G] for found in reply.records(G)] == ["x30", "10"]


def test_null_zero_empty_and_1900_are_left_out(groups: Any) -> None:
    found = groups.read(G, {G: "20"}, {G: "x30"}).records(G)
    assert set(found[0]) == {"_DocumentHash", "Blocked", "CustGroup", "Limit", "Name", "RecId", "RecVersion"}
    assert set(found[1]) == {"_DocumentHash", "Blocked", "CustGroup", "RecId", "RecVersion"}


def test_a_key_that_is_not_there_is_a_fault(groups: Any) -> None:
    reply = groups.read(G, {G: "10"}, {G: "99"})
    assert reply.messages == ["The record in CustGroup (Customer groups) was not found. CustGroup: 99."]
    assert reply.all("f:XPath") == ["/EntityKeyList/EntityKey[2]"]


def test_records_are_found_by_recid_too_but_not_by_any_field(groups: Any) -> None:
    rec_id = groups.read(G, {G: "10"}).records(G)[0]["RecId"]
    assert groups.read(G, {"RecId": rec_id}).records(G)[0][G] == "10"
    assert "not a unique key" in groups.read(G, {"Name": "Retail"}).messages[0]


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ([(G, G, "Equal", "X30")], ["x30"]),
        ([(G, G, "NotEqual", "10")], ["20", "x30"]),
        ([(G, G, "Greater", "10")], ["20", "x30"]),
        ([(G, G, "GreaterOrEqual", "20")], ["20", "x30"]),
        ([(G, G, "Less", "20")], ["10"]),
        ([(G, G, "LessOrEqual", "20")], ["10", "20"]),
        ([(G, G, "Range", "05", "20")], ["10", "20"]),
        ([("custgroup", "Name", "Equal", "retail")], ["10"]),
        ([(G, "Name", "Equal", "")], ["x30"]),
        ([(G, "Limit", "Greater", "9.50")], ["20"]),
        ([(G, "Limit", "Equal", "0")], ["x30"]),
        ([(G, "Opened", "Greater", "1900-01-01")], ["10"]),
        ([(G, "Blocked", "GreaterOrEqual", "Invoice")], ["20", "x30"]),
        ([(G, G, "Range", "10", "20"), (G, "Name", "Equal", "Wholesale")], ["20"]),
    ],
)
def test_criteria(groups: Any, criteria: list[tuple[str, ...]], expected: list[str]) -> None:
    assert [key[G] for key in groups.find(G, *criteria, keys=True).keys] == expected
    assert [found[G] for found in groups.find(G, *criteria).records(G)] == expected


@pytest.mark.parametrize(
    ("criterion", "message"),
    [
        (("Nowhere", G, "Equal", "1"), "The data source 'Nowhere'"),
        ((G, "Nothing", "Equal", "1"), "The field 'Nothing'"),
        ((G, "Limit", "Equal", "much"), "The value 'much'"),
        ((G, G, "Like", "1*"), "not an element of the set {'Equal', 'NotEqual'"),
    ],
)
def test_criteria_that_make_no_sense(groups: Any, criterion: tuple[str, ...], message: str) -> None:
    assert message in groups.find(G, criterion).messages[0]


def test_orders_are_found_by_their_lines(client: Any, record: Callable[..., str]) -> None:
    for number, item in (("P1", "A"), ("P2", "B")):
        line = record("PurchLine", LineNum="1", ItemId=item)
        client.create("PurchTable", record("PurchTable", line, PurchId=number), document="PurchaseOrders")
    reply = client.find("PurchTable", ("PurchLine", "ItemId", "Equal", "b"))
    assert reply.records("PurchTable")[0]["PurchId"] == "P2"
    assert reply.records("PurchLine") == [
        {"ItemId": "B", "LineNum": "1", "PurchId": "P2", "RecId": reply.records("PurchLine")[0]["RecId"], "RecVersion": "1"}
    ]


def test_keys_come_page_by_page(groups: Any) -> None:
    paging = '<DocumentPaging xmlns="http://schemas.microsoft.com/dynamics/2011/02/documents/DocumentPaging">{}</DocumentPaging>'
    first = groups.call(G, "getKeys", paging.format("<PageSize>2</PageSize>"))
    assert [key[G] for key in first.keys] == ["10", "20"]
    assert first.all("g:PageStatus") == ["Success"]
    bookmark = first.all("p:Bookmark")[0]
    last = groups.call(G, "getKeys", paging.format(f"<Bookmark>{bookmark}</Bookmark><PageSize>2</PageSize>"))
    assert [key[G] for key in last.keys] == ["x30"]
    assert last.all("p:Bookmark") == []


def test_changed_keys_since(groups: Any) -> None:
    paging = (
        '<DocumentPaging xmlns="http://schemas.microsoft.com/dynamics/2011/02/documents/DocumentPaging">'
        "<PageSize>9</PageSize></DocumentPaging><_changedDateTime>{}</_changedDateTime>"
    )
    hour = timedelta(hours=1)
    for moment, count in ((datetime.now(UTC) - hour, 3), (datetime.now(UTC) + hour, 0)):
        reply = groups.call(G, "getChangedKeys", paging.format(moment.isoformat()))
        assert len(reply.keys) == count, reply.body


def test_text_comes_back_as_it_went(client: Any, record: Callable[..., str]) -> None:
    written = "Zoë &amp; &lt;Söhne&gt; &quot;x&quot; &#13; 0010"
    client.create("PaymTerm", record("PaymTerm", PaymTermId="A", Description=written))
    expected = 'Zoë & <Söhne> "x" \r 0010'
    assert client.rows("PaymTerm")[0]["Description"] == expected
    assert client.read("PaymTerm", {"PaymTermId": "A"}).records("PaymTerm")[0]["Description"] == expected
