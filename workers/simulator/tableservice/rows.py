"""Rows of a request -> what each would become in its table, or why not. Nothing here writes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from lxml import etree

from workers.simulator import values
from workers.simulator.calls import index_of, refers_to_nothing
from workers.simulator.model import Edit, Field, Table
from workers.simulator.store import Index, Row
from workers.simulator.tableservice import datacontracts as dc
from workers.simulator.tableservice.given import resolve
from workers.simulator.tableservice.request import TableCall

_CHANGED = "An update conflict occurred due to another user process deleting the record or changing one or more fields in it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One row. `wrong` holds what is to be told of a row that is refused: field or "", and AX' sentence."""

    number: int
    table: Table
    before: Row | None = None
    body: Mapping[str, str] = field(default_factory=dict)
    index: Index = field(default=Index(unique_key=None, first=""))
    parent: int = 0
    wrong: tuple[tuple[str, str], ...] = ()

    @property
    def row(self) -> Row:
        """The record to be changed or deleted; only a row that is not refused is sure to have one. Raises LookupError."""
        if self.before is None:
            raise LookupError(f"row {self.number} has no record")
        return self.before


def plan_create(call: TableCall, table: Table, row: etree._Element, number: int) -> Plan:
    """A new record."""
    given, wrong = resolve(call, table, row)
    defaults = table.rules.defaults if dc.truth(call.request, "_defaults") else {}
    body = dict(defaults) | {name: text for name, text in given.items() if text is not None}
    body = {name: text for name, text in body.items() if name not in given or given[name] is not None}
    parent, orphan = _parent(call, table, body)
    wrong += tuple(_fixed(table, given, {Edit.NEVER}))
    checked = (*wrong, *orphan, *(() if wrong else _checks(call, table, body, tuple(table.fields))))
    return _indexed(call, Plan(number=number, table=table, body=body, parent=parent, wrong=checked))


def plan_update(call: TableCall, table: Table, row: etree._Element, number: int) -> Plan:
    """A record as it stands, with the given fields changed."""
    found = plan_delete(call, table, row, number)
    if found.before is None or found.wrong:
        return found
    given, wrong = resolve(call, table, row)
    body = found.before.body | {name: text for name, text in given.items() if text is not None}
    body = {name: text for name, text in body.items() if given.get(name, text) is not None}
    wrong += tuple(_fixed(table, given, {Edit.NEVER, Edit.CREATE}))
    checked = (*wrong, *(() if wrong else _checks(call, table, body, tuple(given))))
    return _indexed(call, replace(found, body=body, parent=found.before.parent, wrong=checked))


def plan_delete(call: TableCall, table: Table, row: etree._Element, number: int) -> Plan:
    """A record that is to be there as it was read."""
    rec_id, version = dc.number(row, "RecId"), dc.number(row, "RecVersion")
    before = call.store.by_rec_id(table.name, company=call.company, rec_id=rec_id)
    if before is None:
        wrong = f"The record in {table.name} ({table.rules.label}) was not found. RecId: {rec_id}."
        return Plan(number=number, table=table, wrong=(("", wrong),))
    if before.version != version:
        wrong = f"Cannot edit a record in {table.name} ({table.rules.label}). RecId: {rec_id}. {_CHANGED}"
        return Plan(number=number, table=table, before=before, wrong=(("", wrong),))
    return Plan(number=number, table=table, before=before)


def without_twins(plans: list[Plan]) -> list[Plan]:
    """The plans, with every row refused whose record, or whose key, an earlier row of the call has taken already."""
    records: set[int] = set()
    keys: set[str] = set()
    found = []
    for plan in plans:
        wrong = plan.wrong
        if plan.before is not None and plan.before.rec_id in records and not wrong:
            wrong = (("", f"The record {plan.before.rec_id} is named twice in one call."),)
        if plan.index.unique_key in keys and not wrong:
            wrong = ((_first_key(plan.table), _exists(plan.table, plan.body)),)
        records |= {plan.before.rec_id} if plan.before is not None else set()
        keys |= {plan.index.unique_key} if plan.index.unique_key is not None else set()
        found.append(replace(plan, wrong=wrong))
    return found


def _fixed(table: Table, names: Iterable[str], refused: set[Edit]) -> Iterator[tuple[str, str]]:
    """The given fields that may not be given a value, not even the one that they have."""
    for name in names:
        if table.rules.edit.get(name) in refused:
            yield name, f"The field '{name}' may not be changed."


def _parent(call: TableCall, table: Table, body: Mapping[str, str]) -> tuple[int, tuple[tuple[str, str], ...]]:
    """The record that a new line belongs to, found by the key that the line carries."""
    above = call.parent_of(table)
    if above is None or not above.rules.key:
        return 0, ()
    if not all(name in table.fields for name in above.rules.key):
        return 0, (("", f"Lines of {table.name} cannot be told their {above.name}."),)
    unique = index_of(above, body, parent=0).unique_key
    row = None if unique is None else call.store.by_key(above.name, company=call.company, unique_key=unique)
    if row is not None:
        return row.rec_id, ()
    name = above.rules.key[0]
    return 0, ((name, _missing(name, body.get(name, ""), above.name)),)


def _checks(call: TableCall, table: Table, body: Mapping[str, str], names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """What the table's own checks say of some of its fields."""
    for name in names:
        if table.fields[name].mandatory and _is_empty(table.fields[name], body.get(name)):
            yield name, f"Field '{name}' must be filled in."
        reference, value = table.rules.references.get(name), body.get(name)
        if reference and value:
            related = call.tables[reference.table]
            if refers_to_nothing(call.store, value, company=call.company, table=related, name=reference.field):
                yield name, _missing(name, value, reference.table)


def _is_empty(field_: Field, value: str | None) -> bool:
    return not value or (not field_.symbols and values.is_empty(field_, value))


def _missing(name: str, value: str, table: str) -> str:
    return f"The value '{value}' in field '{name}' is not found in the related table '{table}'."


def _indexed(call: TableCall, plan: Plan) -> Plan:
    """The plan with its place in the unique index, refused where somebody else has it."""
    if plan.wrong:
        return plan
    table = plan.table
    index = index_of(table, plan.body, parent=plan.parent)
    holder = index.unique_key and call.store.by_key(table.name, company=call.company, unique_key=index.unique_key)
    if holder and (plan.before is None or holder.rec_id != plan.before.rec_id):
        return replace(plan, index=index, wrong=((_first_key(table), _exists(table, plan.body)),))
    return replace(plan, index=index)


def _first_key(table: Table) -> str:
    return table.rules.key[0] if table.rules.key else ""


def _exists(table: Table, body: Mapping[str, str]) -> str:
    shown = ", ".join(f"{name}: {body.get(name, '')}" for name in table.rules.key)
    return f"Cannot create a record in {table.name} ({table.rules.label}). {shown}. The record already exists."
