"""One call at work: what every operation needs, and how records are found by key in it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from workers.simulator import values
from workers.simulator.envelope import Key
from workers.simulator.faults import AifError, Complaint
from workers.simulator.model import RECORD_ID, Reference, Service, Table
from workers.simulator.store import Index, Row, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call inside its transaction. `tally` counts rows created, updated and deleted."""

    store: Store
    service: Service
    tables: Mapping[str, Table]
    """all tables of the AOS by name"""
    company: str
    request: etree._Element
    tally: Counter[str] = field(default_factory=Counter)

    def resolve(self, key: Key, position: int, *, xpath: str = "") -> Row:
        """The root record of an EntityKey. Raises AifError where it is not a unique key, or nothing is there."""
        table = self.service.root
        given = dict(key)
        if not set(given) <= {"RecId"} and set(given) != set(table.rules.key):
            message = f"The fields {', '.join(given)} are not a unique key of the table {table.name}."
            raise self._key_error(message, position, xpath)
        try:
            row = self._row(table, given)
        except ValueError:
            row = None
        if row is None:
            shown = ", ".join(f"{name}: {value}" for name, value in key)
            raise self._key_error(f"The record in {table.name} ({table.rules.label}) was not found. {shown}.", position, xpath)
        return row

    def _row(self, table: Table, given: Mapping[str, str]) -> Row | None:
        if "RecId" in given and "RecId" not in table.rules.key:
            return self.store.by_rec_id(table.name, company=self.company, rec_id=int(given["RecId"]))
        unique = index_of(table, given, parent=0).unique_key
        return None if unique is None else self.store.by_key(table.name, company=self.company, unique_key=unique)

    def _key_error(self, message: str, position: int, xpath: str) -> AifError:
        return AifError(Complaint(message=message, xpath=xpath or f"/EntityKeyList/EntityKey[{position}]"))

    def refers_to_nothing(self, reference: Reference, value: str) -> bool:
        """Whether a value is missing in the table that it refers to."""
        return refers_to_nothing(
            self.store, value, company=self.company, table=self.tables[reference.table], name=reference.field
        )

    def nested(self, row: Row, table: Table) -> Iterator[tuple[Table, Row]]:
        """The records nested directly in one, table by table."""
        for child in table.of(row.body).children.values():
            for nested in self.store.children(row.rec_id, child.name):
                yield child, nested


def refers_to_nothing(store: Store, value: str, *, company: str, table: Table, name: str) -> bool:
    """Whether no record of `table` has this value in the field `name`, which may be RecId."""
    if name == RECORD_ID:
        return not value.isdecimal() or store.by_rec_id(table.name, company=company, rec_id=int(value)) is None
    field_ = table.fields[name]
    wanted = values.comparable(field_, value)
    if table.rules.key[:1] == (name,):
        return next(store.scan(table.name, company=company, low=wanted, high=wanted), None) is None
    rows = store.scan(table.name, company=company)
    return all(values.comparable(field_, row.body.get(name)) != wanted for row in rows)


def index_of(table: Table, body: Mapping[str, str], *, parent: int) -> Index:
    """What a record with this body is found by. The key of a nested record holds within its parent."""
    key = [values.comparable(table.fields[name], body.get(name)) for name in table.rules.key]
    if not key:
        return Index(unique_key=None, first="")
    scope = [str(parent)] if parent else []
    return Index(unique_key="\x1f".join((*scope, *map(str, key))), first=key[0])


def entity_key(table: Table, row_id: int, body: Mapping[str, str]) -> Key:
    """The EntityKey of a record."""
    return tuple((name, body.get(name, "")) for name in table.rules.key) or (("RecId", str(row_id)),)
