"""What a port's contract says, as plain values: services, documents, records, fields.

A worker's survey reports them, the plan matches packages against them, the document generator writes by them.
AX 2012 terms: a *service* is what a port exposes, its *document* nests *tables* (records), a table has *fields*.
"""

import re
from enum import StrEnum
from typing import Final

from connector.wire.codec import Value

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
    label: str = ""
    checked: bool = False
    """type and facets as they stand here are all that the schema asks of a text"""


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

    def field(self, name: str) -> Field | None:
        """The field of exactly this name."""
        return next((field for field in self.fields if field.name == name), None)


class Document(Value):
    """The document of a document service: its root element and its root records."""

    name: str
    namespace: str
    order: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


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
    document: Document | None = None
    key: tuple[str, ...] = ()
    """the fields of the EntityKey that the service itself returned, where it could be asked"""


class Metadata(Value):
    """All that is known of an endpoint's services. The fingerprint changes when a contract changes."""

    fingerprint: str
    services: tuple[Service, ...]


def normalized(name: str) -> str:
    """A name without case and punctuation: what two names must share to be taken for the same."""
    return re.sub(r"[\W_]+", "", name).casefold()
