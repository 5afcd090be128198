"""What a package is once it has been opened: plain values that planning reads.

No reader lives here, so that planning can name these types without loading one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from connector.wire.codec import Row

PackageFormat = Literal["csv", "folder", "zip", "workbook", "datapackage"]


class Order(NamedTuple):
    """Where a data package's manifest puts an entity. Only entities of an identical triple may be loaded at the same time."""

    unit: int
    level: int
    sequence: int

    def __str__(self) -> str:
        return f"execution unit {self.unit}, level {self.level}, sequence {self.sequence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a package may hold before it is refused."""

    entries: int = 5_000
    """files in a zip"""
    inflated_bytes: int = 4_000_000_000
    """of all files of a zip together"""
    ratio: int = 200
    """inflated to compressed bytes of one file; real packages reach 60"""
    columns: int = 16_384
    """of one table; an Excel sheet has no more"""
    record_bytes: int = 8_000_000
    """of one record of a file, as it is written there: cells, quotation marks, markup"""
    fast_sheet_bytes: int = 20_000_000
    """a sheet whose XML is longer, with the shared strings, is streamed instead of being held in memory"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One entry of a package's action sequence: the rows for one entity, in one file or sheet."""

    entity: str
    file: str
    """name of the file as the user knows it, never a path of this computer"""
    sheet: str | None = None
    kind: Literal["table"] = "table"
    columns: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    """what a data package's manifest calls a column's field, where that differs from the column's own name"""
    declared_key: tuple[str, ...] = ()
    """the key columns, where the package declares them"""
    order: Order | None = None
    read: Callable[[], Iterator[Row]] = field(repr=False, compare=False)

    def rows(self) -> Iterator[Row]:
        """The rows from the first on, read anew at each call and one at a time.

        A row's number is the line in the file where its record starts, or the row of the sheet; its cells stand in the order
        of `columns`, exactly as written. Records that hold blanks only are left out. Raises PackageRefused.
        """
        return self.read()

    def __str__(self) -> str:
        return f"{self.entity} ({self.file}{f', sheet {self.sheet}' if self.sheet else ''})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An opened package: its actions in the package's own order, and what the user should know about it."""

    name: str
    format: PackageFormat
    actions: tuple[Action, ...]
    notices: tuple[str, ...] = ()
    mapping_toml: str | None = None
    """text of the rapidstart.toml that lay in the package"""
    corrects: str | None = None
    """the job whose rows it corrects, where it is a workbook for that"""
