"""What the schemas of a contract say of a document, read here once more: the reader under test must not vouch for itself.

It follows XML Schema 1.0 as far as AX contracts, and the odd ones that the tests invent, make use of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

X = "{http://www.w3.org/2001/XMLSchema}"
_NUMBERS = ("minInclusive", "maxInclusive", "minExclusive", "maxExclusive")


@dataclass(frozen=True, kw_only=True)
class Text:
    """A type whose values are single texts."""

    built_in: str
    symbols: tuple[str, ...] = ()
    pattern: str | None = None
    facets: Mapping[str, str] = field(default_factory=dict)
    """length, minLength, maxLength, bounds, fractionDigits and totalDigits: the innermost word that narrows"""
    members: tuple["Text", ...] = ()
    """of a union"""


@dataclass(frozen=True, kw_only=True)
class Part:
    """An element of a record: a text, a record, or (neither) a structure."""

    name: str
    least: int
    nillable: bool
    many: bool
    fixed: str | None
    choice: str | None = None
    """of the parts of one choice, one stands"""
    text: Text | None = None
    record: "Record | None" = None
    structure: "tuple[Part, ...]" = ()
    """what it consists of where it is neither text nor record"""
    namespace: str = ""
    """of the elements of its structure"""


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record type: its elements in the order of the schema."""

    name: str
    parts: tuple[Part, ...]

    @property
    def fields(self) -> list[Part]:
        """The elements that hold one text, without those that AX keeps for itself."""
        return [p for p in self.parts if p.text is not None and p.name not in ("_DocumentHash", "RecId", "RecVersion")]

    @property
    def structures(self) -> "list[Part]":
        """The elements that consist of others: dimensions, accounts, keys of other records."""
        return [part for part in self.parts if part.structure]

    @property
    def below(self) -> "list[Record]":
        """The nested records."""
        return [part.record for part in self.parts if part.record is not None]


