"""What a port's contract says, as plain values: services, documents, records, fields.

A worker's survey reports them, the plan matches packages against them, the document generator writes by them.
AX 2012 terms: a *service* is what a port exposes, its *document* nests *tables* (records), a table has *fields*.
"""

import re
from enum import StrEnum
from typing import Final

from connector.wire.codec import Value

#: The operation of the table service that tells the mark of the AX database.
MARK: Final = "databaseMark"

#: Fields of a record that AIF keeps for itself; no package column is matched with them by name.
SYSTEM_FIELDS: Final = frozenset({"_DocumentHash", "RecId", "RecVersion"})


class FieldType(StrEnum):
    """How a field's text is written in a document."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    BOOLEAN = "boolean"
    BASE64 = "base64"
    GUID = "guid"
    COMPLEX = "complex"
    """a structure (financial dimensions, accounts), not one text"""


class Field(Value):
    """One field of a record, with the facets that the XSD states."""

    name: str
    type: FieldType = FieldType.STRING
    type_name: str = ""
    """the type's name in the schema, as AxdExtType_CustGroupId"""
    mandatory: bool = False
    nillable: bool = True
    max_length: int | None = None
    minimum: str | None = None
    maximum: str | None = None
    decimals: int | None = None
    """the most digits after the decimal point, zeros at the end aside"""
    symbols: tuple[str, ...] = ()
    """the enumeration's symbols, in order"""
    labels: tuple[str, ...] = ()
    """what the contract calls the symbols, in their order; () where it does not tell"""
    numbers: tuple[int, ...] = ()
    """the symbols' numbers, in their order; () where the contract does not tell"""
    label: str = ""
    checked: bool = False
    """type and facets as they stand here are all that the schema asks of a text"""
    attributes: "tuple[Field, ...]" = ()
    """attributes that the element may carry beside its text: a UTC date and time has localDateTime and timezone"""
    structure: "Structure | None" = None
    """for COMPLEX fields of a known form"""


class Structure(Value):
    """What a field consists of that is no single text: financial dimensions, accounts, and the like.

    Some elements hold a text each (`DisplayValue`, `MainAccount`); one may hold named values, a `Value` with `Name` and
    `Value` for each dimension. AX 2012's shared types: AxdType_DimensionAttributeValueSet, _LedgerAccount, _MultiTypeAccount,
    _BudgetAccount, _DefaultAccount and others of this form.
    """

    namespace: str
    """of all its elements"""
    parts: tuple[Field, ...]
    """its elements, in schema order"""
    values: str = ""
    """the element that holds the named values; "" where there is none"""

    @property
    def texts(self) -> tuple[Field, ...]:
        """The elements that hold a text each."""
        return tuple(part for part in self.parts if part.name != self.values)


class Table(Value):
    """One record type of a document: its element name, fields, and nested records."""

    name: str
    fields: tuple[Field, ...]
    children: "tuple[Table, ...]" = ()
    order: tuple[str, ...] = ()
    """names of fields and nested records in schema order"""
    plain: bool = False
    """a record holds what `order` names, in that order, and nothing else; what is not mandatory may be left out"""
    repeats: bool = False
    """any number of these records may stand where one may"""
    key: tuple[str, ...] = ()
    """the fields of its unique key, where that is told: by the table service, not by a document's schema"""
    per_company: bool | None = None
    """each company has records of its own (SaveDataPerCompany); None where that is not told: no document's schema tells it"""
    type_name: str = ""
    """the record's type in the schema, as AxdEntity_DirParty"""
    abstract: bool = False
    """a derived type must be chosen: the record cannot be written as it is"""
    derived: "tuple[Table, ...]" = ()
    """what the record may be instead, each with all of its fields; told apart by `type_name` (xsi:type)"""

    @property
    def is_effective(self) -> bool:
        """Whether its records hold for a span of time (a date-effective table)."""
        return {"ValidFrom", "ValidTo"} <= {field.name for field in self.fields}

    def as_type(self, name: str) -> "Table | None":
        """The derived record of a type's name, or of its last part ("DirPerson"); itself for ""."""
        if not name:
            return self
        return next((each for each in self.derived if each.type_name == name or each.type_name.endswith(f"_{name}")), None)

    def field(self, name: str) -> Field | None:
        """The field of exactly this name."""
        return next((field for field in self.fields if field.name == name), None)


class Document(Value):
    """The document of a document service: its root element and its root records."""

    name: str
    namespace: str
    order: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    """what stands beside the records: ClearNilFieldsOnUpdate, DocPurpose, SenderId, ValidAsOfDateTime ..."""
    tables: tuple[Table, ...] = ()


class Parameter(Value):
    """An element of an operation's request or answer: a text (`field`), or a data contract that holds `parts`."""

    name: str
    namespace: str
    field: Field | None = None
    parts: "tuple[Parameter, ...]" = ()
    """in schema order"""
    repeats: bool = False
    mandatory: bool = False
    nillable: bool = True
    type_name: str = ""

    @property
    def item(self) -> "Parameter | None":
        """What an entry of a list is: itself where it repeats, else the only thing that it holds and that repeats."""
        if self.repeats:
            return self
        return self.parts[0] if len(self.parts) == 1 and self.parts[0].repeats else None


class Operation(Value):
    """An operation that is none of a document service's own: what it takes and what it answers."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    result: tuple[Parameter, ...] = ()


class Service(Value):
    """One service on a port. `document` is None for a custom service."""

    address: str
    """the port's URL (…/xppservice.svc)"""
    port: str
    """the integration port's name, as in the address"""
    name: str
    """the ExternalName, as CustGroupService"""
    namespace: str
    operations: tuple[str, ...]
    calls: tuple[Operation, ...] = ()
    """the operations that take other things than documents and their keys"""
    document: Document | None = None
    generic: bool = False
    """it writes rows of any table that it allows, which `document` lists: the customer's table service (deploy/ax)"""
    key: tuple[str, ...] = ()
    """the fields of the EntityKey that the service itself returned, where it could be asked"""


class Metadata(Value):
    """All that is known of an endpoint's services. The fingerprint changes when a contract changes."""

    fingerprint: str
    services: tuple[Service, ...]

    @property
    def marker(self) -> Service | None:
        """The service that tells the mark of the AX database; None where nobody does."""
        return next((service for service in self.services if service.generic and MARK in service.operations), None)


def normalized(name: str) -> str:
    """A name without case and punctuation: what two names must share to be taken for the same."""
    return re.sub(r"[\W_]+", "", name).casefold()
