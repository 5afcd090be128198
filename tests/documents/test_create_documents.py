"""Create documents: parsed back they hold exactly what the rows say, one record per line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout
from connector.wire.metadata import Document, Field, FieldType, Service, Table
from workers import documents
from workers.errors import GiveUp, Reject

DOC = "http://example.com/documents/Order"
SERVICE_NS = "http://example.com/services"

LINE = Table(name="Line", fields=(Field(name="Item"), Field(name="Qty", type=FieldType.DECIMAL)), order=("Item", "Qty"))
HEAD = Table(
    name="Head",
    fields=(
        Field(name="_DocumentHash"),
        Field(name="Blocked", symbols=("No", "Yes")),
        Field(name="Due", type=FieldType.DATE),
        Field(name="Name", max_length=60),
        Field(name="Num", mandatory=True, nillable=False),
    ),
    children=(LINE,),
    order=("_DocumentHash", "Blocked", "Line", "Due", "Name", "Num"),
)
SERVICE = Service(
    address="http://ax/p/xppservice.svc",
    port="p",
    name="OrderService",
    namespace=SERVICE_NS,
    operations=("create",),
    document=Document(name="Order", namespace=DOC, order=("ClearNilFieldsOnUpdate", "Head"), tables=(HEAD,)),
)


def layout(step: int, table: str, *fields: str, **more: object) -> Layout:
    columns = tuple(Column(name=f"The {field}", field=field) for field in fields)
    return Layout.model_validate(
        {"step": step, "entity": table, "file": f"{table}.csv", "table": table, "columns": columns, **more}
    )


LAYOUT = layout(1, "Head", "Num", "Name", "Due", "Blocked", children=(layout(2, "Line", "Item", "Qty"),))

#: What XML 1.0 can carry.
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\ufffe\uffff"), max_size=20).map(
    lambda text: "".join(c for c in text if c >= " " or c in "\t\n\r")
)
CELL = st.none() | TEXT


def parsed(body: documents.Body) -> etree._Element:
    return etree.fromstring(body.request)


def children(element: etree._Element) -> list[tuple[str, str | None]]:
    return [(etree.QName(child).localname, child.text) for child in element if etree.QName(child).localname != "Line"]


def write(writer: documents.Writer, *rows: Row) -> documents.Body:
    return writer.create([writer.record(row) for row in rows])


@given(st.lists(st.tuples(CELL, CELL, st.lists(st.tuples(CELL, st.integers()), max_size=3)), max_size=5))
@settings(max_examples=150, deadline=None)
def test_what_is_parsed_back_is_what_the_rows_say(cells):
    rows = [
        Row(n, [num, name, None, ""], [[Row(m, [item, str(qty)]) for m, (item, qty) in enumerate(lines)]])
        for n, (num, name, lines) in enumerate(cells)
    ]
    body = write(documents.Writer(SERVICE, LAYOUT), *rows)
    request = parsed(body)
    assert request.tag == f"{{{SERVICE_NS}}}OrderServiceCreateRequest"
    (document,) = request
    assert document.tag == f"{{{DOC}}}Order"
    assert len(document) == len(rows)
    for record, (num, name, lines) in zip(document, cells, strict=True):
        assert dict(record.attrib) == {"class": "entity", "action": "create"}
        assert children(record) == [pair for pair in (("Name", name), ("Num", num)) if pair[1]]
        nested = record.findall(f"{{{DOC}}}Line")
        assert [dict(line.attrib) for line in nested] == [{"class": "entity", "action": "create"}] * len(lines)
        assert [children(line) for line in nested] == [
            [pair for pair in (("Item", item), ("Qty", str(qty))) if pair[1]] for item, qty in lines
        ]


@given(st.lists(st.tuples(TEXT, st.lists(TEXT, max_size=3)), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_every_record_is_one_line_and_the_lines_tell_its_row(cells):
    rows = [
        Row(n, [num, "", "", ""], [[Row(m, [item, "1"]) for m, item in enumerate(items)]]) for n, (num, items) in enumerate(cells)
    ]
    writer = documents.Writer(SERVICE, LAYOUT)
    document = etree.fromstring(write(writer, *rows).document)
    said = [(n, offset) for n, row in enumerate(rows) for offset in documents.create_lines(writer.shape, row)]
    lines = {element.sourceline: element for element in document.iter(f"{{{DOC}}}Head", f"{{{DOC}}}Line")}
    assert sorted(lines) == [line + 2 for line in range(len(said))]
    for line, (n, offset) in enumerate(said):
        _, row = list(documents.flat(writer.shape, rows[n]))[offset]
        name = "Num" if offset == 0 else "Item"
        assert (lines[line + 2].findtext(f"{{{DOC}}}{name}") or "") == (row.cells[0] or "")


KINDS = [Field(name=kind.value, type=kind) for kind in FieldType if kind is not FieldType.COMPLEX]
ANY_HEAD = HEAD.model_copy(update={"fields": (*HEAD.fields, *KINDS), "order": (*HEAD.order, *(kind.name for kind in KINDS))})
ANY_SERVICE = SERVICE.model_copy(update={"document": Document(name="Order", namespace=DOC, tables=(ANY_HEAD,))})
ANY_LAYOUT = layout(1, "Head", "Num", *(kind.name for kind in KINDS), children=(layout(2, "Line", "Item", "Qty"),))
GOOD = {
    FieldType.STRING: ["x", " ", "a&b", "%s"],
    FieldType.INTEGER: ["1", " 7 ", "1.0"],
    FieldType.DECIMAL: ["1.5", "+1", " 2"],
    FieldType.DATE: ["2011-01-31", "2011-01-31 00:00:00"],
    FieldType.DATETIME: ["2011-01-31T10:00:00Z", "2011-01-31"],
    FieldType.TIME: ["13:30", "1:30 pm"],
    FieldType.BOOLEAN: ["yes", "true"],
    FieldType.GUID: ["{00000000-0000-0000-0000-000000000000}"],
    FieldType.BASE64: ["AAAA", " ", "AA AA"],
}
ANY_ROW = st.builds(
    lambda num, cells, lines, width: Row(1, [num, *cells][:width], [[Row(2, list(line)) for line in lines]]),
    st.sampled_from(["", "1", "<2>"]),
    st.tuples(*(st.sampled_from(["", None, *GOOD[kind.type]]) for kind in KINDS)),
    st.lists(st.tuples(st.sampled_from(["", None, "x", "&"]), st.sampled_from(["", "1", "1."])), max_size=2),
    st.integers(0, 1 + len(KINDS)),
)


@given(st.lists(ANY_ROW, min_size=1, max_size=4))
@settings(deadline=None)
def test_rows_are_written_the_same_whichever_are_written_with_them(rows):
    writer = documents.Writer(ANY_SERVICE, ANY_LAYOUT)
    one_by_one = [documents.Writer(ANY_SERVICE, ANY_LAYOUT).record(row) for row in rows]
    assert writer.written(rows).records == one_by_one
    assert writer.written(rows[1:]).records == one_by_one[1:]


def test_elements_stand_in_schema_order_and_the_same_rows_give_the_same_bytes():
    row = Row(1, ["10", "A & B", "2011-01-31", "yes"], [[Row(1, ["X", "1.50"])]])
    body = write(documents.Writer(SERVICE, LAYOUT), row)
    names = [etree.QName(child).localname for child in etree.fromstring(body.document)[0]]
    assert names == ["Blocked", "Line", "Due", "Name", "Num"]
    assert body.request == write(documents.Writer(SERVICE, LAYOUT), row).request
    assert body.document in body.request


def test_cells_that_are_not_text_are_written_in_lexical_form():
    record = documents.Writer(SERVICE, LAYOUT).record(
        Row(1, ["007", "x", "2011-01-31 00:00:00", "YES"], [[Row(1, ["I", "1.500"])]])
    )
    assert "<Blocked>Yes</Blocked>" in record
    assert "<Due>2011-01-31</Due>" in record
    assert "<Num>007</Num>" in record
    assert "<Qty>1.500</Qty>" in record


def test_a_carriage_return_a_tab_and_a_line_feed_arrive():
    body = write(documents.Writer(SERVICE, LAYOUT), Row(1, ["1", "a\r\nb\tc\n", None, None]))
    assert etree.fromstring(body.document)[0].findtext(f"{{{DOC}}}Name") == "a\r\nb\tc\n"


def test_a_percent_sign_is_only_a_percent_sign():
    constants = {"Name": "100 %s"}
    writer = documents.Writer(SERVICE, layout(1, "Head", "Num", constants=constants))
    record = etree.fromstring(write(writer, Row(1, ["50 %d"])).document)[0]
    assert children(record) == [("Name", "100 %s"), ("Num", "50 %d")]


@pytest.mark.parametrize("bad", ["\x00", "a\x0bb", "\ud800", "x\uffff"])
def test_a_character_that_xml_has_no_place_for_fails_the_row(bad):
    with pytest.raises(Reject, match=r"U\+"):
        documents.Writer(SERVICE, LAYOUT).record(Row(1, ["1", bad, None, None]))


def test_every_wrong_cell_of_a_document_is_told_with_its_column():
    row = Row(7, ["1", "x" * 61, "31.01.2011", "maybe"], [[Row(8, ["I", "1"]), Row(9, ["I", "1,5"])]])
    shape = documents.Writer(SERVICE, LAYOUT).shape
    problems = documents.cell_problems(shape, row, index=10, creating=True)
    assert {(p.row, p.column, p.field, p.value) for p in problems} == {
        (10, "The Name", "Name", "x" * 61),
        (10, "The Due", "Due", "31.01.2011"),
        (10, "The Blocked", "Blocked", "maybe"),
        (12, "The Qty", "Qty", "1,5"),
    }
    assert all(p.message and p.advice and p.code.startswith("RSC-31") for p in problems)


def test_a_mandatory_field_that_is_empty_is_told_where_a_record_is_created():
    shape = documents.Writer(SERVICE, LAYOUT).shape
    (problem,) = documents.cell_problems(shape, Row(1, ["", "x", None, None]), index=0, creating=True)
    assert (problem.field, problem.column) == ("Num", "The Num")
    assert documents.cell_problems(shape, Row(1, ["", "x", None, None]), index=0, creating=False) == []


@pytest.mark.parametrize(
    "wrong",
    [
        layout(1, "Tail", "Num"),
        layout(1, "Head", "Number"),
        layout(1, "Head", "Num", constants={"Blocked": "Perhaps"}),
        layout(1, "Head", "Num", children=(layout(2, "Head", "Num"),)),
    ],
)
def test_a_layout_that_the_contract_does_not_know_ends_the_batch(wrong):
    with pytest.raises(GiveUp):
        documents.Writer(SERVICE, wrong)
