"""What the dispatcher sends to a worker: work (on the endpoint's queue) and answers to what the worker asked."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from connector.wire.codec import Message, Row, Value
from connector.wire.reports import BatchRef, Intent, Outcomes


class Mode(StrEnum):
    """What a load may do with a row."""

    UPSERT = "upsert"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Blank(StrEnum):
    """What an empty cell means for a record that exists: keep what is there, or clear it."""

    KEEP = "keep"
    CLEAR = "clear"


class Column(Value):
    """A column of the package and the AX field that it fills."""

    name: str
    field: str


class Layout(Value):
    """How the rows of one action become records: the columns' fields, in the order of a row's cells."""

    step: int
    """number of the step that these rows belong to (nested rows have a step of their own)"""
    entity: str
    file: str
    sheet: str | None = None
    table: str
    """the record's element name, as CustGroup"""
    columns: tuple[Column, ...]
    constants: dict[str, str] = {}
    key: tuple[str, ...] = ()
    """natural key: AX field names"""
    unit: tuple[str, ...] = ()
    """fields by which consecutive root rows belong together: they are written in one call or not at all"""
    blank: Blank = Blank.KEEP
    children: "tuple[Layout, ...]" = ()


class Target(Value):
    """The service that a step writes to. `contract` is a fingerprint: see Metadata."""

    address: str
    port: str
    service: str
    contract: str
    given: bool = False
    """the contract was given to the endpoint as a folder: a worker that lacks it asks the dispatcher"""


class LoadTables(Message):
    """One batch of rows for a document service."""

    KIND = "load.tables"

    endpoint: str
    ref: BatchRef
    company: str
    partition: str | None = None
    language: str = "en-us"
    target: Target
    layout: Layout
    mode: Mode = Mode.UPSERT
    call_timeout_s: float = 120.0
    rows: str
    """packed rows: codec.from_text, codec.unpack_rows"""
    so_far: Outcomes | None = None
    """outcomes that earlier attempts proved; their rows are not touched again"""
    open_intent: Intent | None = None
    """a writing call of an earlier attempt that was granted and never told its end: repeat it, byte for byte"""


class SurveyMetadata(Message):
    """Read the contracts of the endpoint's ports and report them. `contract` is a zip of WSDL and XSD files, base64."""

    KIND = "survey.metadata"

    endpoint: str
    ref: BatchRef
    addresses: tuple[str, ...]
    company: str | None = None
    contract: str | None = None


class SurveyConnection(Message):
    """Find out whether the AOS can be reached and what it lets this worker do."""

    KIND = "survey.connection"

    endpoint: str
    ref: BatchRef
    addresses: tuple[str, ...]
    companies: tuple[str, ...] = ()


class Grant(Message):
    """The answer to an intent: the worker may make the call, or must not. It is sent on `routes.reply_key`."""

    KIND = "grant"

    granted: bool
    reason: str = ""


class Contract(Message):
    """The answer to `ContractWanted`: the contract folder that was given to the endpoint, as a zip, base64."""

    KIND = "contract"

    contract: str


WORK: Final[dict[str, type[Message]]] = {m.KIND: m for m in (LoadTables, SurveyMetadata, SurveyConnection)}
ANSWERS: Final[dict[str, type[Message]]] = {m.KIND: m for m in (Grant, Contract)}


def flatten(layout: Layout, row: Row) -> Iterator[tuple[Layout, Row]]:
    """A root row and its nested rows, depth first: the order in which outcomes are told."""
    yield layout, row
    for child, rows in zip(layout.children, row.children, strict=False):
        for nested in rows:
            yield from flatten(child, nested)
