"""Bytes of a SOAP request -> what was asked; what is answered -> bytes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from workers.simulator import namespaces as ns
from workers.simulator.faults import refused
from workers.simulator.model import SYSTEM_FIELDS, TYPE, Document, Kind, Table

Key = tuple[tuple[str, str], ...]
"""An EntityKey: fields and values."""


class Malformed(Exception):
    """The request is not a SOAP 1.1 envelope: WCF answers with 400."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """What the header says. An absent company is None."""

    company: str | None = None
    message_id: str | None = None
    """in one spelling: lower case, no braces"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One record of a request. A value of None is null (xsi:nil); an absent field is not in `values`."""

    table: Table
    xpath: str
    action: str | None
    values: Mapping[str, str | None]
    document_hash: str | None
    rec_id: str | None
    rec_version: str | None
    beside: Mapping[str, str] = field(default_factory=dict)
    """attributes by `Field.Attribute`, and the derived type"""
    children: tuple["Incoming", ...] = field(default=())


_NIL: Final = f"{{{ns.XSI}}}nil"
_TYPE: Final = f"{{{ns.XSI}}}type"


def parse(body: bytes) -> tuple[CallContext, etree._Element]:
    """The call context, and the request element. Raises Malformed, AifError (a MessageId that is no GUID)."""
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    except etree.XMLSyntaxError as error:
        raise Malformed from error
    soap_body = root.find(f"{{{ns.SOAP}}}Body")
    request = None if soap_body is None else next(soap_body.iterchildren("*"), None)
    if root.tag != f"{{{ns.SOAP}}}Envelope" or request is None:
        raise Malformed
    return _context(root.find(f"{{{ns.SOAP}}}Header/{{{ns.CALL_CONTEXT}}}CallContext")), request


def _context(element: etree._Element | None) -> CallContext:
    if element is None:
        return CallContext()
    message_id = element.findtext(f"{{{ns.CALL_CONTEXT}}}MessageId") or None
    return CallContext(
        company=element.findtext(f"{{{ns.CALL_CONTEXT}}}Company") or None,
        message_id=message_id and normal_message_id(message_id),
    )


def normal_message_id(text: str) -> str:
    """A MessageId in one spelling. Raises AifError where it is no GUID."""
    try:
        return str(UUID(text.strip()))
    except ValueError as error:
        raise refused(f"The message ID '{text}' is not a valid GUID.") from error


def document_in(request: etree._Element, document: Document) -> etree._Element | None:
    """The document in a request, if there is one."""
    return request.find(f"{{{document.namespace}}}{document.name}")


def records(document: etree._Element, tables: Mapping[str, Table], xpath: str) -> list[Incoming]:
    """The root records of a document, or the nested ones of a record, which the schema has found in order."""
    found: list[Incoming] = []
    counts: dict[str, int] = {}
    for element in document.iterchildren("*"):
        table = tables.get(_local(element))
        if table is not None:
            counts[table.name] = counts.get(table.name, 0) + 1
            found.append(_record(element, table, f"{xpath}/{table.name}[{counts[table.name]}]"))
    return found


def _record(element: etree._Element, base: Table, xpath: str) -> Incoming:
    kind = element.get(_TYPE, "").rpartition(":")[2]
    table = base.derived.get(kind, base)
    values: dict[str, str | None] = {}
    beside = {TYPE: kind} if kind in base.derived else {}
    for child in element.iterchildren("*"):
        name = _local(child)
        if name not in table.children:
            field_ = table.fields.get(name)
            values[name] = _value(child, complex_=field_ is not None and field_.kind is Kind.COMPLEX)
            beside |= {f"{name}.{attribute}": value for attribute, value in child.attrib.items() if "}" not in attribute}
    system = [values.pop(name, None) for name in SYSTEM_FIELDS]
    return Incoming(
        table=table,
        xpath=xpath,
        action=element.get("action"),
        values=values,
        document_hash=system[0],
        rec_id=system[1],
        rec_version=system[2],
        beside=beside,
        children=tuple(records(element, table.children, xpath)) if table.children else (),
    )


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _value(element: etree._Element, *, complex_: bool) -> str | None:
    if element.get(_NIL) in {"true", "1"}:
        return None
    if not complex_:
        return element.text or ""
    return "".join(etree.tostring(child, encoding="unicode", with_tail=False) for child in element.iterchildren("*"))


def keys_in(request: etree._Element) -> list[Key]:
    """The EntityKeyList of a request."""
    path = f"{{{ns.ENTITY_KEY_LIST}}}EntityKeyList/{{{ns.ENTITY_KEY}}}EntityKey"
    return [
        tuple(
            (part.findtext(f"{{{ns.ENTITY_KEY}}}Field") or "", part.findtext(f"{{{ns.ENTITY_KEY}}}Value") or "")
            for part in key.iter(f"{{{ns.ENTITY_KEY}}}KeyField")
        )
        for key in request.iterfind(path)
    ]


def wrapper(service: str, operation: str, suffix: str) -> str:
    """The name of a request's or response's element, as CustGroupServiceFindKeysRequest."""
    return f"{service}{operation[:1].upper()}{operation[1:]}{suffix}"


def answer(service: str, namespace: str, operation: str, content: str) -> bytes:
    """The envelope of a response."""
    name = wrapper(service, operation, "Response")
    return (
        f'<s:Envelope xmlns:s="{ns.SOAP}"><s:Body><{name} xmlns={quoteattr(namespace)}>{content}</{name}></s:Body></s:Envelope>'
    ).encode()


def key_list(keys: Iterable[Key]) -> str:
    """An EntityKeyList element."""
    return f'<EntityKeyList xmlns="{ns.ENTITY_KEY_LIST}">{"".join(_key_texts(keys))}</EntityKeyList>'


def _key_texts(keys: Iterable[Key]) -> Iterator[str]:
    for key in keys:
        parts = "".join(f"<KeyField><Field>{field_}</Field><Value>{text(value)}</Value></KeyField>" for field_, value in key)
        yield f'<EntityKey xmlns="{ns.ENTITY_KEY}"><KeyData>{parts}</KeyData></EntityKey>'


def text(value: str) -> str:
    """Character data; a carriage return survives the next parser."""
    return escape(value, {"\r": "&#13;"})
