"""What the conformance cases speak to: one service of one AOS, or of something that claims to behave like one.

The cases know no names of tables and fields; a `Subject` tells them which to use.
"""

import io
import os
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connector.wire.codec import Row
from connector.wire.jobs import Blank, Column, Layout
from connector.wire.jobs import Target as Place
from connector.wire.metadata import Metadata, Service
from connector.wire.reports import Before
from workers import aos, documents
from workers.aos import envelope, nettcp
from workers.aos.transport import Answer

CONTRACT = Path(__file__).with_name("contract")
CONTEXT_NS = "http://schemas.microsoft.com/dynamics/2010/01/datacontracts"
#: Names the AOS that is tried; without it there is none.
REAL = "AOS_URL"
LIMIT_S = 120.0

#: A record: texts by field, and under `LINES` the nested records.
Fields = Mapping[str, Any]
LINES = "lines"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The service that is tried, and which of its fields play which part; an empty name: it has none such."""

    service: str
    key: str
    """a text of at least 10 characters, alone the natural key"""
    text: str
    """a text that may be empty, and has a length"""
    memo: str = ""
    """a text without a length"""
    amount: str = ""
    """a decimal"""
    symbol: str = ""
    """an enumeration"""
    moment: str = ""
    """a date and time with its time zone"""
    dimensions: str = ""
    """a set of financial dimensions"""
    line: str = ""
    """the nested table"""
    line_key: str = ""
    line_text: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)
    """what else a record must say"""


OURS = Subject(
    service="PaymSchedService",
    key="Name",
    text="Description",
    memo="Note",
    amount="LowestPayment",
    symbol="PaymentBy",
    moment="StartDateTime",
    dimensions="DefaultDimension",
    line="PaymSchedLine",
    line_key="LineNum",
    line_text="Description",
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """One service, as a worker would open it. `kind` is simulator, wcf, wcf net.tcp, wcf net.tcp streamed, or aos."""

    kind: str
    address: str
    company: str
    subject: Subject
    door: aos.Door
    credentials: aos.Credentials | None = None
    contract_zip: bytes | None = None
    issued: list[list[str]] = field(default_factory=list)
    """keys that cases asked for, to be deleted again"""

    @property
    def is_wcf(self) -> bool:
        """Whether the service is hosted by WCF on Mono."""
        return self.kind.startswith("wcf")

    def metadata(self) -> Metadata:
        """What the port's contract says."""
        return aos.read_metadata(self.door, [self.address], contract_zip=self.contract_zip)

    def open(self, *, company: str | None = None) -> aos.Port:
        """The service's port, for the company that is tried or another."""
        place = Place(
            address=self.address, port="conformance", service=self.subject.service, contract=self.metadata().fingerprint
        )
        return aos.open_port(
            self.door, place, company=company or self.company, language="en-us", partition=None, contract_zip=self.contract_zip
        )

    def fresh_door(self) -> aos.Door:
        """A way there that has read nothing yet."""
        return aos.Door([self.address], credentials=self.credentials)

    def keys(self, count: int) -> list[str]:
        """Natural keys that nobody has used, in the order of their characters."""
        prefix = f"R{uuid.uuid4().hex[:5]}".upper()
        made = [f"{prefix}{number:04d}" for number in range(count)]
        self.issued.append(made)
        return made

    def between(self, keys: Sequence[str]) -> list[aos.Criterion]:
        """The condition that means all of these keys, which `keys` made."""
        return [aos.Criterion(table(self.open()), self.subject.key, aos.Operator.RANGE, keys[0], keys[-1])]


def table(port: aos.Port) -> str:
    """The name of the service's root table."""
    assert port.service.document is not None
    return port.service.document.tables[0].name


def create(target: Target, port: aos.Port, rows: Sequence[Fields], *, message_id: str | None = None) -> list[aos.Key]:
    """Creates records in one call, as a load does."""
    return port.create(written(target, port, rows).request, message_id=message_id or new_id(), time_limit_s=LIMIT_S)


def written(target: Target, port: aos.Port, rows: Sequence[Fields]) -> documents.Body:
    """The create request of these records."""
    writer = documents.Writer(port.service, layout(target, port.service, rows))
    return writer.create(writer.written(_rows(rows)).records)


def update(
    target: Target, port: aos.Port, key: aos.Key, *, old: aos.Record, new: Mapping[str, str], blank: Blank = Blank.KEEP
) -> None:
    """Updates one record's fields, as a load does that has read `old`."""
    rows: list[Fields] = [{target.subject.key: old.values[target.subject.key], **new}]
    writer = documents.Writer(port.service, layout(target, port.service, rows, blank=blank))
    before = Before(hash=old.hash, values={name: old.values.get(name) for name in new})
    record = writer.changed(_rows(rows)[0], before)
    port.update(writer.update([key], [record]).request, message_id=new_id(), time_limit_s=LIMIT_S)


def delete(port: aos.Port, keys: Sequence[aos.Key], *, message_id: str | None = None) -> None:
    """Deletes records in one call."""
    table_only = Layout(step=1, entity="e", file="f", table=table(port), columns=())
    port.delete(
        documents.Writer(port.service, table_only).delete(keys).request, message_id=message_id or new_id(), time_limit_s=LIMIT_S
    )


