"""One port's contract, parsed: its services, how each is called, its schemas and its faults.

zeep reads the WSDL, makes the CallContext and reads AifFaults. Records' fields are read from the schema itself, because
zeep keeps no facets. Everything here is made once per process and then only read, by any thread.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import zeep.exceptions
from lxml import etree
from zeep.settings import Settings
from zeep.wsdl import Document
from zeep.wsdl.bindings import Soap11Binding, Soap12Binding

from connector.wire import metadata
from workers.aos import aiffault, faults, nettcp, pruning
from workers.aos.checking import Checker
from workers.aos.describing import Schemas
from workers.aos.envelope import CRITERIA_NS, KEY_LIST_NS, PAGING_NS
from workers.aos.gathering import SOAP_12, Files, own_address
from workers.aos.values import SchemaProblem
from workers.errors import GiveUp

CONTEXT: Final = "{http://schemas.microsoft.com/dynamics/2010/01/datacontracts}CallContext"

_SHARED: Final = frozenset({KEY_LIST_NS, CRITERIA_NS, PAGING_NS})
#: What a document service does with documents and their keys.
_DOCUMENT_OPERATIONS: Final = frozenset({"create", "read", "update", "delete", "find", "findKeys", "getKeys", "getChangedKeys"})
#: X++ does not tell case: a port may offer them as their methods are spelt.
_FOLDED: Final = {name.lower(): name for name in _DOCUMENT_OPERATIONS}
_TCP: Final = "http://schemas.microsoft.com/soap/tcp"
_HTTP: Final = "http://schemas.xmlsoap.org/soap/http"
_MESSAGE_ID: Final = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How one operation is called."""

    action: str
    """the soapAction"""
    request: str
    """local name of the request element"""
    namespace: str
    response: str | None = None
    """qualified name of the response element, where the contract tells one"""


class Contract:
    """A port's contract. `services` have `address`, or the one that the contract itself names."""

    def __init__(self, files: Files, *, address: str | None = None) -> None:
        pruning.prune(files)
        self.fingerprint = pruning.fingerprint(files)
        self.way = nettcp.told_by(files.trees.values())
        over_tcp = nettcp.is_one(address or own_address(files))
        if over_tcp:
            _show_net_tcp(files)
        contents = {name: etree.tostring(tree) for name, tree in files.trees.items()}
        self._wsdl = _parsed(files.root, contents)
        self._schemas = Schemas(files.trees)
        self._checker = Checker(self._schemas, contents)
        self._operations: dict[str, dict[str, Operation]] = {}
        self._documents: dict[str, str] = {}
        self._proved: dict[str, set[object]] = {}
        self.tables: dict[str, metadata.Table] = {}
        """tables that the port's table service has described"""
        bindings = dict(_bindings(self._wsdl, Soap12Binding if over_tcp else Soap11Binding))
        self.services = tuple(self._service(name, binding, address or location) for name, (location, binding) in bindings.items())

    def is_at(self, address: str) -> bool:
        """Whether this is the contract of the port at an address."""
        return any(service.address == address for service in self.services)

    def service(self, name: str) -> metadata.Service | None:
        """The service of this ExternalName."""
        return next((service for service in self.services if service.name == name), None)

    def operations(self, service: str) -> dict[str, Operation]:
        """How each operation of a service is called."""
        return self._operations[service]

    def context(self, *, company: str, language: str, partition: str | None) -> tuple[bytes, tuple[bytes, bytes]]:
        """The CallContext element without a MessageId, and in two halves between which a MessageId stands.

        `company` "": none is named. Only what is asked of the account itself may leave that to AX.
        """
        named = {"Company": company} if company else {}
        given = named | {"Language": language} | ({"PartitionKey": partition} if partition else {})
        plain = self._rendered(given)
        before, _, after = self._rendered(given | {"MessageId": _MESSAGE_ID}).partition(_MESSAGE_ID.encode())
        return plain, (before, after)

    def fault_detail(self, fault: etree._Element, *, nested: Sequence[str]) -> faults.Detail | None:
        """The AifFault of a SOAP fault; None where it has none."""
        return aiffault.read(fault, nested=nested)

    def invalid(self, service: str, document: bytes) -> list[SchemaProblem]:
        """What the port's schema finds wrong with a document (the document element alone)."""
        if service not in self._documents:
            raise GiveUp(f"{service} is no document service.", advice="Map the rows to a document service.", code="RSC-5932")
        return self._checker.problems(self._documents[service], document)

    def invalid_element(self, name: str, content: bytes) -> list[SchemaProblem]:
        """What the port's schema finds wrong with an element that it declares by this qualified name."""
        return self._checker.problems(name, content)

    def proved(self, service: str) -> set[object]:
        """Structures of documents that were put before the service's schema and suited it; any thread may add to them."""
        return self._proved.setdefault(service, set())

    def _service(self, name: str, binding: Any, address: str) -> metadata.Service:
        operations: dict[str, Any] = binding.all()
        folded = {_FOLDED.get(key.lower(), key): operation for key, operation in operations.items()}
        if (document := self._document(name, folded)) is not None:
            operations = folded
        self._operations[name] = {
            key: Operation(
                action=operation.soapaction,
                request=etree.QName(operation.input.body.qname).localname,
                namespace=etree.QName(operation.input.body.qname).namespace or "",
                response=_element(operation.output),
            )
            for key, operation in operations.items()
        }
        others = {key: operation for key, operation in operations.items() if document is None or key not in _DOCUMENT_OPERATIONS}
        return metadata.Service(
            address=address,
            port=port_name(address),
            name=name,
            namespace=binding.port_name.namespace,
            operations=tuple(sorted(operations)),
            calls=tuple(self._call(key, operation) for key, operation in sorted(others.items())),
            document=document,
        )

    def _call(self, name: str, operation: Any) -> metadata.Operation:
        return metadata.Operation(
            name=name,
            parameters=self._schemas.parameters(str(operation.input.body.qname)),
            result=self._schemas.parameters(str(operation.output.body.qname)) if _has_body(operation.output) else (),
        )

    def _document(self, service: str, operations: dict[str, Any]) -> metadata.Document | None:
        """The document is what a request or answer carries beside the shared pieces, where it holds records."""
        for operation in ("create", "update", "read", "find"):
            if operation not in operations:
                continue
            for message in (operations[operation].input, operations[operation].output):
                for qualified in _parts(message):
                    if etree.QName(qualified).namespace not in _SHARED and (found := self._schemas.document(qualified)):
                        self._documents[service] = qualified
                        return found
        return None

    def _rendered(self, values: dict[str, str]) -> bytes:
        try:
            element: Any = self._wsdl.types.get_element(CONTEXT)
        except (zeep.exceptions.LookupError, KeyError) as error:
            raise GiveUp(
                "The contract has no CallContext, so no company can be named.",
                advice="Check that the address is an AX 2012 integration port.",
                code="RSC-5924",
            ) from error
        parent = etree.Element("parent")
        element.render(parent, element(**values))
        return etree.tostring(parent[0])


