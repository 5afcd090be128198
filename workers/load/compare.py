"""A row against the record that AX holds: what differs, in the terms of `documents.update`. Only what the row says counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.wire.codec import Row
from connector.wire.jobs import Blank
from connector.wire.reports import Before, Outcome
from workers import aos, contract, documents
from workers.documents import Cell, Nested, Shape
from workers.errors import Reject
from workers.load import parts

Folded = tuple[object, ...]


def row_key(shape: Shape, row: Row) -> Folded | None:
    """The natural key in the row, folded so that equal keys to AX are equal. None: there is no key, or all of it is blank."""
    cells = key_cells(shape)
    if not any((cell.text(row) or "").strip() for cell in cells):
        return None
    return tuple(folded(cell, cell.text(row)) for cell in cells)


def record_key(shape: Shape, values: dict[str, str | None]) -> Folded:
    """The same of a record or of an entity key."""
    return tuple(folded(cell, values.get(cell.field.name)) for cell in key_cells(shape))


def key_cells(shape: Shape) -> list[Cell]:
    """The fields of the natural key that the rows hold."""
    cells = (shape.cell(name) for name in shape.layout.key)
    return [cell for cell in cells if cell and (cell.column is not None or cell.constant is not None)]


def folded(cell: Cell, value: str | None) -> object:
    """A value so that what AX takes for the same key is the same: case and trailing blanks aside."""
    return contract.folded(cell.field, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What an update must write. No values in `before`: the document is as the rows say."""

    before: Before
    blanks_kept: int

    def __bool__(self) -> bool:
        return bool(self.before.values)


def difference(shape: Shape, row: Row, record: aos.Record) -> Difference:
    """What differs between a root row with its nested rows and the document that AX holds.

    Raises Reject where nested records cannot be told apart because the package gives them no key.
    """
    blanks: list[str] = []
    values = _values(shape, row, record, path="", blanks=blanks)
    return Difference(before=Before(hash=record.hash, values=values), blanks_kept=len(blanks))


def _values(shape: Shape, row: Row, record: aos.Record, *, path: str, blanks: list[str]) -> dict[str, str | None]:
    _same_type(shape, record)
    values: dict[str, str | None] = {}
    told = parts.spelled(shape, record)
    for cell in shape.cells:
        name = cell.field.name
        old = told.get(name)
        if name in shape.layout.key or not differs(cell, cell.text(row), old):
            continue
        if says(shape, cell, row):
            values[path + name] = old
        elif cell.text(row) == "":
            blanks.append(path + name)
    for compound in shape.compounds:
        values |= parts.beside(shape, compound, row, told, values, path=path)
    for part in shape.parts:
        if isinstance(part, Nested):
            values |= _nested_values(part, row, record, path=path, blanks=blanks)
    return values | _needed(shape, row, record, path=path) if values else values


def _same_type(shape: Shape, record: aos.Record) -> None:
    """Raises Reject where AX holds a record of another derived type: a person does not become an organization."""
    if not _is_of_type(shape, record):
        held, wanted = (name or shape.table.name for name in (record.type, shape.table.type_name))
        raise Reject(
            f"AX holds a record of the type {held} here, and the mapping says {wanted}.",
            advice="Load such rows by an entity of their own, with their type in the mapping.",
            code="RSC-3124",
        )


def _is_of_type(shape: Shape, record: aos.Record) -> bool:
    return record.type == shape.layout.type or (not shape.layout.type and record.type == shape.table.type_name)


def differs(cell: Cell, value: str | None, old: str | None) -> bool:
    """Whether two texts of a field mean different things to AX."""
    return value != old and contract.comparable(cell.field, value) != contract.comparable(cell.field, old)


def says(shape: Shape, cell: Cell, row: Row) -> bool:
    """Whether the row says anything of the field: an absent cell never does, an empty one only where blanks clear."""
    value = cell.text(row)
    return bool(value) or (value == "" and shape.layout.blank is Blank.CLEAR)


