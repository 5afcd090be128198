"""The only room that speaks to an AOS: its contracts, its document services, its faults.

Callers see plain values and workers' errors; zeep, requests and spnego do not leave this room.
"""

from workers.aos.dataset import Row as TableRow
from workers.aos.door import Door
from workers.aos.exceptions import Logged, exceptions, messages_kept
from workers.aos.marking import Marks, database_mark, surveyed_mark
from workers.aos.nettcp import TargetName
from workers.aos.opening import knows, open_port
from workers.aos.port import Port
from workers.aos.queries import Built, Range
from workers.aos.queryservice import table_rows
from workers.aos.surveying import Scope, check, read_metadata
from workers.aos.tenancy import Tenancy, tenancy
from workers.aos.values import Authentication, Credentials, Criterion, Key, Operator, Record, SchemaProblem

__all__ = [
    "Authentication",
    "Built",
    "Credentials",
    "Criterion",
    "Door",
    "Key",
    "Logged",
    "Marks",
    "Operator",
    "Port",
    "Range",
    "Record",
    "SchemaProblem",
    "Scope",
    "TableRow",
    "TargetName",
    "Tenancy",
    "check",
    "database_mark",
    "exceptions",
    "knows",
    "messages_kept",
    "open_port",
    "read_metadata",
    "surveyed_mark",
    "table_rows",
    "tenancy",
]
