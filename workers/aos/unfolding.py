"""Makes a contract's schemas stand each in a file of its own that names the files of all it imports.

A flattened WSDL holds its schemas itself, and their imports name namespaces only: neither rows can be checked against that,
nor can it be read in parts. Pure: trees in, trees out.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final
from xml.sax.saxutils import quoteattr

from lxml import etree

WSDL: Final = "{http://schemas.xmlsoap.org/wsdl/}"
XSD: Final = "{http://www.w3.org/2001/XMLSchema}"

#: The namespace of a schema that does nothing but import, as in the WSDL of an AX port.
_IMPORTS: Final = "http://contract.invalid/imports"

#: The namespace of xml:lang and its like belongs to every schema, and its own is kept at w3.org: nobody is asked for it.
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_XML_SCHEMA: Final = f"""<xs:schema xmlns:xs="{XSD[1:-1]}" targetNamespace="{_XML}"><xs:attribute name="lang" type="xs:string"/>
<xs:attribute name="space" type="xs:NCName"/><xs:attribute name="base" type="xs:anyURI"/><xs:attribute name="id" type="xs:ID"/>
</xs:schema>"""

Trees = dict[str, etree._Element]


def unfold(trees: Trees, *, name: Callable[[int], str]) -> None:
    """Moves schemas out of WSDLs, and gives imports their files. `name` makes the name of a new file from a number."""
    for wsdl in [tree for tree in trees.values() if tree.tag == f"{WSDL}definitions"]:
        _move_out(wsdl, trees, name)
    if any(is_of_xml(element) for tree in trees.values() for element in tree.iter(f"{XSD}import")):
        trees[name(len(trees))] = etree.fromstring(_XML_SCHEMA)
    places = _by_namespace(trees)
    joined = {each: siblings[0] for siblings in places.values() for each in _join(siblings, trees)}
    for tree in trees.values():
        for element in tree.iter(f"{XSD}import"):
            known = places.get(element.get("namespace", ""), [])
            place = element.get("schemaLocation", known[0] if known else "")
            if place:
                element.set("schemaLocation", joined.get(place, place))


def is_of_xml(element: etree._Element) -> bool:
    """Whether an import means the namespace of xml:lang, whose schema is brought along here."""
    return element.get("namespace") == _XML


def namespace(schema: etree._Element) -> str:
    """The namespace that a schema declares for; empty where none."""
    return schema.get("targetNamespace", "")


def lend(schema: etree._Element, lent: str) -> etree._Element:
    """A schema without a namespace, as part of one that has: its names, and what refers to them, move there."""
    text = etree.tostring(schema, with_tail=False, encoding="unicode")
    default = "" if None in schema.nsmap else f" xmlns={quoteattr(lent)}"
    name, rest = re.match(r"<([^\s/>]+)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    # As text: lxml drops prefixes that it finds no use for, and would not look for it in attributes.
    return etree.fromstring(f"<{name}{default} targetNamespace={quoteattr(lent)}{rest}")


def _move_out(wsdl: etree._Element, trees: Trees, name: Callable[[int], str]) -> None:
    for types in wsdl.iterfind(f"{WSDL}types"):
        moved = [schema for schema in types.iterfind(f"{XSD}schema") if any(True for _ in _components(schema))]
        if not moved:
            continue
        imports = etree.SubElement(types, f"{XSD}schema", {"targetNamespace": _IMPORTS})
        for schema in moved:
            place = name(len(trees))
            trees[place] = etree.fromstring(etree.tostring(schema, with_tail=False))  # with the prefixes that it inherits
            found = etree.SubElement(imports, f"{XSD}import", {"schemaLocation": place})
            if namespace(schema):
                found.set("namespace", namespace(schema))
            types.remove(schema)


def _components(schema: etree._Element) -> Iterator[etree._Element]:
    others = (f"{XSD}import", f"{XSD}annotation")
    return (element for element in schema.iterchildren(etree.Element) if element.tag not in others)


def _by_namespace(trees: Trees) -> dict[str, list[str]]:
    """The files that declare for each namespace, without those that are parts of another."""
    included = {element.get("schemaLocation") for tree in trees.values() for element in tree.iter(f"{XSD}include")}
    places: dict[str, list[str]] = {}
    for place, tree in trees.items():
        if tree.tag == f"{XSD}schema" and place not in included:
            places.setdefault(namespace(tree), []).append(place)
    return places


def _join(siblings: list[str], trees: Trees) -> list[str]:
    """Makes files of one namespace parts of each other: to libxml2 the first that is imported is all of it.

    A file that declares again what another has stays alone. Those that were joined, the first of all in front.
    """
    joined, declared = siblings[:1], _declared(trees[siblings[0]])
    for other in siblings[1:]:
        own = _declared(trees[other])
        if own & declared:
            continue
        trees[siblings[0]].insert(0, etree.Element(f"{XSD}include", {"schemaLocation": other}))
        trees[other].insert(0, etree.Element(f"{XSD}include", {"schemaLocation": siblings[0]}))
        joined.append(other)
        declared |= own
    return joined


def _declared(schema: etree._Element) -> set[tuple[str, str]]:
    named = (component for component in _components(schema) if component.get("name"))
    return {("element" if component.tag == f"{XSD}element" else "type", component.get("name", "")) for component in named}
