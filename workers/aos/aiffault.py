"""Reads an AifFault, AX' own account of a refusal, by the type that the contract gives it."""

from collections.abc import Sequence
from typing import Any, Final

import zeep.exceptions
from lxml import etree

from workers.aos import faults
from workers.errors import Complaint

_FAULT: Final = "{http://schemas.microsoft.com/dynamics/2008/01/documents/Fault}AifFault"


def read(types: Any, fault: etree._Element, *, nested: Sequence[str]) -> faults.Detail | None:
    """The AifFault in a SOAP fault, by zeep's types; None where there is none, or one of another type."""
    element = fault.find(f"detail/{_FAULT}")
    if element is None:
        return None
    try:
        return _detail(types.deserialize(element), nested)
    except (zeep.exceptions.Error, ValueError, TypeError, AttributeError):
        return None


def _detail(fault: Any, nested: Sequence[str]) -> faults.Detail:
    lists = _each(fault.FaultMessageListArray, "FaultMessageList")
    infolog = [
        (str(entry.InfologMessageType or ""), str(entry.Message or "").strip())
        for entry in _each(fault.InfologMessageList, "InfologMessage")
    ]
    worst = [text for kind, text in infolog if kind == "Error"] or [text for _, text in infolog]
    messages = [(entry, message) for entry in lists for message in _each(entry.FaultMessageArray, "FaultMessage")]
    complaints = [
        faults.complaint_of(message=(message.Message or "").strip(), path=entry.XPath or "", field=entry.Field, nested=nested)
        for entry, message in messages
    ]
    return faults.Detail(
        complaints=tuple(complaints) or ((Complaint(message=" ".join(worst)),) if worst else ()),
        codes=tuple(message.Code for _, message in messages if message.Code),
        infolog=tuple(worst),
        exception=fault.XppExceptionType,
    )


def _each(array: Any, name: str) -> list[Any]:
    return [entry for entry in (getattr(array, name, None) or ()) if entry is not None]
