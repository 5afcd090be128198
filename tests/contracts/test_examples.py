"""The example requests, the documented messages and the fault: what they say is what is sent, and what is understood."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree

from connector.wire.codec import Row
from connector.wire.jobs import Blank, Column, Layout
from connector.wire.metadata import Document, Field, Service, Table
from connector.wire.reports import Before
from tests.contracts import xsd
from tests.contracts.canonical import infoset
from tests.contracts.serving import Read, opened, zipped
from workers import aos
from workers.aos import answers
from workers.documents import Writer
from workers.errors import Refusal

_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_CONTEXT = "{http://schemas.microsoft.com/dynamics/2010/01/datacontracts}"
_PARTS = "{*}MessageParts"
ITEM = {"ItemId": "C-0001"}


@dataclass(kw_only=True)
class Mute:
    """A server that keeps what it is sent and answers with one text."""

    url: str
    status: int = 200
    answer: bytes = b""
    heard: list[bytes] = field(default_factory=list)

    def says(self, answer: bytes, *, status: int = 200) -> None:
        self.answer, self.status = answer, status
        self.heard.clear()


@pytest.fixture(scope="module")
def mute() -> Iterator[Mute]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(found.status)
            self.send_header("Content-Type", "text/xml; charset=utf-8")
            self.send_header("Content-Length", str(len(found.answer)))
            self.end_headers()
            self.wfile.write(found.answer)

        def log_message(self, *said: object) -> None:
            """Nothing on the test's output."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Mute(url=f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join(10)


@pytest.fixture(scope="module")
def read(mute: Mute, shared: Path) -> Read:
    files = xsd.files_of(shared / "contracts" / "UploadInventService")
    return opened(aos.Door([mute.url]), f"{mute.url}/p/xppservice.svc", contract_zip=zipped(files))


@pytest.fixture
def examples(shared: Path) -> Path:
    return shared / "examples"


def columns(*names: str, **more: object) -> Layout:
    known = {"step": 1, "entity": "Items", "file": "Items.csv", "table": "TEC_STG_InventTable", "key": ("ItemId",)}
    return Layout.model_validate(known | {"columns": tuple(Column(name=name, field=name) for name in names)} | more)


def sent(mute: Mute) -> etree._Element:
    (message,) = mute.heard
    return etree.fromstring(message)


def body_of(message: etree._Element) -> object:
    (request,) = message.find(f"{_SOAP}Body")
    return infoset(request)


def context_of(message: etree._Element) -> object:
    return infoset(message.find(f"{_SOAP}Header/{_CONTEXT}CallContext"))


def example(examples: Path, name: str) -> etree._Element:
    return etree.parse(examples / name).getroot()


def message_id(message: etree._Element) -> str:
    return str(UUID(message.findtext(f"{_SOAP}Header/{_CONTEXT}CallContext/{_CONTEXT}MessageId")))


def response(operation: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="{_SOAP[1:-1]}"><s:Body><TEC_STG_InventService{operation}Response xmlns="http://tempuri.org"/>'
        "</s:Body></s:Envelope>"
    ).encode()


def test_a_create_is_the_example_and_its_answer_brings_the_keys(mute: Mute, read: Read, examples: Path) -> None:
    wanted = example(examples, "create_request.xml")
    writer = Writer(read.service, columns("ItemId", "Description_2"))
    rows = [Row(n, [f"C-000{n}", "composed sample"]) for n in (1, 2)]
    mute.says((examples / "create_response.xml").read_bytes())
    body = writer.create(writer.written(rows).records)
    keys = read.port.create(body.request, message_id=message_id(wanted), time_limit_s=10)
    assert keys == [{"ItemId": "C-0001"}, {"ItemId": "C-0002"}]
    assert body_of(sent(mute)) == body_of(wanted)
    assert context_of(sent(mute)) == context_of(wanted)


def test_an_update_is_the_example(mute: Mute, read: Read, examples: Path) -> None:
    """But for the cleared text: it goes as an empty element, which X++ takes for the same as null."""
    wanted = example(examples, "update_request.xml")
    cleared = next(wanted.iter("{*}Description_3"))
    cleared.attrib.clear()
    writer = Writer(read.service, columns("ItemId", "Description_2", "Description_3", blank=Blank.CLEAR))
    row = Row(2, ["C-0001", "composed sample", ""])
    before = Before(hash="0d6f0000000000000000000000000000", values={"Description_2": "old", "Description_3": "old"})
    mute.says(response("Update"))
    read.port.update(writer.update([ITEM], [writer.changed(row, before)]).request, message_id=message_id(wanted), time_limit_s=10)
    assert body_of(sent(mute)) == body_of(wanted)
    assert context_of(sent(mute)) == context_of(wanted)


def test_a_delete_is_the_example(mute: Mute, read: Read, examples: Path) -> None:
    wanted = example(examples, "delete_request.xml")
    mute.says(response("Delete"))
    body = Writer(read.service, columns("ItemId")).delete([ITEM])
    read.port.delete(body.request, message_id=message_id(wanted), time_limit_s=10)
    assert body_of(sent(mute)) == body_of(wanted)
    assert context_of(sent(mute)) == context_of(wanted)


