"""The plain values that cross this room's door: credentials, keys, records, criteria, what a schema says of a document."""

from dataclasses import dataclass, field
from enum import StrEnum

#: An EntityKey: AX field name -> value, in the order in which AX names them.
Key = dict[str, str]


class Authentication(StrEnum):
    """How the worker shows who it is."""

    WINDOWS = "windows"
    """HTTP Negotiate (Kerberos or NTLM), else NTLM: what AX' setup publishes"""
    NTLM = "ntlm"
    BASIC = "basic"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The Windows account that AX knows the worker by, as `DOMAIN\\user`.

    Without a user it is the account that this process runs under (SSPI on Windows, a Kerberos ticket elsewhere).
    """

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    authentication: Authentication = Authentication.WINDOWS
    basic_over_http: bool = False
    """Basic may show the password over a connection without TLS"""


class Operator(StrEnum):
    """The operators of a query criterion, exactly as the QueryCriteria schema spells them."""

    EQUAL = "Equal"
    NOT_EQUAL = "NotEqual"
    GREATER = "Greater"
    GREATER_OR_EQUAL = "GreaterOrEqual"
    LESS = "Less"
    LESS_OR_EQUAL = "LessOrEqual"
    RANGE = "Range"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition of a find; several are meant together. `value2` is the upper end of a range, which is inclusive."""

    table: str
    field: str
    operator: Operator
    value1: str
    value2: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as AX told it: only the fields that AX sent (null and zero are left out), and its nested records."""

    table: str
    values: dict[str, str | None]
    """field -> text; None where AX sent xsi:nil. A structure's texts and an element's attributes stand as `Field.Part`"""
    hash: str = ""
    """the `_DocumentHash`, which an update must bring along; root records only"""
    type: str = ""
    """the derived type that AX named (xsi:type), without its prefix"""
    children: "dict[str, list[Record]]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaProblem:
    """One thing that the port's own XSD finds wrong with a document. `line` counts from 1 in the document's bytes."""

    line: int
    element: str
    message: str
