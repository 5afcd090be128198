"""A layout laid over the contract's tables: what fills each element of a record, in schema order.

It knows rows and contracts, and nothing of the service that the document goes to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from connector.wire import metadata
from connector.wire.codec import Row
from connector.wire.jobs import Blank, Layout
from workers import contract
from workers.documents import compound, text
from workers.documents.compound import Cell, Compound
from workers.errors import GiveUp, Reject

#: The field that carries what AX last told of a document; an update without it, or with an old one, is refused.
HASH: Final = "_DocumentHash"
#: They name a nested record that exists to AX.
RECORD_IDS: Final = ("RecId", "RecVersion")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One layout over one table."""

    layout: Layout
    table: metadata.Table
    parts: "tuple[Cell | Compound | Nested, ...]"
    """in schema order"""
    nested: "tuple[Shape, ...]"
    """in the order of the layout's children"""
    nil_clears: bool = True
    """AX takes null for nothing in references, too: the document can say so"""

    @property
    def cells(self) -> Iterator[Cell]:
        """All that a row may say of the record: its fields in schema order, and the parts of those that have some."""
        for part in self.parts:
            if isinstance(part, Cell):
                yield part
            elif isinstance(part, Compound):
                yield from part.cells

    @property
    def compounds(self) -> Iterator[Compound]:
        """The fields that are more than a text, in schema order."""
        return (part for part in self.parts if isinstance(part, Compound))

    def cell(self, field: str) -> Cell | None:
        """The field of that name, where the record writes it."""
        return next((cell for cell in self.cells if cell.field.name == field), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """Nested records, and which of the layout's children they are."""

    index: int
    shape: Shape


def shaped(layout: Layout, *, tables: tuple[metadata.Table, ...], nil_clears: bool = True) -> Shape:
    """The layout over the table that it names, with its nested layouts.

    Raises GiveUp where the contract lacks a table, type or field of the layout, or a constant does not suit its field.
    """
    found = next((table for table in tables if table.name == layout.table), None)
    table = found and found.as_type(layout.type)
    if table is None:
        raise _not_there(f"a record {layout.table}" + (f" of the type {layout.type}" if layout.type else ""))
    nested = tuple(shaped(child, tables=table.children, nil_clears=nil_clears) for child in layout.children)
    parts = tuple(_parts(layout, table, nested))
    return Shape(layout=layout, table=table, parts=parts, nested=nested, nil_clears=nil_clears)


def _parts(layout: Layout, table: metadata.Table, nested: tuple[Shape, ...]) -> "Iterator[Cell | Compound | Nested]":
    fields = {field.name: field for field in table.fields}
    for name in (*(column.field for column in layout.columns), *(name.partition(".")[0] for name in layout.constants)):
        if name not in fields:
            raise _not_there(f"a field {name} in {table.name}")
    columns = {column.field: index for index, column in enumerate(layout.columns)}
    in_parts = compound.in_parts(layout)
    order = table.order or (*(field.name for field in table.fields), *(child.name for child in table.children))
    for name in order:
        if field := fields.get(name):
            # A date and time is written in parts only where an attribute of it is filled, or must go back as it was read.
            if field.structure or name in in_parts or (field.attributes and field.mandatory):
                yield _compound(field, layout)
            else:
                constant = None if name in columns else _constant(field, layout.constants.get(name))
                yield Cell(field=field, column=columns.get(name), constant=constant)
        yield from (Nested(index=i, shape=shape) for i, shape in enumerate(nested) if shape.table.name == name)


def _compound(field: metadata.Field, layout: Layout) -> Compound:
    made = compound.of(field, layout)
    if made is None:
        raise _not_there(f"a part of {field.name} that the package fills")
    for cell in made.cells:
        _constant(cell.field, cell.constant)
    return made


def _constant(field: metadata.Field, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        text.escaped(contract.lexical(field, value))
    except Reject as error:
        raise GiveUp(
            f"The constant {value!r} does not suit the field {field.name}: {error.message}",
            advice=error.advice or "Correct the constant in the mapping and load again.",
            code="RSC-5950",
        ) from error
    return value


def _not_there(what: str) -> GiveUp:
    return GiveUp(
        f"The service has no longer {what}.",
        advice="Read the endpoint's metadata again (rapidstart endpoint metadata NAME --refresh) and load again.",
        code="RSC-5951",
    )


def opening(shape: Shape, action: str) -> str:
    """The start of a record, on a line of its own. A derived record says its type, in the document's namespace."""
    derived = f' xsi:type="{shape.table.type_name}"' if shape.layout.type else ""
    return f'\n<{shape.table.name} class="entity" action="{action}"{derived}>'


def clears(shape: Shape) -> bool:
    """Whether blanks clear in any of the records."""
    return shape.layout.blank is Blank.CLEAR or any(map(clears, shape.nested))


def has_types(shape: Shape) -> bool:
    """Whether any of the records says its type: the document must then declare what xsi means."""
    return bool(shape.layout.type) or any(map(has_types, shape.nested))


def flat(shape: Shape, row: Row) -> Iterator[tuple[Shape, Row]]:
    """A root row and its nested rows with their shapes, in the order of `connector.wire.jobs.flatten`."""
    yield shape, row
    for child, rows in zip(shape.nested, row.children, strict=False):
        for nested in rows:
            yield from flat(child, nested)


def size(row: Row) -> int:
    """How many rows a root row is, its nested rows included."""
    return 1 + sum(size(nested) for group in row.children for nested in group)


def rows_of(row: Row, nested: Nested) -> "tuple[int, list[Row]]":
    """The rows nested by that child, and how many places the first one stands after `row` in flat order."""
    if nested.index >= len(row.children):
        return 1, []
    before = sum(size(item) for group in row.children[: nested.index] for item in group)
    return 1 + before, list(row.children[nested.index])
