"""Reads a document's schema as plain metadata values: its tables, their fields in order, and each field's facets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from connector.wire import metadata
from connector.wire.metadata import FieldType
from workers.aos.gathering import XSD
from workers.errors import GiveUp

#: No AIF document nests deeper; a type that contains itself ends here.
_MAX_DEPTH: Final = 8

_INTEGERS: Final = {
    "byte": 8,
    "short": 16,
    "int": 32,
    "long": 64,
}
_BUILTIN: Final = {
    "decimal": FieldType.DECIMAL,
    "double": FieldType.DECIMAL,
    "float": FieldType.DECIMAL,
    "integer": FieldType.INTEGER,
    "date": FieldType.DATE,
    "dateTime": FieldType.DATETIME,
    "time": FieldType.TIME,
    "boolean": FieldType.BOOLEAN,
    "base64Binary": FieldType.BASE64,
    "anyType": FieldType.COMPLEX,
} | dict.fromkeys(_INTEGERS, FieldType.INTEGER)

#: Built-in types of which metadata can say all that a schema asks.
_PLAIN: Final = frozenset({"string", "integer", "decimal", "date", "dateTime", "time", "boolean", *_INTEGERS})
#: What a schema may hold that says more than the types of single texts: such a schema must always be asked itself.
_BEYOND: Final = tuple(f"{XSD}{name}" for name in ("key", "keyref", "unique", "redefine"))


@dataclass(slots=True)
class _Facets:
    """What a chain of restrictions says, outermost first: the first word on each facet stands."""

    type: FieldType = FieldType.STRING
    max_length: int | None = None
    minimum: str | None = None
    maximum: str | None = None
    decimals: int | None = None
    symbols: list[str] = field(default_factory=list)
    label: str = ""
    checked: bool = True
    """nothing was met that is not told here"""


class Schemas:
    """The top-level types and elements of a contract's schemas, by qualified name; `trees` by name in memory."""

    def __init__(self, trees: Mapping[str, etree._Element]) -> None:
        self._trees = trees
        self._types: dict[str, etree._Element] = {}
        self._elements: dict[str, etree._Element] = {}
        self._twice: set[str] = set()
        self._is_plain = not any(True for tree in trees.values() for _ in tree.iter(*_BEYOND))
        for schema in (schema for tree in trees.values() for schema in tree.iter(f"{XSD}schema")):
            namespace = schema.get("targetNamespace", "")
            for component in schema.iterchildren(f"{XSD}element", f"{XSD}simpleType", f"{XSD}complexType"):
                found = self._elements if component.tag == f"{XSD}element" else self._types
                name = f"{{{namespace}}}{component.get('name')}"
                if name in found:
                    self._twice.add(name)
                found[name] = component

    def document(self, name: str) -> metadata.Document | None:
        """The document whose root element has this qualified name; None where it holds no records."""
        kind = self._complex(self._elements[name]) if name in self._elements else None
        if kind is None:
            return None
        parts = list(_sequence(kind))
        tables = tuple(self._table(part, depth=0) for part in parts if self._is_record(part))
        if not tables:
            return None
        qualified = etree.QName(name)
        return metadata.Document(
            name=qualified.localname,
            namespace=qualified.namespace or "",
            order=tuple(part.get("name", "") for part in parts),
            tables=tables,
        )

    def place_of(self, name: str) -> str:
        """The name in memory of the file whose schema declares the root element of this qualified name. Raises GiveUp."""
        schema = self._elements[name].getparent()
        for place, tree in self._trees.items():
            if tree is schema:
                return place
        raise GiveUp(
            "The document's schema stands inside the WSDL, which rows cannot be checked against.",
            advice="Use the port's own WSDL, not a flattened one.",
            code="RSC-5925",
        )

    def _table(self, element: etree._Element, *, depth: int) -> metadata.Table:
        kind = self._complex(element)
        parts = list(_sequence(kind)) if kind is not None else []
        nested = [part for part in parts if self._is_record(part)]
        return metadata.Table(
            name=element.get("name", ""),
            fields=tuple(self._field(part) for part in parts if part not in nested),
            children=tuple(self._table(part, depth=depth + 1) for part in nested if depth < _MAX_DEPTH),
            order=tuple(part.get("name", "") for part in parts),
            plain=kind is not None and _is_plain(kind),
            repeats=element.get("maxOccurs") == "unbounded" and element.get("minOccurs", "1") in ("0", "1"),
        )

    def _is_record(self, element: etree._Element) -> bool:
        """Records, and nothing else, carry the attribute class="entity"."""
        kind = self._complex(element)
        return kind is not None and any(
            attribute.get("name") == "class" and attribute.get("fixed") == "entity" for attribute in kind.iter(f"{XSD}attribute")
        )

    def _field(self, element: etree._Element) -> metadata.Field:
        facets = _Facets()
        self._resolve(element, facets)
        facets.checked = facets.checked and self._is_plain and element.get("fixed") is None and _is_told(facets)
        return metadata.Field(
            name=element.get("name", ""),
            type=facets.type,
            type_name=element.get("type", "").rpartition(":")[2],
            mandatory=element.get("minOccurs", "1") != "0",
            nillable=element.get("nillable") in ("true", "1"),
            max_length=facets.max_length,
            minimum=facets.minimum,
            maximum=facets.maximum,
            decimals=facets.decimals,
            symbols=tuple(facets.symbols),
            label=facets.label.strip(),
            checked=facets.checked,
        )

    def _resolve(self, element: etree._Element, facets: _Facets) -> None:
        """Follows an element's or restriction's type down to the built-in one, gathering facets on the way."""
        name = element.get("type") or element.get("base")
        if name is None:
            kind = element.find(f"{XSD}simpleType")
            kind = element.find(f"{XSD}complexType") if kind is None else kind
        else:
            qualified = _qualified(element, name)
            if qualified.startswith(XSD):
                _built_in(qualified.removeprefix(XSD), facets)
                return
            kind = self._types.get(qualified)
            facets.checked = facets.checked and qualified not in self._twice
            if kind is not None and kind.get("name", "").lower() in ("axdtype_guid", "guid"):
                facets.type, facets.max_length, facets.checked = FieldType.GUID, None, False
                return
        if kind is None:
            facets.type, facets.checked = FieldType.COMPLEX, False
        else:
            self._read(kind, facets)

    def _read(self, kind: etree._Element, facets: _Facets) -> None:
        facets.label = facets.label or (kind.findtext(f"{XSD}annotation/{XSD}documentation") or "").partition(":")[0]
        union = kind.find(f"{XSD}union")
        if union is not None:
            self._union(union, facets)
            return
        inner = kind.find(f"{XSD}restriction")
        if inner is None:
            inner = next(kind.iterfind(f"{XSD}simpleContent/*"), None)  # a text with attributes, as AX' UTC date and time
        if inner is None:
            facets.type = FieldType.COMPLEX
            return
        _restrict(inner, facets)
        self._resolve(inner, facets)

    def _union(self, union: etree._Element, facets: _Facets) -> None:
        """A value is of any member's type: texts of different length allow the longest, all else any text."""
        members = []
        for name in union.get("memberTypes", "").split():
            member = _Facets()
            self._resolve(etree.Element("member", {"base": name}, nsmap=union.nsmap), member)
            members.append(member)
        lengths = [member.max_length for member in members]
        are_texts = all(member.type is FieldType.STRING and not member.symbols for member in members)
        is_known = bool(members) and are_texts and all(member.checked for member in members)
        facets.checked = facets.checked and is_known and union.find(f"{XSD}simpleType") is None
        if are_texts and None not in lengths:
            facets.max_length = max((length for length in lengths if length is not None), default=None)

    def _complex(self, element: etree._Element) -> etree._Element | None:
        name = element.get("type")
        kind = element.find(f"{XSD}complexType") if name is None else self._types.get(_qualified(element, name))
        return kind if kind is not None and kind.tag == f"{XSD}complexType" else None


