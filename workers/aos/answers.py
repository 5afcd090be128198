"""Reads what AX answers: keys, records, or the fault element. It judges nothing, and no answer whatever breaks it."""

from typing import Final

from lxml import etree

from connector.wire.metadata import Document, Table
from workers.aos.envelope import ENVELOPE_NS, KEY_NS
from workers.aos.values import Key, Record

#: SOAP 1.1, and 1.2, in which a port with another binding may send its faults.
_SOAP: Final = (ENVELOPE_NS, "http://www.w3.org/2003/05/soap-envelope")
_FAULTS: Final = frozenset(f"{{{namespace}}}Fault" for namespace in _SOAP)
_KEY: Final = f"{{{KEY_NS}}}EntityKey"
_FIELD: Final = f"{{{KEY_NS}}}Field"
_VALUE: Final = f"{{{KEY_NS}}}Value"
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def body(content: bytes) -> etree._Element | None:
    """The one element inside the SOAP body; None where the answer is no SOAP message (an HTML page, a cut-off text)."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        return None
    namespace = next((one for one in _SOAP if root.tag == f"{{{one}}}Envelope"), None)
    if namespace is None or root.getroottree().docinfo.internalDTD is not None:
        return None
    bodies = root.findall(f"{{{namespace}}}Body")
    inside = list(bodies[0].iterchildren()) if len(bodies) == 1 else []
    return inside[0] if len(inside) == 1 else None


def is_fault(element: etree._Element) -> bool:
    """Whether the body holds a SOAP fault."""
    return element.tag in _FAULTS


def keys(response: etree._Element) -> list[Key]:
    """The EntityKeys in a response, in AX's order."""
    found: list[Key] = []
    field = ""
    for part in response.iter(_KEY, _FIELD, _VALUE):
        tag = part.tag
        if tag == _FIELD:
            field = part.text or ""
        elif tag == _KEY:
            found.append({})
        elif found:
            found[-1][field] = part.text or ""
    return found


def records(response: etree._Element, document: Document) -> list[Record]:
    """The root records in a response, of all root tables, in AX's order."""
    namespace = f"{{{document.namespace}}}"
    root = response.find(f"{namespace}{document.name}")
    if root is None or not document.tables:
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
