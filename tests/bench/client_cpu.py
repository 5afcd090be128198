"""Client CPU per row: the worker's path (writer, schema check, envelope) against zeep's service proxy, on the same rows.

Run it as `python -m tests.bench.client_cpu [--contract DIR] [--columns N] [--empty SHARE] [--rounds N]`. Both sides start
from the rows of a batch, check the document with the port's own XSD, and end with the SOAP message, or (the whole call) with
the keys of the answer. They are timed in turn, in one process; the simulated AOS that answers is another. Without a contract
folder it offers a table of 20 fields. Other load on the computer shows in the medians.

With zeep each message is checked whole: it has the tree at hand. The worker puts one record of each structure before the
schema, once, and checks values by their fields' facets; the "full check" is what it does where that is in doubt: it parses
its own bytes and has the same schema check them whole. The unchecked message shows the writer alone.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import cycle, islice
from pathlib import Path
from uuid import uuid4

import zeep
from lxml import etree

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout, Target
from connector.wire.metadata import Field, FieldType, Service, Table
from tests.load.conftest import running
from workers import aos, documents
from workers.aos import envelope
from workers.load.proof import Proof

SIZES = (100, 1_000)
TABLES = Path(__file__).with_name("tables.toml")
SKIPPED = {"_DocumentHash", "RecId", "RecVersion"}
VALUES: dict[FieldType, Sequence[str]] = {
    FieldType.INTEGER: [str(n) for n in range(1, 10)],
    FieldType.DECIMAL: [f"{n}.50" for n in range(997)],
    FieldType.DATE: [str(date(2011, 1, 1) + timedelta(days=n)) for n in range(365)],
    FieldType.DATETIME: [f"2011-01-{day:02d}T10:00:00Z" for day in range(1, 29)],
    FieldType.BOOLEAN: ["true", "false"],
}


def cells(field: Field) -> Iterator[str]:
    """Endless values for a field, as a package would bring them."""
    if field.symbols:
        return cycle(field.symbols)
    if field.type is FieldType.STRING:
        return (f"{field.name} {n}"[-(field.max_length or 60) :].strip() for n in range(10**9))
    return cycle(VALUES[field.type])


def fields_of(table: Table, *, count: int | None) -> list[Field]:
    """The fields that the benchmark fills: mandatory ones, then the first, up to `count`."""
    fit = [f for f in table.fields if f.name not in SKIPPED and (f.symbols or f.type is FieldType.STRING or f.type in VALUES)]
    return sorted(fit, key=lambda field: not field.mandatory)[:count]


def rows_of(fields: Sequence[Field], count: int, *, empty: float = 0.0) -> list[Row]:
    """Rows of which that share of the cells is empty, other ones in each row; mandatory fields are filled."""
    columns = [cells(field) for field in fields]
    chance = random.Random(1)
    return [
        Row(number, ["" if not f.mandatory and chance.random() < empty else cell for f, cell in zip(fields, values, strict=True)])
        for number, values in enumerate(islice(zip(*columns, strict=False), count), 2)
    ]


class Worker:
    """What a worker does with the rows of a batch."""

    def __init__(self, port: aos.Port, fields: Sequence[Field]) -> None:
        self._port = port
        (table,) = port.service.document.tables
        columns = tuple(Column(name=field.name, field=field.name) for field in fields)
        self._layout = Layout(step=1, entity=table.name, file="f.csv", table=table.name, columns=columns)

    def _written(self, rows: Sequence[Row]) -> tuple[documents.Body, Proof]:
        writer = documents.Writer(self._port.service, self._layout)
        written = writer.written(rows)
        proof = Proof(self._port, writer)
        proof.add(written)
        return writer.create(written.records), proof

    def unchecked(self, rows: Sequence[Row]) -> bytes:
        """Rows to the request element, not checked."""
        return self._written(rows)[0].request

    def body(self, rows: Sequence[Row]) -> bytes:
        """The request element, checked."""
        body, proof = self._written(rows)
        assert proof.holds()
        return body.request

    def whole(self, rows: Sequence[Row]) -> bytes:
        """Rows to message, each record put before the schema."""
        body, _ = self._written(rows)
        assert self._port.invalid(body.document) == []
        return self._enveloped(body.request)

    def message(self, rows: Sequence[Row]) -> bytes:
        """Rows to message."""
        return self._enveloped(self.body(rows))

    def _enveloped(self, request: bytes) -> bytes:
        before, after = self._port._halves
        return envelope.envelope(before + str(uuid4()).encode() + after, request)

    def call(self, rows: Sequence[Row]) -> int:
        """Rows to keys."""
        return len(self._port.create(self.body(rows), message_id=str(uuid4()), time_limit_s=60))


class Checked(zeep.Plugin):
    """Has zeep's message checked before it goes out."""

    def __init__(self, schema: etree.XMLSchema, tag: str) -> None:
        self.check = lambda message: schema.assertValid(next(message.iter(tag)))

    def egress(self, envelope, http_headers, operation, binding_options):
        """Zeep calls it with the message as an element."""
        self.check(envelope)
        return envelope, http_headers


