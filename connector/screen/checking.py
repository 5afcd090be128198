"""Looks at the cells of a layout's rows before anything is sent: what is wrong with them by their fields' types and facets.

Column by column: where all cells of a column surely fit, none is looked at by itself. Whether records exist is not known here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from connector.errors import Place, PlanRefused
from connector.screen.segmented import Segmented
from connector.wire import lines, values
from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout, Mode
from connector.wire.metadata import Field, FieldType, Table
from connector.wire.reports import Problem
from connector.wire.values import Unfit

_ADVICE: Final = "Correct the cell."

Columns = Sequence[Sequence[str | None]]
"""the cells of some rows, column by column"""


def columns(rows: Sequence[Row]) -> Columns:
    """The rows' cells, column by column; a cell that a row lacks is None."""
    return list(zip_longest(*[row.cells for row in rows]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A layout with what the contract says of its record; `table` is None where it says nothing."""

    layout: Layout
    table: Table | None
    children: "tuple[Laid, ...]"

    def field(self, column: Column) -> Field | None:
        """The field that a column's cells must fit; None for a structure, and for a dimension: any text may be its value."""
        found = self.table.field(column.field) if self.table else None
        if found is not None and column.part:
            within = (*(found.structure.texts if found.structure else ()), *found.attributes)
            found = next((each for each in within if each.name == column.part), None)
            # A part may be left out with all the others: a worker tells where it is missing.
            found = found and found.model_copy(update={"mandatory": False})
        return None if found is None or found.type is FieldType.COMPLEX else found

    def segmented(self, column: Column) -> Segmented | None:
        """What the cells must be of a column that holds several parts of a structure each."""
        field = self.table.field(column.field) if self.table and not column.part else None
        structured = self.layout.structures.get(column.field)
        if field is None or not field.structure or structured is None or len(structured.segments) < 2:
            return None
        return Segmented(field=field, structured=structured)


def laid(layout: Layout, records: Mapping[int, Table]) -> Laid:
    """The layout, and those nested in it, over the records of their steps, by number."""
    record = records.get(layout.step)
    children = tuple(laid(child, records) for child in layout.children)
    return Laid(layout=layout, table=record and record.as_type(layout.type), children=children)


class Cells:
    """Checks the cells of the rows of one layout, without those that are nested in them."""

    def __init__(self, known: Laid, *, mode: Mode) -> None:
        """Raises PlanRefused where a constant does not fit its field."""
        _check_constants(known)
        fields = [(index, column, known.field(column)) for index, column in enumerate(known.layout.columns)]
        self._checks: list[tuple[int, Column, _Check | Segmented]] = [
            (index, column, _Check(field, mode=mode)) for index, column, field in fields if field
        ]
        for index, column in enumerate(known.layout.columns):
            if segmented := known.segmented(column):
                self._checks.append((index, column, segmented))

    def problems(self, filled: Columns, *, count: int) -> dict[int, list[Problem]]:
        """What is wrong, by the row's place among `count` rows; `filled` are their columns."""
        found: dict[int, list[Problem]] = {}
        for index, column, check in self._checks:
            cells = filled[index] if index < len(filled) else [None] * count
            for text, why in check.bad(cells).items():
                for place in (place for place, cell in enumerate(cells) if (cell or "") == text):
                    found.setdefault(place, []).append(_problem(column, check.field, cells[place], why))
        return found


class _Check:
    """What the cells of one column must be."""

    def __init__(self, field: Field, *, mode: Mode) -> None:
        self.field = field
        self._creating = mode is Mode.CREATE
        self._surely = lines.surely(field)

    def bad(self, cells: Sequence[str | None]) -> Mapping[str, Unfit]:
        """Those texts among the cells that do not fit, each with the reason; "" for cells that are empty or not there."""
        given = list(filter(None, cells))
        found: dict[str, Unfit] = {}
        if len(given) < len(cells) and (why := values.fits(self.field, "", creating=self._creating)):
            found[""] = why
        if given and not self._surely(given):
            found |= {text: why for text in dict.fromkeys(given) if (why := values.fits(self.field, text))}
        return found


def _problem(column: Column, field: Field, cell: str | None, why: Unfit) -> Problem:
    return Problem(
        row=0, column=column.name, field=field.name, value=cell, message=why.message, advice=why.advice or _ADVICE, code=why.code
    )


def _check_constants(known: Laid) -> None:
    layout = known.layout
    for name, text in layout.constants.items():
        field = known.field(Column(name=name, field=name))
        if field and (why := values.fits(field, text)):
            raise PlanRefused(
                f"the constant of {layout.entity} does not fit: {why.message}",
                advice=why.advice or "Correct it in the mapping.",
                place=Place(file=layout.file, sheet=layout.sheet),
            )
