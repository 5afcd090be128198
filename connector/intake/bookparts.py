"""The skeleton of an XLSX workbook: its sheets, which of them are hidden, and which number formats are dates."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from posixpath import join, normpath
from typing import Final, Literal

from lxml import etree

from connector.errors import PackageRefused, Place
from connector.intake import xmlstream

Kind = Literal["number", "moment", "duration"]

_MOMENT_IDS: Final = frozenset({*range(14, 23), *range(27, 37), *range(50, 59), 45, 47})
_DURATION_IDS: Final = frozenset({46})
#: Quoted text, escaped characters, colours and locales in a number format say nothing about its kind.
_NOT_CODE: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One worksheet: its name, and the part of the archive that holds it."""

    name: str
    part: str
    hidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What must be known of a workbook before its cells can be read."""

    sheets: tuple[Sheet, ...]
    epoch_1904: bool
    kinds: tuple[Kind, ...]
    """by index of cell style"""
    strings_part: str | None


def read(archive: zipfile.ZipFile, *, name: str) -> Book:
    """The skeleton. Raises PackageRefused where the parts do not make a workbook."""
    place = Place(file=name)
    try:
        book = _parsed(archive, "xl/workbook.xml", place)
        links = _links(_parsed(archive, "xl/_rels/workbook.xml.rels", place))
    except KeyError as error:
        raise PackageRefused("the workbook is incomplete.", advice="Save it again in Excel.", place=place) from error
    names, targets = frozenset(archive.namelist()), {key: part for key, _, part in links}
    worksheets = {key for key, kind, _ in links if kind.endswith("/worksheet")}
    found = [(sheet, _relation(sheet)) for sheet in _named(book, "sheet")]
    return Book(
        sheets=tuple(
            Sheet(name=sheet.get("name", ""), part=targets[link], hidden=sheet.get("state", "visible") != "visible")
            for sheet, link in found
            if link in worksheets and targets[link] in names
        ),
        epoch_1904=any(properties.get("date1904") in {"1", "true"} for properties in _named(book, "workbookPr")),
        kinds=_kinds(archive, names, links, place),
        strings_part=next((part for _, kind, part in links if kind.endswith("/sharedStrings") and part in names), None),
    )


def _parsed(archive: zipfile.ZipFile, part: str, place: Place) -> etree._Element:
    with archive.open(part) as stream:
        return xmlstream.parse(stream, place=place)


def _links(relationships: etree._Element) -> list[tuple[str, str, str]]:
    """(id, kind, part) of each relationship; a part's path is relative to xl/ unless it starts at the root."""
    return [
        (link.get("Id", ""), link.get("Type", ""), normpath(join("xl", link.get("Target", ""))).lstrip("/"))
        for link in _named(relationships, "Relationship")
    ]


def _relation(sheet: etree._Element) -> str:
    return next((str(value) for key, value in sheet.attrib.items() if str(key).endswith("}id")), "")


def _kinds(archive: zipfile.ZipFile, names: frozenset[str], links: list[tuple[str, str, str]], place: Place) -> tuple[Kind, ...]:
    part = next((part for _, kind, part in links if kind.endswith("/styles") and part in names), None)
    if part is None:
        return ()
    styles = _parsed(archive, part, place)
    codes = {int(item.get("numFmtId", "0")): item.get("formatCode", "") for item in _named(styles, "numFmt")}
    formats = (int(style.get("numFmtId", "0")) for group in _named(styles, "cellXfs") for style in _named(group, "xf"))
    return tuple(kind_of(number, codes.get(number)) for number in formats)


def kind_of(number: int, code: str | None) -> Kind:
    """What a number format makes of a number. Built-in formats have no code."""
    if code is None:
        return "moment" if number in _MOMENT_IDS else "duration" if number in _DURATION_IDS else "number"
    plain = _NOT_CODE.sub("", code).lower()
    if re.search(r"\[[hms]+\]", plain):
        return "duration"
    return "moment" if re.search(r"[dmyhs]", plain.replace("general", "")) else "number"


def _named(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return element.iter(f"{{*}}{name}")
