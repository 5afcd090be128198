"""The document generator: rows + contract -> the bytes of AIF requests. Pure; it sends nothing and reads nothing.

A `Writer` is made once per service and layout. Elements stand in schema order, every record says class and action, and
the same rows give the same bytes: a call can be made again from what its intent recorded.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import quoteattr

from connector.wire.codec import Row
from connector.wire.jobs import Layout
from connector.wire.metadata import Service
from connector.wire.reports import Before
from workers.documents import text
from workers.documents.body import Body
from workers.documents.compound import Cell, Compound
from workers.documents.create import Creator, Structure, Written
from workers.documents.flatfile import FlatFormat, encoded, flat_header, flat_problems, flat_row
from workers.documents.header import CLEAR, header
from workers.documents.message import MAX_MESSAGE, envelope, message_file
from workers.documents.problems import Named, cell_problems, named
from workers.documents.shape import HASH, RECORD_IDS, Nested, Shape, clears, flat, has_types, rows_of, shaped, size
from workers.documents.tablerows import TableWriter
from workers.documents.update import (
    DELETED,
    create_lines,
    entity_key,
    key_values,
    natural_key,
    nested_path,
    update_lines,
    update_record,
)
from workers.errors import GiveUp

__all__ = [
    "DELETED",
    "HASH",
    "MAX_MESSAGE",
    "RECORD_IDS",
    "Body",
    "Cell",
    "Compound",
    "FlatFormat",
    "Named",
    "Nested",
    "Shape",
    "Structure",
    "TableWriter",
    "Writer",
    "Written",
    "cell_problems",
    "create_lines",
    "encoded",
    "entity_key",
    "envelope",
    "flat",
    "flat_header",
    "flat_problems",
    "flat_row",
    "key_values",
    "message_file",
    "named",
    "natural_key",
    "nested_path",
    "rows_of",
    "shaped",
    "size",
    "update_lines",
    "writer",
]

_KEY_LIST: Final = "http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKeyList"
_KEY: Final = "http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKey"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"


class Writer:
    """Writes the requests of one service for rows of one layout. Not shared between threads."""

    def __init__(self, service: Service, layout: Layout) -> None:
        """Raises GiveUp where the service's contract lacks what the layout names, or a constant does not suit."""
        if service.document is None:
            raise GiveUp(
                f"The service {service.name} has no document: it cannot load rows of a table.",
                advice="Name a document service as the target in the mapping.",
                code="RSC-5952",
            )
        nil_clears = CLEAR in service.document.order
        self.shape = shaped(layout, tables=service.document.tables, nil_clears=nil_clears)
        self._service = service
        self._document = service.document
        self._clear = nil_clears and clears(self.shape)
        self._header = header(service.document, layout.document)
        self._xsi = f' xmlns:xsi="{_XSI}"' if has_types(self.shape) else ""
        self._creator = Creator(self.shape)

    def record(self, row: Row) -> str:
        """The record of one root row and its nested rows, for `create`. Raises Reject where a cell cannot be written."""
        return self._creator.record(row)

    def written(self, rows: Sequence[Row]) -> Written:
        """The same of many rows, in far less time; with what is known of their records. Raises Reject for any cell of them."""
        return self._creator.written(rows)

    def create(self, records: Iterable[str]) -> Body:
        """A create request of records that `record` wrote, in that order."""
        opening = f"<{self._document.name} xmlns={quoteattr(self._document.namespace)}{self._xsi}>"
        return self._body("Create", "", opening + self._header, records)

    def changed(self, row: Row, before: Before) -> str:
        """The record of one root row for `update`: what `before` names, under the hash that was read. Raises Reject."""
        return update_record(self.shape, row, before)

    def update(self, keys: Iterable[Mapping[str, str]], records: Iterable[str]) -> Body:
        """An update request of records that `changed` wrote, with their entity keys in the same order."""
        opening = f'<{self._document.name} xmlns={quoteattr(self._document.namespace)} xmlns:xsi="{_XSI}">'
        if self._clear:
            opening += f"<{CLEAR}>true</{CLEAR}>"
        return self._body("Update", key_list(keys), opening + self._header, records)

    def key(self, row: Row, before: Before) -> dict[str, str]:
        """The key under which AX knows the row's document."""
        return entity_key(self.shape, row, before)

    def delete(self, keys: Iterable[Mapping[str, str]]) -> Body:
        """A delete request for the documents of these entity keys."""
        opening, closing = self._request("Delete")
        return Body(request=f"{opening}{key_list(keys)}{closing}".encode(), document=b"")

    def _body(self, operation: str, keys: str, opening: str, records: Iterable[str]) -> Body:
        document = f"{opening}{''.join(records)}\n</{self._document.name}>".encode()
        head, tail = self._request(operation)
        return Body(request=b"".join((head.encode(), keys.encode(), document, tail.encode())), document=document)

    def _request(self, operation: str) -> tuple[str, str]:
        name = f"{self._service.name}{operation}Request"
        return f"<{name} xmlns={quoteattr(self._service.namespace)}>", f"</{name}>"


def writer(service: Service, layout: Layout) -> Writer | TableWriter:
    """What writes rows of this layout for this service. Raises GiveUp."""
    return (TableWriter if service.generic else Writer)(service, layout)


def key_list(keys: Iterable[Mapping[str, str]]) -> str:
    """An EntityKeyList, fields in the order of each key. Raises Reject for a character that XML forbids."""
    entries = (
        "".join(
            f"<KeyField><Field>{field}</Field><Value>{text.escaped(value)}</Value></KeyField>" for field, value in key.items()
        )
        for key in keys
    )
    inner = "".join(f'<EntityKey xmlns="{_KEY}"><KeyData>{entry}</KeyData></EntityKey>' for entry in entries)
    return f'<EntityKeyList xmlns="{_KEY_LIST}">{inner}</EntityKeyList>'
