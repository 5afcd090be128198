"""What is taken for proved, the schema takes: never the other way round."""

import io
import zipfile
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout, Target
from connector.wire.metadata import Document, Field, FieldType, Service, Table
from connector.wire.reports import BatchRef, Outcomes
from tests.documents.test_real_contracts import ADDRESS, CONTRACTS
from tests.load import conftest
from workers import aos, documents
from workers.aos.checking import Checker
from workers.aos.describing import Schemas
from workers.errors import Reject
from workers.load import tables
from workers.load.proof import Proof

NAMESPACE = "http://example.com/documents/Order"
XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{namespace}" targetNamespace="{namespace}"
  elementFormDefault="qualified">
  {types}
  <xs:simpleType name="Either"><xs:union memberTypes="t:Code t:Long"/></xs:simpleType>
  <xs:simpleType name="Mixed"><xs:union memberTypes="t:Code xs:int"/></xs:simpleType>
  <xs:complexType name="Moment">
    <xs:simpleContent><xs:extension base="xs:dateTime"><xs:attribute name="zone"/></xs:extension></xs:simpleContent>
  </xs:complexType>
  <xs:complexType name="Zoned">
    <xs:simpleContent><xs:extension base="xs:string"><xs:attribute name="zone" use="required"/></xs:extension></xs:simpleContent>
  </xs:complexType>
  <xs:complexType name="Line"><xs:sequence>{line}</xs:sequence>{entity}</xs:complexType>
  <xs:complexType name="Head"><xs:sequence{bounds}>{head}
    <xs:element name="Line" type="t:Line" minOccurs="0" maxOccurs="{most}"/></xs:sequence>{entity}</xs:complexType>
  <xs:element name="Order"><xs:complexType><xs:sequence>
    <xs:element name="Head" type="t:Head" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType>{beyond}</xs:element>
</xs:schema>"""
RESTRICTIONS = {
    "Code": ("xs:string", "minLength=0 maxLength=5"),
    "Short": ("t:Code", "maxLength=2"),
    "Long": ("xs:string", "maxLength=20"),
    "Amount": ("xs:decimal", "fractionDigits=2"),
    "Rate": ("xs:decimal", "minInclusive=-0.5 maxInclusive=100"),
    "Few": ("xs:int", "minInclusive=-3 maxInclusive=3"),
    "YesNo": ("xs:string", "enumeration=No enumeration=Yes"),
    "Yes": ("t:YesNo", "enumeration=Yes"),
    "Digits": ("xs:string", "pattern=[0-9]*"),
    "Filled": ("xs:string", "minLength=3"),
    "Exact": ("xs:string", "length=3"),
    "Total": ("xs:decimal", "totalDigits=3"),
    "Below": ("xs:int", "maxExclusive=3"),
    "Since": ("xs:date", "minInclusive=2000-01-01"),
    "Squeezed": ("xs:string", "whiteSpace=collapse maxLength=3"),
}
ENTITY = '<xs:attribute name="class" fixed="entity" use="required"/><xs:attribute name="action"/>'
TOLD = {
    "Any": "xs:string", "Code": "t:Code", "Short": "t:Short", "Either": "t:Either", "Amount": "t:Amount", "Rate": "t:Rate",
    "Few": "t:Few", "Tiny": "xs:short", "Int": "xs:int", "Big": "xs:long", "Free": "xs:decimal", "YesNo": "t:YesNo",
    "Yes": "t:Yes", "Day": "xs:date", "At": "xs:dateTime", "Moment": "t:Moment", "Clock": "xs:time", "Flag": "xs:boolean",
}  # fmt: skip
BEYOND = {
    "Mixed": "t:Mixed", "Digits": "t:Digits", "Filled": "t:Filled", "Exact": "t:Exact", "Total": "t:Total", "Below": "t:Below",
    "Since": "t:Since", "Squeezed": "t:Squeezed", "Token": "xs:token", "Double": "xs:double", "Data": "xs:base64Binary",
    "Positive": "xs:positiveInteger",
}  # fmt: skip


def restrictions() -> str:
    def told(facets: str) -> str:
        return "".join('<xs:{} value="{}"/>'.format(*facet.split("=", 1)) for facet in facets.split())

    return "".join(
        f'<xs:simpleType name="{name}"><xs:restriction base="{base}">{told(facets)}</xs:restriction></xs:simpleType>'
        for name, (base, facets) in RESTRICTIONS.items()
    )


def elements(fields: dict[str, str]) -> str:
    return "".join(f'<xs:element name="{name}" type="{kind}" minOccurs="0" nillable="true"/>' for name, kind in fields.items())


class Port:
    """A port's schema, without the port."""

    def __init__(self, head: str, *, line: str = "", most: str = "unbounded", beyond: str = "", bounds: str = "") -> None:
        given = {"head": head, "line": line or head, "most": most, "beyond": beyond, "bounds": bounds}
        content = XSD.format(namespace=NAMESPACE, types=restrictions(), entity=ENTITY, **given).encode()
        schemas = Schemas({"order.xsd": etree.fromstring(content)})
        self._checker = Checker(schemas, {"order.xsd": content})
        self.document: Document = schemas.document(f"{{{NAMESPACE}}}Order")
        self.service = Service(
            address="http://ax/p/xppservice.svc",
            port="p",
            name="OrderService",
            namespace="http://example.com/services",
            operations=("create",),
            document=self.document,
        )
        self.proved: set[object] = set()
        self.asked = 0

    def invalid(self, document: bytes) -> list[aos.SchemaProblem]:
        self.asked += 1
        return self._checker.problems(f"{{{NAMESPACE}}}Order", document)


