"""What WCF's reader makes of our messages, and what we make of WCF's, through contracts of real installations and our own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout, Target
from connector.wire.metadata import SYSTEM_FIELDS, Field, FieldType, Table
from tests.aos import mono
from tests.aos.conformance.targets import CONTRACT, new_id, zipped
from workers import aos, documents
from workers.aos import envelope

REAL = ("UploadCustomerService", "UploadInventService", "UploadPurchOrderService")
TEXTS = ("plain", "Ж 漢字 \U0001f9fe e\u0301", "<&>]]>\"'", " a\tb\nc ", "line\r\nline\rline", "%s {0}")
VALUES = {
    FieldType.STRING: TEXTS,
    FieldType.INTEGER: ("1", "0", "9"),
    FieldType.DECIMAL: ("1.50", "-0.001", "99999999.99"),
    FieldType.DATE: ("2012-02-29", "1900-01-01"),
    FieldType.DATETIME: ("2012-02-29T23:59:59Z", "1999-12-31T00:00:00"),
    FieldType.TIME: ("00:00:00", "23:59:59"),
    FieldType.BOOLEAN: ("true", "false"),
}


@dataclass(kw_only=True)
class Replay:
    """A peer that answers with the files of a folder, and leaves there what it read."""

    url: str
    folder: Path

    def answer(self, port: aos.Port, operation: str, content: str) -> None:
        """What it answers to an operation."""
        name = f"{port.service.name}{operation[:1].upper()}{operation[1:]}Response"
        answer = f'<{name} xmlns="{port.service.namespace}">{content}</{name}>'
        (self.folder / f"{operation}.answer").write_text(answer, encoding="utf-8", newline="")

    def read(self, name: str) -> etree._Element:
        """What it read of a message, as .NET wrote it down."""
        return etree.parse(self.folder / name).getroot()


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    folder = tmp_path_factory.mktemp("replay")
    try:
        program = mono.compiled("Replay", mono.PEERS / "Replay.cs", folder=folder)
    except mono.NotInstalled as missing:
        pytest.skip(str(missing))
    with mono.running(program, str(folder)) as number:
        yield Replay(url=f"http://127.0.0.1:{number}", folder=folder)


@pytest.fixture(params=["ours", *REAL])
def port(request: pytest.FixtureRequest, peer: Replay) -> aos.Port:
    """The service of a contract, behind which the peer stands."""
    if request.param == "ours":
        contract = zipped(CONTRACT)
    else:
        zip_of: Callable[[str], bytes] = request.getfixturevalue("zipped")
        contract = zip_of(request.param)
    door, address = aos.Door([peer.url]), f"{peer.url}/replay/xppservice.svc"
    found = aos.read_metadata(door, [address], contract_zip=contract)
    (service,) = found.services
    target = Target(address=address, port="replay", service=service.name, contract=found.fingerprint)
    return aos.open_port(door, target, company="USMF", language="en-us", partition=None, contract_zip=contract)


def test_a_create_is_read_as_it_was_written(peer: Replay, port: aos.Port):
    writer, rows = drawn(port)
    body = writer.create(writer.written(rows).records)
    assert port.invalid(body.document) == []
    keys: list[aos.Key] = [{"RecId": str(5_637_144_576 + n), "Text": text} for n, text in enumerate(TEXTS)]
    peer.answer(port, "create", envelope.key_list(keys))
    message_id = new_id()
    answered = port.create(body.request, message_id=message_id, time_limit_s=20)
    assert [key["RecId"] for key in answered] == [key["RecId"] for key in keys]
    assert infoset(peer.read("create.request")) == infoset(etree.fromstring(body.request))
    context = {etree.QName(part).localname: part.text for part in peer.read("create.context")}
    assert context == {"Company": "USMF", "Language": "en-us", "MessageId": message_id}


def test_what_was_written_is_read_back_as_it_was(peer: Replay, port: aos.Port):
    """The peer answers a read with the document of the create, as .NET wrote it."""
    writer, rows = drawn(port)
    body = writer.create(writer.written(rows).records)
    peer.answer(port, "create", "")
    port.create(body.request, message_id=new_id(), time_limit_s=20)
    peer.answer(port, "read", etree.tostring(peer.read("create.request")[0], encoding="unicode").replace("\r", "&#13;"))
    assert port.service.document is not None
    (table,) = port.service.document.tables
    keys: list[aos.Key] = [{"RecId": text} for text in TEXTS]
    for row, told in zip(rows, port.read(keys), strict=True):
        same_values(table, row, told)
    asked = peer.read("read.request")
    assert [value.text for value in asked.iter("{*}Value")] == list(TEXTS)


def test_an_update_names_keys_actions_and_nulls(peer: Replay, port: aos.Port):
    if "update" not in port.service.operations:
        pytest.skip("the service has no update")
    writer, rows = drawn(port)
    records = [writer.record(row).replace('action="create"', 'action="update"') for row in rows]
    body = writer.update([{"RecId": str(n)} for n, _ in enumerate(rows)], records)
    peer.answer(port, "update", "")
    port.update(body.request, message_id=new_id(), time_limit_s=20)
    assert infoset(peer.read("update.request")) == infoset(etree.fromstring(body.request))


def test_criteria_are_read_as_they_were_asked(peer: Replay, port: aos.Port):
    assert port.service.document is not None
    (table,) = port.service.document.tables
    asked = [
        aos.Criterion(table.name, table.fields[0].name, operator, TEXTS[n % len(TEXTS)], "z" if operator == "Range" else None)
        for n, operator in enumerate(aos.Operator)
    ]
    peer.answer(port, "find", f'<{port.service.document.name} xmlns="{port.service.document.namespace}"/>')
    assert port.find(asked) == []
    read = [[part.text for part in element] for element in peer.read("find.request").iter("{*}CriteriaElement")]
    wanted = [[one.table, one.field, one.operator.value, one.value1, one.value2] for one in asked]
    assert read == [[text for text in each if text is not None] for each in wanted]


def writable(table: Table) -> list[Field]:
    """The fields that are one text each; of the others the contract tests tell."""
    return [field for field in table.fields if field.type in VALUES and field.name not in SYSTEM_FIELDS]


def drawn(port: aos.Port) -> tuple[documents.Writer, list[Row]]:
    """A writer for all fields of the service's document, and as many rows as there are texts."""
    assert port.service.document is not None
    (table,) = port.service.document.tables
    return documents.Writer(port.service, layout(table)), [row(table, n) for n in range(len(TEXTS))]


