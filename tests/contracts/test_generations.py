"""Records that are derived through several generations, as AX' parties are, in a schema so large that it is cut down."""

import pytest
from lxml import etree

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout
from tests.contracts.cases import of
from tests.contracts.invented import document, nested, record, text
from tests.contracts.serving import ADDRESS, Read, opened, zipped
from workers import aos
from workers.documents import Writer

NAMESPACE = "http://schemas.microsoft.com/dynamics/2008/01/documents/Odd"


def derived(name: str, base: str, content: str, *, abstract: bool = False) -> str:
    mark = ' abstract="true"' if abstract else ""
    return (
        f'<xs:complexType name="AxdEntity_{name}"{mark}><xs:complexContent>'
        f'<xs:extension base="tns:AxdEntity_{base}"><xs:sequence>'
        f"{content}</xs:sequence></xs:extension></xs:complexContent></xs:complexType>"
    )


FILLING = "".join(
    f'<xs:simpleType name="Unused{number}"><xs:restriction base="xs:string"/></xs:simpleType>' for number in range(120)
)
PARTIES = of(
    document("Odd", "Customer")
    + record("Customer", text("Id", least=1) + nested("Party"))
    + record("Party", text("Name")).replace('name="AxdEntity_Party"', 'name="AxdEntity_Party" abstract="true"')
    + derived("Party_Person", "Party", text("Anniversary") + nested("PersonName"))
    + derived("Party_Base", "Party", text("PhoneticName"), abstract=True)
    + derived("Party_Organization", "Party_Base", text("ABCCode", "st:Code4"))
    + derived("Party_Internal", "Party_Base", text("Number"))
    + derived("Party_Company", "Party_Internal", text("DataArea", "st:Code4", least=1))
    + record("PersonName", text("First") + text("Last"))
    + FILLING
)
#: Derived type, and the fields that a record of it has, in their order.
TYPES = {
    "AxdEntity_Party_Person": ["Name", "Anniversary"],
    "AxdEntity_Party_Organization": ["Name", "PhoneticName", "ABCCode"],
    "AxdEntity_Party_Internal": ["Name", "PhoneticName", "Number"],
    "AxdEntity_Party_Company": ["Name", "PhoneticName", "Number", "DataArea"],
}


@pytest.fixture(scope="module")
def read() -> Read:
    return opened(aos.Door(), ADDRESS, contract_zip=zipped(PARTIES.files()))


def test_every_type_that_a_record_may_have_is_told_with_all_of_its_fields(read: Read) -> None:
    assert read.service.document is not None
    (party,) = read.service.document.tables[0].children
    assert party.abstract
    known = {one.type_name: [f.name for f in one.fields if not f.name.startswith(("_", "Rec"))] for one in party.derived}
    assert known == TYPES
    assert [child.name for child in party.derived[0].children] == ["PersonName"]


@pytest.mark.parametrize("name", TYPES)
def test_a_record_of_each_type_suits_the_schema(read: Read, name: str) -> None:
    columns = tuple(Column(name=field, field=field) for field in TYPES[name])
    party = Layout(step=2, entity="p", file="p.csv", table="Party", type=name, columns=columns)
    customers = Layout(
        step=1, entity="c", file="c.csv", table="Customer", columns=(Column(name="Id", field="Id"),), children=(party,)
    )
    writer = Writer(read.service, customers)
    row = Row(2, ["C1"], [[Row(2, [f"T{number}" for number, _ in enumerate(columns)])]])
    body = writer.create([writer.record(row)])
    assert read.port.invalid(body.document) == []
    (found,) = etree.fromstring(body.document).iter(f"{{{NAMESPACE}}}Party")
    assert found.get("{http://www.w3.org/2001/XMLSchema-instance}type") == name
    assert [etree.QName(child).localname for child in found] == TYPES[name]


def test_an_abstract_record_is_not_written_as_it_is(read: Read) -> None:
    party = Layout(step=2, entity="p", file="p.csv", table="Party", columns=(Column(name="Name", field="Name"),))
    customers = Layout(
        step=1, entity="c", file="c.csv", table="Customer", columns=(Column(name="Id", field="Id"),), children=(party,)
    )
    writer = Writer(read.service, customers)
    body = writer.create([writer.record(Row(2, ["C1"], [[Row(2, ["N"])]]))])
    (problem,) = read.port.invalid(body.document)
    assert problem.element == "Party"
    assert "abstract" in problem.message
