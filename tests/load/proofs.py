"""A port's schema without the port, rows to write by it, and whether their records are taken for proved."""

from hypothesis import strategies as st
from lxml import etree

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout
from connector.wire.metadata import Document, Field, FieldType, Service, Table
from workers import aos, documents
from workers.aos.checking import Checker
from workers.aos.describing import Schemas
from workers.errors import Reject
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
