"""For contracts of real installations: the same infoset as zeep writes, and nothing that the port's own schema refuses."""

import io
import os
import zipfile
from datetime import datetime, time
from pathlib import Path

import pytest
import zeep
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.wire import values
from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout, Target
from connector.wire.metadata import Field, FieldType, Table
from workers import aos, documents

SHARED = Path(os.environ.get("RAPIDSTART_SHARED") or Path(__file__).resolve().parents[3] / "shared")
CONTRACTS = SHARED / "ax2012" / "contracts"
pytestmark = pytest.mark.skipif(not CONTRACTS.is_dir(), reason="the folder of real AX 2012 contracts is not here")

ADDRESS = "http://aos.example/MicrosoftDynamicsAXAif60/p/xppservice.svc"
PRINTABLE = st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=("Cs", "Cc"))
MOMENTS = st.datetimes(*(datetime.combine(day, time()) for day in (values.FIRST_DAY, values.LAST_DAY)))
BY_TYPE = {
    FieldType.INTEGER: st.integers(0, 9).map(str),
    FieldType.DECIMAL: st.decimals(min_value=-999, max_value=999, places=2).map(str),
    FieldType.DATE: st.dates(values.FIRST_DAY, values.LAST_DAY).map(str),
    FieldType.DATETIME: MOMENTS.map(lambda moment: moment.replace(microsecond=0).isoformat()),
    FieldType.TIME: st.times().map(lambda moment: moment.replace(microsecond=0).isoformat()),
    FieldType.BOOLEAN: st.sampled_from(["true", "false"]),
}


@pytest.fixture(scope="module", params=["UploadInventService", "UploadCustomerService", "UploadPurchOrderService"])
def contract(request):
    folder = CONTRACTS / request.param
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    door = aos.Door()
    found = aos.read_metadata(door, [ADDRESS], contract_zip=packed.getvalue())
    (service,) = found.services
    target = Target(address=service.address, port=service.port, service=service.name, contract=found.fingerprint)
    port = aos.open_port(door, target, company="USMF", language="en-us", partition=None, contract_zip=packed.getvalue())
    client = zeep.Client(str(next(folder.glob("RoutingService*.wsdl"))))
    return service, port, client.bind("RoutingService", f"BasicHttpBinding_{service.name}"), client


def writable(table: Table) -> list[Field]:
    skip = {"_DocumentHash", "RecId", "RecVersion"}
    return [field for field in table.fields if field.name not in skip and field.type in {FieldType.STRING, *BY_TYPE}]


def layout(table: Table, step: int = 1) -> Layout:
    columns = tuple(Column(name=field.name, field=field.name) for field in writable(table))
    nested = tuple(layout(child, step + n) for n, child in enumerate(table.children, 1))
    return Layout(step=step, entity=table.name, file="f.csv", table=table.name, columns=columns, children=nested)


def cell(field: Field) -> st.SearchStrategy[str]:
    if field.symbols:
        return st.sampled_from(field.symbols)
    if field.type is FieldType.STRING:
        return st.text(PRINTABLE, min_size=1, max_size=min(field.max_length or 20, 20))
    return BY_TYPE[field.type]


def rows(table: Table) -> st.SearchStrategy[Row]:
    cells = st.tuples(*(cell(field) if field.mandatory else st.just("") | cell(field) for field in writable(table)))
    nested = st.tuples(*(st.lists(rows(child), max_size=2) for child in table.children))
    return st.builds(lambda number, given, below: Row(number, list(given), below), st.integers(1, 99), cells, nested)


def as_zeep(table: Table, row: Row) -> dict[str, object]:
    values: dict[str, object] = {"class": "entity", "action": "create"}
    values |= {field.name: text for field, text in zip(writable(table), row.cells, strict=True) if text}
    for child, below in zip(table.children, row.children, strict=False):
        values[child.name] = [as_zeep(child, nested) for nested in below]
    return values


def infoset(element: etree._Element) -> object:
    return (
        element.tag,
        dict(element.attrib),
        (element.text or "").strip() if len(element) else element.text,
        [*map(infoset, element)],
    )


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_document_suits_the_schema_and_is_what_zeep_would_write(contract, data):
    service, port, proxy, client = contract
    (table,) = service.document.tables
    given_rows = data.draw(st.lists(rows(table), min_size=1, max_size=3))
    writer = documents.Writer(service, layout(table))
    body = writer.create([writer.record(row) for row in given_rows])
    assert port.invalid(body.document) == []
    message = client.create_message(proxy, "create", {table.name: [as_zeep(table, row) for row in given_rows]})
    theirs = next(message.iter(f"{{{service.namespace}}}{service.name}CreateRequest"))
    assert infoset(etree.fromstring(body.request)) == infoset(theirs)


def test_a_schema_error_names_the_line_of_its_row(contract):
    service, port, _, _ = contract
    (table,) = service.document.tables
    bounded = next(field for field in writable(table) if field.max_length and not field.symbols)
    mandatory = [field for field in writable(table) if field.mandatory and field.name != bounded.name]
    names = [bounded.name, *(field.name for field in mandatory)]
    columns = tuple(Column(name=name, field=name) for name in names)
    writer = documents.Writer(service, Layout(step=1, entity="e", file="f", table=table.name, columns=columns))
    given_rows = [Row(n, ["x" * (bounded.max_length + (n == 3)), *("1" for _ in mandatory)]) for n in range(5)]
    problems = port.invalid(writer.create([writer.record(row) for row in given_rows]).document)
    assert {problem.line for problem in problems} == {3 + 2}
    assert {problem.element for problem in problems} == {bounded.name}


@pytest.mark.parametrize("contract", ["UploadInventService"], indirect=True)
def test_the_composed_example_is_what_is_written(contract):
    service, _, _, _ = contract
    example = SHARED / "ax2012" / "examples" / "create_request.xml"
    body = etree.parse(example).getroot()[1][0]
    (table,) = service.document.tables
    columns = (Column(name="Item", field="ItemId"), Column(name="Text", field="Description_2"))
    writer = documents.Writer(service, Layout(step=1, entity="e", file="f", table=table.name, columns=columns))
    written = writer.create([writer.record(Row(n, [f"C-000{n}", "composed sample"])) for n in (1, 2)])
    assert infoset(etree.fromstring(written.request)) == infoset(body)
