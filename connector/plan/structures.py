"""Columns that fill a part of a field: a dimension, an account, a moment's time zone; what an update does with the rest."""

from collections.abc import Iterator, Mapping, Sequence

from connector.errors import Place, PlanRefused
from connector.intake.values import Action
from connector.plan import names
from connector.plan.mapping import StructureMapping, TableMapping
from connector.wire.jobs import Column, Merge, Mode, Structured
from connector.wire.metadata import Field, FieldType, Table, normalized


def part_of(field: Field, part: str) -> str | None:
    """A part as the contract spells it; a dimension's name as it is given. None where the field has no such part."""
    known = field.structure.texts if field.structure else field.attributes
    found = next((each.name for each in known if normalized(each.name) == normalized(part)), None)
    return found or (part if field.structure and field.structure.values else None)


def split(name: str, table: Table) -> tuple[Field, str] | None:
    """The field and the part that a name like `DefaultDimension.Department` means; None where it means none."""
    head, _, part = name.partition(".")
    field = next((each for each in table.fields if normalized(each.name) == normalized(head)), None)
    own = part_of(field, part.strip()) if field and part.strip() else None
    return (field, own) if field and own else None


def known(name: str, table: Table) -> bool:
    """Whether a name is exactly that of a field, or of a field and a part that it has."""
    head, dot, part = name.partition(".")
    field = table.field(head)
    return field is not None and (not dot or part_of(field, part) is not None)


def parts(table: Table, column: Column, said: TableMapping) -> tuple[str, ...]:
    """The parts of its field that a column fills; ("",) where it fills the field itself."""
    field = table.field(column.field)
    if column.part or field is None or not field.structure:
        return (column.part,)
    return segments(field, said)


def segments(field: Field, said: TableMapping) -> tuple[str, ...]:
    """The parts that one text of a structure holds, in order; () where nobody says."""
    told = said.structure.get(field.name, StructureMapping()).segments
    structure = field.structure
    if told or structure is None:
        return tuple(part_of(field, part) or part for part in told)
    return (structure.texts[0].name,) if len(structure.parts) == len(structure.texts) == 1 else ()


def check(action: Action, table: Table, columns: Sequence[Column], said: TableMapping) -> None:
    """Refuse what cannot be a part, and structures that nobody says how to fill. Raises PlanRefused."""
    for name, told in said.structure.items():
        field = table.field(name)
        if field is None or not field.structure:
            known_ = [each.name for each in table.fields if each.structure]
            raise _refused(
                action, f"{table.name} has no structure {name!r}, of which the mapping speaks.", names.meant(name, known_)
            )
        parts_ = [normalized(part) for part in told.segments]
        if twice := next((part for part in told.segments if parts_.count(normalized(part)) > 1), None):
            raise _refused(action, f"the mapping names the segment {twice!r} of {table.name}.{name} twice.", "Name each once.")
        for part in told.segments:
            if part_of(field, part) is None:
                texts = ", ".join(each.name for each in field.structure.texts)
                raise _refused(action, f"{table.name}.{name} has no part {part!r}.", f"Its parts are {texts}.")
    for column in columns:
        field = table.field(column.field)
        if field is not None and field.type is FieldType.COMPLEX:
            _check_structure(action, table, column, field, said)


def _check_structure(action: Action, table: Table, column: Column, field: Field, said: TableMapping) -> None:
    where = f"column {column.name!r} fills {table.name}.{field.name}, a structure"
    if field.structure is None:
        raise _refused(
            action,
            f"{where} of a form that this program does not know.",
            f'Leave it out: write fields = {{ "{column.name}" = "" }} into [table."{action.entity}"] of the mapping.',
        )
    if not column.part and not segments(field, said):
        texts = [each.name for each in field.structure.texts if each.name != "DisplayValue"]
        example = ", ".join(f'"{part}"' for part in (*texts, *(["Department"] if field.structure.values else [])))
        raise _refused(
            action,
            f"{where}, and nobody says which parts of it the text holds.",
            f'Write into the mapping:\n[table."{action.entity}".structure.{field.name}]\n'
            f'segments = [{example}]\ndelimiter = "-"\nor have a column for each part, called as "{field.name}.Department".',
        )


def check_update(action: Action, table: Table, columns: Sequence[Column], said: TableMapping, mode: Mode) -> None:
    """Refuse to change dimensions of a record where nobody says what becomes of those that the package does not name."""
    if mode not in (Mode.UPSERT, Mode.UPDATE):
        return
    for field in _filled(table, columns, said):
        told = said.structure.get(field.name, StructureMapping())
        if field.structure and field.structure.values and told.update is None:
            raise _refused(
                action,
                f"records of {table.name} may be updated, and the mapping does not say what becomes of values of {field.name} "
                "that the package does not name.",
                f'Write into the mapping:\n[table."{action.entity}".structure.{field.name}]\nupdate = "merge"\n'
                '("merge": they stay; "replace": they are taken away), or load in mode create.',
            )


def _filled(table: Table, columns: Sequence[Column], said: TableMapping) -> Iterator[Field]:
    heads = (*(column.field for column in columns), *(name.partition(".")[0] for name in said.constants))
    return (field for field in table.fields if field.name in heads)


def told(table: Table, columns: Sequence[Column], said: TableMapping) -> Mapping[str, Structured]:
    """How each structure is filled, for the layout."""
    found = {}
    for field in _filled(table, columns, said):
        if field.structure:
            words = said.structure.get(field.name, StructureMapping())
            found[field.name] = Structured(
                segments=segments(field, said), delimiter=words.delimiter, update=words.update or Merge.MERGE
            )
    return found


def _refused(action: Action, message: str, advice: str) -> PlanRefused:
    return PlanRefused(message, advice=advice, place=Place(file=action.file, sheet=action.sheet))
