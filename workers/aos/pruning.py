"""Cuts a gathered contract down to what its services use, and takes its fingerprint.

The shared types of a real port are some 3,000, of which a service uses about 40: without the cut every parsed schema
costs 10 MB, and a new type anywhere in AX would look like a changed contract everywhere.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Final

from lxml import etree

from workers.aos.gathering import SOAP, SOAP_12, WSDL, XSD, Files
from workers.aos.schemas import qualified

#: A schema with more top-level components than this is cut.
_LARGE: Final = 100

_REFERENCES: Final = ("type", "base", "ref", "element", "itemType", "memberTypes", "substitutionGroup")
#: Policies say how a caller authenticates, which an administrator may change without touching the contract.
_POLICIES: Final = ("{http://schemas.xmlsoap.org/ws/2004/09/policy}*", "{http://www.w3.org/ns/ws-policy}*")
#: Where a service of net.tcp is, and under which account: an administrator may change both.
_REFERENCE: Final = "{http://www.w3.org/2005/08/addressing}EndpointReference"
_LOCATIONS: Final = frozenset({"location", "schemaLocation"})
_COMPONENTS: Final = tuple(
    f"{XSD}{name}" for name in ("element", "simpleType", "complexType", "attribute", "group", "attributeGroup")
)


def prune(files: Files) -> None:
    """Removes, in place, what nothing refers to from the large schemas; and mends patterns written for .NET."""
    schemas = [schema for tree in files.trees.values() for schema in tree.iter(f"{XSD}schema")]
    large = [schema for schema in schemas if len(schema) > _LARGE]
    components: dict[str, list[etree._Element]] = {}
    for name, element in (named for schema in large for named in _named(schema)):
        components.setdefault(name, []).append(element)  # a type and an element may share a name
    derived = _derived(large)
    kept: set[str] = set()
    roots = [tree for tree in files.trees.values() if tree not in large]
    waiting = [name for tree in roots for name in _references(tree)]
    while waiting:
        name = waiting.pop()
        waiting.extend(derived.pop(name, ()))
        if name in components and name not in kept:
            kept.add(name)
            waiting.extend(reference for element in components[name] for reference in _references(element))
    for schema in large:
        for name, element in list(_named(schema)):
            if name not in kept:
                schema.remove(element)
    for schema in schemas:
        _mend_patterns(schema)


def fingerprint(files: Files) -> str:
    """SHA-256 over the content of a pruned contract; host names, import places, policies and labels do not enter it."""
    digests = sorted(hashlib.sha256(_canonical(tree)).digest() for tree in files.trees.values())
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _derived(schemas: Sequence[etree._Element]) -> dict[str, list[str]]:
    """The types that extend each type: wherever it may stand, they may."""
    found: dict[str, list[str]] = {}
    for name, element in (named for schema in schemas for named in _named(schema)):
        extension = element.find(f"{XSD}complexContent/{XSD}extension")
        if extension is not None:
            found.setdefault(qualified(extension, extension.get("base", "")), []).append(name)
    return found


def _named(schema: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    namespace = schema.get("targetNamespace", "")
    for element in schema.iterchildren(*_COMPONENTS):
        yield f"{{{namespace}}}{element.get('name')}", element


def _references(tree: etree._Element) -> Iterator[str]:
    for element in tree.iter(etree.Element):
        for attribute in _REFERENCES:
            for name in element.get(attribute, "").split():
                yield qualified(element, name)


def _mend_patterns(schema: etree._Element) -> None:
    """`^` and `$` are anchors to .NET, where AX' schemas are made, but plain characters to XML Schema."""
    for pattern in schema.iter(f"{XSD}pattern"):
        value = pattern.get("value", "")
        if mended := re.fullmatch(r"\^(.*)(?<!\\)\$", value, re.DOTALL):
            pattern.set("value", mended[1])


def _canonical(tree: etree._Element) -> bytes:
    copy = etree.fromstring(
        etree.tostring(tree), etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True)
    )
    etree.strip_elements(copy, f"{XSD}annotation", f"{WSDL}documentation", _REFERENCE, *_POLICIES, with_tail=False)
    for element in copy.iter(f"{XSD}import", f"{XSD}include", f"{WSDL}import", f"{SOAP}address", f"{SOAP_12}address"):
        for attribute in _LOCATIONS & set(element.keys()):
            del element.attrib[attribute]
    try:
        return etree.tostring(copy, method="c14n", with_comments=False)
    except etree.C14NError:  # it takes no namespace that is not absolute, as a service's may be: a single word
        return etree.tostring(copy)
