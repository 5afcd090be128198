"""XSD -> what an element of a request or answer consists of: texts of a kind, members in order, lists. No rules of AX."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from workers.simulator import namespaces as ns

_X: Final = f"{{{ns.XSD}}}"
_HOLDERS: Final = tuple(f"{_X}{name}" for name in ("sequence", "choice", "all"))
#: Types that hold themselves end here.
_DEEPEST: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An element. One without `parts` holds a text: of a built-in type, or one of `symbols`."""

    name: str
    namespace: str
    kind: str = "string"
    symbols: tuple[str, ...] = ()
    parts: "tuple[Shape, ...]" = ()
    repeats: bool = False


class Shapes:
    """The shapes of a contract's elements."""

    def __init__(self, schemas: Iterable[etree._Element]) -> None:
        self._elements: dict[tuple[str, str], etree._Element] = {}
        self._types: dict[tuple[str, str], etree._Element] = {}
        for schema in schemas:
            for child in schema.iterchildren(etree.Element):
                known = self._elements if child.tag == f"{_X}element" else self._types
                known[schema.get("targetNamespace", ""), child.get("name", "")] = child

    def of(self, namespace: str, name: str) -> Shape | None:
        """The shape of a declared element; None where there is none of that name."""
        element = self._elements.get((namespace, name))
        return None if element is None else self._shape(element, 0)

    def _shape(self, element: etree._Element, depth: int) -> Shape:
        declared = self._elements.get(_qualified(element, element.get("ref", "")), element)
        kind = self._type_of(declared)
        texts = kind is None or kind.tag == f"{_X}simpleType" or kind.find(f"{_X}simpleContent") is not None
        built_in, symbols = self._text(declared.get("type") and _qualified(declared, declared.get("type", "")), kind)
        return Shape(
            name=declared.get("name", ""),
            namespace=_namespace(declared),
            kind=built_in if texts else "",
            symbols=symbols if texts else (),
            parts=()
            if kind is None or texts or depth > _DEEPEST
            else tuple(self._shape(p, depth + 1) for p in self._parts(kind)),
            repeats=element.get("maxOccurs", "1") not in ("0", "1"),
        )

    def _type_of(self, element: etree._Element) -> etree._Element | None:
        if element.get("type"):
            return self._types.get(_qualified(element, element.get("type", "")))
        return next(element.iterchildren(f"{_X}complexType", f"{_X}simpleType"), None)

    def _parts(self, kind: etree._Element) -> Iterator[etree._Element]:
        """The elements of a type, inherited ones first."""
        extension = kind.find(f"{_X}complexContent/{_X}extension")
        if extension is not None:
            base = self._types.get(_qualified(extension, extension.get("base", "")))
            yield from () if base is None else self._parts(base)
            kind = extension
        for holder in kind.iterchildren(*_HOLDERS):
            yield from holder.iter(f"{_X}element") if holder.tag != f"{_X}sequence" else holder.iterchildren(f"{_X}element")

    def _text(self, name: tuple[str, str] | str | None, kind: etree._Element | None) -> tuple[str, tuple[str, ...]]:
        """The built-in type under a text's type, and its symbols."""
        if isinstance(name, tuple) and name[0] == ns.XSD:
            return name[1], ()
        step = None if kind is None else next(kind.iter(f"{_X}restriction", f"{_X}extension"), None)
        if step is None:
            return "string", ()
        base = _qualified(step, step.get("base", ""))
        built_in, inherited = self._text(base, self._types.get(base))
        return built_in, tuple(item.get("value", "") for item in step.iterfind(f"{_X}enumeration")) or inherited


def _qualified(element: etree._Element, name: str) -> tuple[str, str]:
    prefix, _, local = name.rpartition(":")
    return element.nsmap.get(prefix or None) or "", local


def _namespace(element: etree._Element) -> str:
    """An element's namespace as it stands in a message: local ones may be unqualified."""
    schema = next(element.iterancestors(f"{_X}schema"), None)
    if schema is None:
        return ""
    form = element.get("form") or schema.get("elementFormDefault", "unqualified")
    return schema.get("targetNamespace", "") if form == "qualified" or element.getparent() is schema else ""
