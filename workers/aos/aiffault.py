"""Reads AX' own account of a refusal: the AifFault of a call.

By the names of its elements alone: it must be understood also where the contract is not at hand, or is stale.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from lxml import etree

from workers.aos import faults
from workers.errors import Complaint

FAULT_NS: Final = "http://schemas.microsoft.com/dynamics/2008/01/documents/Fault"

_FAULT: Final = f"{{{FAULT_NS}}}AifFault"
#: A step of a path like /Doc/Table[3]/Line[2], with or without prefix.
_STEP: Final = re.compile(r"(?:[\w.-]+:)?([\w.-]+)(?:\[(\d{1,9})\])?")
#: Kinds of infolog entries that explain a refusal; an Info does only where there is nothing else.
_TELLING: Final = ("Error", "Warning")


def read(fault: etree._Element, *, nested: Sequence[str]) -> faults.Detail | None:
    """The AifFault in a SOAP fault; None where there is none. `nested` are the names of nested records."""
    element = next(fault.iter(_FAULT), None)
    if element is None:
        return None
    lists = list(_each(element, "FaultMessageList"))
    said = [(entry, message) for entry in lists for message in _each(entry, "FaultMessage")]
    complaints = tuple(_complaint(entry, message, nested) for entry, message in said)
    log = [(_text(entry, "InfologMessageType"), _text(entry, "Message")) for entry in _each(element, "InfologMessage")]
    telling = [text for kind, text in log if kind in _TELLING] or [text for _, text in log]
    return faults.Detail(
        complaints=complaints or ((Complaint(message=" ".join(dict.fromkeys(telling))),) if telling else ()),
        codes=tuple(code for _, message in said if (code := _text(message, "Code"))),
        infolog=tuple(telling),
        exception=_number(_text(element, "XppExceptionType")),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads. A number is None where the path has none."""

    record: int | None = None
    below: tuple[tuple[str, int | None], ...] = ()
    """nested records on the way down, by table and number in the record above"""
    field: str | None = None


def place(path: str, *, nested: Sequence[str]) -> Place:
    """Where a path like /Doc/Table[3]/Line[2]/Field leads, by the names of nested records."""
    steps = [found for part in path.split("/") if (found := _STEP.fullmatch(part.strip()))]
    record = int(steps[1][2]) if len(steps) > 1 and steps[1][2] else None
    if record is None:
        return Place()
    below = tuple((step[1], int(step[2]) if step[2] else None) for step in takewhile(lambda step: step[1] in nested, steps[2:]))
    rest = steps[2 + len(below) :]
    return Place(record, below, rest[0][1] if rest else None)


def _complaint(entry: etree._Element, message: etree._Element, nested: Sequence[str]) -> Complaint:
    found = place(_text(entry, "XPath"), nested=nested)
    line = found.below[-1] if found.below else ("", None)
    return Complaint(
        message=_text(message, "Message") + _where(entry, found.record),
        record=found.record,
        line=line[1],
        table=line[0] or None,
        within=tuple((table, number or 0) for table, number in found.below[:-1]),
        field=_text(entry, "Field") or found.field,
    )


def _where(entry: etree._Element, record: int | None) -> str:
    """Where AX names no record, a line helps a person. What it counts in is not documented, so it finds no row by itself."""
    line, position = _text(entry, "XmlLine"), _text(entry, "XmlPosition")
    if record is not None or not line.strip("0"):
        return ""
    return f" (line {line}, position {position} of the message)" if position else f" (line {line} of the message)"


def _each(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return element.iter(f"{{*}}{name}")


def _text(element: etree._Element, name: str) -> str:
    found = element.find(f"{{*}}{name}")
    return "".join(found.itertext()).strip() if found is not None else ""


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else None
