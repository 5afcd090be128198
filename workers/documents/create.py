"""Rows -> the records of a create document, fast: one template for all of them, its values column by column.

Row bytes are the worker's largest cost. It never guesses: a cell that cannot be written raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice, zip_longest

from connector.wire.codec import Row
from workers import contract
from workers.documents import elements, text
from workers.documents.columns import column
from workers.documents.compound import Cell, Compound
from workers.documents.shape import Nested, Shape, opening
from workers.errors import Reject

#: What a schema asks of a record beside its texts. Either the tables that lead to the record, its template, and how many
#: records it nests of each kind; or those tables, and a field that may be left out.
Structure = tuple[str, str, tuple[int, ...]]


class _Filled(Enum):
    """How much of a column is filled."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Records of create documents, and what is known of them before the schema is asked."""

    records: list[str]
    structures: dict[Structure, int] = field(default_factory=dict)
    """every structure among the records and those that they nest, with the place of a root record that has it"""
    sure: bool = True
    """the schema surely takes every value; whether it takes the structures is another question"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What goes into one place of a template: the texts of the rows, and what is known of them."""

    texts: Sequence[str]
    sure: bool
    structures: dict[Structure, int] = field(default_factory=dict)
    counts: Sequence[int] | None = None
    """how many records each row nests here"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How records are written of which the same columns are filled."""

    template: str
    parts: "tuple[tuple[Cell, _Filled] | Compound | Nested, ...]"
    """what goes into the template, in its order"""


