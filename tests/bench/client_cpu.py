"""Client CPU per row: the worker's path (writer, schema check, envelope) against zeep's service proxy, on the same rows.

Run it as `python -m tests.bench.client_cpu [--contract DIR] [--lines N] [--columns N] [--empty SHARE] [--rounds N]`. Both
sides start from the rows of a batch, check the document with the port's own XSD, and end with the SOAP message, or (the whole
call) with the keys of the answer. They are timed in turn, in one process; the simulated AOS that answers is another. Without a
contract folder it offers a table of 20 fields, or (`--lines`) one of 6 with lines of 16. A header counts as a row, and so does
each of its lines. Other load on the computer shows in the medians.

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
from dataclasses import dataclass
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
NESTED = Path(__file__).with_name("nested.toml")
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


@dataclass(frozen=True, kw_only=True)
class Part:
    """A table of the document, the fields that are filled, and the table of its lines."""

    table: Table
    fields: Sequence[Field]
    lines: "Part | None" = None

    def told(self) -> str:
        """What is filled, in words."""
        own = f"{self.table.name}: {len(self.fields)} columns into a record of {len(self.table.fields)} fields"
        return f"{own}; {self.lines.told()}" if self.lines else own


def part_of(table: Table, *, count: int | None, with_lines: bool) -> Part:
    """The fields that the benchmark fills: mandatory ones, then the first, up to `count`; with the first kind of lines."""
    fit = [f for f in table.fields if f.name not in SKIPPED and (f.symbols or f.type is FieldType.STRING or f.type in VALUES)]
    fields = sorted(fit, key=lambda field: not field.mandatory)[:count]
    lines = part_of(table.children[0], count=count, with_lines=False) if with_lines else None
    return Part(table=table, fields=fields, lines=lines)


def rows_of(part: Part, count: int, *, lines: int = 0, empty: float = 0.0) -> list[Row]:
    """Rows, `count` with their lines. That share of the cells is empty, other ones in each row; mandatory ones are filled."""
    if part.lines is None:
        return flat_rows(part.fields, count, empty=empty)
    headers = flat_rows(part.fields, count // (1 + lines), empty=empty)
    below = iter(flat_rows(part.lines.fields, len(headers) * lines, empty=empty))
    return [Row(header.number, header.cells, [list(islice(below, lines))]) for header in headers]


def flat_rows(fields: Sequence[Field], count: int, *, empty: float) -> list[Row]:
    """Rows of one table."""
    columns = [cells(field) for field in fields]
    chance = random.Random(1)
    return [
        Row(number, ["" if not f.mandatory and chance.random() < empty else cell for f, cell in zip(fields, values, strict=True)])
        for number, values in enumerate(islice(zip(*columns, strict=False), count), 2)
    ]


def size_of(rows: Sequence[Row]) -> int:
    """How many rows there are, lines included."""
    return sum(1 + sum(len(lines) for lines in row.children) for row in rows)


def layout_of(part: Part, *, step: int = 1) -> Layout:
    """How the rows' cells fill the document."""
    return Layout(
        step=step,
        entity=part.table.name,
        file="f.csv",
        table=part.table.name,
        columns=tuple(Column(name=field.name, field=field.name) for field in part.fields),
        children=(layout_of(part.lines, step=step + 1),) if part.lines else (),
    )


class Worker:
    """What a worker does with the rows of a batch."""

    def __init__(self, port: aos.Port, part: Part) -> None:
        self._port = port
        self._layout = layout_of(part)

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


def record_of(part: Part, row: Row) -> dict[str, object]:
    """A row and its lines as zeep takes them."""
    record: dict[str, object] = {"class": "entity", "action": "create"}
    record |= {f.name: cell for f, cell in zip(part.fields, row.cells, strict=True) if cell}
    if part.lines:
        record[part.lines.table.name] = [record_of(part.lines, line) for line in row.children[0]]
    return record


class Proxy:
    """The same by zeep's proxy: dictionaries in, typed keys out."""

    def __init__(self, client: zeep.Client, service: Service, checked: Checked, part: Part) -> None:
        self._client = client
        self._checked = checked
        self._part = part
        self._proxy = client.bind("RoutingService", f"BasicHttpBinding_{service.name}")

    def _arguments(self, rows: Sequence[Row]) -> dict[str, object]:
        records = [record_of(self._part, row) for row in rows]
        header = {"Company": "USMF", "Language": "en-us", "MessageId": str(uuid4())}
        return {"_value": {self._part.table.name: records}, "_soapheaders": {"context": header}}

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
def opened(contract: Path | None, columns: int | None, *, with_lines: bool) -> Iterator[tuple[Part, Worker, Proxy]]:
    """Both sides, open on one simulated AOS that swallows what it is sent. They check with the same compiled schema."""
    options = ("--contract", str(contract)) if contract else ("--tables", str(NESTED if with_lines else TABLES))
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
        part = part_of(table, count=columns, with_lines=with_lines)
        yield part, Worker(port, part), Proxy(client, service, checked, part)


def infoset(message: bytes) -> object:
    """The request inside a message, without prefixes and without the white space between elements."""

    def told(element: etree._Element) -> object:
        return element.tag, dict(element.attrib), None if len(element) else element.text, [told(child) for child in element]

    return told(etree.fromstring(message)[-1][0])


def measure(sides: Sequence[Callable[[Sequence[Row]], object]], rows: Sequence[Row], rounds: int) -> list[list[float]]:
    """CPU microseconds per row of each side, taken in turn."""
    taken: list[list[float]] = [[] for _ in sides]
    size = size_of(rows)
    for _ in range(rounds):
        for side, times in zip(sides, taken, strict=True):
            start = time.process_time()
            side(rows)
            times.append((time.process_time() - start) / size * 1e6)
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
    parser.add_argument("--lines", type=int, default=0, help="how many lines each record has; without it there are none")
    parser.add_argument("--empty", type=float, default=0.0, help="which share of the cells is empty")
    given = parser.parse_args()
    with opened(given.contract, given.columns, with_lines=given.lines > 0) as (part, worker, proxy):
        print(f"{part.told()}; {given.lines} lines each, {given.rounds} rounds, CPU microseconds per row")
        print(f"{'':>18} {'batch':>6}{'worker min':>10}{'median':>10}{'zeep min':>10}{'median':>10}{'ratio':>8}")
        for size in SIZES:
            rows = rows_of(part, size, lines=given.lines, empty=given.empty)
            assert size_of(rows) == size, "a batch holds whole documents"
            assert infoset(worker.message(rows[:20])) == infoset(proxy.message(rows[:20]))
            assert worker.call(rows) == proxy.call(rows) == len(rows)
            print(report("unchecked message", size, *measure((worker.unchecked, proxy.unchecked), rows, given.rounds)))
            print(report("rows to message", size, *measure((worker.message, proxy.message), rows, given.rounds)))
            print(report("with a full check", size, *measure((worker.whole, proxy.message), rows, given.rounds)))
            print(report("rows to keys", size, *measure((worker.call, proxy.call), rows, given.rounds)))


if __name__ == "__main__":
    main()