def layout(table: Table, step: int = 1, **more: object) -> Layout:
    columns = tuple(Column(name=f.name, field=f.name) for f in table.fields if f.type is not FieldType.COMPLEX)
    nested = tuple(layout(child, step + n) for n, child in enumerate(table.children, 1))
    return Layout(step=step, entity=table.name, file="f.csv", table=table.name, columns=columns, children=nested, **more)


def known(port: Port, rows: list[Row], layout_: Layout) -> tuple[bool, bool]:
    """Whether the records are taken for proved, and whether the schema takes them."""
    writer = documents.Writer(port.service, layout_)
    written = writer.written(rows)
    proof = Proof(port, writer)
    proof.add(written)
    return proof.holds(), port.invalid(writer.create(written.records).document) == []


NASTY = [
    *("", " ", "\t", "\n", " x ", "a\r\nb", "&<>%s", "é", "\U0001f600", "\U0001f600" * 5, "\x85", "\u2028", "\ufffd", "x" * 21),
    *("0", "-0", "+7", "007", "3", "4", "-3", "-4", "2147483647", "2147483648", "-2147483649", "32768", "9" * 10, "9" * 19),
    *("9" * 26, "1.", ".5", "1.10", "1.000", "1.001", "100", "100.0001", "-0.5", "-0.51", "1e3", "1\n2", "1\n", "99999999999.1"),
    *("0000-01-01", "0001-01-01", "9999-12-31", "2011-02-29", "2012-02-29", "2011-1-1", "1999-12-31", "2011-01-01Z"),
    *("2011-01-31T24:00:00", "2011-01-31T10:00:00+15:00", "2011-01-31 10:00", "2011-01-31T10:00:00.5Z", "2011-01-31T10:00:00Z"),
    *("24:00:00", "23:59:60", "23:59:59.9", "1:30 pm", "9:05", "yes", "NO", "true", "Yes", "1", "AAA=", "abc", "ab"),
]
CELL = (
    st.sampled_from(NASTY)
    | st.text(max_size=7)
    | st.integers().map(str)
    | st.decimals(allow_nan=False, allow_infinity=False).map(str)
)


def fitting(field: Field) -> st.SearchStrategy[str]:
    """Cells that may well fit the field."""
    if field.symbols:
        return st.sampled_from(field.symbols)
    kinds = {
        FieldType.INTEGER: st.integers(-4, 4).map(str),
        FieldType.DECIMAL: st.decimals(-101, 101, places=3).map(str),
        FieldType.DATE: st.dates().map(str),
        FieldType.DATETIME: st.datetimes().map(lambda moment: moment.isoformat()),
        FieldType.TIME: st.times().map(lambda moment: moment.isoformat()),
        FieldType.BOOLEAN: st.sampled_from(["true", "false"]),
    }
    return kinds.get(field.type, st.text(max_size=min(field.max_length or 9, 21) + 1))


def rows(table: Table) -> st.SearchStrategy[Row]:
    """Rows of good cells, of which some are missing and some are anything."""
    fields = [field for field in table.fields if field.type is not FieldType.COMPLEX]
    places = st.integers(0, len(fields) - 1)
    odd = st.dictionaries(places, CELL | st.just(""), max_size=3)
    nested = st.tuples(*(st.lists(rows(child), max_size=3) for child in table.children))
    usual = [good(field) for field in fields]
    return st.builds(lambda odd, below: Row(1, [odd.get(i, cell) for i, cell in enumerate(usual)], below), odd, nested)


