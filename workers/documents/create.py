"""Rows -> the records of a create document, fast: a template per pattern of filled cells, its values column by column.

Row bytes are the worker's largest cost. It never guesses: a cell that cannot be written raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from connector.wire.codec import Row
from workers import contract
from workers.documents import text
from workers.documents.columns import Text, Typed, column
from workers.documents.shape import Cell, Nested, Shape

#: What makes a record's structure: the tables that lead to it, its template, and how many records it nests of each kind.
Structure = tuple[str, str, tuple[int, ...]]

_Pattern = tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Records of create documents, and what is known of them before the schema is asked."""

    records: list[str]
    structures: dict[Structure, int] = field(default_factory=dict)
    """every structure among the records and those that they nest, with the place of a root record that has it"""
    sure: bool = True
    """the schema surely takes every value; whether it takes the structures is another question"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How a record is written whose filled cells form one pattern."""

    template: str
    columns: tuple[tuple[int, Text | Typed], ...]
    """which columns go into the template, in its order, and how"""
    nested: "tuple[tuple[int, Nested, Creator], ...]"
    """places at which nested records go in between, ascending"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Below:
    """The nested records of one kind: those of each row as one text, how many they are, and what is known of them."""

    texts: list[str]
    counts: list[int]
    structures: dict[Structure, int]
    sure: bool


class Creator:
    """Writes rows of one shape as `<Table class="entity" action="create">`, each record on a line of its own."""

    def __init__(self, shape: Shape, *, path: str = "") -> None:
        self._shape = shape
        self._path = f"{path}/{shape.table.name}"
        self._plans: dict[_Pattern, _Plan] = {}
        self._width = len(shape.layout.columns)
        self._full = (True,) * self._width
        self._columns = {cell.column: column(cell.field) for cell in shape.cells if cell.column is not None}
        self._nested = {part.index: Creator(part.shape, path=self._path) for part in shape.parts if isinstance(part, Nested)}

    def record(self, row: Row) -> str:
        """The row's record with its nested records. Raises Reject where a cell cannot be written."""
        return self.written([row]).records[0]

    def written(self, rows: Sequence[Row]) -> Written:
        """The rows' records with their nested records, in order. Empty cells are left out: AX fills in its defaults.

        Raises Reject where a cell of any row cannot be written.
        """
        groups: dict[_Pattern, list[int]] = {}
        for place, row in enumerate(rows):
            cells = row.cells
            full = len(cells) == self._width and all(cells)
            groups.setdefault(self._full if full else tuple(map(bool, cells)), []).append(place)
        if len(groups) == 1:
            return self._alike(next(iter(groups)), rows)
        parts = [(places, self._alike(pattern, [rows[place] for place in places])) for pattern, places in groups.items()]
        return _together(len(rows), parts)

    def _alike(self, pattern: _Pattern, rows: Sequence[Row]) -> Written:
        """Rows of which the same cells are filled."""
        plan = self._plans.get(pattern) or self._planned(pattern)
        cells = list(zip(*[row.cells for row in rows], strict=False))
        written = [writer.written(cells[index]) for index, writer in plan.columns]
        contents: list[Sequence[str]] = [texts for texts, _ in written]
        nested = [_below(part, creator, rows) for _, part, creator in plan.nested]
        for (place, _, _), below in zip(plan.nested, nested, strict=True):
            contents.insert(place, below.texts)
        records = map(plan.template.__mod__, zip(*contents, strict=True)) if contents else [plan.template % ()] * len(rows)
        return Written(
            records=list(records),
            structures=self._structures(plan, nested),
            sure=all(sure for _, sure in written) and all(below.sure for below in nested),
        )

    def _structures(self, plan: _Plan, nested: Sequence[_Below]) -> dict[Structure, int]:
        if not nested:
            return {(self._path, plan.template, ()): 0}
        found = {structure: place for below in nested for structure, place in below.structures.items()}
        for place, counts in enumerate(zip(*(below.counts for below in nested), strict=True)):
            found.setdefault((self._path, plan.template, counts), place)
        return found

    def _planned(self, pattern: _Pattern) -> _Plan:
        template = [f'\n<{self._shape.table.name} class="entity" action="create">']
        columns: list[tuple[int, Text | Typed]] = []
        nested: list[tuple[int, Nested, Creator]] = []
        for part in self._shape.parts:
            if isinstance(part, Nested):
                nested.append((len(columns) + len(nested), part, self._nested[part.index]))
                template.append("%s")
            elif part.constant:
                template.append(_element(part, text.escaped(contract.lexical(part.field, part.constant)).replace("%", "%%")))
            elif part.column is not None and part.column < len(pattern) and pattern[part.column]:
                columns.append((part.column, self._columns[part.column]))
                template.append(_element(part, "%s"))
        template.append(f"</{self._shape.table.name}>")
        plan = _Plan(template="".join(template), columns=tuple(columns), nested=tuple(nested))
        return self._plans.setdefault(pattern, plan)


def _together(count: int, parts: Sequence[tuple[Sequence[int], Written]]) -> Written:
    """Rows of several patterns, each with their places among all `count` of them."""
    records = [""] * count
    structures: dict[Structure, int] = {}
    for places, written in parts:
        for place, record in zip(places, written.records, strict=True):
            records[place] = record
        structures |= {structure: places[place] for structure, place in written.structures.items()}
    return Written(records=records, structures=structures, sure=all(written.sure for _, written in parts))


def _below(part: Nested, creator: Creator, rows: Sequence[Row]) -> _Below:
    groups = [row.children[part.index] if part.index < len(row.children) else () for row in rows]
    written = creator.written([nested for group in groups for nested in group])
    records = iter(written.records)
    parents = [place for place, group in enumerate(groups) for _ in group]
    repeats = part.shape.table.repeats
    return _Below(
        texts=["".join(islice(records, len(group))) for group in groups],
        counts=[min(len(group), 2) if repeats else len(group) for group in groups],
        structures={structure: parents[place] for structure, place in written.structures.items()},
        sure=written.sure,
    )


def _element(cell: Cell, content: str) -> str:
    return f"<{cell.field.name}>{content}</{cell.field.name}>"
