"""AX's own data dictionary, as its MetadataService tells it: tables, enumerations, services and classes, as plain values.

A worker imports it slice by slice, the ledger keeps it, the plan orders, finds keys and validates by it. `metadata` is what
a port's contract says; this is what AX knows whether a port offers it or not. Names and meanings are those of the
application object tree; source: the types of AxMetadataService (TableMetadata, EnumMetadata, ServiceMetadata, ...).
"""

import zlib
from typing import Final

from pydantic import ValidationError

from connector.wire.codec import Value, WireError, from_text, to_text

#: The most bytes that a slice may inflate to.
MAX_SLICE_BYTES: Final = 64_000_000


class TableField(Value):
    """A field of a table."""

    name: str
    type: str = "String"
    """AX' base type: String, Integer, Int64, Real, Enum, Date, UtcDateTime, Time, Guid, Container ..."""
    data_type: str = ""
    """the extended data type, as CustGroupId; "" where there is none"""
    length: int | None = None
    """the most characters of a string; None for other types and for memo fields"""
    enum: str = ""
    """the enumeration's name, of type Enum"""
    mandatory: bool = False
    allow_edit: bool = True
    allow_edit_on_create: bool = True
    visible: bool = True
    system: bool = False
    """AX fills it: RecId, CreatedBy, ..."""
    label: str = ""
    """in the language of the import"""


class TableIndex(Value):
    """An index of a table."""

    name: str
    fields: tuple[str, ...]
    unique: bool = False
    alternate_key: bool = False


class TableRelation(Value):
    """A relation: the fields of a table that name a record of another one."""

    name: str
    table: str
    """the related table"""
    fields: tuple[tuple[str, str], ...] = ()
    """pairs: a field of this table, the field of the related table that it equals"""
    fixed: tuple[tuple[str, int], ...] = ()
    """it holds only where these fields of this table have these values (numbers of enumerations)"""
    related_fixed: tuple[tuple[str, int], ...] = ()
    """and only for records of the related table with these values"""
    validated: bool = True
    """AX refuses a value that names no record"""


class DataTable(Value):
    """A table of the data dictionary."""

    name: str
    label: str = ""
    fields: tuple[TableField, ...] = ()
    indexes: tuple[TableIndex, ...] = ()
    primary_index: str = ""
    replacement_key: tuple[str, ...] = ()
    """the fields by which people and services name a record in place of its RecId"""
    relations: tuple[TableRelation, ...] = ()
    per_company: bool = True
    per_partition: bool = True
    date_effective: bool = False
    abstract: bool = False
    parent: str = ""
    """the table that it is derived from"""
    is_view: bool = False
    is_temporary: bool = False

    def field(self, name: str) -> TableField | None:
        """The field of this name, whatever its case: X++ has none."""
        return next((field for field in self.fields if field.name.casefold() == name.casefold()), None)

    @property
    def unique_keys(self) -> tuple[tuple[str, ...], ...]:
        """What may serve as a natural key, best first: the replacement key, alternate keys, the primary, any unique index.

        Keys of one system field alone (RecId) are none: they mean nothing outside this installation.
        """
        ranked = sorted(
            (index for index in self.indexes if index.unique),
            key=lambda index: (not index.alternate_key, index.name != self.primary_index),
        )
        keys = dict.fromkeys([self.replacement_key, *(index.fields for index in ranked)])
        return tuple(key for key in keys if key and not self._is_surrogate(key))

    def _is_surrogate(self, key: tuple[str, ...]) -> bool:
        return all((field := self.field(name)) is not None and field.system for name in key)


class EnumEntry(Value):
    """A value of an enumeration."""

    symbol: str
    number: int
    label: str = ""


class DataEnum(Value):
    """An enumeration."""

    name: str
    label: str = ""
    entries: tuple[EnumEntry, ...] = ()


class ServiceOperation(Value):
    """An operation of a service in the application object tree."""

    name: str
    method: str = ""
    kind: str = ""
    """as AX tells it: Create, Read, Find, ... or of no document"""
    idempotent: bool | None = None
    """EnableIdempotence: AX refuses a MessageId that it has seen; None where it was not told"""


class DeclaredService(Value):
    """A service in the application object tree, offered by a port or not."""

    name: str
    external_name: str = ""
    namespace: str = ""
    class_name: str = ""
    operations: tuple[ServiceOperation, ...] = ()
    table: str = ""
    """of a document service: the table of its root records"""
    key: tuple[str, ...] = ()
    """of a document service: the fields by which it knows its root records (EntityKey)"""


class DeclaredClass(Value):
    """A class and its public methods, for class actions."""

    name: str
    methods: tuple[str, ...] = ()


class Dictionary(Value):
    """All of it, or a slice. Names are unique within each kind, regardless of case."""

    language: str = ""
    """of the labels, as en-us"""
    tables: tuple[DataTable, ...] = ()
    enums: tuple[DataEnum, ...] = ()
    services: tuple[DeclaredService, ...] = ()
    classes: tuple[DeclaredClass, ...] = ()

    def table(self, name: str) -> DataTable | None:
        """The table of this name."""
        return next((table for table in self.tables if table.name.casefold() == name.casefold()), None)


def pack(dictionary: Dictionary) -> str:
    """A slice as it travels in a report."""
    return to_text(zlib.compress(dictionary.model_dump_json(exclude_defaults=True).encode(), 6))


def unpack(text: str) -> Dictionary:
    """The slice again. Raises WireError."""
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(from_text(text), MAX_SLICE_BYTES)
        if inflater.unconsumed_tail:
            raise WireError(f"a slice of the data dictionary inflates to over {MAX_SLICE_BYTES:,} bytes")
        return Dictionary.model_validate_json(raw)
    except (zlib.error, ValidationError, ValueError) as error:
        raise WireError("a slice of the data dictionary cannot be read") from error
