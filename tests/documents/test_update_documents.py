"""Update and delete requests: what differs, under action="update", with the hash that was read."""

import pytest
from lxml import etree

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout
from connector.wire.metadata import Document, Field, FieldType, Service, Table
from connector.wire.reports import Before
from workers import documents
from workers.errors import Reject

DOC = "http://example.com/documents/Order"
KEYS = "{http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKeyList}EntityKeyList"
KEY = "{http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKey}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

LINE = Table(
    name="Line",
    fields=(
        Field(name="Item"),
        Field(name="No", type=FieldType.INTEGER),
        Field(name="RecId", type=FieldType.INTEGER),
        Field(name="RecVersion", type=FieldType.INTEGER),
    ),
)
HEAD = Table(
    name="Head",
    fields=(
        Field(name="_DocumentHash"),
        Field(name="Due", type=FieldType.DATE),
        Field(name="Kind", mandatory=True, nillable=False, symbols=("A", "B")),
        Field(name="Name"),
        Field(name="Num"),
    ),
    children=(LINE,),
)


def writer(blank: str = "keep") -> documents.Writer:
    nested = Layout(step=2, entity="Line", file="L.csv", table="Line", columns=columns("No", "Item"), key=("No",))
    root = Layout.model_validate(
        {
            "step": 1,
            "entity": "Head",
            "file": "H.csv",
            "table": "Head",
            "columns": columns("Num", "Name", "Due"),
            "key": ("Num",),
            "blank": blank,
            "children": (nested,),
        }
    )
    document = Document(name="Order", namespace=DOC, order=("ClearNilFieldsOnUpdate", "Head"), tables=(HEAD,))
    service = Service(address="", port="p", name="S", namespace="http://example.com/s", operations=(), document=document)
    return documents.Writer(service, root)


def updated(by: documents.Writer, row: Row, before: Before) -> documents.Body:
    return by.update([documents.entity_key(by.shape, row, before)], [by.changed(row, before)])


def columns(*fields: str) -> tuple[Column, ...]:
    return tuple(Column(name=field, field=field) for field in fields)


def records(body: documents.Body, name: str = "Head") -> list[etree._Element]:
    return list(etree.fromstring(body.document).iter(f"{{{DOC}}}{name}"))


def texts(element: etree._Element) -> dict[str, str | None]:
    return {etree.QName(child).localname: child.text for child in element}


def test_an_update_carries_the_key_the_hash_and_what_differs():
    body = updated(writer(), Row(1, ["10", "new", "2011-01-31"]), Before(hash="abc", values={"Name": "old"}))
    (record,) = records(body)
    assert dict(record.attrib) == {"class": "entity", "action": "update"}
    assert texts(record) == {"_DocumentHash": "abc", "Name": "new", "Num": "10"}
    keys, document = etree.fromstring(body.request)
    assert keys.tag == KEYS
    assert [(f.findtext(f"{KEY}Field"), f.findtext(f"{KEY}Value")) for f in keys.iter(f"{KEY}KeyField")] == [("Num", "10")]
    assert etree.QName(document).localname == "Order"


def test_a_mandatory_field_that_the_package_lacks_goes_back_as_it_was_read():
    (record,) = records(updated(writer(), Row(1, ["10", "new", None]), Before(hash="h", values={"Name": "old", "Kind": "B"})))
    assert texts(record)["Kind"] == "B"


def test_blanks_clear_where_they_are_told_to():
    body = updated(writer("clear"), Row(1, ["10", "", ""]), Before(hash="h", values={"Name": "old", "Due": "2011-01-31"}))
    root = etree.fromstring(body.document)
    assert etree.QName(root[0]).localname == "ClearNilFieldsOnUpdate"
    (record,) = records(body)
    assert record.find(f"{{{DOC}}}Name").text is None
    assert record.find(f"{{{DOC}}}Name").get(NIL) is None
    assert record.find(f"{{{DOC}}}Due").get(NIL) == "true"
    assert record.sourceline == 2


def test_a_field_that_takes_no_null_cannot_be_cleared():
    field = Field(name="Kind", nillable=False, symbols=("A", "B"))
    with pytest.raises(Reject, match="cannot be cleared"):
        documents.update.cleared(documents.Cell(field=field, column=0))


def test_nested_records_are_created_updated_or_left_out():
    rows = [Row(2, ["1", "same"]), Row(3, ["2", "changed"]), Row(4, ["3", "new"])]
    before = Before(hash="h", values={"Line[2]/Item": "old", "Line[2]/RecId": "56", "Line[2]/RecVersion": "1", "Line[3]": None})
    row = Row(1, ["10", "x", None], [rows])
    changed, created = records(updated(writer(), row, before), "Line")
    assert changed.get("action") == "update"
    assert texts(changed) == {"Item": "changed", "No": "2", "RecId": "56", "RecVersion": "1"}
    assert created.get("action") == "create"
    assert texts(created) == {"Item": "new", "No": "3"}
    assert list(documents.update_lines(writer().shape, row, before)) == [0, 2, 3]


def test_the_entity_key_that_was_read_stands_before_the_natural_key():
    before = Before(hash="h", values={"Name": "old"} | documents.key_values({"RecId": "5637"}))
    body = updated(writer(), Row(1, ["10", "new", None]), before)
    assert [v.text for v in etree.fromstring(body.request).iter(f"{KEY}Value")] == ["5637"]
    assert texts(records(body)[0]) == {"_DocumentHash": "h", "Name": "new", "Num": "10"}


def test_a_delete_names_the_keys_in_order():
    body = writer().delete([{"Num": "1 & 2"}, {"Num": "3"}])
    request = etree.fromstring(body.request)
    assert etree.QName(request).localname == "SDeleteRequest"
    assert [v.text for v in request.iter(f"{KEY}Value")] == ["1 & 2", "3"]