def good(field: Field) -> str:
    words = {FieldType.INTEGER: "-3", FieldType.DECIMAL: "1.50", FieldType.DATE: "2011-01-31", FieldType.TIME: "13:30:00"}
    words |= {FieldType.DATETIME: "2011-01-31T10:00:00Z", FieldType.BOOLEAN: "true"}
    return field.symbols[0] if field.symbols else words.get(field.type, "x" * min(field.max_length or 9, 9))


def writable(port: Port | aos.Port, given_rows: list[Row], layout_: Layout) -> list[Row]:
    """The rows without those that cannot be written at all."""
    writer = documents.Writer(port.service, layout_)

    def is_writable(row: Row) -> bool:
        try:
            writer.record(row)
        except Reject:
            return False
        return True

    return list(filter(is_writable, given_rows))


WITHIN = Port(elements(TOLD))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_proved_the_schema_takes(data):
    (table,) = WITHIN.document.tables
    left = writable(WITHIN, data.draw(st.lists(rows(table), min_size=1, max_size=4)), layout(table))
    proved, valid = known(WITHIN, left, layout(table))
    assert valid or not proved


@pytest.mark.parametrize("name", TOLD)
@given(cells=st.data())
@settings(max_examples=60, deadline=None)
def test_each_cell_that_is_proved_the_schema_takes(name, cells):
    (table,) = WITHIN.document.tables
    single = Layout(step=1, entity="e", file="f", table="Head", columns=(Column(name=name, field=name),))
    given_rows = [Row(1, [cell]) for cell in cells.draw(st.lists(CELL | fitting(table.field(name)), min_size=1, max_size=2))]
    proved, valid = known(WITHIN, writable(WITHIN, given_rows, single), single)
    assert valid or not proved


@pytest.mark.parametrize("name", TOLD)
def test_no_nasty_cell_is_proved_that_the_schema_refuses(name):
    single = Layout(step=1, entity="e", file="f", table="Head", columns=(Column(name=name, field=name),))
    for cell in NASTY:
        proved, valid = known(WITHIN, writable(WITHIN, [Row(1, [cell])], single), single)
        assert valid or not proved, cell


def test_good_rows_are_proved_and_the_schema_is_asked_once_for_each_structure():
    port = Port(elements(TOLD))
    (table,) = port.document.tables
    full = [good(field) for field in table.fields]
    line = Row(2, [good(field) for field in table.children[0].fields])
    batches = [
        [Row(1, full, [[line]])] * 3,
        [Row(1, full, [[line]])] * 2,
        [Row(1, full, [[line, line]])],
        [Row(1, full, [[line] * 9])],
        [Row(1, ["", *full[1:]], [[line]]), Row(1, full, [[]])],
        [Row(1, full, [[line, line]]), Row(1, ["", *full[1:]], [[line]])],
    ]
    asked = []
    for batch in batches:
        writer = documents.Writer(port.service, layout(table))
        proof = Proof(port, writer)
        proof.add(writer.written(batch))
        assert proof.holds()
        asked.append(port.asked)
    assert asked == [1, 1, 2, 2, 3, 4]


@pytest.mark.parametrize("name", BEYOND)
def test_a_type_that_asks_more_than_is_known_of_it_is_left_to_the_schema(name):
    port = Port(elements(BEYOND))
    field = port.document.tables[0].field(name)
    assert not field.checked
    single = Layout(step=1, entity="e", file="f", table="Head", columns=(Column(name=name, field=name),))
    cell = {FieldType.DATE: "2011-01-31", FieldType.BASE64: "AAAA"}.get(field.type, "1")
    assert known(port, [Row(1, [cell])], single)[0] is False


def test_a_mandatory_field_that_is_missing_is_left_to_the_schema_each_time():
    port = Port(elements({"A": "xs:string"}) + '<xs:element name="B" type="xs:string"/>')
    (table,) = port.document.tables
    for _ in range(2):
        assert known(port, [Row(1, ["a", ""])], layout(table)) == (False, False)
        assert known(port, [Row(1, ["a", "b"])], layout(table)) == (True, True)
        assert known(port, [Row(1, ["a", "b"]), Row(1, ["a", ""])], layout(table)) == (False, False)


