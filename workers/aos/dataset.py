"""Reads an ADO.NET DataSet as it stands in an answer: a schema, then a diffgram, row by row, without a tree of the whole.

A row has every column of its table: None is a null, which a diffgram leaves out, and "" an empty text. It judges nothing.
"""

import io
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from workers.aos.unfolding import XSD

#: A row: column -> text, as XML Schema writes the column's type.
Row = dict[str, str | None]

_ROW_ID: Final = "{urn:schemas-microsoft-com:xml-diffgram-v1}id"
#: What stands beside the rows in a diffgram: what they held before, and their errors.
_BESIDE: Final = tuple(f"{{urn:schemas-microsoft-com:xml-diffgram-v1}}{name}" for name in ("before", "errors"))
_MODE: Final = "{urn:schemas-microsoft-com:xml-msdata}DateTimeMode"
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
#: How .NET writes a character that no name may hold: _x0020_, or with eight digits.
_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4}|[0-9A-Fa-f]{8})_")
_ZONE: Final = re.compile(r"(Z|[+-]\d\d:\d\d)$")


class Garbled(Exception):
    """The answer is no XML, or breaks off. Kept within the room."""


@dataclass(slots=True)
class Page:
    """What one answer holds."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    """by table, in the order of the schema: the table of the query's first data source stands first"""
    paging: dict[str, str] = field(default_factory=dict)
    """what the answer says of the page: StartingPosition, Bookmark, ..."""


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    kind: str
    """local name of its type in XML Schema"""
    mode: str
    """of dates: DateTimeMode, "" where the schema states none"""


def read(answer: bytes) -> Page:
    """The rows and the paging in the answer to a query. Raises Garbled."""
    try:
        return _read(answer)
    except etree.XMLSyntaxError as error:
        raise Garbled(error.msg or "no XML") from error


def name_of(tag: str) -> str:
    """The name of a table or column that an element stands for."""
    local = tag.rpartition("}")[2]
    return _ESCAPE.sub(lambda found: _character(int(found[1], 16)) or found[0], local)


def moment(text: str, mode: str) -> str:
    """A date and time without a zone, or with Z.

    .NET adds the zone of the AOS' computer to a value that has none ("UnspecifiedLocal", which is what no mode means): what
    the clock shows is the value, and the zone means nothing. Only in mode Local it does.
    """
    if mode == "Utc":
        return _ZONE.sub("", text) + "Z"
    zone = _ZONE.search(text)
    if mode == "Local" and zone and zone[0] != "Z":
        try:
            return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        except (ValueError, OverflowError):
            return text
    return text if mode == "Local" else _ZONE.sub("", text)


def _read(answer: bytes) -> Page:
    page, tables, beside = Page(), dict[str, dict[str, _Column]](), 0
    events = etree.iterparse(io.BytesIO(answer), events=("start", "end"), resolve_entities=False, no_network=True)
    for event, element in events:
        if element.tag in _BESIDE:
            beside += 1 if event == "start" else -1
        if event == "start" or beside:
            continue
        if element.tag == f"{XSD}schema":
            tables |= _tables(element)
            page.rows |= {table: page.rows.get(table, []) for table in tables}
        elif element.get(_ROW_ID) is not None:
            table = name_of(str(element.tag))
            if table in tables:
                page.rows[table].append(_row(element, tables[table]))
            _forget(element)
        elif str(element.tag).rpartition("}")[2] == "paging":
            page.paging = {name_of(str(part.tag)): part.text or "" for part in element.iterchildren(etree.Element)}
    return page


def _row(element: etree._Element, columns: dict[str, _Column]) -> Row:
    row: Row = dict.fromkeys((column.name for column in columns.values()), None)
    for part in element.iterchildren(etree.Element):
        column = columns.get(str(part.tag).rpartition("}")[2])
        if column is not None and part.get(_NIL) not in ("true", "1"):
            text = part.text or ""
            row[column.name] = moment(text, column.mode) if column.kind == "dateTime" else text
    return row


def _tables(schema: etree._Element) -> dict[str, dict[str, _Column]]:
    """The tables that a schema declares, and their columns by the name that stands in the XML."""
    found: dict[str, dict[str, _Column]] = {}
    for element in schema.iter(f"{XSD}element"):
        parts = element.find(f"{XSD}complexType/{XSD}sequence")
        if parts is not None:
            columns = [_column(part) for part in parts.iterchildren(f"{XSD}element") if part.find(f"{XSD}complexType") is None]
            found[name_of(element.get("name", ""))] = dict(columns)
    return found


def _column(element: etree._Element) -> tuple[str, _Column]:
    restriction = element.find(f"{XSD}simpleType/{XSD}restriction")
    kind = element.get("type") or (restriction.get("base") if restriction is not None else None) or ""
    name = element.get("name", "")
    return name, _Column(name_of(name), kind.rpartition(":")[2], element.get(_MODE, ""))


def _forget(element: etree._Element) -> None:
    """Lets go of a row that was read, and of those before it. A row within a row has columns before it, which stay."""
    element.clear(keep_tail=True)
    parent = element.getparent()
    while parent is not None and parent.get(_ROW_ID) is None and element.getprevious() is not None:
        del parent[0]


def _character(number: int) -> str:
    """The character of a number; "" for half of one, or beyond all."""
    return chr(number) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else ""
