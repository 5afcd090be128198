"""One call of the table service at work, and how the tables and records that it means are found."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from workers.simulator import values
from workers.simulator.faults import AifError, refused
from workers.simulator.model import RECORD_ID, Field, Kind, Table
from workers.simulator.store import Row, Store
from workers.simulator.tableservice import datacontracts as dc

NOT_ALLOWED: Final = "RapidStartNotAllowed"
UNKNOWN_NAME: Final = "RapidStartUnknownName"
BAD_REQUEST: Final = "RapidStartBadRequest"
MOST_ROWS: Final = 1000
#: How many names a path may have.
DEEPEST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCall:
    """A call inside its transaction. `tally` counts rows created, updated and deleted, and methods called."""

    store: Store
    tables: Mapping[str, Table]
    """the tables of all documents by name, nested ones included"""
    companies: tuple[str, ...]
    company: str
    request: etree._Element
    tally: Counter[str] = field(default_factory=Counter)

    def table(self) -> Table:
        """The table that `_table` names, in any case. Raises AifError."""
        name = dc.value(self.request, "_table")
        found = self.allowed().get(values.fold(name))
        if found is None:
            raise refused(f"The table '{name}' is not on the allow-list of the RapidStart service.", code=NOT_ALLOWED)
        return found

    def allowed(self) -> dict[str, Table]:
        """The tables that may be asked for, by folded name."""
        return {values.fold(name): table for name, table in self.tables.items()}

    def parent_of(self, table: Table) -> Table | None:
        """The table that this one is nested in, in a document."""
        return next((other for other in self.tables.values() if table.name in other.children), None)

    def at_most(self, count: int) -> None:
        """Refuse a call of too many rows or keys. Raises AifError."""
        if count > MOST_ROWS:
            raise refused(f"{count} rows are too many for one call; send at most {MOST_ROWS}.", code=BAD_REQUEST)


class NoField(Exception):
    """A field or path that rows cannot carry: one sentence."""


def target_of(call: TableCall, table: Table, name: str) -> Table | None:
    """The table whose RecId a field holds, if it does."""
    reference = table.rules.references.get(name)
    return call.tables[reference.table] if reference is not None and reference.field == RECORD_ID else None


def is_carried(found: Field) -> bool:
    """Whether a field has a text; containers and the like have none."""
    return found.kind not in {Kind.BASE64, Kind.COMPLEX}


def resolve(call: TableCall, table: Table, path: str) -> tuple[Table, Field]:
    """The field at the end of a path, with its table. Raises NoField."""
    if path.count(".") >= DEEPEST:
        raise NoField(f"The path '{path}' has more than {DEEPEST} names.")
    first, _, rest = path.partition(".")
    name = next((each for each in table.fields if values.fold(each) == values.fold(first)), None)
    if name is None:
        raise NoField(f"The table {table.name} has no field '{first}'.")
    target = target_of(call, table, name)
    if rest and target is None:
        raise NoField(f"The field '{name}' of the table {table.name} is no reference to a record.")
    if not is_carried(table.fields[name]):
        raise NoField(f"The field '{name}' of the table {table.name} is of a type that has no text.")
    return resolve(call, target, rest) if rest and target is not None else (table, table.fields[name])


def paths(call: TableCall, table: Table) -> Iterator[str]:
    """Every field that rows can carry; references by the key of what they refer to."""
    for name, each in table.fields.items():
        target = target_of(call, table, name)
        if target is not None:
            yield from (f"{name}.{path}" for path in key_paths(call, target))
        elif is_carried(each):
            yield name


def key_paths(call: TableCall, table: Table, *, depth: int = DEEPEST - 1) -> list[str]:
    """The key of a table, as paths below a field that refers to it; none where it has no key, or one that refers on too far."""
    found: list[str] = []
    for name in table.rules.key if depth > 0 else ():
        target = target_of(call, table, name)
        inner = [f"{name}.{path}" for path in key_paths(call, target, depth=depth - 1)] if target is not None else [name]
        if not inner:
            return []
        found += inner
    return found


def held(call: TableCall, table: Table, body: Mapping[str, str], path: str) -> str | None:
    """What a record holds at the end of a path, as it is stored; None for nothing, also where a reference leads nowhere."""
    first, _, rest = path.partition(".")
    name = next((each for each in table.fields if values.fold(each) == values.fold(first)), first)
    target = target_of(call, table, name)
    if not rest or target is None:
        return body.get(name)
    row = call.store.by_rec_id(target.name, company=call.company, rec_id=int(body.get(name) or 0))
    return None if row is None else held(call, target, row.body, rest)


def search(call: TableCall, table: Table, wanted: Mapping[str, str | None]) -> Iterator[Row]:
    """The records that hold all of these values, oldest first. The paths must have been resolved before."""
    compared = {path: (found := resolve(call, table, path)[1], values.comparable(found, text)) for path, text in wanted.items()}
    first = next((pair[1] for path, pair in compared.items() if (path,) == table.rules.key[:1]), None)
    rows = call.store.scan(table.name, company=call.company)
    if first is not None:
        rows = call.store.scan(table.name, company=call.company, low=first, high=first)
    for row in rows:
        if all(values.comparable(f, held(call, table, row.body, path)) == value for path, (f, value) in compared.items()):
            yield row


def not_found(message: str) -> AifError:
    """A key field that the table does not have is wrong for the call as a whole."""
    return refused(message, code=UNKNOWN_NAME)