def layout(table: Table, step: int = 1) -> Layout:
    columns = tuple(Column(name=field.name, field=field.name) for field in writable(table))
    children = tuple(layout(child, step + n) for n, child in enumerate(table.children, 1))
    return Layout(step=step, entity=table.name, file="f.csv", table=table.name, columns=columns, children=children)


def row(table: Table, number: int) -> Row:
    nested = [[row(child, number + n) for n in range(2)] for child in table.children]
    return Row(number, [cell(field, number) for field in writable(table)], nested)


def cell(field: Field, number: int) -> str:
    choices: Sequence[str] = field.symbols or VALUES[field.type]
    text = choices[number % len(choices)]
    if field.max_length is not None:  # which counts as .NET does
        text = text.encode("utf-16-le")[: 2 * field.max_length].decode("utf-16-le", "ignore")
    return text.strip() or "x"


def same_values(table: Table, given: Row, told: aos.Record) -> None:
    expected = {field.name: text for field, text in zip(writable(table), given.cells, strict=True)}
    types = {field.name: field.type for field in table.fields}
    for name, text in expected.items():
        if types[name] is FieldType.STRING:
            assert told.values[name] == text.replace("\r\n", "\n").replace("\r", "\n")  # Mono answers with bare ones
        else:  # written in the schema's own way
            assert told.values[name]
    assert told.values.keys() == expected.keys()
    for child, nested in zip(table.children, given.children, strict=True):
        for below, record in zip(nested, told.children[child.name], strict=True):
            same_values(child, below, record)


def infoset(element: etree._Element) -> object:
    """Names, attributes and texts; prefixes and the blanks between elements say nothing."""
    inner = [infoset(child) for child in element]
    return element.tag, dict(element.attrib), None if inner else element.text or "", inner