class Schemas:
    """The components of some schemas by kind and qualified name."""

    def __init__(self, trees: Iterable[etree._Element]) -> None:
        self._known: dict[tuple[str, str], etree._Element] = {}
        for schema in (schema for tree in trees for schema in tree.iter(f"{X}schema")):
            for component in schema.iterchildren(etree.Element):
                kind = {"simpleType": "type", "complexType": "type"}.get(local(component), local(component))
                self._known[kind, f"{{{schema.get('targetNamespace', '')}}}{component.get('name')}"] = component

    def roots(self, document: str) -> list[Record]:
        """The root records of the document whose element has this qualified name."""
        kind = self._type_of(self._known["element", document])
        assert kind is not None
        return [part.record for part in map(self._part, self._particles(kind)) if part.record is not None]

    def _part(self, element: etree._Element) -> Part:
        declared = self._known["element", qualified(element, element.get("ref", ""))] if element.get("ref") else element
        kind = self._type_of(declared)
        name = declared.get("name", "")
        choice = next(element.iterancestors(f"{X}choice"), None)
        is_record = kind is not None and any(
            attribute.get("name") == "class" and attribute.get("fixed") == "entity" for attribute in self._attributes(kind)
        )
        return Part(
            name=name,
            least=0 if choice is not None else int(element.get("minOccurs", "1")),
            choice=None if choice is None else choice.getroottree().getpath(choice),
            many=element.get("maxOccurs", "1") != "1",
            nillable=declared.get("nillable") in ("true", "1"),
            fixed=declared.get("fixed"),
            text=None if is_record else (single := self._text(declared)),
            structure=() if is_record or single or kind is None else tuple(map(self._part, self._particles(kind))),
            namespace="" if kind is None else next(kind.iterancestors(f"{X}schema")).get("targetNamespace", ""),
            record=Record(name=name, parts=tuple(map(self._part, self._particles(kind)))) if is_record else None,
        )

    def _type_of(self, element: etree._Element) -> etree._Element | None:
        if element.get("type"):
            return self._known.get(("type", qualified(element, element.get("type", ""))))
        return next(element.iterchildren(f"{X}complexType", f"{X}simpleType"), None)

    def _particles(self, kind: etree._Element) -> Iterator[etree._Element]:
        """The elements of a complex type in order, through groups, choices and extensions."""
        for part in kind.iterchildren(etree.Element):
            match local(part):
                case "element":
                    yield part
                case "group" if part.get("ref"):
                    yield from self._particles(self._known["group", qualified(part, part.get("ref", ""))])
                case "sequence" | "choice" | "all" | "group" | "complexContent":
                    yield from self._particles(part)
                case "extension":
                    yield from self._particles(self._known["type", qualified(part, part.get("base", ""))])
                    yield from self._particles(part)

    def _attributes(self, kind: etree._Element) -> Iterator[etree._Element]:
        for part in kind.iterchildren(etree.Element):
            match local(part):
                case "attribute":
                    yield part
                case "attributeGroup":
                    name = ("attributeGroup", qualified(part, part.get("ref", "")))
                    yield from self._attributes(self._known[name])
                case "complexContent":
                    yield from self._attributes(part)
                case "extension":
                    if (base := self._known.get(("type", qualified(part, part.get("base", ""))))) is not None:
                        yield from self._attributes(base)
                    yield from self._attributes(part)

    def _text(self, holder: etree._Element) -> Text | None:
        """The text type of an element, restriction or extension; None for a structure."""
        name = holder.get("type") or holder.get("base")
        if name is None:
            kind = next(holder.iterchildren(f"{X}simpleType", f"{X}complexType"), None)
            return None if kind is None else self._of(kind)
        full = qualified(holder, name)
        if full.startswith(X):
            return None if full == f"{X}anyType" else Text(built_in=full.removeprefix(X))
        kind = self._known.get(("type", full))
        return None if kind is None else self._of(kind)

    def _of(self, kind: etree._Element) -> Text | None:
        union = kind.find(f"{X}union")
        if union is not None:
            return self._union(union)
        step = next(kind.iterfind(f"{X}restriction"), None)
        step = next(kind.iterfind(f"{X}simpleContent/*"), None) if step is None else step
        inner = None if step is None else self._text(step)
        return None if inner is None or step is None else _narrowed(inner, step)

    def _union(self, union: etree._Element) -> Text:
        named = (etree.Element("m", {"base": name}, nsmap=union.nsmap) for name in union.get("memberTypes", "").split())
        found = [*map(self._text, named), *map(self._of, union.iterfind(f"{X}simpleType"))]
        return Text(built_in="string", members=tuple(member for member in found if member is not None))


def _narrowed(inner: Text, step: etree._Element) -> Text:
    """What a restriction leaves of a type."""
    said = [(local(facet), facet.get("value", "")) for facet in step.iterchildren(etree.Element)]
    symbols = tuple(value for name, value in said if name == "enumeration")
    facets = {name: value for name, value in said if name in (*_NUMBERS, "fractionDigits", "totalDigits") or "ength" in name}
    pattern = next((value for name, value in said if name == "pattern"), inner.pattern)
    return Text(
        built_in=inner.built_in,
        symbols=symbols or inner.symbols,
        pattern=pattern,
        facets={**inner.facets, **facets},
        members=inner.members,
    )


def local(element: etree._Element) -> str:
    """An element's name without its namespace."""
    return etree.QName(element).localname


def qualified(element: etree._Element, name: str) -> str:
    """A prefixed name in an attribute of `element`, as {namespace}name."""
    prefix, _, own = name.rpartition(":")
    return f"{{{element.nsmap.get(prefix or None) or ''}}}{own}"


def read(files: Mapping[str, bytes]) -> Schemas:
    """The schemas among a contract's files, those inside of WSDLs included."""
    return Schemas(etree.fromstring(content) for content in files.values())


def files_of(folder: Path) -> dict[str, bytes]:
    """The WSDL and XSD files of a contract folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in (".wsdl", ".xsd")}
