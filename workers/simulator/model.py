"""What the pretend AOS knows of its ports, as plain values: services, documents, tables, fields, and rules of AX.

Nothing here reads a file or speaks to anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

SYSTEM_FIELDS: Final = ("_DocumentHash", "RecId", "RecVersion")
#: Under this name the body of a record holds what derived type it is; under `Field.Attribute`, an element's attributes.
TYPE: Final = "xsi:type"
#: What a reference names that holds a record's number, and not one of its fields.
RECORD_ID: Final = "RecId"


class SetupError(Exception):
    """The simulator cannot start as it was asked to: one sentence for the person who started it."""


class Kind(StrEnum):
    """How a field's text is to be understood."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    BOOLEAN = "boolean"
    ENUM = "enum"
    GUID = "guid"
    BASE64 = "base64"
    COMPLEX = "complex"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a table, as the port's XSD describes it."""

    name: str
    kind: Kind = Kind.STRING
    mandatory: bool = False
    max_length: int | None = None
    symbols: tuple[str, ...] = ()
    type_name: str = ""
    """the name of its own type among the shared types, for a field that is yet to be written into a schema"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A field's value must stand in `field` of `table`, or be the RecId of a record there."""

    table: str
    field: str


class Edit(StrEnum):
    """When a field may be given a value, where that is not always."""

    CREATE = "create"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What AX knows of a table and the XSD does not say."""

    key: tuple[str, ...] = ()
    """the fields of the unique key; none: records are told apart by RecId alone"""
    label: str = ""
    entity: str = ""
    """the package's name of the table"""
    references: Mapping[str, Reference] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    """what the table fills in by itself where it is asked to"""
    edit: Mapping[str, Edit] = field(default_factory=dict)
    """fields that the table service may not set at all, or not in a record that is there"""
    captions: Mapping[str, str] = field(default_factory=dict)
    """the package's column by field; where given, the truth shows every column"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One record type: its fields, its nested tables, and the order of both in the schema."""

    name: str
    fields: Mapping[str, Field]
    children: Mapping[str, "Table"]
    order: tuple[str, ...]
    rules: Rules
    derived: Mapping[str, "Table"] = field(default_factory=dict)
    """what a record may be instead, by the type's name"""

    def of(self, body: Mapping[str, str]) -> "Table":
        """What a record with this body is: the derived table that it names, or this one."""
        return self.derived.get(body.get(TYPE, ""), self)

    @property
    def nested(self) -> Mapping[str, "Table"]:
        """The tables nested in this one, or in any that is derived from it."""
        below = [child for kind in self.derived.values() for child in kind.children.values()]
        return {child.name: child for child in (*below, *self.children.values())}

    @property
    def key(self) -> tuple[str, ...]:
        """The fields of an EntityKey of this table."""
        return self.rules.key or ("RecId",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document: its root element and the tables of its root records."""

    name: str
    namespace: str
    tables: Mapping[str, Table]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One document service. `operations` maps the soapAction to the operation's name."""

    name: str
    namespace: str
    operations: Mapping[str, str]
    document: Document

    @property
    def root(self) -> Table:
        """The table of the root records; an AX document has one."""
        return next(iter(self.document.tables.values()))