def test_rows_of_which_ever_other_cells_are_filled_are_of_one_structure():
    port = Port(elements(dict.fromkeys("ABCDE", "xs:string")))
    (table,) = port.document.tables
    sparse = [Row(n, [cell if n >> place & 1 else "" for place, cell in enumerate("abcde")], [[]]) for n in range(32)]
    assert known(port, sparse, layout(table)) == (True, True)
    first_asked = port.asked
    assert known(port, sparse[::-1], layout(table)) == (True, True)
    assert known(port, [Row(1, row.cells[:n], [[]]) for n, row in enumerate(sparse)], layout(table)) == (True, True)
    assert port.asked == first_asked + 2  # only where it was asked for comparison


def test_where_elements_depend_on_each_other_missing_cells_are_left_to_the_schema():
    choice = '<xs:choice minOccurs="0"><xs:element name="Z" type="xs:string"/></xs:choice>'
    port = Port(elements({"A": "xs:string", "B": "xs:string"}) + choice)
    (table,) = port.document.tables
    assert known(port, [Row(1, ["a", "b"], [[]]), Row(1, ["a", "b"], [[]])], layout(table)) == (True, True)
    assert known(port, [Row(1, ["a", "b"], [[]]), Row(1, ["a", ""], [[]])], layout(table)) == (False, True)


@pytest.mark.parametrize("bounds", [' maxOccurs="2"', ' minOccurs="0"'])
def test_a_sequence_that_may_be_missing_or_repeat_makes_no_plain_record(bounds):
    port = Port(elements({"A": "xs:string", "B": "xs:string"}), bounds=bounds)
    (table,) = port.document.tables
    assert known(port, [Row(1, ["a", "b"], [[]]), Row(1, ["a", ""], [[]])], layout(table)) == (False, True)


def test_an_element_that_the_schema_wants_otherwise_is_found_wherever_it_is_filled():
    port = Port(elements({"A": "xs:string", "B": "t:Zoned"}))
    (table,) = port.document.tables
    missing, filled = Row(1, ["a", ""], [[]]), Row(1, ["a", "b"], [[]])
    assert known(port, [missing, missing], layout(table)) == (True, True)
    for batch in ([filled], [missing, filled], [filled, missing]):
        assert known(port, batch, layout(table)) == (False, False)


def test_a_nested_record_is_judged_wherever_it_stands():
    mandatory = '<xs:element name="B" type="xs:string"/>'
    port = Port(elements({"A": "xs:string", "C": "xs:string"}), line=elements({"A": "xs:string"}) + mandatory)
    (table,) = port.document.tables
    good_line, bad_line = Row(2, ["a", "b"]), Row(3, ["a", ""])
    usual, sparse = Row(1, ["a", "c"], [[good_line, good_line]]), Row(1, ["a", ""], [[good_line, good_line]])
    assert known(port, [usual, sparse, usual], layout(table)) == (True, True)
    for lines in ([bad_line, good_line], [good_line, bad_line]):
        for bad in (Row(1, ["a", "c"], [lines]), Row(1, ["a", ""], [lines])):
            for batch in ([bad], [usual, bad], [usual, sparse, usual, bad], [bad, sparse]):
                assert known(port, batch, layout(table)) == (False, False)


def test_a_limit_on_nested_records_is_left_to_the_schema():
    port = Port(elements({"A": "xs:string"}), most="2")
    (table,) = port.document.tables
    line = Row(2, ["b"])
    expected = {0: True, 1: True, 2: True, 3: False}
    assert {n: known(port, [Row(1, ["a"], [[line] * n])], layout(table)) for n in expected} == {
        n: (valid, valid) for n, valid in expected.items()
    }


def test_values_that_must_be_unique_are_left_to_the_schema():
    unique = '<xs:unique name="u"><xs:selector xpath="t:Head"/><xs:field xpath="t:A"/></xs:unique>'
    port = Port(elements({"A": "xs:string"}), beyond=unique)
    (table,) = port.document.tables
    assert known(port, [Row(1, ["a"]), Row(2, ["b"])], layout(table)) == (False, True)
    assert known(port, [Row(1, ["a"]), Row(2, ["a"])], layout(table)) == (False, False)


