"""Real contracts, read from a folder in a zip: services, documents, facets, fingerprint, schema checks."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connector.wire.jobs import Target
from connector.wire.metadata import Field, FieldType, Service, Table
from workers import aos, contract
from workers.errors import GiveUp

ZipOf = Callable[[str], bytes]
ADDRESS = "http://aos01:8080/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"
EIGHT = ("create", "delete", "find", "findKeys", "getChangedKeys", "getKeys", "read", "update")


def service_of(zipped: ZipOf, name: str) -> Service:
    (service,) = aos.read_metadata(aos.Door(), [ADDRESS, "http://aos01:8080/other.svc"], contract_zip=zipped(name)).services
    return service


def table_of(service: Service) -> Table:
    assert service.document is not None
    return service.document.tables[0]


def field_of(table: Table, name: str) -> Field:
    field = table.field(name)
    assert field is not None
    return field


@pytest.mark.parametrize(
    ("folder", "port", "service", "operations", "document", "table", "fields"),
    [
        ("UploadInventService", "TecInventService", "TEC_STG_InventService", EIGHT, "TEC_STG_Invent", "TEC_STG_InventTable", 41),
        (
            "UploadCustomerService",
            "QTQCustService",
            "QTQ_STG_CustomerService",
            ("create", "find", "read", "update"),
            "QTQ_STG_Customer",
            "STG_CustTable",
            71,
        ),
        (
            "UploadPurchOrderService",
            "TECPurchOrderService",
            "TEC_STG_PurchOrderService",
            EIGHT,
            "TEC_STG_PurchOrder",
            "TEC_STG_PurchTable",
            45,
        ),
    ],
)
def test_a_document_service_is_read_whole(
    zipped: ZipOf, folder: str, port: str, service: str, operations: tuple[str, ...], document: str, table: str, fields: int
) -> None:
    found = service_of(zipped, folder)
    assert (found.name, found.operations, found.namespace) == (service, operations, "http://tempuri.org")
    assert (found.port, found.address) == (port, f"http://aos01:8080/MicrosoftDynamicsAXAif60/{port}/xppservice.svc")
    assert found.document is not None
    assert found.document.name == document
    assert found.document.namespace == f"http://schemas.microsoft.com/dynamics/2008/01/documents/{document}"
    assert found.document.order == ("ClearNilFieldsOnUpdate", "DocPurpose", "SenderId", table)
    assert (table_of(found).name, len(table_of(found).fields)) == (table, fields)


def test_every_field_and_its_order_come_from_the_schema(zipped: ZipOf, contracts: Path) -> None:
    schema = etree.parse(contracts / "UploadPurchOrderService" / "xppservice141.xsd")
    names = schema.xpath("//*[@name='AxdEntity_TEC_STG_PurchTable']//*[local-name()='element']/@name")
    table = table_of(service_of(zipped, "UploadPurchOrderService"))
    assert list(table.order) == names
    assert [field.name for field in table.fields] == names[:-1]
    assert [(child.name, len(child.fields)) for child in table.children] == [("TEC_STG_PurchLine", 25)]


def test_types_and_facets(zipped: ZipOf) -> None:
    customer = table_of(service_of(zipped, "UploadCustomerService"))
    order = table_of(service_of(zipped, "UploadPurchOrderService"))
    invent = table_of(service_of(zipped, "UploadInventService"))
    group = field_of(customer, "CustGroup")
    assert (group.type, group.type_name, group.max_length, group.label) == (
        FieldType.STRING,
        "AxdExtType_CustGroupId",
        10,
        "Customer group",
    )
    assert not group.mandatory
    assert group.nillable
    assert field_of(customer, "Blocked").symbols == ("No", "Invoice", "All", "Payment", "Requisition", "Never")
    assert field_of(customer, "CreditMax").type is FieldType.DECIMAL
    assert field_of(customer, "ProcessedDate").type is FieldType.DATE
    assert field_of(customer, "ProcessedTime").type is FieldType.TIME
    recid = field_of(customer, "RecId")
    assert (recid.type, recid.minimum, recid.maximum) == (FieldType.INTEGER, "-9223372036854775808", "9223372036854775807")
    assert field_of(order, "DefaultDimension").type is FieldType.COMPLEX
    assert field_of(invent, "Bossf_Group").type is FieldType.COMPLEX
    union = field_of(order, "InventSiteId")  # texts of at most 7 or at most 50 characters
    assert (union.type, union.max_length) == (FieldType.STRING, 50)


def changed(contract_zip: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(contract_zip)) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return packed.getvalue()


def fingerprint(contract_zip: bytes) -> str:
    return aos.read_metadata(aos.Door(), [ADDRESS], contract_zip=contract_zip).fingerprint


def test_the_fingerprint_knows_the_contract_and_nothing_around_it(zipped: ZipOf) -> None:
    given = zipped("UploadCustomerService")
    same = fingerprint(given)
    assert len(same) == 64
    assert fingerprint(changed(given, lambda _, content: content.replace(b"aos.example:82", b"other.example"))) == same
    assert fingerprint(changed(given, lambda _, content: content.replace(b"Customer group:", b"Debitorengruppe:"))) == same
    basic = changed(given, lambda _, content: content.replace(b"http:NegotiateAuthentication", b"http:BasicAuthentication"))
    assert fingerprint(basic) == same
    unused = b'<xs:simpleType name="AxdExtType_NobodyUsesMe"><xs:restriction base="xs:string"/></xs:simpleType></xs:schema>'
    assert (
        fingerprint(
            changed(
                given, lambda name, content: content.replace(b"</xs:schema>", unused) if name == "xppservice6.xsd" else content
            )
        )
        == same
    )
    longer = changed(given, lambda _, content: content.replace(b'<xs:maxLength value="10"/>', b'<xs:maxLength value="12"/>'))
    assert fingerprint(longer) != same
    assert fingerprint(zipped("UploadInventService")) != same


@pytest.mark.parametrize("folder", ["MetadataService", "QueryService", "UserSessionService"])
def test_a_contract_without_an_http_port_is_refused_with_a_sentence(zipped: ZipOf, folder: str) -> None:
    with pytest.raises(GiveUp, match="no service over HTTP"):
        aos.read_metadata(aos.Door(), [ADDRESS], contract_zip=zipped(folder))


@pytest.mark.parametrize(
    ("addresses", "place"),
    [
        ([], "http://aos.example:82/MicrosoftDynamicsAXAif60/QTQCustService/xppservice.svc"),
        ([ADDRESS], ADDRESS),
        ([ADDRESS, "https://aos02/x.svc"], "http://aos01:8080/MicrosoftDynamicsAXAif60/QTQCustService/xppservice.svc"),
        (
            [ADDRESS, "https://aos02/microsoftdynamicsaxaif60/qtqcustservice/XPPSERVICE.svc"],
            "https://aos02/microsoftdynamicsaxaif60/qtqcustservice/XPPSERVICE.svc",
        ),
    ],
)
def test_where_the_port_of_a_folder_is_called(zipped: ZipOf, addresses: list[str], place: str) -> None:
    (service,) = aos.read_metadata(aos.Door(), addresses, contract_zip=zipped("UploadCustomerService")).services
    assert service.address == place


def port_of(contract_zip: bytes, **other: str) -> aos.Port:
    door = aos.Door()
    found = aos.read_metadata(door, [ADDRESS], contract_zip=contract_zip)
    service = found.services[0]
    named = {"address": service.address, "port": service.port, "service": service.name, "contract": found.fingerprint}
    return aos.open_port(
        door, Target(**(named | other)), company="USMF", language="en-us", partition=None, contract_zip=contract_zip
    )


def test_a_port_opens_on_the_contract_that_was_planned_with(zipped: ZipOf) -> None:
    given = zipped("UploadCustomerService")
    assert port_of(given).service.name == "QTQ_STG_CustomerService"
    with pytest.raises(GiveUp, match="has changed"):
        port_of(given, contract="0" * 64)
    with pytest.raises(GiveUp, match=r"no service CustGroupService; it offers QTQ_STG_CustomerService\."):
        port_of(given, service="CustGroupService")


def test_a_contract_that_was_read_need_not_be_given_again(zipped: ZipOf) -> None:
    given, door = zipped("UploadCustomerService"), aos.Door()
    found = aos.read_metadata(door, [ADDRESS], contract_zip=given)
    service = found.services[0]
    target = Target(address=service.address, port=service.port, service=service.name, contract=found.fingerprint)
    assert aos.knows(door, target)
    assert not aos.knows(aos.Door(), target)
    assert aos.open_port(door, target, company="USMF", language="en-us", partition=None).service == service


def document(*rows: str) -> bytes:
    lines = "\n".join(f'<STG_CustTable class="entity">{row}</STG_CustTable>' for row in rows)
    return f'<QTQ_STG_Customer xmlns="http://schemas.microsoft.com/dynamics/2008/01/documents/QTQ_STG_Customer">\n{lines}\n</QTQ_STG_Customer>'.encode()


def test_the_schema_finds_each_fault_on_its_line(zipped: ZipOf) -> None:
    port = port_of(zipped("UploadCustomerService"))
    good = "<AccountNum>1</AccountNum><Blocked>No</Blocked>"
    assert port.invalid(document(good, good)) == []
    problems = port.invalid(
        document(
            good,
            "<AccountNum>123456789012345678901</AccountNum>",
            "<Blocked>Perhaps</Blocked>",
            "<Blocked>No</Blocked><AccountNum>1</AccountNum>",
            "<ProcessedDate>31.1.2011</ProcessedDate>",
            "<Nonsense/>",
            good,
        )
    )
    assert [(problem.line, problem.element) for problem in problems] == [
        (3, "AccountNum"),
        (4, "Blocked"),
        (5, "AccountNum"),
        (6, "ProcessedDate"),
        (7, "Nonsense"),
    ]
    assert "maxLength" in problems[0].message
    assert "{'No', 'Invoice', 'All', 'Payment', 'Requisition', 'Never'}" in problems[1].message
    assert not any("http://" in problem.message for problem in problems)


def test_one_mistake_is_one_problem(zipped: ZipOf) -> None:
    port = port_of(zipped("UploadPurchOrderService"))
    content = (
        b'<TEC_STG_PurchOrder xmlns="http://schemas.microsoft.com/dynamics/2008/01/documents/TEC_STG_PurchOrder">'
        b'<TEC_STG_PurchTable class="entity"><DefaultDimension>001</DefaultDimension></TEC_STG_PurchTable></TEC_STG_PurchOrder>'
    )
    (problem,) = port.invalid(content)
    assert problem.element == "DefaultDimension"


def test_times_pass_although_the_contract_s_pattern_is_written_for_dotnet(zipped: ZipOf) -> None:
    port = port_of(zipped("UploadCustomerService"))
    assert port.invalid(document("<ProcessedTime>23:59:00</ProcessedTime>")) == []
    assert [problem.element for problem in port.invalid(document("<ProcessedTime>24:00:00Z</ProcessedTime>"))] == [
        "ProcessedTime"
    ]


def test_a_document_that_is_no_xml_is_one_problem(zipped: ZipOf) -> None:
    (problem,) = port_of(zipped("UploadCustomerService")).invalid(document("<AccountNum>1"))
    assert problem.line == 2


CELLS = st.fixed_dictionaries(
    {},
    optional={
        "AccountNum": st.text("0aÄ ", min_size=18, max_size=22),
        "Blocked": st.sampled_from(["No", "no", "All", ""]),
        "CreditMax": st.sampled_from(["1", "1.5", ".5", "1,5", "1e5", "", "-0.00000000000000000001", "1.000000000000000000001"]),
        "ProcessedDate": st.sampled_from(["2011-01-31", "2011-02-31", "2011-01-31Z", ""]),
        "RecId": st.sampled_from(["0", "9223372036854775807", "9223372036854775808", "x"]),
        "RecVersion": st.sampled_from(["1", "2147483648"]),
    },
)


@given(st.lists(CELLS, max_size=4))
def test_a_pruned_contract_judges_as_the_whole_one_does(
    unpruned: etree.XMLSchema, pruned: aos.Port, rows: list[dict[str, str]]
) -> None:
    order = table_of(pruned.service).order
    given_rows = ["".join(f"<{name}>{row[name]}</{name}>" for name in order if name in row) for row in rows]
    content = document(*given_rows)
    whole = [] if unpruned.validate(etree.fromstring(content)) else sorted({error.line for error in unpruned.error_log})
    assert sorted({problem.line for problem in pruned.invalid(content)}) == whole


@pytest.fixture(scope="module")
def pruned(zipped: ZipOf) -> aos.Port:
    return port_of(zipped("UploadCustomerService"))


@pytest.fixture(scope="module")
def unpruned(contracts: Path) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(contracts / "UploadCustomerService" / "xppservice3.xsd"))


def test_every_enumeration_of_the_contract_passes_its_own_schema(zipped: ZipOf) -> None:
    port = port_of(zipped("UploadCustomerService"))
    for field in table_of(port.service).fields:
        for symbol in field.symbols:
            row = f"<{field.name}>{contract.lexical(field, symbol.lower())}</{field.name}>"
            assert port.invalid(document(row)) == [], field


def test_the_composed_examples_fit_the_contract(zipped: ZipOf, examples: Path) -> None:
    port = port_of(zipped("UploadInventService"))
    for name in ("create_request", "update_request"):
        tree = etree.parse(examples / f"{name}.xml")
        (inside,) = tree.xpath("//*[local-name()='TEC_STG_Invent']")
        assert port.invalid(etree.tostring(inside, with_tail=False)) == []


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "no WSDL"),
        ({"a.wsdl": b"<html"}, "not XML"),
        ({"a.wsdl": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'}, "document type"),
        (
            {
                "a.wsdl": b'<d:definitions xmlns:d="http://schemas.xmlsoap.org/wsdl/"><d:import namespace="u" location="b.wsdl"/>'
                b'<d:service name="s"/></d:definitions>'
            },
            "has no b.wsdl",
        ),
        (
            {
                "a.wsdl": b'<d:definitions xmlns:d="http://schemas.xmlsoap.org/wsdl/">'
                b'<d:import namespace="u" location="../../etc/passwd"/><d:service name="s"/></d:definitions>'
            },
            "has no ../../etc/passwd",
        ),
    ],
)
def test_a_contract_folder_that_cannot_be_read(files: dict[str, bytes], sentence: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(GiveUp, match=sentence):
        aos.read_metadata(aos.Door(), [ADDRESS], contract_zip=packed.getvalue())


MEASURED = """
import sys
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
from workers import aos
before = resident()
door = aos.Door()
for name in sys.argv[1:]:
    content = open(name, "rb").read()
    for contract in door.contracts([], contract_zip=content):
        (service,) = contract.services
        root = service.document
        assert contract.invalid(service.name, f'<{root.name} xmlns="{root.namespace}"/>'.encode()) == []
print((resident() - before) // 1000, "spnego" in sys.modules)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_three_contracts_and_their_schemas_fit_a_worker(zipped: ZipOf, tmp_path: Path) -> None:
    files = []
    for name in ("UploadInventService", "UploadCustomerService", "UploadPurchOrderService"):
        (tmp_path / name).write_bytes(zipped(name))
        files.append(str(tmp_path / name))
    command = [sys.executable, "-c", MEASURED, *files]
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    kilobytes, windows = ran.stdout.split()
    assert int(kilobytes) < 35_000  # with all shared types: over 100,000
    assert windows == "False"  # 12 MB that only Windows authentication needs


def test_what_is_no_zip_is_refused() -> None:
    with pytest.raises(GiveUp, match="cannot be unpacked"):
        aos.read_metadata(aos.Door(), [ADDRESS], contract_zip=b"PK but no zip")
