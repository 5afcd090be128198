"""Rows and what their records held before -> the records of an update document.

Only what differs is written, under action="update": AX clears every field that is absent from a record without it.
Nothing but the row and its `Before` goes in, so that the same call can be made again, byte for byte, from an intent.

The names in `Before.values`: `Field` is the old value of a field of the root record; `Line[2]/Field` that of the second
nested record of table `Line`; `Line[2]` alone says that this nested record does not exist yet (None), or is to be deleted
(DELETED); `Field.Part` is a part of a field that has some, all of which are named where one of them changes;
`EntityKey/Field` is the key under which AX knows the document, where that is not the natural key.
"""

from collections.abc import Iterator
from typing import Final

from connector.wire.codec import Row
from connector.wire.jobs import Blank
from connector.wire.reports import Before
from workers import contract
from workers.documents import elements, text
from workers.documents.columns import is_free_text
from workers.documents.compound import Cell, Compound
from workers.documents.create import Creator
from workers.documents.shape import HASH, RECORD_IDS, Nested, Shape, opening, rows_of
from workers.errors import Reject

_ENTITY_KEY: Final = "EntityKey/"
DELETED: Final = "delete"


def nested_path(path: str, *, table: str, number: int) -> str:
    """What a nested record's values are called in `Before.values`; `path` is that of its parent ("" for a root)."""
    return f"{path}{table}[{number}]"


def key_values(key: dict[str, str]) -> dict[str, str | None]:
    """An entity key as it stands in `Before.values`."""
    return {f"{_ENTITY_KEY}{field}": value for field, value in key.items()}


def entity_key(shape: Shape, row: Row, before: Before) -> dict[str, str]:
    """The key under which AX knows the row's document: what `before` says, else the natural key in the row."""
    known = {name.removeprefix(_ENTITY_KEY): value or "" for name, value in before.values.items() if name.startswith(_ENTITY_KEY)}
    return known or natural_key(shape, row)


def natural_key(shape: Shape, row: Row) -> dict[str, str]:
    """The natural key in the row, as AX writes it (leading zeros as they are; dates and numbers in lexical form)."""
    cells = [shape.cell(name) for name in shape.layout.key]
    return {cell.field.name: _lexical(cell, cell.text(row) or "") for cell in cells if cell}


def update_record(shape: Shape, row: Row, before: Before) -> str:
    """The root record of a changed document. Raises Reject where a cell cannot be written."""
    return _record(shape, row, before, path="")


def update_lines(shape: Shape, row: Row, before: Before) -> Iterator[int]:
    """For each line of `update_record`: how many places the row that stands there comes after the root, in flat order."""
    return _lines(shape, row, before, path="", offset=0)


def _record(shape: Shape, row: Row, before: Before, *, path: str, action: str = "update") -> str:
    written = [opening(shape, action)]
    for part in shape.parts:
        if isinstance(part, Nested):
            written += [
                _nested_record(part.shape, nested, before, path=name) for nested, name, _ in _changed(part, row, before, path)
            ]
        elif isinstance(part, Compound):
            written.append(_compound(shape, part, row, before, path=path))
        else:
            written.append(_field(shape, part, row, before, path=path))
    return "".join((*written, f"</{shape.table.name}>"))


def _nested_record(shape: Shape, row: Row, before: Before, *, path: str) -> str:
    if before.values.get(path) == DELETED:
        return _record(shape, Row(row.number, row.cells), before, path=f"{path}/", action="delete")
    if path in before.values:
        return Creator(shape).record(row)
    return _record(shape, row, before, path=f"{path}/")


def _lines(shape: Shape, row: Row, before: Before, *, path: str, offset: int) -> Iterator[int]:
    yield offset
    for part in shape.parts:
        if isinstance(part, Nested):
            for nested, name, places in _changed(part, row, before, path):
                yield from _lines_of(part.shape, nested, before, name=name, offset=offset + places)


def _lines_of(shape: Shape, row: Row, before: Before, *, name: str, offset: int) -> Iterator[int]:
    if before.values.get(name) == DELETED:
        yield offset
    elif name in before.values:
        yield from create_lines(shape, row, offset=offset)
    else:
        yield from _lines(shape, row, before, path=f"{name}/", offset=offset)


def create_lines(shape: Shape, row: Row, *, offset: int = 0) -> Iterator[int]:
    """The same for a record that `Creator` writes."""
    yield offset
    for part in shape.parts:
        if isinstance(part, Nested):
            places, rows = rows_of(row, part)
            for nested in rows:
                lines = list(create_lines(part.shape, nested, offset=offset + places))
                yield from lines
                places += len(lines)


def _changed(part: Nested, row: Row, before: Before, path: str) -> Iterator[tuple[Row, str, int]]:
    """The nested rows that the update carries, each with its path and its distance from `row` in flat order."""
    places, rows = rows_of(row, part)
    for number, nested in enumerate(rows, 1):
        name = nested_path(path, table=part.shape.table.name, number=number)
        if any(value == name or value.startswith(f"{name}/") for value in before.values):
            yield nested, name, places
        places += sum(1 for _ in create_lines(part.shape, nested))


def _field(shape: Shape, cell: Cell, row: Row, before: Before, *, path: str) -> str:
    name = cell.field.name
    if name == HASH and not path and before.hash:
        return _element(name, text.escaped(before.hash))
    old = before.values.get(path + name)
    if name in RECORD_IDS and cell.column is None:
        return _element(name, text.escaped(old)) if old is not None else ""
    is_written = path + name in before.values or name in shape.layout.key or cell.field.mandatory
    return _content(shape, cell, cell.text(row), old=old) if is_written else ""


def _compound(shape: Shape, part: Compound, row: Row, before: Before, *, path: str) -> str:
    inside = {name.removeprefix(path): old for name, old in before.values.items() if name.startswith(path)}
    old = {name: inside[full] for name, full in part.names(inside)}
    if not old and part.field.name not in shape.layout.key:
        return ""
    clears = shape.layout.blank is Blank.CLEAR
    left = elements.merged(part, part.said(row), old, clears=clears)
    return elements.element(part, left) or _nothing(shape, part)


def _nothing(shape: Shape, part: Compound) -> str:
    """The element that clears a field with parts. Raises Reject where AX would pass over it without a word."""
    if part.field.structure and not shape.nil_clears:
        raise Reject(
            f"The field {part.field.name} cannot be cleared: the port's contract has no ClearNilFieldsOnUpdate.",
            advice="Clear it in AX, or keep blanks (--blank keep).",
            code="RSC-3104",
        )
    return cleared(Cell(field=part.field))


def _content(shape: Shape, cell: Cell, value: str | None, *, old: str | None) -> str:
    if value:
        return _element(cell.field.name, text.escaped(_lexical(cell, value)))
    if value == "" and shape.layout.blank is Blank.CLEAR and cell.field.name not in shape.layout.key:
        return cleared(cell)
    # AX wants a mandatory field in every record; the row says nothing of it, so it goes back as it was read.
    return _element(cell.field.name, text.escaped(old)) if old is not None else ""


def cleared(cell: Cell) -> str:
    """The element that clears a field. Raises Reject where the field takes no null."""
    name = cell.field.name
    if is_free_text(cell.field):
        return f"<{name}/>"
    if cell.field.nillable:
        return f'<{name} xsi:nil="true"/>'
    raise Reject(
        f"The field {name} cannot be cleared.", advice="Give the cell a value, or keep blanks (--blank keep).", code="RSC-3104"
    )


def _lexical(cell: Cell, value: str) -> str:
    return contract.lexical(cell.field, value) if value else ""


def _element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"