def by_hand(port: aos.Port, operation: str, *records: str, keys: str = "") -> bytes:
    """A request of records that were written by hand, which no writer of ours would write."""
    document = port.service.document
    assert document is not None
    name = f"{port.service.name}{operation}Request"
    inside = f'<{document.name} xmlns="{document.namespace}">{"".join(records)}</{document.name}>'
    return f'<{name} xmlns="{port.service.namespace}">{keys}{inside}</{name}>'.encode()


def post(target: Target, port: aos.Port, operation: str, context: bytes, body: bytes) -> Answer:
    """Sends a message whose CallContext and body were written by hand."""
    action = f"{port.service.namespace}/{port.service.name}/{operation}"
    is_tcp = nettcp.is_one(target.address)
    message = envelope.addressed(context, body, action=action, to=target.address) if is_tcp else envelope.envelope(context, body)
    way = nettcp.Way(streamed="streamed" in target.kind)
    return target.door.transport.post(target.address, message, way=way, action=action, time_limit_s=LIMIT_S, writes=True)


def record(port: aos.Port, content: str, *, action: str | None = "create") -> str:
    """A record of the root table that was written by hand."""
    said = f' action="{action}"' if action else ""
    return f'<{table(port)} class="entity"{said}>{content}</{table(port)}>'


def in_order(port: aos.Port, fields: Mapping[str, str]) -> str:
    """Elements in the order of the port's schema; an empty text is an empty element."""
    assert port.service.document is not None
    order = port.service.document.tables[0].order
    return "".join(f"<{name}>{fields[name]}</{name}>" for name in sorted(fields, key=order.index))


def layout(target: Target, service: Service, rows: Sequence[Fields], *, blank: Blank = Blank.KEEP) -> Layout:
    """How these records' fields stand in a row's cells."""
    assert service.document is not None
    columns, lines = _columns(rows), [line for row in rows for line in row.get(LINES, ())]
    child = Layout(step=2, entity="l", file="f", table=target.subject.line, columns=_columns(lines)) if lines else None
    return Layout(
        step=1,
        entity="e",
        file="f",
        table=service.document.tables[0].name,
        columns=columns,
        constants={name: text for name, text in target.subject.constants.items() if name not in {c.field for c in columns}},
        key=(target.subject.key,),
        blank=blank,
        children=(child,) if child else (),
    )


def new_id() -> str:
    """A MessageId that no AOS has seen."""
    return str(uuid.uuid4())


def zipped(folder: Path) -> bytes:
    """A contract folder as the zip that an endpoint keeps."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return packed.getvalue()


def over_net_tcp(folder: Path, *, streamed: bool = False) -> bytes:
    """A contract folder as a zip, with its basicHttp binding as one of net.tcp."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.writestr(file.name, bound_to_tcp(file.read_text(encoding="utf-8"), streamed=streamed))
    return packed.getvalue()


def bound_to_tcp(text: str, *, streamed: bool) -> str:
    """A file of a contract with its basicHttp binding as one of net.tcp."""
    policy = '<p:Streamed xmlns:p="http://schemas.microsoft.com/ws/2006/05/framing/policy"/>' if streamed else ""
    return (
        text.replace("http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap12/")
        .replace('transport="http://schemas.xmlsoap.org/soap/http"', 'transport="http://schemas.microsoft.com/soap/tcp"')
        .replace("<wsdl:types", f"{policy}<wsdl:types")
    )


def _columns(rows: Sequence[Fields]) -> tuple[Column, ...]:
    names = dict.fromkeys(name for row in rows for name in row if name != LINES)
    return tuple(Column(name=name, field=name) for name in names)


def _rows(rows: Sequence[Fields]) -> list[Row]:
    columns, lines = _columns(rows), _columns([line for row in rows for line in row.get(LINES, ())])
    return [
        Row(number, [row.get(column.field) for column in columns], _nested(row.get(LINES, ()), lines) if lines else ())
        for number, row in enumerate(rows, 2)
    ]


def _nested(lines: Sequence[Fields], columns: Sequence[Column]) -> list[list[Row]]:
    return [[Row(number, [line.get(column.field) for column in columns]) for number, line in enumerate(lines, 2)]]


def real() -> Target:
    """The AOS that the environment names (tests/aos/README.md). Raises KeyError where it names less than is needed."""
    url = os.environ[REAL]
    port = os.environ.get("AOS_PORT", "RapidStart")
    password = os.environ.get("AOS_PASSWORD_FILE")
    user = os.environ.get("AOS_USER")
    secret = Path(password).read_text(encoding="utf-8").strip() if password else None
    credentials = aos.Credentials(user, secret)  # without a user: the account that runs the tests, where the AOS asks for one
    return Target(
        kind="aos",
        address=url if url.lower().endswith(".svc") else f"{url}/MicrosoftDynamicsAXAif60/{port}/xppservice.svc",
        company=os.environ["AOS_COMPANY"],
        subject=_named(),
        door=aos.Door([url], credentials=credentials),
        credentials=credentials,
    )


def _named() -> Subject:
    """The subject that the environment names. AOS_SERVICE, AOS_KEY and AOS_TEXT have no default: nothing else is written to."""
    given = {
        name: os.environ.get(f"AOS_{name.upper()}", "")
        for name in ("memo", "amount", "symbol", "moment", "line", "line_key", "line_text")
    }
    constants = [part.partition("=") for part in os.environ.get("AOS_CONSTANTS", "").split(",") if part]
    return Subject(
        service=os.environ["AOS_SERVICE"],
        key=os.environ["AOS_KEY"],
        text=os.environ["AOS_TEXT"],
        constants={name: text for name, _, text in constants},
        **given,
    )
