"""Reads what AX answers: keys, records, results, or the fault element. It judges nothing, and no answer whatever breaks it."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from lxml import etree

from connector.wire.metadata import Document, Parameter, Table
from workers.aos.envelope import ENVELOPE_12_NS, ENVELOPE_NS, KEY_NS
from workers.aos.values import Key, Record

#: SOAP 1.1, and 1.2, in which a port with another binding speaks.
_SOAP: Final = (ENVELOPE_NS, ENVELOPE_12_NS)
_FAULTS: Final = frozenset(f"{{{namespace}}}Fault" for namespace in _SOAP)
_KEY: Final = f"{{{KEY_NS}}}EntityKey"
_FIELD: Final = f"{{{KEY_NS}}}Field"
_VALUE: Final = f"{{{KEY_NS}}}Value"
_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
#: So many characters of what an operation answers are kept.
_MOST: Final = 4_000


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


def told(response: etree._Element, known: Sequence[Parameter]) -> str:
    """What an operation answered: a single text as it stands, null or nothing as "", all else as JSON; cut where it is long.

    `known` are the elements of the response by the contract: by them a list is a list, whatever number of entries it has.
    """
    inside = list(response.iterchildren(etree.Element))
    if len(inside) == 1:
        whole = _plain(inside[0], next((one for one in known if one.name == _local(inside[0])), None))
    else:
        whole = _members(inside, known)
    if whole is None or whole == {}:
        return ""
    text = whole if isinstance(whole, str) else json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"


def _plain(element: etree._Element, known: Parameter | None) -> object:
    """An element as a JSON value: None for null, a text, a list, or members by name."""
    if element.get(_NIL) in ("true", "1"):
        return None
    inside = list(element.iterchildren(etree.Element))
    if known is not None and known.item is not None and not known.repeats:
        return [_plain(each, known.item) for each in inside]
    return _members(inside, known.parts if known else ()) if inside else element.text or ""


def _members(inside: Sequence[etree._Element], known: Sequence[Parameter]) -> dict[str, object]:
    """Elements by name; those of a name that stands several times, or that the contract lets repeat, as a list."""
    declared = {one.name: one for one in known}
    found: dict[str, list[object]] = {}
    for each in inside:
        found.setdefault(_local(each), []).append(_plain(each, declared.get(_local(each))))
    repeats = {name for name, one in declared.items() if one.repeats}
    return {name: each if len(each) > 1 or name in repeats else each[0] for name, each in found.items()}


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _record(element: etree._Element, base: Table, namespace: str) -> Record:
    kind = element.get(_TYPE, "").rpartition(":")[2]
    table = base.as_type(kind) or base
    nested = {namespace + child.name: child for child in table.children}
    values: dict[str, str | None] = {}
    children: dict[str, list[Record]] = {}
    for part in element.iterchildren():
        child = nested.get(str(part.tag))
        if child is not None:
            children.setdefault(child.name, []).append(_record(part, child, namespace))
        elif len(part) or part.attrib:
            values.update(_texts(part))
        else:
            values[etree.QName(part).localname] = part.text or ""
    return Record(table=base.name, values=values, hash=values.pop("_DocumentHash", None) or "", type=kind, children=children)


def _texts(part: etree._Element) -> Iterator[tuple[str, str | None]]:
    """What an element says that is more than a text: null, attributes, or the parts of a structure."""
    name = etree.QName(part).localname
    if part.get(_NIL) in ("true", "1"):
        yield name, None
        return
    for inner in part.iterchildren():
        yield from _inner(name, inner)
    if not len(part):
        yield name, part.text or ""
        yield from ((f"{name}.{attribute}", value) for attribute, value in part.attrib.items() if "}" not in attribute)


def _inner(name: str, inner: etree._Element) -> Iterator[tuple[str, str | None]]:
    """A text of a structure, or a list of named values in it."""
    if not len(inner):
        yield f"{name}.{etree.QName(inner).localname}", inner.text or ""
    for item in inner.iterchildren():
        told = {etree.QName(text).localname: text.text or "" for text in item.iterchildren()}
        if "Name" in told:
            yield f"{name}.{told['Name']}", told.get("Value", "")
