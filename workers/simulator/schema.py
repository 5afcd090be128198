"""XSD -> documents as plain values: tables, fields, and how they nest."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from lxml import etree

from workers.simulator import namespaces as ns
from workers.simulator.model import SYSTEM_FIELDS, Document, Field, Kind, Rules, Table

_KINDS: Final = {
    "string": Kind.STRING,
    "int": Kind.INTEGER,
    "long": Kind.INTEGER,
    "short": Kind.INTEGER,
    "integer": Kind.INTEGER,
    "decimal": Kind.DECIMAL,
    "double": Kind.DECIMAL,
    "float": Kind.DECIMAL,
    "date": Kind.DATE,
    "dateTime": Kind.DATETIME,
    "time": Kind.TIME,
    "boolean": Kind.BOOLEAN,
    "base64Binary": Kind.BASE64,
}
_X: Final = f"{{{ns.XSD}}}"
#: What a name may stand for beside a type.
_SORTS: Final = {f"{_X}{sort}": sort for sort in ("element", "group", "attributeGroup")}
_HOLDERS: Final = tuple(f"{_X}{name}" for name in ("sequence", "choice", "all"))
_ENTITY: Final = f"{_X}attribute[@name='class'][@fixed='entity']"


def qualified(element: etree._Element, name: str) -> tuple[str, str]:
    """A prefixed name, as it stands in an attribute of `element`: namespace, local name."""
    prefix, _, local = name.rpartition(":")
    return element.nsmap.get(prefix or None) or "", local


class Types:
    """All named types and elements of a contract's schemas."""

    def __init__(self, schemas: Iterable[etree._Element]) -> None:
        self._named = {
            (schema.get("targetNamespace", ""), _SORTS.get(str(child.tag), "type"), child.get("name", "")): child
            for schema in schemas
            for child in schema
            if isinstance(child.tag, str)
        }
        self._derived: dict[tuple[str, str], list[etree._Element]] = {}
        for (namespace, sort, _), kind in self._named.items():
            base = kind.find(f"{_X}complexContent/{_X}extension") if sort == "type" else None
            if base is not None:
                name = qualified(base, base.get("base", ""))
                self._derived.setdefault((name[0] or namespace, name[1]), []).append(kind)

    def _element(self, name: tuple[str, str]) -> etree._Element | None:
        return self._named.get((name[0], "element", name[1]))

    def _type(self, name: tuple[str, str]) -> etree._Element | None:
        return self._named.get((name[0], "type", name[1]))

    def _declared(self, element: etree._Element) -> etree._Element:
        """What an element refers to, or itself."""
        found = self._element(qualified(element, element.get("ref", ""))) if element.get("ref") else None
        return element if found is None else found

    def _type_of(self, element: etree._Element) -> etree._Element | None:
        """An element's type: one with a name, or its own."""
        if element.get("type") is None:
            return next(element.iterchildren(f"{_X}complexType", f"{_X}simpleType"), None)
        return self._type(qualified(element, element.get("type", "")))

    def _particles(self, holder: etree._Element) -> Iterator[etree._Element]:
        """The elements that a type or group holds; of a derived type those of its base first."""
        extension = holder.find(f"{_X}complexContent/{_X}extension")
        if extension is not None:
            base = self._type(qualified(extension, extension.get("base", "")))
            yield from () if base is None else self._particles(base)
            yield from self._particles(extension)
        for part in holder.iterchildren(f"{_X}element", f"{_X}group", *_HOLDERS):
            if part.tag == f"{_X}element":
                yield part
            elif part.tag in _HOLDERS:
                yield from self._particles(part)
            elif (group := self._group(part)) is not None:
                yield from self._particles(group)

    def _group(self, reference: etree._Element) -> etree._Element | None:
        """The group, of elements or of attributes, that is referred to."""
        namespace, name = qualified(reference, reference.get("ref", ""))
        return self._named.get((namespace, _SORTS[str(reference.tag)], name))

    def document_of(self, namespace: str, service: str, operations: Iterable[str], rules: Mapping[str, Rules]) -> Document | None:
        """The document that a service's requests and responses carry, or None for a service of another sort."""
        for operation in operations:
            for suffix in ("Request", "Response"):
                wrapper = self._element((namespace, f"{service}{operation[:1].upper()}{operation[1:]}{suffix}"))
                for part in () if wrapper is None else wrapper.iter(f"{_X}element"):
                    name = qualified(part, part.get("ref", ""))
                    if part.get("ref") and name[0] not in ns.BESIDE_DOCUMENT:
                        return self._document(name, rules)
        return None

    def _document(self, name: tuple[str, str], rules: Mapping[str, Rules]) -> Document | None:
        root = self._element(name)
        kind = None if root is None else self._type_of(root)
        if kind is None:
            return None
        tables = {self._declared(child).get("name", ""): self._record(child) for child in self._particles(kind)}
        return Document(
            name=name[1],
            namespace=name[0],
            tables={table: self._table(table, record, rules) for table, record in tables.items() if record is not None},
        )

    def _record(self, element: etree._Element) -> etree._Element | None:
        """The type of an element that is a record: it has class="entity"."""
        kind = self._type_of(self._declared(element))
        groups = [] if kind is None else [self._group(part) for part in kind.iterfind(f"{_X}attributeGroup")]
        marked = (one.find(_ENTITY) for one in (kind, *groups) if one is not None)
        return kind if any(mark is not None for mark in marked) else None

    def _table(self, name: str, kind: etree._Element, rules: Mapping[str, Rules]) -> Table:
        table = self._plain_table(name, kind, rules)
        derived = {each.get("name", ""): self._plain_table(name, each, rules) for each in self._descendants(kind)}
        return replace(table, derived=derived)

    def _descendants(self, kind: etree._Element) -> Iterator[etree._Element]:
        namespace = next((schema.get("targetNamespace", "") for schema in kind.iterancestors(f"{_X}schema")), "")
        for child in self._derived.get((namespace, kind.get("name", "")), ()):
            yield child
            yield from self._descendants(child)

    def _plain_table(self, name: str, kind: etree._Element, rules: Mapping[str, Rules]) -> Table:
        fields: dict[str, Field] = {}
        children: dict[str, Table] = {}
        order: list[str] = []
        for particle in self._particles(kind):
            own = self._declared(particle).get("name", "")
            order.append(own)
            record = self._record(particle)
            if record is not None:
                children[own] = self._table(own, record, rules)
            elif own not in SYSTEM_FIELDS:
                fields[own] = self._field(particle)
        return Table(name=name, fields=fields, children=children, order=tuple(order), rules=rules.get(name, Rules(label=name)))

    def _field(self, element: etree._Element) -> Field:
        declared = self._declared(element)
        own = None if declared.get("type") else self._type_of(declared)
        kind, length, symbols = self._facets(qualified(declared, declared.get("type", ""))) if own is None else self._of(own)
        mandatory = element.get("minOccurs") != "0" and next(element.iterancestors(f"{_X}choice"), None) is None
        return Field(name=declared.get("name", ""), kind=kind, mandatory=mandatory, max_length=length, symbols=symbols)

    def _facets(self, name: tuple[str, str]) -> tuple[Kind, int | None, tuple[str, ...]]:
        """What a type's text is, its greatest length, its symbols; through restrictions and unions."""
        if name[0] == ns.XSD:
            return _KINDS.get(name[1], Kind.STRING), None, ()
        if name[1] == "AxdType_GUID":
            return Kind.GUID, None, ()
        found = self._type(name)
        return (Kind.COMPLEX, None, ()) if found is None else self._of(found)

    def _of(self, found: etree._Element) -> tuple[Kind, int | None, tuple[str, ...]]:
        """The same of a type that is at hand."""
        if (union := found.find(f"{_X}union")) is not None:
            members = [self._facets(qualified(union, member)) for member in union.get("memberTypes", "").split()]
            members += map(self._of, union.iterfind(f"{_X}simpleType"))
            lengths = [length for _, length, _ in members]
            return Kind.STRING, None if None in lengths else max(map(int, filter(None, lengths)), default=None), ()
        step = next(found.iter(f"{_X}restriction", f"{_X}extension"), None)
        if step is None or found.find(f"{_X}sequence") is not None:
            return Kind.COMPLEX, None, ()
        symbols = tuple(item.get("value", "") for item in step.iterfind(f"{_X}enumeration"))
        kind, length, inherited = self._facets(qualified(step, step.get("base", "")))
        if (limit := step.find(f"{_X}maxLength")) is not None:
            length = int(limit.get("value", "0"))
        return (Kind.ENUM if symbols else kind), length, symbols or inherited
