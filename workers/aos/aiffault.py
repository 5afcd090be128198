"""Reads AX' own account of a refusal: the AifFault of a call.

By the names of its elements alone: it must be understood also where the contract is not at hand, or is stale.
"""

import re
from collections.abc import Iterator, Sequence
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


def place(path: str, *, nested: Sequence[str]) -> tuple[int | None, int | None, str | None, str | None]:
    """Record, line, its table, and field of a path like /Doc/Table[3]/Line[2]/Field; a step without a number names none."""
    steps = [found for part in path.split("/") if (found := _STEP.fullmatch(part.strip()))]
    record = int(steps[1][2]) if len(steps) > 1 and steps[1][2] else None
    if len(steps) < 3 or record is None:
        return record, None, None, None
    if steps[2][1] not in nested:
        return record, None, None, steps[2][1]
    field = steps[3][1] if len(steps) > 3 and steps[3][1] not in nested else None
    return record, int(steps[2][2]) if steps[2][2] else None, steps[2][1], field


def _complaint(entry: etree._Element, message: etree._Element, nested: Sequence[str]) -> Complaint:
    record, line, table, field = place(_text(entry, "XPath"), nested=nested)
    return Complaint(
        message=_text(message, "Message") + _where(entry, record),
        record=record,
        line=line,
        table=table,
        field=_text(entry, "Field") or field,
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
