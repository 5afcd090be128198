"""The files of a port's contract -> the port: its address, the pages it publishes, and the services behind them.

Real folders and generated ones are read by the same rules, so that a generated port cannot be more than a real one is.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from workers.simulator import actions, schema, tableservice
from workers.simulator import namespaces as ns
from workers.simulator.actions import Action
from workers.simulator.model import Rules, Service, SetupError
from workers.simulator.shapes import Shapes
from workers.simulator.validation import Validator

#: Stands in pages where the address belongs that the client asked.
BASE: Final = b"http://base.invalid"

_TABLE_SERVICE: Final = (ns.TABLE_SERVICES, tableservice.NAME)
_DOCUMENT_OPERATIONS: Final = frozenset({"create", "update", "delete", "read", "find", "findKeys", "getKeys", "getChangedKeys"})
_LOCATIONS: Final = {
    f"{{{ns.WSDL}}}import": "location",
    f"{{{ns.XSD}}}import": "schemaLocation",
    f"{{{ns.XSD}}}include": "schemaLocation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One integration port. `pages` holds WSDL and XSD by query string, `services` each service by soapAction."""

    path: str
    pages: Mapping[str, bytes]
    services: Mapping[str, Service]
    validator: Validator
    table_operations: Mapping[str, str]
    """the operations of the table service by soapAction, where the port has it"""
    actions: Mapping[str, Action]
    """the operations of other services, and those of document services that are no document's, by soapAction"""

    @property
    def name(self) -> str:
        """The port's name, as its address shows it."""
        return PurePosixPath(self.path).parent.name

    def page(self, query: str, *, base: str) -> bytes | None:
        """A WSDL or XSD with every location under `base` (scheme, host, port), or None."""
        page = self.pages.get(query.lower())
        return None if page is None else page.replace(BASE, base.encode())


def from_folder(folder: Path, rules: Mapping[str, Rules]) -> Port:
    """The port that a folder of WSDL and XSD files describes. Raises SetupError."""
    if not folder.is_dir():
        raise SetupError(f"{folder} is not a folder")
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in {".wsdl", ".xsd"}}
    return from_files(files, rules, source=str(folder))


def from_files(files: Mapping[str, bytes], rules: Mapping[str, Rules], *, source: str) -> Port:
    """The port that a contract's files describe; imports name other files. Raises SetupError."""
    try:
        trees = {name: etree.fromstring(content) for name, content in files.items()}
    except etree.XMLSyntaxError as error:
        raise SetupError(f"{source} holds a file that is not XML: {error}") from error
    root_name, path = _root(trees, source=source)
    schemas = [element for tree in trees.values() for element in tree.iter(f"{{{ns.XSD}}}schema")]
    types = schema.Types(schemas)
    services = {action: service for service in _services(trees, root_name, types, rules) for action in service.operations}
    table_operations = next((o for qualified, o in _bound(trees[root_name]) if qualified == _TABLE_SERVICE), {})
    of_documents = {action for action, service in services.items() if service.operations[action] in _DOCUMENT_OPERATIONS}
    others = _actions(trees[root_name], schemas, beside=of_documents.union(table_operations))
    if not (services or table_operations or others):
        raise SetupError(f"{source} describes no service with an operation")
    validator = Validator(schemas)  # before the pages: those change the locations
    return Port(
        path=path,
        pages=_pages(trees, root_name, path),
        services=services,
        validator=validator,
        table_operations=table_operations,
        actions=others,
    )


def _root(trees: Mapping[str, etree._Element], *, source: str) -> tuple[str, str]:
    """The WSDL that binds services to an HTTP address, and the address' path."""
    for name, tree in trees.items():
        for address in tree.iterfind(f".//{{{ns.WSDL}}}port/{{{ns.WSDL_SOAP}}}address"):
            parts = urlsplit(address.get("location", ""))
            if parts.scheme in {"http", "https"}:
                return name, parts.path
    raise SetupError(f"{source} has no WSDL with an HTTP address")


def _pages(trees: Mapping[str, etree._Element], root_name: str, path: str) -> dict[str, bytes]:
    """Every file as the page that IIS would publish, with locations that lead back here."""
    others = [name for name in trees if name != root_name]
    queries = {root_name: "wsdl"}
    for kind in ("wsdl", "xsd"):
        of_kind = [name for name in others if name.endswith(f".{kind}")]
        queries |= {name: f"{kind}={kind}{number}" for number, name in enumerate(of_kind)}
    base = BASE.decode() + path
    for tree in trees.values():
        for element in tree.iter(*_LOCATIONS):
            attribute = _LOCATIONS[str(element.tag)]
            if (location := element.get(attribute)) in queries:
                element.set(attribute, f"{base}?{queries[location]}")
        for address in tree.iter(f"{{{ns.WSDL_SOAP}}}address"):
            address.set("location", base)
    return {queries[name]: etree.tostring(tree, xml_declaration=True, encoding="utf-8") for name, tree in trees.items()}


def _services(
    trees: Mapping[str, etree._Element], root_name: str, types: schema.Types, rules: Mapping[str, Rules]
) -> Iterator[Service]:
    for (namespace, name), operations in _bound(trees[root_name]):
        document = types.document_of(namespace, name, operations.values(), rules)
        if document is not None:
            yield Service(name=name, namespace=namespace, operations=operations, document=document)


def _actions(root: etree._Element, schemas: Sequence[etree._Element], *, beside: Set[str]) -> dict[str, Action]:
    """The operations beside those by soapAction that the schemas declare."""
    shapes = Shapes(schemas)
    listed = {
        soap_action: actions.action_of(shapes, service, operation)
        for service, operations in _bound(root)
        for soap_action, operation in operations.items()
        if soap_action not in beside
    }
    return {soap_action: action for soap_action, action in listed.items() if action is not None}


def _bound(root: etree._Element) -> Iterator[tuple[tuple[str, str], dict[str, str]]]:
    """Each binding's service (namespace, name) and its operations by soapAction."""
    for binding in root.iterfind(f"{{{ns.WSDL}}}binding"):
        yield (
            schema.qualified(binding, binding.get("type", "")),
            {
                bound.get("soapAction", ""): operation.get("name", "")
                for operation in binding.iterfind(f"{{{ns.WSDL}}}operation")
                for bound in operation.iterfind(f"{{{ns.WSDL_SOAP}}}operation")
            },
        )