def test_a_constant_is_part_of_the_structure():
    port = Port(elements({"A": "t:Short", "B": "xs:string"}))
    table = Table.model_validate(port.document.tables[0].model_dump() | {"children": ()})
    for constant, valid in (("ab", True), ("abc", False)):
        # The field's own facets would refuse it before: here only the schema knows them.
        loose = [field.model_copy(update={"max_length": None}) for field in table.fields]
        known_table = table.model_copy(update={"fields": tuple(loose)})
        port.service = port.service.model_copy(update={"document": port.document.model_copy(update={"tables": (known_table,)})})
        columns = (Column(name="B", field="B"),)
        fixed = Layout(step=1, entity="e", file="f", table="Head", columns=columns, constants={"A": constant})
        assert known(port, [Row(1, ["b"])], fixed) == (valid, valid)


def test_a_text_that_is_too_long_for_the_schemas_parser_is_not_taken_for_good():
    port = Port(elements({"A": "xs:string"}))
    (table,) = port.document.tables
    assert known(port, [Row(1, ["x" * 10_100_000])], layout(table)) == (False, False)


@pytest.fixture(scope="module", params=["UploadInventService", "UploadCustomerService", "UploadPurchOrderService"])
def real(request) -> Iterator[aos.Port]:
    if not CONTRACTS.is_dir():
        pytest.skip("the folder of real AX 2012 contracts is not here")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in (CONTRACTS / request.param).iterdir():
            archive.write(file, file.name)
    door = aos.Door()
    found = aos.read_metadata(door, [ADDRESS], contract_zip=packed.getvalue())
    (service,) = found.services
    target = Target(address=service.address, port=service.port, service=service.name, contract=found.fingerprint)
    return aos.open_port(door, target, company="USMF", language="en-us", partition=None, contract_zip=packed.getvalue())


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_what_is_proved_a_real_schema_takes(real, data):
    (table,) = real.service.document.tables
    left = writable(real, data.draw(st.lists(rows(table), min_size=1, max_size=3)), layout(table))
    proved, valid = known(real, left, layout(table))
    assert valid or not proved


@pytest.fixture(scope="module", params=["CustGroup", "TaxRate", "Journal", "Note"])
def simulated(request, shared_aos) -> aos.Port:
    return shared_aos.open(request.param)


@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_what_is_proved_the_schema_of_a_simulated_port_takes(simulated, data):
    (table,) = simulated.service.document.tables
    left = writable(simulated, data.draw(st.lists(rows(table), min_size=1, max_size=3)), layout(table))
    proved, valid = known(simulated, left, layout(table))
    assert valid or not proved


def test_good_rows_of_a_simulated_port_are_proved(simulated):
    (table,) = simulated.service.document.tables
    lines = [[Row(2, [good(field) for field in child.fields])] * 2 for child in table.children]
    cells = [good(table.field(column.field)) for column in layout(table).columns]
    assert known(simulated, [Row(1, cells, lines)] * 3, layout(table)) == (True, True)


def test_a_batch_of_proved_structure_is_still_told_its_bad_cells(ax):
    port = ax.open("CustGroup")
    usual = {"CustGroup": "A", "Name": "Domestic", "TaxIncluded": "Yes", "Limit": "1.50", "Since": "2011-01-31"}
    bad = {"Name": "x" * 21, "Since": "2011-02-29", "Limit": "1,5", "TaxIncluded": "maybe", "CustGroup": ""}
    groups = conftest.layout("CustGroup", *usual)

    def loaded(number: int, **cells: str) -> Outcomes:
        two = [usual | {"CustGroup": f"A{number}"}, usual | {"CustGroup": f"B{number}"} | cells]
        ref = BatchRef(job="j1", step=1, batch=number)
        message = conftest.batch(groups, [list(row.values()) for row in two], mode="create", ref=ref)
        return tables.run(message, port=port, ask=conftest.Dispatcher()).outcomes

    assert loaded(1).letters == "cc"
    assert port.proved
    for number, (name, cell) in enumerate(bad.items(), 2):
        outcomes = loaded(number, **{name: cell})
        assert (name, outcomes.letters) == (name, "cf")
        assert [(problem.field, problem.value) for problem in outcomes.problems] == [(name, cell)]


def test_good_rows_of_a_real_contract_are_proved(real):
    """Unless a field is among them of which its contract asks more than is known."""
    (table,) = real.service.document.tables
    columns = tuple(Column(name=f.name, field=f.name) for f in table.fields if f.checked)
    checked = Layout(step=1, entity="e", file="f", table=table.name, columns=columns)
    cells = [good(table.field(column.field)) for column in columns]
    assert len(cells) > 30
    assert known(real, [Row(1, cells)] * 3, checked) == (True, True)
