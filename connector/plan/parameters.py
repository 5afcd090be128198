"""Find the parameter that each column of an entity fills whose rows are calls."""

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence

from connector.errors import Place, PlanRefused
from connector.intake.values import Action
from connector.plan import names
from connector.plan.columns import Match, Matches
from connector.plan.mapping import TableMapping
from connector.plan.matching import Record
from connector.wire.metadata import FieldType, Table, normalized


def match(
    action: Action, record: Record, said: TableMapping, given: AnyMapping[str, str], *, linking: Sequence[int], entries: str = ""
) -> Matches:
    """The parameter that each column fills: as the mapping says, or the one whose last name is the column's.

    Case, punctuation and a leading `parm` do not count. With `entries`, the path of a list, columns are its entries.
    `given` are the constants by path. Raises PlanRefused for unknown columns and parameters, and for mandatory ones unfilled.
    """
    _check_columns(action, said)
    if entries:
        return Matches(all=tuple(_entry(index, column, said, entries) for index, column in enumerate(action.columns)))
    found = tuple(_match(index, column, action, record, said, linking) for index, column in enumerate(action.columns))
    missing = [each.column for each in found if each.field is None and not each.reason]
    if missing:
        raise _missing(missing, action, record)
    _check_filled(found, action, record, given)
    return Matches(all=found)


def _entry(index: int, column: str, said: TableMapping, entries: str) -> Match:
    name = said.fields.get(column, column)
    if not name:
        return Match(index=index, column=column, field=None, reason="the mapping drops it")
    why = "the mapping says so" if column in said.fields else "the method's parameters are the columns, in their order"
    return Match(index=index, column=column, field=f"{entries}.{name}", reason=why)


def _match(index: int, column: str, action: Action, record: Record, said: TableMapping, linking: Sequence[int]) -> Match:
    """The match; neither field nor reason when there is none."""
    if column in said.fields:
        if not said.fields[column]:
            return Match(index=index, column=column, field=None, reason="the mapping drops it")
        path = path_of(said.fields[column], record.table, said, action=action)
        return Match(index=index, column=column, field=path, reason="the mapping says so")
    for name in filter(None, (column, action.aliases.get(column, ""))):
        if (found := _named(name, record.table)) is not None:
            return Match(index=index, column=column, field=found, reason="the only parameter of this name")
    reason = "it only links a row to its parent" if index in linking else ""
    return Match(index=index, column=column, field=None, reason=reason)


def _named(name: str, table: Table) -> str | None:
    """The path that a name means: all of it, or the last part of one alone."""
    paths = [each.name for each in table.fields]
    whole = [path for path in paths if path == name] or [path for path in paths if normalized(path) == normalized(name)]
    last = whole or [path for path in paths if _bare(path) == _bare(name)]
    return last[0] if len(last) == 1 else None


def _bare(path: str) -> str:
    last = normalized(path.rpartition(".")[2])
    return last.removeprefix("parm") or last


def path_of(name: str, table: Table, said: TableMapping, *, action: Action) -> str:
    """The path of a parameter that the mapping names, whole or by its last part alone. Raises PlanRefused."""
    found = _named(name, table)
    if found is None:
        listed = next((child.name for child in table.children if normalized(child.name) == normalized(name)), None)
        if listed is not None:
            raise _refused(
                action,
                f"{listed} of {table.name} is a list of records, which no single cell can fill.",
                f'Give its rows as an entity of their own: target = "{said.target}.{listed}", with `parent`.',
            )
        known = [each.name for each in table.fields]
        raise _refused(
            action, f"the mapping names a parameter {name!r}, which {table.name} does not have.", names.meant(name, known)
        )
    return found


def _check_columns(action: Action, said: TableMapping) -> None:
    for column in said.fields:
        if column not in action.columns:
            raise _refused(
                action, f"the mapping names a column {column!r}, which is not there.", names.meant(column, action.columns)
            )


def _check_filled(found: Sequence[Match], action: Action, record: Record, given: AnyMapping[str, str]) -> None:
    taken: dict[str, str] = {}
    for each in found:
        if each.field in taken:
            raise _refused(
                action,
                f"columns {taken[each.field]!r} and {each.column!r} both fill {each.field}.",
                f'Leave one out: write fields = {{ "{each.column}" = "" }} into [table."{action.entity}"] of the mapping.',
            )
        if each.field:
            taken[each.field] = each.column
    filled = {*taken, *given}
    for known in record.table.fields:
        if known.name in filled and known.type is FieldType.COMPLEX:
            raise _refused(action, f"{known.name} of {record.table.name} is a structure that no text can fill.", "Leave it out.")
    lacking = [
        each.name for each in record.table.fields if each.mandatory and each.name not in filled and _is_begun(each.name, filled)
    ]
    if lacking:
        raise _refused(
            action,
            f"{record.table.name} demands {', '.join(lacking)}, which nothing fills.",
            "Map a column to it, or give it as a constant, in the mapping.",
        )


def _is_begun(path: str, filled: set[str]) -> bool:
    """Whether the structure that holds a parameter is written at all."""
    holder, dot, _ = path.rpartition(".")
    return not dot or any(other.startswith(f"{holder}.") for other in filled)


def _missing(missing: Sequence[str], action: Action, record: Record) -> PlanRefused:
    known = [each.name for each in record.table.fields]
    near = {column: names.nearest(column, [path.rpartition(".")[2] for path in known]) for column in missing}
    told = ", ".join(f"{column!r}" + (f" (near: {', '.join(close)})" if close else "") for column, close in near.items())
    return _refused(
        action,
        f"{record.table.name} has no parameter, or several, named like the column{'s' if len(missing) > 1 else ''} {told}.",
        f'Write into the mapping:\n[table."{action.entity}"]\nfields = {{ "{missing[0]}" = "PATH" }}\n'
        f'("" leaves a column out.) Paths are {", ".join(known) or "none"}.',
    )


def _refused(action: Action, message: str, advice: str) -> PlanRefused:
    return PlanRefused(message, advice=advice, place=Place(file=action.file, sheet=action.sheet))
