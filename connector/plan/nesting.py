"""Which actions hold rows that are nested in another action's records, and by which cells they are tied to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connector.errors import Place, PlanRefused
from connector.intake.values import Action
from connector.plan import names
from connector.plan.mapping import TableMapping
from connector.plan.matching import Record
from connector.wire.dictionary import DataTable
from connector.wire.jobs import Mode
from connector.wire.metadata import normalized


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """An action, the record that it means, and why."""

    index: int
    action: Action
    record: Record
    reason: str
    said: TableMapping
    known: DataTable | None = None
    """what AX's data dictionary says of its table, with what that inherits"""
    spellings: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    """by field, then by a label or number, case aside: the symbol that the cell means"""


def parent_of(child: Matched, among: Sequence[Matched]) -> Matched | None:
    """The action whose records hold this one's, or None for a root. Raises PlanRefused where there must be one and is none."""
    if not child.record.path:
        if child.said.parent is not None:
            raise _refused(
                child, f"{child.record} is a record of its own and cannot be nested.", "Remove `parent` from the mapping."
            )
        return None
    found = [other for other in among if other.record.holds(child.record)]
    holder = child.record.path[-1]
    _check_holder(child, holder, found)
    if len(found) == 1:
        return found[0]
    if not found:
        raise _refused(
            child,
            f"{child.record} is nested in {holder}, and the package has no rows for {holder}.",
            f"Add them; AX takes {child.record.table.name} only together with its {holder}.",
        )
    told = " and ".join(repr(other.action.entity) for other in found)
    raise _refused(child, f"{told} both fill {holder}, in which these rows are nested.", "Keep one of them in the package.")


def _check_holder(child: Matched, holder: str, found: Sequence[Matched]) -> None:
    """Refuse a `parent` that is not what the record is nested in: its columns would be looked for elsewhere."""
    if child.said.parent is None:
        return
    named = normalized(child.said.parent.target)  # with the service or port in front of it, or as the package calls it
    if not named.endswith(normalized(holder)) and named not in {normalized(other.action.entity) for other in found}:
        raise _refused(
            child,
            f"the mapping's `parent` names {child.said.parent.target!r}, and {child.record} is nested in {holder}.",
            f'Write target = "{holder}".',
        )


def link(child: Matched, parent: Matched, parent_key: Sequence[tuple[str, str]]) -> tuple[tuple[int, int], ...]:
    """Pairs of column indexes (child, parent) whose cells are equal: as the mapping says, or the parent's key by name.

    `parent_key` is (column, field) of the parent's key. Raises PlanRefused.
    """
    if child.said.parent is not None and child.said.parent.on:
        return tuple(
            (_column(child, mine, child), _column(parent, theirs, child)) for mine, theirs in child.said.parent.on.items()
        )
    pairs = []
    for column, name in parent_key:
        mine = _named(child, {normalized(column), normalized(name)})
        if mine is None:
            raise _unlinked(child, parent, column)
        pairs.append((mine, parent.action.columns.index(column)))
    if not pairs:
        raise _unlinked(child, parent, "its key")
    return tuple(pairs)


def _named(matched: Matched, forms: set[str]) -> int | None:
    fields: Mapping[str, str] = matched.said.fields
    for index, column in enumerate(matched.action.columns):
        if normalized(column) in forms or normalized(fields.get(column, "-")) in forms:
            return index
    return None


def _column(matched: Matched, name: str, asking: Matched) -> int:
    """The index of a column that the mapping calls by its own name or by its field's."""
    if name in matched.action.columns:
        return matched.action.columns.index(name)
    index = _named(matched, {normalized(name)})
    if index is None:
        raise _refused(
            asking,
            f"the mapping's `parent` names a column {name!r}, which {matched.action.entity!r} does not have.",
            names.meant(name, matched.action.columns),
        )
    return index


def _unlinked(child: Matched, parent: Matched, column: str) -> PlanRefused:
    first = child.action.columns[0]
    return _refused(
        child,
        f"these rows are nested in those of {parent.action.entity!r}, but have no column {column!r} to find them by.",
        f'Write into the mapping:\n[table."{child.action.entity}"]\n'
        f'parent = {{ target = "{parent.record.table.name}", on = {{ "{first}" = "{column}" }} }}',
    )


def check_delete(child: Matched, parent: Matched | None, mode: Mode) -> None:
    """Refuse `delete` where rows have no records around them that stay and are known to be there. Raises PlanRefused."""
    if not child.said.delete:
        return
    if parent is None:
        raise _refused(child, f"{child.record} is a record of its own.", "Load its rows in mode delete, without `delete`.")
    if mode is not Mode.UPDATE:
        message = f"its rows delete records of {child.record.table.name}, which are found in records that exist."
        raise _refused(child, message, "Load it in mode update.")
    if not child.said.key:
        message = f"its rows delete records of {child.record.table.name}, and no key tells which."
        raise _refused(child, message, f'Write into the mapping: [table."{child.action.entity}"] key = ["Field"].')


def _refused(matched: Matched, message: str, advice: str) -> PlanRefused:
    return PlanRefused(message, advice=advice, place=Place(file=matched.action.file, sheet=matched.action.sheet))
