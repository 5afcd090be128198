"""A contract at work: what the worker reads of it, the layout that the plan makes for it, and a pretend AOS that serves it."""

import io
import json
import subprocess
import sys
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector import plan
from connector.intake.values import Action, Package
from connector.plan.mapping import Mapping as Said
from connector.plan.mapping import Parent, StructureMapping, TableMapping
from connector.wire import codec
from connector.wire.codec import Row
from connector.wire.jobs import Blank, Grant, Layout, LoadTables, Merge, Mode, Target
from connector.wire.metadata import Metadata, Service
from connector.wire.reports import BatchRef
from tests.contracts.drawing import Drawn, parts_of
from tests.contracts.xsd import Record
from workers import aos
from workers.load import tables

ROOT = Path(__file__).parents[2]
ADDRESS = "http://aos.example/MicrosoftDynamicsAXAif60/p/xppservice.svc"
COMPANY = "USMF"


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A contract's files as the zip that an endpoint keeps."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


@dataclass(frozen=True, kw_only=True)
class Read:
    """A contract as the worker reads it, with a port opened on one of its services."""

    found: Metadata
    service: Service
    port: aos.Port


def opened(door: aos.Door, address: str, *, service: str | None = None, contract_zip: bytes | None = None) -> Read:
    """Reads the contract at an address, or the given one, and opens a service (the first one with a document)."""
    found = aos.read_metadata(door, [address], contract_zip=contract_zip)
    among = [one for one in found.services if one.document is not None and service in (None, one.name)]
    target = Target(address=among[0].address, port=among[0].port, service=among[0].name, contract=found.fingerprint)
    port = aos.open_port(door, target, company=COMPANY, language="en-us", partition=None, contract_zip=contract_zip)
    return Read(found=found, service=among[0], port=port)


def key_fields(record: Record) -> dict[str, str]:
    """A field per table that can serve as its key: the first that takes any text of some length."""
    found: dict[str, str] = {}
    for part in record.fields:
        text = part.text
        members = (text, *text.members) if text else ()
        room = max((int(member.facets.get("maxLength", 99)) for member in members if member.built_in == "string"), default=0)
        if text and room >= 10 and not text.symbols and text.pattern is None and "length" not in text.facets:
            found[record.name] = part.name
            break
    for below in record.below:
        found |= key_fields(below)
    return found


def layout_of(read: Read, record: Record, *, keys: Mapping[str, str], structures: bool = False) -> Layout:
    """The layout that the plan makes of a package with a column for every field of the record and of all nested in it.

    `structures`: with a column for every part of a structure as well; an update replaces the structure.
    """
    actions, said = [], {}
    for path in _paths(record):
        name = "/".join(one.name for one in path)
        compound = path[-1].structures if structures else []
        columns = [part.name for part in path[-1].fields] + [name for part in compound for name in parts_of(part)]
        fields = {name: name for name in columns}
        above = path[-2] if len(path) > 1 else None
        if above is not None:
            columns.append("(up)")
        said[name] = TableMapping(
            target=f"{read.service.name}.{path[-1].name}",
            key=(keys[path[-1].name],) if path[-1].name in keys else (),
            fields=fields | ({"(up)": ""} if above else {}),
            structure={part.name: StructureMapping(update=Merge.REPLACE) for part in compound},
            parent=Parent(target=above.name, on={"(up)": above.fields[0].name}) if above else None,
        )
        actions.append(Action(entity=name, file=f"{name}.csv", columns=tuple(columns), read=lambda: iter(())))
    package = Package(name="p", format="zip", actions=tuple(actions))
    made = plan.make(package, read.found, mapping=Said(table=said), mode=Mode.UPSERT, blank=Blank.KEEP)
    return made.steps[0].layout


def _paths(record: Record, above: tuple[Record, ...] = ()) -> Iterator[tuple[Record, ...]]:
    path = (*above, record)
    yield path
    for below in record.below:
        yield from _paths(below, path)


def row_of(drawn: Drawn, layout: Layout, number: int = 2) -> Row:
    """A drawn record as the row that a package would hold of it."""
    cells = [drawn.values.get(f"{column.field}.{column.part}" if column.part else column.field, "") for column in layout.columns]
    below = [
        [row_of(nested, child, place) for place, nested in enumerate(drawn.below.get(child.table, ()), 2)]
        for child in layout.children
    ]
    return Row(number, cells, below)


@dataclass(frozen=True, kw_only=True)
class Served:
    """A pretend AOS with one contract."""

    url: str
    keys: Mapping[str, str]
    read: Read
    layout: Layout

    def truth(self, path: str, **query: str) -> Any:
        """What the pretend AOS itself says."""
        where = f"{self.url}/_sim/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(where, timeout=10) as answer:
            return json.load(answer)

    def held(self, table: str) -> dict[str, dict[str, str]]:
        """The records of a table by their key."""
        return {one[self.keys[table]]: one for one in self.truth("records", company=COMPANY, table=table)["records"]}

    def load(self, drawn: Sequence[Drawn], *, mode: Mode = Mode.UPSERT) -> tables.Result:
        """Loads the rows as one batch of a job."""
        rows = [row_of(one, self.layout, number) for number, one in enumerate(drawn, 2)]
        message = LoadTables(
            endpoint="AOSTEST",
            ref=BatchRef(job="j", step=1, batch=1),
            company=COMPANY,
            target=Target(address=self.read.service.address, port="p", service=self.read.service.name, contract=""),
            layout=self.layout,
            mode=mode,
            call_timeout_s=20.0,
            rows=codec.to_text(codec.pack_rows(rows)),
        )
        return tables.run(message, port=self.read.port, ask=lambda intent, outcomes: Grant(granted=True))

    def reset(self) -> None:
        """The pretend AOS forgets everything."""
        request = urllib.request.Request(f"{self.url}/_sim/reset", method="POST")
        urllib.request.urlopen(request, timeout=10).close()


@contextmanager
def simulated(folder: Path, *, keys: Mapping[str, str]) -> Iterator[str]:
    """A pretend AOS of the contract in a folder, as a process of its own; its address."""
    options = [option for table, name in keys.items() for option in ("--key", f"{table}={name}")]
    command = [sys.executable, "-m", "workers.simulator", "--json", "--company", COMPANY, "--contract", str(folder), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the pretend AOS of {folder.name} did not start"
        yield json.loads(line)["url"]
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def served(folder: Path, record: Record, *, service: str | None = None, structures: bool = False) -> Iterator[Served]:
    """A pretend AOS of a contract folder, and a service of it that is opened over HTTP as a worker does."""
    keys = key_fields(record)
    with simulated(folder, keys=keys) as url:
        with urllib.request.urlopen(f"{url}/_sim/tables", timeout=10) as answer:
            place = json.load(answer)["tables"][0]["port"]
        address = f"{url}/MicrosoftDynamicsAXAif60/{place}/xppservice.svc"
        read = opened(aos.Door([url]), address, service=service)
        yield Served(url=url, keys=keys, read=read, layout=layout_of(read, record, keys=keys, structures=structures))
