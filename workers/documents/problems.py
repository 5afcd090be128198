"""Why a row cannot be written, cell by cell. Only rows that failed come here: it may be slow."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from connector.wire import values
from connector.wire.codec import Row
from connector.wire.jobs import Blank
from connector.wire.reports import Problem
from workers.documents import elements
from workers.documents.compound import Cell, Compound
from workers.documents.shape import Shape, flat
from workers.documents.update import cleared
from workers.errors import Reject

_ADVICE: Final = "Correct the cell and load the row again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A field of a row as the user knows it: the column's caption, and the cell."""

    column: str | None
    field: str
    value: str | None


def named(shape: Shape, row: Row, field: str) -> Named:
    """The column and cell of one field of a record; column and value are None where the package has no such column."""
    cell = shape.cell(field) or next((cell for cell in shape.cells if cell.field.name.startswith(f"{field}.")), None)
    if cell is None:
        return Named(column=None, field=field, value=None)
    return Named(column=_caption(shape, cell), field=field, value=cell.text(row))


def cell_problems(shape: Shape, row: Row, *, index: int, creating: bool) -> list[Problem]:
    """Everything that is wrong with the cells of a root row and its nested rows, by their fields' facets.

    `index` is the root row's place in flat order. An empty list: no cell is wrong by itself.
    Where a document is created, a mandatory field must have a value.
    """
    return [
        problem
        for place, (where, item) in enumerate(flat(shape, row), index)
        for problem in _record_problems(where, item, index=place, creating=creating)
    ]


def _record_problems(shape: Shape, row: Row, *, index: int, creating: bool) -> Iterator[Problem]:
    for part in shape.parts:
        if isinstance(part, Cell):
            yield from _cell_problem(shape, part, row, index=index, creating=creating)
        elif isinstance(part, Compound):
            for cell in part.cells:
                yield from _cell_problem(shape, cell, row, index=index, creating=False, clears=False)
            yield from _compound_problem(shape, part, row, index=index, creating=creating)


def _compound_problem(shape: Shape, part: Compound, row: Row, *, index: int, creating: bool) -> Iterator[Problem]:
    """A delimited text that cannot be taken apart; a part that is missing, or all of it where it is mandatory."""
    field, is_empty = part.field.name, not any(part.said(row).values())
    if malformed := part.malformed(row):
        cell, why = malformed
        yield Problem(
            row=index,
            column=_caption(shape, cell),
            field=field,
            value=cell.whole(row),
            message=why.message,
            advice=why.advice,
            code="RSC-3123",
        )
    elif creating and is_empty and part.cells and part.field.mandatory:
        message, column = f"The field {field} is mandatory, and empty here.", _caption(shape, part.cells[0])
        yield Problem(row=index, column=column, field=field, message=message, advice="Fill it in.", code="RSC-3105")
    elif creating and (name := elements.missing(part, part.said(row))) is not None:
        message, advice = elements.missing_words(part, name), elements.MISSING_ADVICE
        column = next((_caption(shape, cell) for cell in part.cells if cell.part == name), None)
        yield Problem(row=index, column=column, field=part.name(name), message=message, advice=advice, code="RSC-3122")


def _cell_problem(shape: Shape, cell: Cell, row: Row, *, index: int, creating: bool, clears: bool = True) -> Iterator[Problem]:
    value = cell.text(row)
    clears = clears and value == "" and not creating and shape.layout.blank is Blank.CLEAR
    why = values.fits(cell.field, value, creating=creating) or (_unclearable(cell) if clears else None)
    if why:
        yield Problem(
            row=index,
            column=_caption(shape, cell),
            field=cell.field.name,
            value=value,
            message=why.message,
            advice=why.advice or _ADVICE,
            code=why.code,
        )


def _unclearable(cell: Cell) -> Reject | None:
    try:
        cleared(cell)
    except Reject as error:
        return error
    return None


def _caption(shape: Shape, cell: Cell) -> str | None:
    return None if cell.column is None else shape.layout.columns[cell.column].name
