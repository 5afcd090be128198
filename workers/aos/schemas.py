"""The components of a contract's schemas by name, and how they hang together. It knows XSD, and nothing of AX."""

from collections.abc import Iterator, Mapping
from typing import Final

from lxml import etree

from workers.aos.gathering import XSD

#: Types and groups that contain themselves end here.
_MAX_DEPTH: Final = 16
_GROUPS: Final = tuple(f"{XSD}{name}" for name in ("sequence", "choice", "all"))
_COMPONENTS: Final = tuple(f"{XSD}{name}" for name in ("element", "simpleType", "complexType", "group", "attributeGroup"))
_ATTRIBUTES: Final = tuple(f"{XSD}{name}" for name in ("attribute", "attributeGroup", "complexContent", "extension"))
#: What a schema may hold that says more than the types of single texts: such a schema must always be asked itself.
_BEYOND: Final = tuple(f"{XSD}{name}" for name in ("key", "keyref", "unique", "redefine"))


class Components:
    """Top-level elements, types and groups of all schemas, by qualified name; `trees` by name in memory."""

    def __init__(self, trees: Mapping[str, etree._Element]) -> None:
        self._trees = trees
        self.types: dict[str, etree._Element] = {}
        self.elements: dict[str, etree._Element] = {}
        self.twice: set[str] = set()
        """names that are declared more than once: what they mean is not certain"""
        self.is_plain = not any(True for tree in trees.values() for _ in tree.iter(*_BEYOND))
        """a schema asks nothing of values beyond their types"""
        self._groups: dict[str, etree._Element] = {}
        self._attribute_groups: dict[str, etree._Element] = {}
        self._derived: dict[str, list[etree._Element]] = {}
        for schema in (schema for tree in trees.values() for schema in tree.iter(f"{XSD}schema")):
            for component in schema.iterchildren(*_COMPONENTS):
                self._add(component, f"{{{schema.get('targetNamespace', '')}}}{component.get('name')}")

    def _add(self, component: etree._Element, name: str) -> None:
        groups = {f"{XSD}group": self._groups, f"{XSD}attributeGroup": self._attribute_groups}
        kinds = {f"{XSD}element": self.elements, **groups}
        found = kinds.get(str(component.tag), self.types)
        if name in found:
            self.twice.add(name)
        found[name] = component
        extension = component.find(f"{XSD}complexContent/{XSD}extension")
        if extension is not None:
            self._derived.setdefault(qualified(extension, extension.get("base", "")), []).append(component)

    def place_of(self, name: str) -> str:
        """The name in memory of the file whose schema declares the element of this qualified name.

        Each schema is the root of a file: those that stood inside a WSDL were moved out of it.
        """
        schema = self.elements[name].getparent()
        return next(place for place, tree in self._trees.items() if tree is schema)

    def complex(self, element: etree._Element) -> etree._Element | None:
        """The complex type of an element; None where its type is a text, or not known."""
        element = self.declared(element)
        name = element.get("type")
        kind = element.find(f"{XSD}complexType") if name is None else self.types.get(qualified(element, name))
        return kind if kind is not None and kind.tag == f"{XSD}complexType" else None

    def declared(self, element: etree._Element) -> etree._Element:
        """The declaration that an element refers to, or itself."""
        reference = element.get("ref")
        return element if reference is None else self.elements.get(qualified(element, reference), element)

    def parts(self, kind: etree._Element, *, depth: int = 0) -> Iterator[etree._Element]:
        """The elements that a complex type holds, inherited ones first, in the order in which they must stand."""
        extension = kind.find(f"{XSD}complexContent/{XSD}extension")
        if extension is not None:
            base = self.types.get(qualified(extension, extension.get("base", "")))
            if base is not None and depth < _MAX_DEPTH:
                yield from self.parts(base, depth=depth + 1)
            kind = extension
        yield from self._particles(kind, depth)

    def _particles(self, holder: etree._Element, depth: int) -> Iterator[etree._Element]:
        for particle in holder.iterchildren(etree.Element):
            if particle.tag == f"{XSD}element":
                yield particle
            elif particle.tag in _GROUPS:
                yield from self._particles(particle, depth)
            elif particle.tag == f"{XSD}group" and depth < _MAX_DEPTH:
                group = self._groups.get(qualified(particle, particle.get("ref", "")))
                if group is not None:
                    yield from self._particles(group, depth + 1)

    def attributes(self, kind: etree._Element, *, depth: int = 0) -> Iterator[etree._Element]:
        """The attributes that a complex type declares: its own, those of groups, and inherited ones."""
        for part in kind.iterchildren(*_ATTRIBUTES):
            if part.tag == f"{XSD}attribute":
                yield part
                continue
            base = self.types.get(qualified(part, part.get("base", "")))
            group = self._attribute_groups.get(qualified(part, part.get("ref", "")))
            for holder in (base, group if part.tag == f"{XSD}attributeGroup" else part):
                if holder is not None and depth < _MAX_DEPTH:
                    yield from self.attributes(holder, depth=depth + 1)

    def derived(self, kind: etree._Element) -> list[etree._Element]:
        """The types that extend a named one, directly or through others."""
        found = self._derived.get(self.name_of(kind), [])
        return [*found, *(further for one in found for further in self.derived(one))]

    def name_of(self, component: etree._Element) -> str:
        """The qualified name of a top-level component; of a local one, of its schema's namespace."""
        return f"{{{namespace_of(component)}}}{component.get('name', '')}"


def namespace_of(component: etree._Element) -> str:
    """The target namespace of the schema that a component stands in."""
    schema = next(component.iterancestors(f"{XSD}schema"), None)
    return "" if schema is None else schema.get("targetNamespace", "")


def qualified(element: etree._Element, name: str) -> str:
    """A prefixed name as it is meant where it stands."""
    prefix, _, local = name.rpartition(":")
    return f"{{{element.nsmap.get(prefix or None, '')}}}{local}"
