"""Reads a document's schema as plain metadata values: its tables with their fields in order, nested and derived ones."""

from collections.abc import Mapping
from typing import Final

from lxml import etree

from connector.wire import metadata
from workers.aos.fields import Fields
from workers.aos.gathering import XSD
from workers.aos.schemas import Components, namespace_of

#: No AIF document nests deeper; a type that contains itself ends here.
_MAX_DEPTH: Final = 8


class Schemas:
    """The documents and parameters of a contract; `trees` by name in memory."""

    def __init__(self, trees: Mapping[str, etree._Element]) -> None:
        self._components = Components(trees)
        self._fields = Fields(self._components)

    def document(self, name: str) -> metadata.Document | None:
        """The document whose root element has this qualified name; None where it holds no records."""
        root = self._components.elements.get(name)
        kind = None if root is None else self._components.complex(root)
        parts = [] if kind is None else list(self._components.parts(kind))
        tables = tuple(self._table(part, depth=0) for part in parts if self._is_record(part))
        if not tables:
            return None
        qualified = etree.QName(name)
        return metadata.Document(
            name=qualified.localname,
            namespace=qualified.namespace or "",
            order=tuple(self._components.declared(part).get("name", "") for part in parts),
            fields=tuple(self._fields.field(part) for part in parts if not self._is_record(part)),
            tables=tables,
        )

    def parameters(self, name: str) -> tuple[metadata.Parameter, ...]:
        """What the request or answer element of this qualified name holds."""
        root = self._components.elements.get(name)
        kind = None if root is None else self._components.complex(root)
        return () if kind is None else tuple(self._parameter(part, depth=0) for part in self._components.parts(kind))

    def place_of(self, name: str) -> str:
        """The name in memory of the file whose schema declares the root element of this qualified name."""
        return self._components.place_of(name)

    def _table(self, element: etree._Element, *, depth: int) -> metadata.Table:
        kind = self._components.complex(element)
        if kind is None:
            return metadata.Table(name=element.get("name", ""), fields=())
        table = self._record(element, kind, depth=depth)
        others = [one for one in self._components.derived(kind) if namespace_of(one) == namespace_of(element)]
        derived = tuple(self._record(element, other, depth=depth) for other in others)
        return table.model_copy(update={"derived": tuple(each for each in derived if not each.abstract)})

    def _record(self, element: etree._Element, kind: etree._Element, *, depth: int) -> metadata.Table:
        parts = list(self._components.parts(kind))
        nested = [part for part in parts if self._is_record(part)]
        return metadata.Table(
            name=self._components.declared(element).get("name", ""),
            fields=tuple(self._fields.field(part) for part in parts if part not in nested),
            children=tuple(self._table(part, depth=depth + 1) for part in nested if depth < _MAX_DEPTH),
            order=tuple(self._components.declared(part).get("name", "") for part in parts),
            plain=_is_plain(kind),
            repeats=element.get("maxOccurs") == "unbounded" and element.get("minOccurs", "1") in ("0", "1"),
            type_name=kind.get("name", ""),
            abstract=kind.get("abstract") in ("true", "1"),
        )

    def _is_record(self, element: etree._Element) -> bool:
        """Records, and nothing else, carry the attribute class="entity"; a derived one inherits it."""
        kind = self._components.complex(element)
        return kind is not None and any(
            attribute.get("name") == "class" and attribute.get("fixed") == "entity"
            for attribute in self._components.attributes(kind)
        )

    def _parameter(self, element: etree._Element, *, depth: int) -> metadata.Parameter:
        declared = self._components.declared(element)
        kind = self._components.complex(declared)
        holds = list(self._components.parts(kind)) if kind is not None and depth < _MAX_DEPTH else []
        is_text = kind is None or kind.find(f"{XSD}simpleContent") is not None
        return metadata.Parameter(
            name=declared.get("name", ""),
            namespace=self._namespace(declared),
            field=self._fields.field(element) if is_text else None,
            parts=tuple(self._parameter(part, depth=depth + 1) for part in holds),
            repeats=element.get("maxOccurs", "1") not in ("0", "1"),
            mandatory=element.get("minOccurs", "1") != "0",
            nillable=declared.get("nillable") in ("true", "1"),
            type_name=declared.get("type", "").rpartition(":")[2],
        )

    def _namespace(self, element: etree._Element) -> str:
        """Of an element as it stands in a message: local ones may be unqualified."""
        schema = element.getparent()
        if schema is not None and schema.tag == f"{XSD}schema":
            return namespace_of(element)
        schema = next(element.iterancestors(f"{XSD}schema"), None)
        form = element.get("form") or ("unqualified" if schema is None else schema.get("elementFormDefault", "unqualified"))
        return namespace_of(element) if form == "qualified" else ""


def _is_plain(kind: etree._Element) -> bool:
    """Whether a type is one sequence of elements, each of which may be missing or not whatever the others are."""
    sequence = kind.find(f"{XSD}sequence")
    if sequence is None or {sequence.get(bound, "1") for bound in ("minOccurs", "maxOccurs")} != {"1"}:
        return False
    return all(part.tag in (f"{XSD}element", f"{XSD}annotation") for part in sequence.iterchildren(etree.Element))