class Proxy:
    """The same by zeep's proxy: dictionaries in, typed keys out."""

    def __init__(self, client: zeep.Client, service: Service, checked: Checked, fields: Sequence[Field]) -> None:
        (table,) = service.document.tables
        self._client = client
        self._checked = checked
        self._record = table.name
        self._fields = fields
        self._proxy = client.bind("RoutingService", f"BasicHttpBinding_{service.name}")

    def _arguments(self, rows: Sequence[Row]) -> dict[str, object]:
        records = [
            {"class": "entity", "action": "create"}
            | {f.name: cell for f, cell in zip(self._fields, row.cells, strict=True) if cell}
            for row in rows
        ]
        header = {"Company": "USMF", "Language": "en-us", "MessageId": str(uuid4())}
        return {"_value": {self._record: records}, "_soapheaders": {"context": header}}

    def _written(self, rows: Sequence[Row]) -> etree._Element:
        given = self._arguments(rows)
        return self._client.create_message(self._proxy, "create", given.pop("_value"), **given)

    def unchecked(self, rows: Sequence[Row]) -> bytes:
        """Rows to message, not checked."""
        return etree.tostring(self._written(rows), xml_declaration=True, encoding="utf-8")

    def message(self, rows: Sequence[Row]) -> bytes:
        """Rows to message."""
        message = self._written(rows)
        self._checked.check(message)
        return etree.tostring(message, xml_declaration=True, encoding="utf-8")

    def call(self, rows: Sequence[Row]) -> int:
        """Rows to keys."""
        given = self._arguments(rows)
        return len(self._proxy.create(given.pop("_value"), **given))


@contextmanager
def opened(contract: Path | None, columns: int | None) -> Iterator[tuple[Table, list[Field], Worker, Proxy]]:
    """Both sides, open on one simulated AOS that swallows what it is sent. They check with the same compiled schema."""
    options = ("--contract", str(contract)) if contract else ("--tables", str(TABLES))
    with running(*options, "--company", "USMF", "--count") as ax:
        first = next(iter(ax.ask("tables")["tables"]))
        address = f"{ax.url}/MicrosoftDynamicsAXAif60/{first['port']}/xppservice.svc"
        door = aos.Door([ax.url])
        found = aos.read_metadata(door, [address])
        service = found.services[0]
        target = Target(address=address, port=service.port, service=service.name, contract=found.fingerprint)
        port = aos.open_port(door, target, company="USMF", language="en-us", partition=None)
        root = f"{{{service.document.namespace}}}{service.document.name}"
        checked = Checked(port._contract._checker._schema(root), root)
        client = zeep.Client(f"{address}?wsdl", plugins=[checked])
        (table,) = service.document.tables
        fields = fields_of(table, count=columns)
        yield table, fields, Worker(port, fields), Proxy(client, service, checked, fields)


def infoset(message: bytes) -> object:
    """The request inside a message, without prefixes and without the white space between elements."""

    def told(element: etree._Element) -> object:
        return element.tag, dict(element.attrib), None if len(element) else element.text, [told(child) for child in element]

    return told(etree.fromstring(message)[-1][0])


def measure(sides: Sequence[Callable[[Sequence[Row]], object]], rows: Sequence[Row], rounds: int) -> list[list[float]]:
    """CPU microseconds per row of each side, taken in turn."""
    taken: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, times in zip(sides, taken, strict=True):
            start = time.process_time()
            side(rows)
            times.append((time.process_time() - start) / len(rows) * 1e6)
    return taken


def report(what: str, size: int, worker: list[float], proxy: list[float]) -> str:
    """One line of the table; the ratio is that of the medians."""
    cells = (min(worker), statistics.median(worker), min(proxy), statistics.median(proxy))
    ratio = statistics.median(proxy) / statistics.median(worker)
    return f"{what:>18} {size:>6}" + "".join(f"{cell:>10.2f}" for cell in cells) + f"{ratio:>8.1f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contract", type=Path, help="a folder of WSDL and XSD files of one port")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--columns", type=int, help="how many columns the package has; without it every field is filled")
    parser.add_argument("--empty", type=float, default=0.0, help="which share of the cells is empty")
    given = parser.parse_args()
    with opened(given.contract, given.columns) as (table, fields, worker, proxy):
        shape = f"{len(fields)} columns into a record of {len(table.fields)} fields"
        print(f"{table.name}: {shape}, {given.rounds} rounds, CPU microseconds per row")
        print(f"{'':>18} {'batch':>6}{'worker min':>10}{'median':>10}{'zeep min':>10}{'median':>10}{'ratio':>8}")
        for size in SIZES:
            rows = rows_of(fields, size, empty=given.empty)
            assert infoset(worker.message(rows[:20])) == infoset(proxy.message(rows[:20]))
            assert worker.call(rows) == proxy.call(rows) == size
            print(report("unchecked message", size, *measure((worker.unchecked, proxy.unchecked), rows, given.rounds)))
            print(report("rows to message", size, *measure((worker.message, proxy.message), rows, given.rounds)))
            print(report("with a full check", size, *measure((worker.whole, proxy.message), rows, given.rounds)))
            print(report("rows to keys", size, *measure((worker.call, proxy.call), rows, given.rounds)))


if __name__ == "__main__":
    main()
