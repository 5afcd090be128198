"""The check that a port makes of a request before AX sees it.

The check is AX's: order, unknown elements, mandatory elements, types and enumeration symbols, but not lengths
(over-long strings pass, and are cut silently by the table).
"""

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import quoteattr

from lxml import etree

from workers.simulator import namespaces as ns

_X: Final = f"{{{ns.XSD}}}"


class Violation(Exception):
    """A request does not match the port's schema."""

    def __init__(self, request: etree._Element, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(errors[0][1])
        self._request = request
        self._errors = errors

    def complaints(self) -> Iterator[tuple[etree._Element, str]]:
        """The bad elements in document order, and what is wrong with each. Each is looked up when it is asked for."""
        for path, message in self._errors:
            yield _locate(self._request, path), _as_dotnet(message)


class Validator:
    """The port's schema check. May be used by several threads."""

    def __init__(self, schemas: Iterable[etree._Element]) -> None:
        by_namespace: dict[str, list[etree._Element]] = {}
        for schema in schemas:
            by_namespace.setdefault(schema.get("targetNamespace", ""), []).append(schema)
        by_namespace.pop("", None)  # what AX keeps there names nothing that travels
        places = {namespace: f"memory:{number}" for number, namespace in enumerate(by_namespace)}
        files: dict[str, bytes] = {}
        for namespace, parts in by_namespace.items():
            names = [f"{places[namespace]}.{number}" for number, _ in enumerate(parts)]
            files |= {name: _relaxed(part, places) for name, part in zip(names, parts, strict=True)}
            files[places[namespace]] = _together(namespace, names)
        parser = etree.XMLParser(resolve_entities=False)
        parser.resolvers.add(_Files(files))
        imports = "".join(f'<xs:import namespace={quoteattr(name)} schemaLocation="{place}"/>' for name, place in places.items())
        self._schema = etree.XMLSchema(etree.fromstring(f'<xs:schema xmlns:xs="{ns.XSD}">{imports}</xs:schema>', parser))
        self._lock = threading.Lock()  # an XMLSchema keeps the complaints of its last document

    def check(self, request: etree._Element) -> None:
        """Raises Violation where the request (the first element of the body) does not match."""
        with self._lock:
            if self._schema.validate(request):
                return
            errors = [(entry.path or "", entry.message) for entry in self._schema.error_log]
        raise Violation(request, errors)


def _relaxed(schema: etree._Element, places: Mapping[str, str]) -> bytes:
    """A schema without lengths, with patterns as .NET reads them, and with its imports in memory.

    AX writes patterns with `^` and `$`, which .NET takes for anchors. By the XSD specification they are letters, and a
    strict reader would refuse every time of day.
    """
    tree = etree.fromstring(etree.tostring(schema))  # a copy that keeps prefixes of the WSDL around it
    for element in [*tree.iter(f"{_X}maxLength"), *tree.iter(f"{_X}include")]:
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)
    for facet in tree.iter(f"{_X}pattern"):
        facet.set("value", facet.get("value", "").removeprefix("^").removesuffix("$"))
    for element in tree.iterfind(f"{_X}import"):
        element.attrib.pop("schemaLocation", None)
        if place := places.get(element.get("namespace", "")):
            element.set("schemaLocation", place)
    return etree.tostring(tree)


def _together(namespace: str, files: Iterable[str]) -> bytes:
    """All files of a namespace as one: libxml2 reads only the first import of each."""
    includes = "".join(f'<xs:include schemaLocation="{file}"/>' for file in files)
    return f'<xs:schema xmlns:xs="{ns.XSD}" targetNamespace={quoteattr(namespace)}>{includes}</xs:schema>'.encode()


class _Files(etree.Resolver):
    """Imports out of memory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__()
        self._files = files

    def resolve(self, system_url: str, public_id: str, context: object) -> object:  # type: ignore[override]  # noqa: ARG002
        content = self._files.get(system_url)
        return None if content is None else self.resolve_string(content, context, base_url=system_url)


_STEP: Final = re.compile(r"(?:[^/:\[\]]+:)?([^/:\[\]]+)(?:\[(\d+)\])?")


def _locate(root: etree._Element, path: str) -> etree._Element:
    """The element at a path of libxml2: `*` counts all elements, a name those of that name."""
    found = root
    for name, position in _STEP.findall(path)[1:]:
        children = [c for c in found.iterchildren("*") if name == "*" or etree.QName(c).localname == name]
        index = int(position or 1) - 1
        if index >= len(children):
            break
        found = children[index]
    return found


_UNEXPECTED: Final = re.compile(r"Element '(.+?)': This element is not expected\.(?: Expected is (?:one of )?\((.*)\)\.?)?")
_MISSING: Final = re.compile(r"Element '(.+?)': Missing child element\(s\)\. Expected is (?:one of )?\((.*)\)")
_VALUE: Final = re.compile(r"Element '(.+?)': (.*)", re.DOTALL)
_NAMESPACE: Final = re.compile(r"\{[^{}'\s]*\}")


def _as_dotnet(message: str) -> str:
    """A complaint of libxml2 in the words of the validator that AX uses."""
    plain = _NAMESPACE.sub("", message)
    if found := _UNEXPECTED.match(plain):
        expected = f" List of possible elements expected: '{found[2].strip()}'." if found[2] else ""
        return f"The element has invalid child element '{found[1]}'.{expected}"
    if found := _MISSING.match(plain):
        return f"The element '{found[1]}' has incomplete content. List of possible elements expected: '{found[2].strip()}'."
    if found := _VALUE.match(plain):
        return f"The '{found[1]}' element is invalid - {found[2]}"
    return plain
