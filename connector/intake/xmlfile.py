"""XML data files of a data package: a record per element below the root, its fields as elements or as attributes."""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from connector.errors import PackageRefused, Place
from connector.intake import headers, xmlstream
from connector.intake.sources import Source, reading
from connector.intake.values import Action, Limits
from connector.wire.codec import Row

_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def open_xmlfile(source: Source, *, limits: Limits) -> Action | None:
    """The one action of an XML data file; None when it holds no record. Raises PackageRefused.

    Columns are the fields that any record has, in the order in which they first appear. A row's number counts the
    file's records from 1; a field that a record does not have is None.
    """
    place = Place(file=source.name)
    with reading(source.name), source.open() as stream:
        record = xmlstream.first_record(stream, place=place)
    if record is None:
        return None
    columns: dict[str, None] = {}
    for _, fields in _records(source, record, limits):
        columns.update(dict.fromkeys(fields))
        if len(columns) > limits.columns:
            break
    names = headers.checked(tuple(columns), most=limits.columns, place=place)
    return Action(entity=record, file=source.name, columns=names, read=lambda: _rows(source, record, names, limits))


def _rows(source: Source, record: str, columns: tuple[str, ...], limits: Limits) -> Iterator[Row]:
    for number, fields in _records(source, record, limits):
        cells = [fields.get(column) for column in columns]
        if any(cell and cell.strip() for cell in cells):
            yield Row(number, cells)


def _records(source: Source, record: str, limits: Limits) -> Iterator[tuple[int, dict[str, str | None]]]:
    place = Place(file=source.name)
    with reading(source.name), source.open() as stream:
        found = xmlstream.elements(stream, f"{{*}}{record}", longest=limits.record_bytes, place=place)
        for number, element in enumerate(found, start=1):
            yield number, _fields(element, Place(file=source.name, row=number))


def _fields(record: etree._Element, place: Place) -> dict[str, str | None]:
    fields: dict[str, str | None] = {str(name): str(value) for name, value in record.attrib.items()}
    for child in record:
        if len(child):
            raise PackageRefused(
                f"{xmlstream.local_name(record)} nests {xmlstream.local_name(child)} (a composite entity).",
                advice="Hand headers and lines in as files of their own.",
                place=place,
            )
        if name := xmlstream.local_name(child):
            fields[name] = None if child.get(_NIL) == "true" else child.text or ""
    return fields
