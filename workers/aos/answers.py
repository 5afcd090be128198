"""Reads what AX answers: keys, records, or the fault element. It judges nothing."""

from typing import Final

from lxml import etree

from connector.wire.metadata import Document, Table
from workers.aos.envelope import ENVELOPE_NS, KEY_NS
from workers.aos.values import Key, Record

_BODY: Final = f"{{{ENVELOPE_NS}}}Body"
_FAULT: Final = f"{{{ENVELOPE_NS}}}Fault"
_KEY: Final = f"{{{KEY_NS}}}EntityKey"
_FIELD: Final = f"{{{KEY_NS}}}Field"
_VALUE: Final = f"{{{KEY_NS}}}Value"
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def body(content: bytes) -> etree._Element | None:
    """The element inside the SOAP body; None where the answer is no SOAP message (an HTML page, a cut-off text)."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)
    try:
        found = etree.fromstring(content, parser).find(_BODY)
    except etree.XMLSyntaxError:
        return None
    return next(found.iterchildren(), None) if found is not None else None


def is_fault(element: etree._Element) -> bool:
    """Whether the body holds a SOAP fault."""
    return element.tag == _FAULT


def keys(response: etree._Element) -> list[Key]:
    """The EntityKeys in a response, in AX's order."""
    found: list[Key] = []
    field = ""
    for part in response.iter(_KEY, _FIELD, _VALUE):
        tag = part.tag
        if tag == _FIELD:
            field = part.text or ""
        elif tag == _VALUE:
            found[-1][field] = part.text or ""
        else:
            found.append({})
    return found


def records(response: etree._Element, document: Document) -> list[Record]:
    """The root records in a response, of all root tables, in AX's order."""
    namespace = f"{{{document.namespace}}}"
    root = response.find(f"{namespace}{document.name}")
    if root is None:
        return []
    tables = {namespace + table.name: table for table in document.tables}
    return [_record(element, tables[str(element.tag)], namespace) for element in root.iterchildren(*tables)]


def _record(element: etree._Element, table: Table, namespace: str) -> Record:
    nested = {namespace + child.name: child for child in table.children}
    values: dict[str, str | None] = {}
    children: dict[str, list[Record]] = {}
    for part in element.iterchildren():
        child = nested.get(str(part.tag))
        if child is not None:
            children.setdefault(child.name, []).append(_record(part, child, namespace))
        else:
            values[etree.QName(part).localname] = _value(part)
    return Record(table=table.name, values=values, hash=values.pop("_DocumentHash", None) or "", children=children)


def _value(part: etree._Element) -> str | None:
    if part.get(_NIL) in ("true", "1"):
        return None
    return "".join(part.itertext()) if len(part) else part.text or ""
