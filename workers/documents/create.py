"""Rows -> the records of a create document, fast: a template per pattern of filled cells, one escape test per row.

Row bytes are the worker's largest cost. It never guesses: a cell that cannot be written raises.
"""

import re
from dataclasses import dataclass
from typing import Final

from connector.wire import metadata
from connector.wire.codec import Row
from connector.wire.metadata import FieldType
from workers import contract
from workers.documents import text
from workers.documents.shape import Cell, Nested, Shape, rows_of

#: Text that stands for itself. Whether it is in range, or a day of the calendar, the port's own schema says before it is sent.
_PLAIN: Final = {
    FieldType.INTEGER: re.compile(r"-?[0-9]+"),
    FieldType.DECIMAL: re.compile(r"-?[0-9]+(?:\.[0-9]+)?"),
    FieldType.DATE: re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
}


class _Lexicon(dict[str, str]):
    """Cell text -> element text of one field that is not plain text. Values repeat, so they are looked up once."""

    def __init__(self, field: metadata.Field) -> None:
        super().__init__()
        self._field = field
        self._plain = None if field.symbols else _PLAIN.get(field.type)

    def __missing__(self, cell: str) -> str:
        if self._plain and self._plain.fullmatch(cell):
            self[cell] = cell
            return cell
        self[cell] = written = text.escaped(contract.lexical(self._field, cell))
        return written


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How a record is written whose filled cells form one pattern."""

    template: str
    columns: tuple[int, ...]
    """which cells go into the template, in its order"""
    typed: tuple[tuple[int, _Lexicon], ...]
    """places among them that are not plain text"""
    nested: "tuple[tuple[int, Nested, Creator], ...]"
    """places at which nested records go in between, ascending"""


class Creator:
    """Writes rows of one shape as `<Table class="entity" action="create">`, each record on a line of its own."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._plans: dict[tuple[bool, ...], _Plan] = {}
        self._width = len(shape.layout.columns)
        self._full = (True,) * self._width
        self._lexicons = {cell.field.name: _Lexicon(cell.field) for cell in shape.cells if not is_free_text(cell.field)}
        self._nested = {part.index: Creator(part.shape) for part in shape.parts if isinstance(part, Nested)}

    def record(self, row: Row) -> str:
        """The row's record with its nested records. Empty cells are left out: AX fills in its defaults.

        Raises Reject where a cell cannot be written.
        """
        cells = row.cells
        full = len(cells) == self._width and all(cells)
        pattern = self._full if full else tuple(map(bool, cells))
        plan = self._plans.get(pattern) or self._planned(pattern)
        values: list[str] = [cells[column] for column in plan.columns]  # type: ignore[misc]  # the pattern says: filled
        for place, lexicon in plan.typed:
            values[place] = lexicon[values[place]]
        if not text.is_plain("".join(values)):
            self._escape(values, plan)
        for place, part, creator in plan.nested:
            values.insert(place, "".join(map(creator.record, rows_of(row, part)[1])))
        return plan.template % tuple(values)

    @staticmethod
    def _escape(values: list[str], plan: _Plan) -> None:
        done = {place for place, _ in plan.typed}
        values[:] = [value if place in done else text.escaped(value) for place, value in enumerate(values)]

    def _planned(self, pattern: tuple[bool, ...]) -> _Plan:
        template = [f'\n<{self._shape.table.name} class="entity" action="create">']
        columns: list[int] = []
        typed: list[tuple[int, _Lexicon]] = []
        nested: list[tuple[int, Nested, Creator]] = []
        for part in self._shape.parts:
            place = len(columns) + len(nested)
            if isinstance(part, Nested):
                nested.append((place, part, self._nested[part.index]))
                template.append("%s")
            elif part.constant:
                template.append(_element(part, text.escaped(contract.lexical(part.field, part.constant)).replace("%", "%%")))
            elif part.column is not None and part.column < len(pattern) and pattern[part.column]:
                if part.field.name in self._lexicons:
                    typed.append((len(columns), self._lexicons[part.field.name]))
                columns.append(part.column)
                template.append(_element(part, "%s"))
        template.append(f"</{self._shape.table.name}>")
        plan = _Plan(template="".join(template), columns=tuple(columns), typed=tuple(typed), nested=tuple(nested))
        return self._plans.setdefault(pattern, plan)


def _element(cell: Cell, content: str) -> str:
    return f"<{cell.field.name}>{content}</{cell.field.name}>"


def is_free_text(field: metadata.Field) -> bool:
    """Whether any text suits the field, its length aside."""
    return field.type is FieldType.STRING and not field.symbols
