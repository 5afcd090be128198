"""Two documents are the same where their infosets are: prefixes, and the order of attributes, say nothing."""

from collections.abc import Mapping
from typing import Any

import zeep
from lxml import etree

from connector.wire.jobs import Layout
from connector.wire.metadata import Service
from tests.contracts.drawing import Drawn, as_python, parts_of
from tests.contracts.xsd import Part, Record


def infoset(element: etree._Element) -> object:
    """A tree of names, attributes and texts; blanks between elements are none."""
    inner = [infoset(child) for child in element.iterchildren(etree.Element)]
    text = "".join(element.xpath("text()"))
    return (element.tag, dict(element.attrib), text.strip() if inner else text, inner)


def expected(drawn: Drawn, record: Record, namespace: str, *, action: str = "create") -> object:
    """The infoset of a record as its schema asks for it: elements in their order, each in the document's namespace."""
    inner: list[object] = []
    for part in record.parts:
        if part.record is not None:
            inner += [expected(one, part.record, namespace, action=action) for one in drawn.below[part.name]]
        elif part.structure:
            inner += _structure(part, drawn, namespace)
        elif part.name in drawn.values:
            inner.append((f"{{{namespace}}}{part.name}", {}, drawn.values[part.name], []))
    return (f"{{{namespace}}}{record.name}", {"class": "entity", "action": action}, "", inner)


def _told(part: Part, drawn: Drawn) -> dict[str, str]:
    """The parts of a structure that are filled, in the order in which a package has them."""
    return {name.partition(".")[2]: drawn.values[name] for name in parts_of(part) if name in drawn.values}


def _structure(part: Part, drawn: Drawn, namespace: str) -> list[object]:
    told, space = _told(part, drawn), f"{{{part.namespace}}}"
    own = [(f"{space}{one.name}", {}, told[one.name], []) for one in part.structure if one.name in told]
    lists = [one for one in part.structure if one.text is None]
    named = [
        (f"{space}Value", {}, "", [(f"{space}Name", {}, name, []), (f"{space}Value", {}, text, [])])
        for name, text in told.items()
        if name not in {one.name for one in part.structure}
    ]
    inner: list[object] = [*own, *((f"{space}{one.name}", {}, "", named) for one in lists if named)]
    return [(f"{{{namespace}}}{part.name}", {}, "", inner)] if inner else []


def _as_structure(part: Part, drawn: Drawn) -> dict[str, Any]:
    told = _told(part, drawn)
    own = {one.name: told.pop(one.name) for one in part.structure if one.name in told}
    lists = {one.name: {"Value": [{"Name": name, "Value": text} for name, text in told.items()]} for one in part.structure}
    return own | ({name: value for name, value in lists.items() if name not in own} if told else {})


def by_zeep(client: zeep.Client, service: Service, operation: str, **arguments: Any) -> etree._Element:
    """The request that zeep writes for an operation."""
    proxy = client.create_service(_binding(client, service.name), service.address)
    message = client.create_message(proxy, operation, **arguments)
    body = message.find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
    assert body is not None
    return body[0]


def _binding(client: zeep.Client, name: str) -> str:
    return next(qname for qname, binding in client.wsdl.bindings.items() if binding.port_name.localname == name)


def as_zeep(drawn: Drawn, record: Record, layout: Layout, *, action: str = "create") -> Mapping[str, Any]:
    """A drawn record as the arguments that a program would give to zeep."""
    parts = {part.name: part for part in record.parts}
    values = {name: as_python(parts[name], text) for name, text in drawn.values.items() if name in parts}
    values |= {part.name: inner for part in record.structures if (inner := _as_structure(part, drawn))}
    below = {
        child.table: [
            as_zeep(nested, parts[child.table].record, child, action=action) for nested in drawn.below.get(child.table, ())
        ]
        for child in layout.children
        if parts[child.table].record is not None
    }
    return {"class": "entity", "action": action, **values, **below}
