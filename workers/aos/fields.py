"""Reads an element's type as a field: what text it takes, by every facet that the schema states."""

from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from connector.wire import metadata
from connector.wire.metadata import FieldType
from workers.aos.gathering import XSD
from workers.aos.schemas import Components, namespace_of, qualified

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
#: The number of an enumeration's symbol, as WCF writes it where numbers do not simply count.
_NUMBER: Final = "{http://schemas.microsoft.com/2003/10/Serialization/}EnumerationValue"


@dataclass(slots=True)
class _Facets:
    """What a chain of restrictions says, outermost first: the first word on each facet stands."""

    type: FieldType = FieldType.STRING
    max_length: int | None = None
    minimum: str | None = None
    maximum: str | None = None
    decimals: int | None = None
    symbols: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    numbers: list[str | None] = field(default_factory=list)
    label: str = ""
    attributes: tuple[metadata.Field, ...] = ()
    checked: bool = True
    """nothing was met that is not told here"""


class Fields:
    """Describes elements of one contract."""

    def __init__(self, components: Components) -> None:
        self._components = components

    def field(self, element: etree._Element) -> metadata.Field:
        """An element of a record, or an attribute, as a field."""
        declared = self._components.declared(element)
        facets = _Facets()
        self._resolve(declared, facets)
        checked = facets.checked and self._components.is_plain and declared.get("fixed") is None and _is_told(facets)
        return metadata.Field(
            name=declared.get("name", ""),
            type=facets.type,
            type_name=declared.get("type", "").rpartition(":")[2],
            mandatory=_is_mandatory(element),
            nillable=declared.get("nillable") in ("true", "1"),
            max_length=facets.max_length,
            minimum=facets.minimum,
            maximum=facets.maximum,
            decimals=facets.decimals,
            symbols=tuple(facets.symbols),
            labels=tuple(facets.labels) if any(facets.labels) else (),
            numbers=_numbers(facets.numbers),
            label=facets.label.strip(),
            checked=checked,
            attributes=facets.attributes,
            structure=self._structure(declared) if facets.type is FieldType.COMPLEX else None,
        )

    def _structure(self, element: etree._Element) -> metadata.Structure | None:
        """Texts, and at most one list of named values: dimensions and accounts. None for any other form."""
        kind = self._components.complex(element)
        parts = list(self._components.parts(kind)) if kind is not None else []
        lists = [part for part in parts if self._holds_elements(part)]
        if kind is None or not parts or len(lists) > 1 or not all(map(self._is_named_values, lists)):
            return None
        if any(part.get("maxOccurs", "1") != "1" or part.get("ref") for part in parts):
            return None
        return metadata.Structure(
            namespace=namespace_of(parts[0]),
            parts=tuple(self.field(part) for part in parts),
            values=lists[0].get("name", "") if lists else "",
        )

    def _holds_elements(self, element: etree._Element) -> bool:
        """Whether an element is no text; one with attributes, as a UTC date and time, is one."""
        kind = self._components.complex(element)
        return kind is not None and kind.find(f"{XSD}simpleContent") is None

    def _is_named_values(self, element: etree._Element) -> bool:
        items = list(self._parts(element))
        inner = [part.get("name") for part in self._parts(items[0])] if len(items) == 1 else []
        return bool(inner) and items[0].get("name") == "Value" and inner == ["Name", "Value"]

    def _parts(self, element: etree._Element) -> list[etree._Element]:
        kind = self._components.complex(element)
        return [] if kind is None else list(self._components.parts(kind))

    def _resolve(self, element: etree._Element, facets: _Facets) -> None:
        """Follows an element's or restriction's type down to the built-in one, gathering facets on the way."""
        name = element.get("type") or element.get("base")
        if name is None:
            kind = element.find(f"{XSD}simpleType")
            kind = element.find(f"{XSD}complexType") if kind is None else kind
        else:
            known = qualified(element, name)
            if known.startswith(XSD):
                _built_in(known.removeprefix(XSD), facets)
                return
            kind = self._components.types.get(known)
            facets.checked = facets.checked and known not in self._components.twice
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
            if inner is not None:
                facets.attributes = tuple(self.field(attribute) for attribute in inner.iterfind(f"{XSD}attribute"))
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
        for kind in union.iterfind(f"{XSD}simpleType"):
            members.append(member := _Facets())
            self._read(kind, member)
        lengths = [member.max_length for member in members]
        are_texts = all(member.type is FieldType.STRING and not member.symbols for member in members)
        is_known = bool(members) and are_texts and all(member.checked for member in members)
        facets.checked = facets.checked and is_known
        if are_texts and None not in lengths:
            facets.max_length = max((length for length in lengths if length is not None), default=None)


def _is_mandatory(element: etree._Element) -> bool:
    """Whether an element, or an attribute, must be there whatever else is: one of a choice need not."""
    if element.tag == f"{XSD}attribute":
        return element.get("use") == "required"
    holders = list(element.iterancestors(f"{XSD}sequence", f"{XSD}all", f"{XSD}choice", f"{XSD}complexType"))
    inner = holders[: next((place for place, one in enumerate(holders) if one.tag == f"{XSD}complexType"), None)]
    may_be_left = any(one.tag == f"{XSD}choice" or one.get("minOccurs") == "0" for one in inner)
    return element.get("minOccurs", "1") != "0" and not may_be_left


def _is_told(facets: _Facets) -> bool:
    """Whether the facets are ones that are checked by type: bounds are, of numbers."""
    is_bounded = facets.minimum is not None or facets.maximum is not None
    return facets.type is not FieldType.COMPLEX and (facets.type in (FieldType.INTEGER, FieldType.DECIMAL) or not is_bounded)


def _numbers(told: list[str | None]) -> tuple[int, ...]:
    """Numbers are told of symbols where they do not simply count; () where none is told."""
    if not any(told):
        return ()
    return tuple(int(number) if number and number.lstrip("-").isdigit() else place for place, number in enumerate(told))


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
                    _enumerate(facet, value, facets)
            case "maxLength" | "length" as kind:
                facets.max_length = _whole(value) if facets.max_length is None else facets.max_length
                facets.checked = facets.checked and kind == "maxLength" and facets.max_length is not None
            case "minInclusive":
                facets.minimum = value if facets.minimum is None else facets.minimum
            case "maxInclusive":
                facets.maximum = value if facets.maximum is None else facets.maximum
            case "fractionDigits":
                facets.decimals = _whole(value) if facets.decimals is None else facets.decimals
                facets.checked = facets.checked and facets.decimals is not None
            case "annotation" | "attribute" | "simpleType":
                pass
            case other:
                facets.checked = facets.checked and other == "minLength" and value == "0"


def _whole(value: str) -> int | None:
    """A facet's number; None where it is none: the schema will say so when it is asked."""
    return int(value) if value.strip().isdecimal() else None


def _enumerate(facet: etree._Element, value: str, facets: _Facets) -> None:
    facets.symbols.append(value)
    facets.labels.append((facet.findtext(f"{XSD}annotation/{XSD}documentation") or "").strip())
    facets.numbers.append(next((number.text for number in facet.iter(_NUMBER)), None))