def _needed(shape: Shape, row: Row, record: aos.Record, *, path: str) -> dict[str, str | None]:
    """What the update must carry besides: mandatory fields of which the row says nothing, and which record it is."""
    mandatory = [
        c.field.name
        for c in shape.cells
        if c.field.mandatory and not c.part and not says(shape, c, row) and c.field.name not in shape.layout.key
    ]
    ids = documents.RECORD_IDS if path or not record.hash else ()
    names = [name for name in (*mandatory, *ids) if record.values.get(name) is not None]
    whole = parts.mandatory(shape, parts.spelled(shape, record))
    return {path + name: record.values[name] for name in names} | {path + name: old for name, old in whole.items()}


def _nested_values(part: Nested, row: Row, record: aos.Record, *, path: str, blanks: list[str]) -> dict[str, str | None]:
    rows = documents.rows_of(row, part)[1]
    there = record.children.get(part.shape.table.name, [])
    values: dict[str, str | None] = {}
    for number, (nested, found) in enumerate(_matched(part.shape, rows, there), 1):
        name = documents.nested_path(path, table=part.shape.table.name, number=number)
        if part.shape.layout.deletes:
            values |= _deleted(part.shape, found, name) if found else {}
        elif found is None:
            values[name] = None
        else:
            values |= _values(part.shape, nested, found, path=f"{name}/", blanks=blanks)
    return values


def _deleted(shape: Shape, record: aos.Record, name: str) -> dict[str, str | None]:
    """What an update must carry to take a nested record away: which one it is, and what AX wants in every record."""
    _same_type(shape, record)
    mandatory = [cell.field.name for cell in shape.cells if cell.field.mandatory and not cell.part]
    known = (*mandatory, *shape.layout.key, *documents.RECORD_IDS)
    told = {field: old for field in known if (old := record.values.get(field)) is not None}
    whole = parts.mandatory(shape, parts.spelled(shape, record))
    return {name: documents.DELETED} | {f"{name}/{field}": old for field, old in (told | whole).items()}


def _matched(shape: Shape, rows: Sequence[Row], there: Sequence[aos.Record]) -> Iterator[tuple[Row, aos.Record | None]]:
    """Each nested row with the nested record of the same key."""
    if not there:
        yield from ((row, None) for row in rows)
    elif not shape.table.repeats and len(rows) == len(there) == 1:
        yield rows[0], there[0]
    elif key_cells(shape) and len(known := {record_key(shape, record.values): record for record in there}) == len(there):
        yield from ((row, known.get(row_key(shape, row) or ())) for row in rows)
    else:
        yield from _matched_by_content(shape, rows, there)


def _matched_by_content(shape: Shape, rows: Sequence[Row], there: Sequence[aos.Record]) -> Iterator[tuple[Row, aos.Record]]:
    left = [record for record in there if _is_of_type(shape, record)]
    for row in rows:
        found = next((record for record in left if not _values(shape, row, record, path="", blanks=[])), None)
        if found is None:
            raise Reject(
                f"The document exists, and its records {shape.table.name} have no key to tell which of them row {row.number} is.",
                advice=f"Name the key of {shape.layout.entity} in the mapping, or load in mode create.",
                code="RSC-3106",
            )
        left.remove(found)
        yield row, found


def outcomes_of(shape: Shape, row: Row, before: Before) -> list[Outcome]:
    """What an update under `before` made of the document's rows, in flat order."""
    return [_outcome(part, nested, before, path=path) for part, nested, path in _paths(shape, row, "")]


def _outcome(shape: Shape, row: Row, before: Before, *, path: str) -> Outcome:
    parents = path.split("/")[:-1]
    marks = [before.values[mark] for depth in range(len(parents)) if (mark := "/".join(parents[: depth + 1])) in before.values]
    if marks:
        return Outcome.DELETED if documents.DELETED in marks else Outcome.CREATED
    changed = any(
        path + cell.field.name in before.values and says(shape, cell, row) for cell in shape.parts if isinstance(cell, Cell)
    ) or any(parts.changed(shape, compound, row, before, path=path) for compound in shape.compounds)
    return Outcome.UPDATED if changed else Outcome.UNCHANGED


def _paths(shape: Shape, row: Row, path: str) -> Iterator[tuple[Shape, Row, str]]:
    yield shape, row, path
    for child, rows in zip(shape.nested, row.children, strict=False):
        for number, nested in enumerate(rows, 1):
            yield from _paths(child, nested, documents.nested_path(path, table=child.table.name, number=number) + "/")
