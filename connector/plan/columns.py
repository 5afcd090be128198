"""Find the AX field that each column fills."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from connector.errors import Place, PlanRefused
from connector.intake.values import Action
from connector.plan import names, structures
from connector.plan.mapping import TableMapping
from connector.wire.dictionary import DataTable
from connector.wire.jobs import Column
from connector.wire.metadata import SYSTEM_FIELDS, Field, Table, normalized

#: How like a column's name a field's must be, from 0 to 1, to be written into a mapping that can be pasted.
_ALIKE: Final = 0.65


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A column, the field that it fills (None: it is left out), and why."""

    index: int
    column: str
    field: str | None
    reason: str
    part: str = ""
    """the part of the field, as `Column.part`"""

    def as_column(self) -> Column:
        """The column as it travels."""
        return Column(name=self.column, field=self.field or "", part=self.part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The columns of an action, in their order."""

    all: tuple[Match, ...]

    @property
    def filled(self) -> tuple[Match, ...]:
        """The columns that fill a field."""
        return tuple(match for match in self.all if match.field is not None)

    def layout(self) -> tuple[Column, ...]:
        """The columns that travel."""
        return tuple(match.as_column() for match in self.all if match.field is not None)

    def field_of(self, column: str) -> str | None:
        """The field that a column fills."""
        return next((match.field for match in self.all if match.column == column), None)

    def column_of(self, field: str) -> Match | None:
        """The column that fills a field."""
        return next((match for match in self.filled if match.field == field and not match.part), None)


def match(action: Action, table: Table, said: TableMapping, *, linking: Sequence[int] = ()) -> Matches:
    """What each column fills: as the mapping says, or a field of the same name or label, case and punctuation aside.

    Columns in `linking` need no field: their use is to find a row's parent. Raises PlanRefused, naming every column without
    a field at once.
    """
    _check_mapping(action, table, said)
    found = [_match(index, column, action, table, said) for index, column in enumerate(action.columns)]
    missing = [each.column for each in found if each.field is None and not each.reason and each.index not in linking]
    if missing:
        raise _missing(missing, action, table, taken={each.field for each in found})
    told = [
        Match(index=each.index, column=each.column, field=None, reason="it only links a row to its parent")
        if each.field is None and not each.reason
        else each
        for each in found
    ]
    _check_fields(told, action, table, said)
    return Matches(all=tuple(told))


def _match(index: int, column: str, action: Action, table: Table, said: TableMapping) -> Match:
    """The match; neither field nor reason when there is none."""
    if column in said.fields:
        field, _, part = said.fields[column].partition(".")
        if whole := table.field(said.fields[column]):
            field, part = whole.name, ""
        reason = "the mapping says so" if field else "the mapping drops it"
        return Match(index=index, column=column, field=field or None, part=_spelled(field, part, table), reason=reason)
    alias = action.aliases.get(column, "")
    for name, why in ((column, ""), (alias, f" as {alias} (the manifest's name for it)")):
        found = _field(name, table) if name else None
        if found is not None:
            same = "the same name" if found.name == name else "the same name, case and punctuation aside"
            return Match(index=index, column=column, field=found.name, reason=same + why)
        if name and (both := structures.split(name, table)) is not None:
            return Match(index=index, column=column, field=both[0].name, part=both[1], reason=f"a part of {both[0].name}{why}")
    if (labelled := _labelled(column, table)) is not None:
        return Match(index=index, column=column, field=labelled.name, reason=f"its label in AX is {labelled.label!r}")
    return Match(index=index, column=column, field=None, reason="")


def _labelled(name: str, table: Table) -> Field | None:
    """The only field that people know by this name, where labels are told."""
    found = [field for field in table.fields if field.label and normalized(field.label) == normalized(name)]
    return found[0] if len(found) == 1 and found[0].name not in SYSTEM_FIELDS else None


def _spelled(name: str, part: str, table: Table) -> str:
    field = table.field(name)
    return (structures.part_of(field, part) if field and part else None) or part


def _field(name: str, table: Table) -> Field | None:
    candidates = [field for field in table.fields if field.name not in SYSTEM_FIELDS]
    exact = next((field for field in candidates if field.name == name), None)
    close = [field for field in candidates if normalized(field.name) == normalized(name)]
    return exact or (close[0] if len(close) == 1 else None)


def _check_mapping(action: Action, table: Table, said: TableMapping) -> None:
    for column in said.fields:
        if column not in action.columns:
            raise _refused(
                action, f"the mapping names a column {column!r}, which is not there.", names.meant(column, action.columns)
            )
    wanted = [*(field for field in said.fields.values() if field), *said.constants, *said.key]
    for name in wanted:
        if table.field(name) is None and not structures.known(name, table):
            known = [field.name for field in table.fields]
            raise _refused(
                action, f"the mapping names a field {name!r}, which {table.name} does not have.", names.meant(name, known)
            )


def _check_fields(found: Sequence[Match], action: Action, table: Table, said: TableMapping) -> None:
    columns = [each.as_column() for each in found if each.field is not None]
    if said.via != "dixf":
        _check_numbers((*(column.field for column in columns), *said.constants), action, table)
    structures.check(action, table, columns, said)
    taken: dict[tuple[str, str], str] = {}
    for column in columns:
        for part in structures.parts(table, column, said):
            filled = (column.field, part.casefold())
            if filled in taken:
                field = f"{column.field}.{part}" if part else column.field
                raise _refused(
                    action,
                    f"columns {taken[filled]!r} and {column.name!r} both fill {table.name}.{field}.",
                    f'Leave one out: write fields = {{ "{column.name}" = "" }} into [table."{action.entity}"] of the mapping.',
                )
            taken[filled] = column.name


def _check_numbers(names_: Sequence[str], action: Action, table: Table) -> None:
    """Refuse to write record numbers: AX gives them, and one of another system names nothing, or another record, in this one."""
    for name in names_:
        field = table.field(name)
        if field is not None and (name in SYSTEM_FIELDS or field.type_name.endswith("RecId")):
            raise _refused(
                action,
                f"{table.name}.{name} holds numbers that AX gives to its records; those of another system mean nothing here.",
                "Leave it out of the package and the mapping. References travel by the key of the record that is meant.",
            )


def _missing(missing: Sequence[str], action: Action, table: Table, *, taken: set[str | None]) -> PlanRefused:
    known = [field.name for field in table.fields if field.name not in SYSTEM_FIELDS]
    near = {column: names.nearest(column, known) for column in missing}
    told = ", ".join(f"{column!r}" + (f" (near: {', '.join(close)})" if close else "") for column, close in near.items())
    fields = ", ".join(f'"{column}" = "{field}"' for column, field in _proposed(missing, known, taken).items())
    return _refused(
        action,
        f"{table.name} has no field for {_columns(missing)} {told}.",
        f'Write into the mapping:\n[table."{action.entity}"]\nfields = {{ {fields} }}\n("" leaves a column out.)',
    )


def _proposed(missing: Sequence[str], known: Sequence[str], taken: set[str | None]) -> dict[str, str]:
    """For each column a field that it may well mean, or "": it will be pasted. No field is filled twice."""
    found: dict[str, str] = {}
    for column in missing:
        free = [name for name in known if name not in taken and name not in found.values()]
        found[column] = next(iter(names.nearest(column, free, count=1, cutoff=_ALIKE)), "")
    return found


def _columns(missing: Sequence[str]) -> str:
    return "the column" if len(missing) == 1 else "the columns"


def _refused(action: Action, message: str, advice: str) -> PlanRefused:
    return PlanRefused(message, advice=advice, place=Place(file=action.file, sheet=action.sheet))


def unfilled(matches: Matches, table: Table, said: TableMapping, known: DataTable | None = None) -> list[str]:
    """Mandatory fields that neither a column nor a constant fills, by the contract or (`known`) the data dictionary.

    AX may have a default for them.
    """
    given = {each.field for each in matches.filled} | {name.partition(".")[0] for name in said.constants} | SYSTEM_FIELDS
    demanded = {field.name.casefold() for field in known.fields if field.mandatory} if known else set()
    return [
        field.name for field in table.fields if (field.mandatory or field.name.casefold() in demanded) and field.name not in given
    ]