class Creator:
    """Writes rows of one shape as `<Table class="entity" action="create">`, each record on a line of its own."""

    def __init__(self, shape: Shape, *, path: str = "") -> None:
        self._shape = shape
        self._path = f"{path}/{shape.table.name}"
        self._plans: dict[tuple[_Filled, ...], _Plan] = {}
        plain = (part for part in shape.parts if isinstance(part, Cell))
        self._columns = {cell.column: column(cell.field) for cell in plain if cell.column is not None}
        self._elements = {part.field.name: _Elements(part) for part in shape.compounds}
        self._nested = {part.index: Creator(part.shape, path=self._path) for part in shape.parts if isinstance(part, Nested)}

    def record(self, row: Row) -> str:
        """The row's record with its nested records. Raises Reject where a cell cannot be written."""
        return self.written([row]).records[0]

    def written(self, rows: Sequence[Row]) -> Written:
        """The rows' records with their nested records, in order. Empty cells are left out: AX fills in its defaults.

        Raises Reject where a cell of any row cannot be written.
        """
        if not rows:
            return Written(records=[])
        columns = list(zip_longest(*[row.cells for row in rows]))
        filled = tuple(_Filled.ALL if all(cells) else _Filled.SOME if any(cells) else _Filled.NONE for cells in columns)
        plan = self._plans.get(filled) or self._planned(filled)
        parts = [self._part(part, rows, columns) for part in plan.parts]
        texts = zip(*(part.texts for part in parts), strict=True)
        return Written(
            records=list(map(plan.template.__mod__, texts)) if parts else [plan.template % ()] * len(rows),
            structures=self._structures(plan, parts),
            sure=all(part.sure for part in parts),
        )

    def _part(
        self, part: tuple[Cell, _Filled] | Compound | Nested, rows: Sequence[Row], columns: Sequence[Sequence[str | None]]
    ) -> _Part:
        if isinstance(part, Nested):
            return self._nests(part, rows)
        return self._compound(part, rows) if isinstance(part, Compound) else self._cells(*part, columns)

    def _compound(self, part: Compound, rows: Sequence[Row]) -> _Part:
        """The elements of a field with parts, whole: the same cells make the same element."""
        known = self._elements[part.field.name]
        places = sorted({cell.column for cell in part.cells if cell.column is not None})
        keys = [tuple(row.cells[place] if place < len(row.cells) else None for place in places) for row in rows]
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        made = {key: known.of(key, rows[place]) for key, place in first.items()}
        # Of a plain sequence an optional element may be missing, whatever else is there.
        optional = self._shape.table.plain and (not part.field.mandatory or all(one.text for one in made.values()))
        return _Part(
            texts=[made[key].text for key in keys],
            sure=optional and all(one.sure for one in made.values()),
            structures={(self._path, made[key].parts, ()): place for key, place in first.items() if made[key].text},
        )

    def _cells(self, cell: Cell, filled: _Filled, columns: Sequence[Sequence[str | None]]) -> _Part:
        """The texts of a column: the template has the element where every cell is filled, else the texts bring it along."""
        index, name = cell.column or 0, cell.field.name
        given = columns[index]
        cells = list(filter(None, given))
        texts, sure = self._columns[index].written(cells)
        if filled is _Filled.ALL:
            return _Part(texts=texts, sure=sure)
        left = iter(texts)
        # Of a plain sequence an optional element may be missing, whatever else is there.
        return _Part(
            texts=[f"<{name}>{next(left)}</{name}>" if text else "" for text in given],
            sure=sure and self._shape.table.plain and not cell.field.mandatory,
            structures={(self._path, name, ()): next(place for place, text in enumerate(given) if text)},
        )

    def _nests(self, part: Nested, rows: Sequence[Row]) -> _Part:
        """The nested records of each row as one text."""
        groups = [row.children[part.index] if part.index < len(row.children) else () for row in rows]
        written = self._nested[part.index].written([nested for group in groups for nested in group])
        records = iter(written.records)
        parents = [place for place, group in enumerate(groups) for _ in group]
        repeats = part.shape.table.repeats
        return _Part(
            texts=["".join(islice(records, len(group))) for group in groups],
            sure=written.sure,
            structures={structure: parents[place] for structure, place in written.structures.items()},
            counts=[min(len(group), 2) if repeats else len(group) for group in groups],
        )

    def _structures(self, plan: _Plan, parts: Sequence[_Part]) -> dict[Structure, int]:
        found = {structure: place for part in parts for structure, place in part.structures.items()}
        counts = [part.counts for part in parts if part.counts is not None]
        for place, nested in enumerate(zip(*counts, strict=True)) if counts else [(0, ())]:
            found.setdefault((self._path, plan.template, nested), place)
        return found

    def _planned(self, filled: tuple[_Filled, ...]) -> _Plan:
        template = [opening(self._shape, "create")]
        parts: list[tuple[Cell, _Filled] | Compound | Nested] = []
        for part in self._shape.parts:
            if isinstance(part, Nested) or (isinstance(part, Compound) and part.cells):
                parts.append(part)
                template.append("%s")
            elif isinstance(part, Compound):
                continue
            elif part.constant:
                template.append(_text_element(part, text.escaped(contract.lexical(part.field, part.constant)).replace("%", "%%")))
            elif part.column is not None and part.column < len(filled) and filled[part.column] is not _Filled.NONE:
                parts.append((part, filled[part.column]))
                template.append(_text_element(part, "%s") if filled[part.column] is _Filled.ALL else "%s")
        template.append(f"</{self._shape.table.name}>")
        return self._plans.setdefault(filled, _Plan(template="".join(template), parts=tuple(parts)))


def _text_element(cell: Cell, content: str) -> str:
    return f"<{cell.field.name}>{content}</{cell.field.name}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Element:
    """An element of a field with parts, and what is known of it."""

    text: str
    parts: str
    """what a schema asks of it beside its texts"""
    sure: bool


class _Elements(dict[tuple[str | None, ...], _Element]):
    """The elements of one field by the cells that make them: values repeat."""

    def __init__(self, part: Compound) -> None:
        super().__init__()
        self._part = part
        self._writers = {cell.part: column(cell.field) for cell in part.cells}

    def of(self, cells: tuple[str | None, ...], row: Row) -> _Element:
        """The element of a row with these cells. Raises Reject where it cannot be written."""
        if cells not in self:
            self[cells] = self._made(row)
        return self[cells]

    def _made(self, row: Row) -> _Element:
        part = self._part
        if malformed := part.malformed(row):
            _, why = malformed
            raise Reject(why.message, advice=why.advice, code="RSC-3123")
        given = {name: value for name, value in part.said(row).items() if value}
        sure = all(self._writers[name].written([value])[1] for name, value in given.items())
        text_ = elements.written(part, given) if given else ""
        return _Element(text=text_, parts=elements.signature(part, given), sure=sure and elements.missing(part, given) is None)