def test_questions_are_the_examples(mute: Mute, read: Read, examples: Path) -> None:
    mute.says(response("Read"))
    assert read.port.read([ITEM]) == []
    assert body_of(sent(mute)) == body_of(example(examples, "read_request.xml"))
    mute.says(response("Find"))
    between = aos.Criterion("TEC_STG_InventTable", "ItemId", aos.Operator.RANGE, "C-0001", "C-0009")
    assert read.port.find([between]) == []
    assert body_of(sent(mute)) == body_of(example(examples, "find_request.xml"))
    mute.says(response("GetKeys"))
    assert read.port.get_keys(page_size=200) == []
    assert body_of(sent(mute)) == body_of(example(examples, "getKeys_request.xml"))


def test_the_fault_is_told_in_ax_words_with_record_and_field(mute: Mute, read: Read, examples: Path) -> None:
    mute.says((examples / "fault_aif.xml").read_bytes(), status=500)
    writer = Writer(read.service, columns("ItemId"))
    body = writer.create([writer.record(Row(2, ["C-0001"]))])
    with pytest.raises(Refusal) as refused:
        read.port.create(body.request, message_id="42c4b60d-4a09-54f3-9553-f9196e504187", time_limit_s=10)
    (complaint,) = refused.value.complaints
    assert complaint.message == "sample: the record for ItemId C-0001 is already present"
    assert (complaint.record, complaint.field) == (1, "ItemId")


#: Documented answers: message, and the keys that it brings.
KEYS = {
    "example-create-action-1.xml": 1,
    "example-findkeys-action-1.xml": 6,
    "processing-batched-messages-in-aif-1.xml": 1,
}


@pytest.mark.parametrize(("name", "count"), KEYS.items())
def test_documented_answers_bring_their_keys(shared: Path, name: str, count: int) -> None:
    (parts,) = etree.parse(shared / "messages" / name).iter(_PARTS)
    keys = answers.keys(parts)
    assert len(keys) == count
    assert all(len(key) == 1 and all(key.values()) for key in keys)


def records_of(element: etree._Element) -> list[etree._Element]:
    return [child for child in element.iterchildren(etree.Element) if child.get("class") == "entity"]


def table_of(elements: list[etree._Element]) -> Table:
    """The record type that these elements show: fields and nested records in the order in which they stand."""
    order = list(dict.fromkeys(xsd.local(child) for one in elements for child in one.iterchildren(etree.Element)))
    below: dict[str, list[etree._Element]] = {}
    for nested in (child for one in elements for child in records_of(one)):
        below.setdefault(xsd.local(nested), []).append(nested)
    return Table(
        name=xsd.local(elements[0]),
        fields=tuple(Field(name=name) for name in order if name not in below),
        children=tuple(table_of(found) for found in below.values()),
        order=tuple(order),
        repeats=True,
    )


def row_and_layout(element: etree._Element, table: Table) -> tuple[Row, Layout]:
    cells = [element.findtext(f"{{*}}{field.name}") for field in table.fields]
    inside = [[row_and_layout(one, child) for one in element.findall(f"{{*}}{child.name}")] for child in table.children]
    layout = columns(
        *(field.name for field in table.fields),
        table=table.name,
        key=(),
        children=tuple(found[0][1] for found in inside if found),
    )
    return Row(2, cells, [[row for row, _ in found] for found in inside if found]), layout


DOCUMENTS = [
    "example-create-action-0.xml",
    "example-of-inbound-xml-message-0.xml",
    "processing-batched-messages-in-aif-0.xml",
    "walkthrough-exchanging-documents-by-using-the-file-system-adapter-0.xml",
]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documented_documents_are_written_from_their_rows(shared: Path, name: str) -> None:
    for parts in etree.parse(shared / "messages" / name).iter(_PARTS):
        (wanted,) = parts.iterchildren(etree.Element)
        table = table_of(records_of(wanted))
        namespace = etree.QName(wanted).namespace or ""
        document = Document(name=xsd.local(wanted), namespace=namespace, order=(table.name,), tables=(table,))
        service = Service(
            address="http://ax/x.svc", port="p", name="S", namespace="urn:s", operations=("create",), document=document
        )
        pairs = [row_and_layout(one, table) for one in records_of(wanted)]
        writer = Writer(service, pairs[0][1])
        body = writer.create([writer.record(row) for row, _ in pairs])
        for one in wanted.iter(etree.Element):
            if one.get("class") == "entity":  # the documentation leaves out what AX takes it for
                one.set("action", "create")
        assert [*map(infoset, etree.fromstring(body.document))] == [*map(infoset, records_of(wanted))]


def test_the_documented_customer_is_read_with_its_party_and_address(shared: Path) -> None:
    (parts,) = etree.parse(shared / "messages" / "example-find-action-1.xml").iter(_PARTS)
    (wanted,) = parts.iterchildren(etree.Element)
    table = table_of(records_of(wanted))
    document = Document(name="Customer", namespace=etree.QName(wanted).namespace or "", tables=(table,))
    (record,) = answers.records(parts, document)
    assert record.table == "CustTable"
    assert {name: text for name, text in record.values.items() if text and text.strip()}
    assert set(record.children) == {child.name for child in table.children}
    (party,) = record.children["DirParty"]
    assert party.children["OrganizationName"][0].values
    for found, told in ((wanted[-1], record), (wanted[-1].find("{*}DirParty"), party)):
        for name, text in told.values.items():
            assert text == (found.findtext(f"{{*}}{name}") or "")
