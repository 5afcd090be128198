"""Rows -> the requests of the customer's table service (deploy/ax/CONTRACT.md): rows of any table, each a list of field texts.

It stands in for `Writer` where a step's rows go through that service: records, bodies and keys mean the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Final

from connector.wire import values
from connector.wire.codec import Row
from connector.wire.jobs import Blank, Layout
from connector.wire.metadata import FieldType, Service
from connector.wire.reports import Before
from workers import contract
from workers.documents import text
from workers.documents.body import Body
from workers.documents.compound import Cell
from workers.documents.create import Written
from workers.documents.shape import RECORD_IDS, shaped
from workers.errors import GiveUp, Reject

_ROWS: Final = "http://schemas.datacontract.org/2004/07/Dynamics.Ax.Application"


class TableWriter:
    """Writes the requests of the table service for rows of one layout. Not shared between threads."""

    def __init__(self, service: Service, layout: Layout) -> None:
        """Raises GiveUp where the table lacks what the layout names, or rows are nested: its tables have no lines."""
        if layout.children or service.document is None:
            raise GiveUp(
                "The table service writes the rows of one table: it takes no rows nested in them.",
                advice="Load the lines as a table of their own, or by a document service.",
                code="RSC-5954",
            )
        self.shape = shaped(layout, tables=service.document.tables)
        self._service = service
        self._clears = layout.blank is Blank.CLEAR

    def record(self, row: Row) -> str:
        """One row to create. Raises Reject where a cell cannot be written."""
        filled = [_value(cell, value) for cell in self.shape.cells if (value := cell.text(row))]
        return _row(f"<Values>{''.join(filled)}</Values>")

    def written(self, rows: Sequence[Row]) -> Written:
        """The same of many rows. All values are texts to the port's schema, which has nothing to say of them."""
        return Written(records=[self.record(row) for row in rows])

    def create(self, records: Iterable[str]) -> Body:
        """A request to create rows that `record` wrote, in that order."""
        return self._body("createRows", records, after="<_defaults>true</_defaults>")

    def changed(self, row: Row, before: Before) -> str:
        """One row to update: the fields that `before` names, under the version that was read. Raises Reject."""
        changes = [self._change(cell, row) for cell in self.shape.cells if cell.field.name in before.values]
        return _row(f"{_ids(self.key(row, before))}<Values>{''.join(changes)}</Values>")

    def update(self, keys: Iterable[Mapping[str, str]], records: Iterable[str]) -> Body:  # noqa: ARG002 - the rows say it
        """A request to update rows that `changed` wrote."""
        return self._body("updateRows", records, after="<_defaults>true</_defaults>")

    def key(self, row: Row, before: Before) -> dict[str, str]:  # noqa: ARG002 - the record's id is enough
        """What the table service knows the row's record by."""
        return {name: before.values.get(name) or "0" for name in RECORD_IDS}

    def delete(self, keys: Iterable[Mapping[str, str]]) -> Body:
        """A request to delete the records of these keys, under the versions that were read."""
        return self._body("deleteRows", [_row(_ids(key)) for key in keys], after="")

    def _change(self, cell: Cell, row: Row) -> str:
        value = cell.text(row)
        if value:
            return _value(cell, value)
        return _nothing(cell) if value == "" and self._clears and cell.field.name not in self.shape.layout.key else ""

    def _body(self, operation: str, rows: Iterable[str], *, after: str) -> Body:
        name = f"{self._service.name}{operation[0].upper()}{operation[1:]}Request"
        inside = f"<_table>{self.shape.table.name}</_table><_rows>{''.join(rows)}\n</_rows>{after}"
        request = f'<{name} xmlns="{self._service.namespace}">{inside}</{name}>'.encode()
        return Body(request=request, document=request)


def _row(content: str) -> str:
    return f'\n<RapidStartRow xmlns="{_ROWS}">{content}</RapidStartRow>'


def _ids(key: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{int(key[name])}</{name}>" for name in RECORD_IDS)


def _value(cell: Cell, value: str) -> str:
    written = contract.lexical(cell.field, value)
    if cell.field.type is FieldType.DATETIME:
        written = _in_utc(written)
    if cell.field.type in (FieldType.DATE, FieldType.DATETIME) and contract.comparable(cell.field, value) == contract.comparable(
        cell.field, None
    ):
        return _nothing(cell)
    return f"<RapidStartValue><Field>{cell.field.name}</Field><Value>{text.escaped(written)}</Value></RapidStartValue>"


def _nothing(cell: Cell) -> str:
    return f"<RapidStartValue><Field>{cell.field.name}</Field><IsNull>true</IsNull></RapidStartValue>"


def _in_utc(written: str) -> str:
    """A moment as the service takes it: in UTC, to the second."""
    try:
        moment = values.moment(written)
    except ValueError as error:
        raise Reject(f"{written} is no moment.", advice="Write it as 2011-01-31T13:30:00Z.", code="RSC-5101") from error
    utc = moment.astimezone(UTC) if moment.tzinfo else moment
    return f"{utc:%Y-%m-%dT%H:%M:%S}Z"