def port_name(address: str) -> str:
    """The integration port's name, as it stands in its address: .../<port>/xppservice.svc."""
    parts = [unquote(part) for part in urlsplit(address).path.split("/") if part]
    return parts[-2] if len(parts) > 1 and parts[-1].lower().endswith(".svc") else (parts[-1] if parts else address)


class _Memory:
    """What zeep asks for a file: it gets those that were gathered, and nothing else."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self._contents = contents

    def load(self, url: str) -> bytes:
        """The content of a gathered file."""
        return self._contents[url]


def _parsed(root: str, contents: dict[str, bytes]) -> Document:
    memory: Any = _Memory(contents)  # zeep asks its transport for nothing but load
    try:
        return Document(root, memory, settings=Settings(strict=False, xml_huge_tree=False))
    except (zeep.exceptions.Error, etree.LxmlError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise GiveUp(
            f"The port's WSDL cannot be read: {error}.",
            advice="Open the address with ?wsdl in a browser and compare.",
            code="RSC-5922",
        ) from error


def _show_net_tcp(files: Files) -> None:
    """Lets zeep see the bindings of net.tcp: it drops those whose transport it does not know, here all others."""
    for binding in (found for tree in files.trees.values() for found in tree.iter(f"{SOAP_12}binding")):
        is_tcp = binding.get("transport") == _TCP
        binding.set("transport", _HTTP if is_tcp else _TCP)


def _bindings(wsdl: Document, kind: type[Soap11Binding | Soap12Binding]) -> Iterator[tuple[str, tuple[str, Any]]]:
    """The bindings of a SOAP version with operations, by ExternalName; the router, which stands first on IIS, has none."""
    services = (service for definition in wsdl._definitions.values() for service in definition.services.values())
    for service in services:  # wsdl.services are those of the first file alone
        for port in service.ports.values():
            binding: Any = port.binding
            if isinstance(port.binding, kind) and binding.all():
                yield binding.port_name.localname, (port.binding_options.get("address", ""), binding)


def _element(message: Any) -> str | None:
    """The qualified name of the element that a message is, where it is one."""
    return etree.QName(message.body.qname).text if message is not None and message.body is not None else None


def _has_body(message: Any) -> bool:
    return message is not None and message.body is not None


def _parts(message: Any) -> list[str]:
    kind = message.body.type if _has_body(message) else None
    return [str(element.qname) for _, element in getattr(kind, "elements", ()) if getattr(element, "qname", None) is not None]
