"""Fields that are more than one text: financial dimensions, accounts, and dates with a time zone beside them.

Each part that the rows speak of is a cell of its own, called `Field.Part`. Between records AX takes such a field as one:
whatever of it is written is all that it holds afterwards. So an update brings along what the rows leave as it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from connector.wire import metadata, values
from connector.wire.codec import Row
from connector.wire.jobs import Layout, Structured


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Which part of a delimited text is meant."""

    index: int
    count: int
    """how many parts the text must have"""
    delimiter: str

    def of(self, whole: str) -> str | None:
        """The part; None where the text has another number of parts."""
        try:
            return values.segments(whole, delimiter=self.delimiter, count=self.count)[self.index]
        except values.Unfit:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A field of a record or a part of one, and where its text comes from: a column, a constant, or (both None) neither."""

    field: metadata.Field
    """called `Field.Part` for a part"""
    column: int | None = None
    constant: str | None = None
    segment: Segment | None = None
    """the column's text holds several parts"""
    part: str = ""

    def text(self, row: Row) -> str | None:
        """What the row says of the field: None says nothing, an empty text says empty."""
        if self.column is None:
            return self.constant
        whole = self.whole(row)
        return self.segment.of(whole) if self.segment and whole else whole

    def whole(self, row: Row) -> str | None:
        """The text of the column, of which the field may be a segment."""
        return row.cells[self.column] if self.column is not None and self.column < len(row.cells) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compound:
    """A field with parts, and the cells that fill some of them."""

    field: metadata.Field
    cells: tuple[Cell, ...]
    structured: Structured

    @property
    def texts(self) -> tuple[metadata.Field, ...]:
        """The parts that hold a text each, in schema order; of a date and time its attributes, and itself last, as ""."""
        structure = self.field.structure
        if structure:
            return structure.texts
        return (*self.field.attributes, self.field.model_copy(update={"name": "", "mandatory": True}))

    def said(self, row: Row) -> dict[str, str | None]:
        """What the row says of each part that a cell fills."""
        return {cell.part: cell.text(row) for cell in self.cells}

    def names(self, told: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
        """Of `Field.Part` texts those of this field: (part, the name in `told`). A part that a cell fills has its spelling."""
        spelled = {cell.part.casefold(): cell.part for cell in self.cells}
        for name in told:
            head, _, part = name.partition(".")
            if head == self.field.name and (part or self.field.structure is None):
                yield spelled.get(part.casefold(), part), name

    def name(self, part: str) -> str:
        """What a part is called in `Before.values` and in records."""
        return f"{self.field.name}.{part}" if part else self.field.name

    def malformed(self, row: Row) -> tuple[Cell, values.Unfit] | None:
        """The cell of a delimited text with a wrong number of segments, and what is wrong with it."""
        for cell in self.cells:
            if cell.segment and (whole := cell.whole(row)):
                try:
                    values.segments(whole, delimiter=cell.segment.delimiter, count=cell.segment.count)
                except values.Unfit as unfit:
                    return cell, unfit
        return None


def in_parts(layout: Layout) -> frozenset[str]:
    """The fields of which the layout fills a part."""
    constants = (name.partition(".")[0] for name in layout.constants if "." in name)
    return frozenset((*(column.field for column in layout.columns if column.part), *constants))


def of(field: metadata.Field, layout: Layout) -> Compound | None:
    """The field's parts as the layout fills them; None where it names a part that the contract does not have."""
    structured = layout.structures.get(field.name, Structured())
    texts = {part.name.casefold(): part for part in (field.structure.texts if field.structure else field.attributes)}
    named = bool(field.structure and field.structure.values)
    cells: dict[str, Cell] = {}
    for source in _sources(field, layout, structured):
        part = source.part
        known = texts.get(part.casefold())
        if known is None and not named and (part or field.structure):
            return None
        own = known.name if known else part
        facets = known or (metadata.Field(name=part, nillable=False, checked=True) if part else field)
        full = f"{field.name}.{own}" if own else field.name
        cells.setdefault(own.casefold(), replace(source, field=facets.model_copy(update={"name": full}), part=own))
    return Compound(field=field, cells=tuple(cells.values()), structured=structured)


def _sources(field: metadata.Field, layout: Layout, structured: Structured) -> Iterator[Cell]:
    """A cell for each part that is filled, with the part as the layout spells it. Columns come before constants."""
    for index, column in enumerate(layout.columns):
        if column.field != field.name:
            continue
        if column.part or not field.structure:
            yield Cell(field=field, column=index, part=column.part)
            continue
        parts = structured.segments or tuple(part.name for part in field.structure.texts)
        for place, part in enumerate(parts):
            segment = Segment(index=place, count=len(parts), delimiter=structured.delimiter) if len(parts) > 1 else None
            yield Cell(field=field, column=index, segment=segment, part=part)
    for name, value in layout.constants.items():
        head, _, part = name.partition(".")
        if head == field.name and (part or not field.structure):
            yield Cell(field=field, constant=value, part=part)
