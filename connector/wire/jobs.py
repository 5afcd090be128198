"""What the dispatcher sends to a worker: work (on the endpoint's queue) and answers to what the worker asked."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from connector.wire.codec import Message, Row, Value
from connector.wire.reports import BatchRef, Intent, Outcome, Outcomes


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
    """of a service operation: the parameter, as a path of names joined by dots"""
    part: str = ""
    """the part of a structure (a dimension's name, or `MainAccount`), or an attribute (`timezone`); "" for all of it"""


class Merge(StrEnum):
    """What an update does with the dimensions of a record that the rows do not name."""

    MERGE = "merge"
    """they stay"""
    REPLACE = "replace"
    """they are taken away"""


class Structured(Value):
    """How a structure is filled: by columns for its parts, or by one delimited text."""

    segments: tuple[str, ...] = ()
    """the parts that a delimited text holds, in its order"""
    delimiter: str = "-"
    update: Merge = Merge.MERGE


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
    """by field; `Field.Part` for a part of one"""
    type: str = ""
    """the derived type that the records have (xsi:type), as the contract names it"""
    document: dict[str, str] = {}
    """what stands beside the root records: ValidAsOfDateTime, DocPurpose ..."""
    structures: dict[str, Structured] = {}
    """by field"""
    key: tuple[str, ...] = ()
    """natural key: AX field names"""
    unit: tuple[str, ...] = ()
    """fields by which consecutive root rows belong together: they are written in one call or not at all"""
    blank: Blank = Blank.KEEP
    deletes: bool = False
    """of nested rows: the records that they name are deleted, those around them stay"""
    children: "tuple[Layout, ...]" = ()


class Target(Value):
    """The service that a step writes to. `contract` is a fingerprint: see Metadata."""

    address: str
    port: str
    service: str
    operation: str = ""
    """of service and class actions"""
    table: str = ""
    """of the customer's table service"""
    contract: str
    given: bool = False
    """the contract was given to the endpoint as a folder: a worker that lacks it asks the dispatcher"""


class Reference(Value):
    """Values of some rows that must be keys of another table's records, and that the package itself does not bring before."""

    step: int
    """number of the step whose rows hold them"""
    field: str
    target: Target
    """the service that knows the other table's records"""
    table: str
    key: str
    """the one field by which those records are known"""
    ask: tuple[str, ...]
    """the values that AX must be asked for, each once"""


class Load(Message):
    """One batch of rows, whichever way they go. `layout` says what the cells are."""

    KIND = "load"

    endpoint: str
    ref: BatchRef
    company: str
    partition: str | None = None
    language: str = "en-us"
    target: Target
    layout: Layout
    call_timeout_s: float = 120.0
    call_rows: int = 0
    """root rows that a call writes, units whole; 0: as many as the batch holds"""
    rows: str
    """packed rows: codec.from_text, codec.unpack_rows"""
    so_far: Outcomes | None = None
    """outcomes that earlier attempts proved; their rows are not touched again"""
    open_intent: Intent | None = None
    """a writing call of an earlier attempt that was granted and never told its end: repeat it, byte for byte"""
    preview: bool = False
    """nothing is written: each row is told what would become of it, or why it would fail"""
    marker: Target | None = None
    """the service that tells the mark of the AX database: it is asked before something is written. None: nobody tells it"""


class LoadTables(Load):
    """Rows for a document service."""

    KIND = "load.tables"

    mode: Mode = Mode.UPSERT
    idempotent: bool = True
    """AX refuses a MessageId that it has seen. Where it does not, a call of unknown end is never repeated: keys are looked up"""
    guessed: bool = False
    """the key is a guess: that a record has it proves nothing (previews, and with `look_first`)"""
    look_first: bool = False
    """calls that nobody remembers may have created some of the rows: none is created before its key was looked up"""
    references: tuple[Reference, ...] = ()
    """what the rows refer to (previews only)"""


class LoadServices(Load):
    """Rows for an operation of a service: a call for each root row, with the rows nested in it as lists.

    A layout's columns and constants name parameters by path; a nested layout's `table` is the path of the list that its
    rows fill, and its paths begin within an entry.
    """

    KIND = "load.services"

    idempotent: bool = False
    """AX refuses a MessageId that it has seen: a call of unknown end may be repeated"""
    outcome: Outcome = Outcome.UPDATED
    """what is told of a row whose call was carried out"""


class LoadClasses(LoadServices):
    """Rows for a method of a class, through a custom service that calls it. A call of unknown end is never repeated.

    Class and method are constants of the layout.
    """

    KIND = "load.classes"

    parameters: str = ""
    """path of the list that takes the method's parameters; columns below it, as `_parameters.Customer`, are its entries.
    "" where the operation has a parameter for each"""
    name: str = "Name"
    """within an entry: what takes the parameter's name"""
    value: str = "Value"
    """within an entry: what takes its value"""


class LoadFiles(Load):
    """Rows for a document service that AX reads from a folder (the file system adapter of AIF)."""

    KIND = "load.files"

    mode: Mode = Mode.CREATE
    folder: str = ""
    """the file port among the worker's; "" where it has one"""


class LoadFlatFile(Load):
    """Rows for the Data Import/Export Framework: a text file in the folder that it reads."""

    KIND = "load.flatfile"

    formats: dict[str, str] = {}
    """what columns hold, by field: decimal, date, datetime, or values (one on each line); all else is text"""


class SurveyMetadata(Message):
    """Read the contracts of the endpoint's ports and report them. `contract` is a zip of WSDL and XSD files, base64."""

    KIND = "survey.metadata"

    endpoint: str
    ref: BatchRef
    addresses: tuple[str, ...]
    company: str | None = None
    contract: str | None = None


class SurveyConnection(Message):
    """Find out whether the AOS can be reached and what it lets this worker do. `contract` as in `SurveyMetadata`."""

    KIND = "survey.connection"

    endpoint: str
    ref: BatchRef
    addresses: tuple[str, ...]
    companies: tuple[str, ...] = ()
    partition: str | None = None
    contract: str | None = None


class ImportDictionary(Message):
    """Read AX's data dictionary from its MetadataService and report it slice by slice."""

    KIND = "survey.dictionary"

    endpoint: str
    ref: BatchRef
    addresses: tuple[str, ...]
    language: str = "en-us"
    """of the labels"""
    services_only: bool = False
    tables: tuple[str, ...] = ()
    """these tables alone, and the enumerations of their fields; () for everything"""


class Grant(Message):
    """The answer to an intent, or to a slice of the data dictionary: the worker may go on, or must not.

    It is sent on `routes.reply_key`.
    """

    KIND = "grant"

    granted: bool
    reason: str = ""


class Contract(Message):
    """The answer to `ContractWanted`: the contract folder that was given to the endpoint, as a zip, base64."""

    KIND = "contract"

    contract: str


class Wish(Message):
    """The answer to `CrewAlive`: what is wished of this computer. None: nothing is, its own settings hold."""

    KIND = "wish"

    workers: Annotated[int, Field(ge=0)] | None = None
    """worker processes on this computer: its share of those that the endpoint shall have"""
    concurrency: Annotated[int, Field(ge=1, le=64)] | None = None
    """calls at once, of each worker process"""


_WORK: Final = (
    LoadTables,
    LoadServices,
    LoadClasses,
    LoadFiles,
    LoadFlatFile,
    SurveyMetadata,
    SurveyConnection,
    ImportDictionary,
)
WORK: Final[dict[str, type[Message]]] = {m.KIND: m for m in _WORK}
ANSWERS: Final[dict[str, type[Message]]] = {m.KIND: m for m in (Grant, Contract, Wish)}


def flatten(layout: Layout, row: Row) -> Iterator[tuple[Layout, Row]]:
    """A root row and its nested rows, depth first: the order in which outcomes are told."""
    yield layout, row
    for child, rows in zip(layout.children, row.children, strict=False):
        for nested in rows:
            yield from flatten(child, nested)
