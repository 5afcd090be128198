"""Random rows of real contracts: what is written suits the port's own schema, and is what zeep writes of the same values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import zeep
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.wire.jobs import Layout
from connector.wire.reports import Before
from tests.contracts import drawing, xsd
from tests.contracts.canonical import as_zeep, by_zeep, infoset
from tests.contracts.drawing import Drawn
from tests.contracts.serving import ADDRESS, Read, key_fields, layout_of, opened, row_of, zipped
from tests.contracts.xsd import Record
from workers import aos
from workers.documents import Writer, nested_path

#: Folder of a contract, and its document.
CONTRACTS = {
    "UploadInventService": "TEC_STG_Invent",
    "UploadCustomerService": "QTQ_STG_Customer",
    "UploadPurchOrderService": "TEC_STG_PurchOrder",
}
#: Rows are wide: to shrink one that fails takes longer than to look at it.
PLENTY = settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
KEY = {"AccountNum": "1000"}


@dataclass(frozen=True, kw_only=True)
class Studied:
    """A contract folder, read by the worker, by zeep, and by the tests themselves."""

    record: Record
    read: Read
    layout: Layout
    keys: dict[str, str]
    client: zeep.Client
    schema: etree.XMLSchema
    """of the document, whole and as it was published"""


@pytest.fixture(scope="module", params=CONTRACTS)
def studied(request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Studied:
    folder = shared / "contracts" / request.param
    files = xsd.files_of(folder)
    document = CONTRACTS[request.param]
    namespace = f"http://schemas.microsoft.com/dynamics/2008/01/documents/{document}"
    (record,) = xsd.read(files).roots(f"{{{namespace}}}{document}")
    read = opened(aos.Door(), ADDRESS, contract_zip=zipped(files))
    keys = key_fields(record)
    place = next(name for name, content in files.items() if f'targetNamespace="{namespace}"'.encode() in content)
    return Studied(
        record=record,
        read=read,
        layout=layout_of(read, record, keys=keys, structures=True),
        keys=keys,
        client=zeep.Client(str(next(folder.glob("RoutingService*.wsdl")))),
        schema=compiled(files, place, tmp_path_factory.mktemp("schemas")),
    )


def compiled(files: dict[str, bytes], place: str, folder: Path) -> etree.XMLSchema:
    """A schema with its patterns as .NET, for which they were written, reads them: without anchors."""
    for name, content in files.items():
        (folder / name).write_bytes(re.sub(rb'(<xs:pattern value=")\^([^"]*)\$"', rb'\1\2"', content))
    return etree.XMLSchema(file=str(folder / place))


def drawn_rows(studied: Studied, data: st.DataObject, *, structures: bool = False) -> list[Drawn]:
    rows = data.draw(st.lists(drawing.records(studied.record, keys=studied.keys, structures=structures), min_size=1, max_size=3))
    drawing.numbered(rows, keys=studied.keys, start="K")
    return rows


def theirs(studied: Studied, operation: str, **arguments: object) -> object:
    return infoset(by_zeep(studied.client, studied.read.service, operation, **arguments))


@given(data=st.data())
@PLENTY
def test_a_create_suits_the_schema_and_is_what_zeep_writes(studied: Studied, data: st.DataObject) -> None:
    rows = drawn_rows(studied, data, structures=True)
    writer = Writer(studied.read.service, studied.layout)
    body = writer.create(writer.written([row_of(one, studied.layout) for one in rows]).records)
    assert studied.read.port.invalid(body.document) == []
    assert studied.schema.validate(etree.fromstring(body.document)), studied.schema.error_log
    records = [as_zeep(one, studied.record, studied.layout) for one in rows]
    document = studied.read.service.document
    assert document is not None
    assert infoset(etree.fromstring(body.request)) == theirs(studied, "create", **{document.name: {studied.record.name: records}})


def was(drawn: Drawn, keys: dict[str, str], *, path: str = "") -> Iterator[str]:
    """The names of all that an update writes: every field, and each second nested record as a new one."""
    yield from (path + name for name in drawn.values if name != keys.get(drawn.table))
    for table, nested in drawn.below.items():
        for number, one in enumerate(nested, 1):
            name = nested_path(path, table=table, number=number)
            yield from was(one, keys, path=f"{name}/") if number % 2 else (name,)


def updated(drawn: Drawn, record: Record, layout: Layout, *, action: str = "update") -> dict[str, object]:
    """The same as the arguments of a program that uses zeep; a record with nothing to say is not there."""
    given_values = dict(as_zeep(replace(drawn, below={}), record, layout, action=action))
    for part, child in ((p, c) for p in record.parts for c in layout.children if p.record is not None and p.name == c.table):
        given_values[part.name] = [
            updated(one, part.record, child, action="create" if action == "create" or number % 2 else "update")
            for number, one in enumerate(drawn.below[part.name])
            if action == "create" or number % 2 or len(one.values) > 1  # besides its key, of which nothing changes
        ]
    return given_values


@given(data=st.data())
@PLENTY
def test_an_update_suits_the_schema_and_is_what_zeep_writes(studied: Studied, data: st.DataObject) -> None:
    rows = drawn_rows(studied, data)
    writer = Writer(studied.read.service, studied.layout)
    before = [Before(hash="0af3", values=dict.fromkeys(was(one, studied.keys))) for one in rows]
    records = [writer.changed(row_of(one, studied.layout), told) for one, told in zip(rows, before, strict=True)]
    body = writer.update([KEY] * len(rows), records)
    assert studied.read.port.invalid(body.document) == []
    assert studied.schema.validate(etree.fromstring(body.document)), studied.schema.error_log
    document = studied.read.service.document
    assert document is not None
    values = [{"_DocumentHash": "0af3", **updated(one, studied.record, studied.layout)} for one in rows]
    keys = [{"KeyData": {"KeyField": [{"Field": name, "Value": value} for name, value in KEY.items()]}}] * len(rows)
    arguments = {"EntityKeyList": {"EntityKey": keys}, document.name: {studied.record.name: values}}
    assert infoset(etree.fromstring(body.request)) == theirs(studied, "update", **arguments)
