"""Looks at cells before anything is sent: what is wrong with a row by its fields' types and facets alone."""

from collections.abc import Iterator, Sequence

from connector.wire import values
from connector.wire.codec import Row
from connector.wire.jobs import Layout, Mode
from connector.wire.metadata import Field, Metadata, Table
from connector.wire.reports import Problem

Found = tuple[int, int, Problem]
"""step, row number, problem"""


class Checker:
    """Checks the rows of one step and the rows nested in them. Whether records exist is not known here."""

    def __init__(self, layout: Layout, metadata: Metadata, *, service: str, mode: Mode) -> None:
        documents = [found.document for found in metadata.services if found.name == service and found.document]
        tables = documents[0].tables if documents else ()
        self._creating = mode is Mode.CREATE
        self._parts = {part.step: (part, _fields(part, tables)) for part in _all(layout)}
        self._children = {part.step: [child.step for child in part.children] for part in _all(layout)}
        self._root = layout.step

    def problems(self, row: Row) -> Iterator[Found]:
        """Everything that is wrong with a root row's cells, and with those of the rows nested in it."""
        yield from self._check(self._root, row)

    def _check(self, step: int, row: Row) -> Iterator[Found]:
        layout, fields = self._parts[step]
        for column, field, text in zip(layout.columns, fields, row.cells, strict=False):
            if field is not None and (why := values.fits(field, text, creating=self._creating)):
                problem = Problem(
                    row=0,
                    column=column.name,
                    field=field.name,
                    value=text,
                    message=why.message,
                    advice=why.advice or "Correct the cell.",
                    code=why.code,
                )
                yield step, row.number, problem
        for child, nested in zip(self._children[step], row.children, strict=False):
            for each in nested:
                yield from self._check(child, each)


def _all(layout: Layout) -> Iterator[Layout]:
    yield layout
    for child in layout.children:
        yield from _all(child)


def _fields(layout: Layout, tables: Sequence[Table]) -> list[Field | None]:
    table = _table(tables, layout.table)
    return [table.field(column.field) if table else None for column in layout.columns]


def _table(tables: Sequence[Table], name: str) -> Table | None:
    for table in tables:
        if table.name == name:
            return table
        if found := _table(table.children, name):
            return found
    return None