def _qualified(element: etree._Element, name: str) -> str:
    prefix, _, local = name.rpartition(":")
    return f"{{{element.nsmap.get(prefix or None, '')}}}{local}"


def _sequence(kind: etree._Element) -> Iterator[etree._Element]:
    return kind.iterfind(f"{XSD}sequence/{XSD}element")


def _is_plain(kind: etree._Element) -> bool:
    """Whether a type is one sequence of elements, each of which may be missing or not whatever the others are."""
    sequence = kind.find(f"{XSD}sequence")
    if sequence is None or {sequence.get(bound, "1") for bound in ("minOccurs", "maxOccurs")} != {"1"}:
        return False
    return all(part.tag in (f"{XSD}element", f"{XSD}annotation") for part in sequence.iterchildren(etree.Element))


def _is_told(facets: _Facets) -> bool:
    """Whether the facets are ones that are checked by type: bounds are, of numbers."""
    is_bounded = facets.minimum is not None or facets.maximum is not None
    return facets.type is not FieldType.COMPLEX and (facets.type in (FieldType.INTEGER, FieldType.DECIMAL) or not is_bounded)


def _built_in(name: str, facets: _Facets) -> None:
    facets.type = _BUILTIN.get(name, FieldType.STRING)
    facets.checked = facets.checked and name in _PLAIN
    if bits := _INTEGERS.get(name):
        facets.minimum = facets.minimum or str(-(2 ** (bits - 1)))
        facets.maximum = facets.maximum or str(2 ** (bits - 1) - 1)


def _restrict(restriction: etree._Element, facets: _Facets) -> None:
    first = not facets.symbols  # an outer enumeration is the narrower one
    for facet in restriction.iterchildren(etree.Element):
        value = facet.get("value", "")
        match etree.QName(facet).localname:
            case "enumeration":
                if first:
                    facets.symbols.append(value)
            case "maxLength" | "length" as kind:
                facets.max_length = int(value) if facets.max_length is None else facets.max_length
                facets.checked = facets.checked and kind == "maxLength"
            case "minInclusive":
                facets.minimum = value if facets.minimum is None else facets.minimum
            case "maxInclusive":
                facets.maximum = value if facets.maximum is None else facets.maximum
            case "fractionDigits":
                facets.decimals = int(value) if facets.decimals is None else facets.decimals
            case "annotation" | "attribute" | "simpleType":
                pass
            case other:
                facets.checked = facets.checked and other == "minLength" and value == "0"
