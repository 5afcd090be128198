"""Contracts that nobody has seen: services of AX' shape around any document schema, as the files that a port would publish."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr

import workers.simulator

XSD = "http://www.w3.org/2001/XMLSchema"
WSDL = "http://schemas.xmlsoap.org/wsdl/"
SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
SERVICES = "http://schemas.microsoft.com/dynamics/2008/01/services"
SHARED = "http://schemas.microsoft.com/dynamics/2008/01/sharedtypes"
ROUTING = "http://schemas.microsoft.com/netfx/2009/05/routing"

#: The pieces that are the same in every contract: namespace and file.
FIXED = {
    "http://schemas.microsoft.com/dynamics/2010/01/datacontracts": "callcontext.xsd",
    "http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKey": "entitykey.xsd",
    "http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKeyList": "entitykeylist.xsd",
    "http://schemas.microsoft.com/dynamics/2011/02/documents/EntityKeyPage": "entitykeypage.xsd",
    "http://schemas.microsoft.com/dynamics/2011/02/documents/DocumentPaging": "documentpaging.xsd",
    "http://schemas.microsoft.com/dynamics/2006/02/documents/QueryCriteria": "querycriteria.xsd",
    "http://schemas.microsoft.com/dynamics/2008/01/documents/Fault": "fault.xsd",
    "http://schemas.datacontract.org/2004/07/Microsoft.Dynamics.AX.Framework.Services": "infolog.xsd",
    "http://schemas.microsoft.com/2003/10/Serialization/Arrays": "arrays.xsd",
}
_KEYS, _CRITERIA, _DOCUMENT = ("entitykeylist.xsd", "EntityKeyList"), ("querycriteria.xsd", "QueryCriteria"), ("", "")
#: operation -> children of its request, of its response
CONTENT = {
    "create": ((_DOCUMENT,), (_KEYS,)),
    "update": ((_KEYS, _DOCUMENT), ()),
    "delete": ((_KEYS,), ()),
    "read": ((_KEYS,), (_DOCUMENT,)),
    "find": ((_CRITERIA,), (_DOCUMENT,)),
    "findkeys": ((_CRITERIA,), (_KEYS,)),
}
OPERATIONS = ("create", "read", "update", "delete", "find", "findKeys")
_TYPES = {
    "AxdEnum_AxdEntityAction": '<xs:restriction base="xs:string"><xs:enumeration value="create"/><xs:enumeration value="update"/>'
    '<xs:enumeration value="replace"/><xs:enumeration value="delete"/></xs:restriction>',
    "AxdExtType_RecId": '<xs:restriction base="xs:long"/>',
    "AxdExtType_RecVersion": '<xs:restriction base="xs:int"/>',
    "Id20": '<xs:restriction base="xs:string"><xs:minLength value="0"/><xs:maxLength value="20"/></xs:restriction>',
    "Code4": '<xs:restriction base="xs:string"><xs:maxLength value="4"/></xs:restriction>',
    "NoYes": '<xs:restriction base="xs:string"><xs:enumeration value="No"/><xs:enumeration value="Yes"/></xs:restriction>',
}


@dataclass(frozen=True, kw_only=True)
class Offered:
    """A document service: the schema of its document, without the outermost element, and what it offers."""

    name: str
    document: str
    """local name of the document's element"""
    schema: str
    """the components of the document's schema; prefixes: xs, st (shared types), tns (the document's namespace)"""
    document_namespace: str = "http://schemas.microsoft.com/dynamics/2008/01/documents/Odd"
    namespace: str = SERVICES
    operations: tuple[str, ...] = OPERATIONS
    form: str = "qualified"
    imports: str = ""


def record(name: str, content: str, *, attributes: str = "") -> str:
    """The type AxdEntity_<name> of a record, its system fields first."""
    return (
        f'<xs:complexType name="AxdEntity_{name}"><xs:sequence>'
        '<xs:element minOccurs="0" name="_DocumentHash" nillable="true" type="xs:string"/>'
        '<xs:element minOccurs="0" name="RecId" nillable="true" type="st:AxdExtType_RecId"/>'
        '<xs:element minOccurs="0" name="RecVersion" nillable="true" type="st:AxdExtType_RecVersion"/>'
        f"{content}</xs:sequence>{ENTITY}{attributes}</xs:complexType>"
    )


ENTITY = (
    '<xs:attribute fixed="entity" name="class" use="required"/><xs:attribute name="action" type="st:AxdEnum_AxdEntityAction"/>'
)


def document(name: str, *tables: str, type_name: str = "", most: str = "unbounded") -> str:
    """The element of a document and its type, around the records of these names."""
    held = "".join(
        f'<xs:element minOccurs="0" maxOccurs="{most}" name="{table}" type="tns:AxdEntity_{table}"/>' for table in tables
    )
    kind = type_name or f"Axd{name}"
    return (
        f'<xs:element name="{name}" type="tns:{kind}"/><xs:complexType name="{kind}"><xs:sequence>'
        f'<xs:element minOccurs="0" name="SenderId" nillable="true" type="st:Code4"/>{held}</xs:sequence></xs:complexType>'
    )


def text(name: str, kind: str = "st:Id20", *, least: int = 0) -> str:
    """A field."""
    nillable = ' nillable="true"' if least == 0 else ""
    return f'<xs:element minOccurs="{least}" name="{name}"{nillable} type="{kind}"/>'


def nested(name: str, *, most: str = "unbounded") -> str:
    """A place for nested records."""
    return f'<xs:element minOccurs="0" maxOccurs="{most}" name="{name}" type="tns:AxdEntity_{name}"/>'


@dataclass(frozen=True, kw_only=True)
class Invented:
    """A contract: services, and files and shared types beside those that every contract has."""

    services: tuple[Offered, ...]
    more: Mapping[str, str] = field(default_factory=dict)
    """files by name"""
    types: str = ""
    """further shared types"""

    def files(self) -> dict[str, bytes]:
        """The files of the contract by name."""
        folder = Path(workers.simulator.__file__).with_name("schemas")
        written = {
            "root.wsdl": _root(self.services),
            "router.wsdl": f'<w:definitions xmlns:w="{WSDL}" targetNamespace="{ROUTING}"><w:portType name="IRequestReplyRouter"/>'
            "</w:definitions>",
            "shared.xsd": _schema(SHARED, "".join(_simple(*one) for one in _TYPES.items()) + self.types),
            **{f"document{number}.xsd": _document(one) for number, one in enumerate(self.services)},
            **dict(_of_namespaces(self.services)),
            **self.more,
        }
        fixed = {name: (folder / name).read_bytes() for name in FIXED.values()}
        return fixed | {name: content.encode() for name, content in written.items()}

    def write(self, folder: Path) -> Path:
        """The files in a folder."""
        for name, content in self.files().items():
            (folder / name).write_bytes(content)
        return folder


def _simple(name: str, content: str) -> str:
    return f'<xs:simpleType name="{name}">{content}</xs:simpleType>'


def _schema(namespace: str, content: str, *, form: str = "qualified") -> str:
    return (
        f'<xs:schema xmlns:xs="{XSD}" xmlns:tns={quoteattr(namespace)} xmlns:st="{SHARED}" elementFormDefault="{form}" '
        f"targetNamespace={quoteattr(namespace)}>{content}</xs:schema>"
    )


def _document(service: Offered) -> str:
    imports = f'<xs:import schemaLocation="shared.xsd" namespace="{SHARED}"/>{service.imports}'
    return _schema(service.document_namespace, imports + service.schema, form=service.form)


def _root(services: tuple[Offered, ...]) -> str:
    namespaces = list(dict.fromkeys(one.namespace for one in services))
    prefixes = "".join(f" xmlns:i{n}={quoteattr(name)}" for n, name in enumerate(namespaces))
    imports = "".join(f'<w:import namespace={quoteattr(name)} location="services{n}.wsdl"/>' for n, name in enumerate(namespaces))
    bindings = "".join(_binding(one, f"i{namespaces.index(one.namespace)}") for one in services)
    names = ["serviceEndpoint", *(f"BasicHttpBinding_{one.name}" for one in services)]
    ports = "".join(
        f'<w:port name="{name}" binding="tns:{name}"><soap:address '
        'location="http://aos/MicrosoftDynamicsAXAif60/Odd/xppservice.svc"/></w:port>'
        for name in names
    )
    return (
        f'<w:definitions xmlns:w="{WSDL}" xmlns:soap="{SOAP}" xmlns:r="{ROUTING}" xmlns:tns="http://tempuri.org/"{prefixes} '
        f'name="RoutingService" targetNamespace="http://tempuri.org/"><w:import namespace="{ROUTING}" location="router.wsdl"/>'
        f'{imports}<w:types/><w:binding name="serviceEndpoint" type="r:IRequestReplyRouter">'
        f'<soap:binding transport="http://schemas.xmlsoap.org/soap/http"/></w:binding>{bindings}'
        f'<w:service name="RoutingService">{ports}</w:service></w:definitions>'
    )


def _binding(service: Offered, prefix: str) -> str:
    operations = "".join(
        f'<w:operation name="{one}"><soap:operation soapAction={quoteattr(f"{service.namespace}/{service.name}/{one}")} '
        f'style="document"/><w:input name="{_message(service, one)}Request"><soap:header '
        f'message="{prefix}:{_message(service, one)}Request_Headers" part="context" use="literal"/><soap:body use="literal"/>'
        f'</w:input><w:output name="{_message(service, one)}Response"><soap:body use="literal"/></w:output></w:operation>'
        for one in service.operations
    )
    return (
        f'<w:binding name="BasicHttpBinding_{service.name}" type="{prefix}:{service.name}">'
        f'<soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>{operations}</w:binding>'
    )


def _message(service: Offered, operation: str) -> str:
    return f"{service.name}{operation[0].upper()}{operation[1:]}"


def _of_namespaces(services: tuple[Offered, ...]) -> Iterator[tuple[str, str]]:
    """A WSDL and an XSD for each namespace of services."""
    for number, namespace in enumerate(dict.fromkeys(one.namespace for one in services)):
        own = [(n, one) for n, one in enumerate(services) if one.namespace == namespace]
        yield f"services{number}.wsdl", _services(namespace, number, own)
        shown = {name: file for name, file in FIXED.items() if file.startswith(("entity", "document", "query"))}
        shown |= {one.document_namespace: f"document{n}.xsd" for n, one in own}
        imports = "".join(
            f"<xs:import schemaLocation={quoteattr(file)} namespace={quoteattr(name)}/>" for name, file in shown.items()
        )
        yield (
            f"services{number}.xsd",
            _schema(namespace, imports + "".join(wrapper for _, one in own for wrapper in _wrappers(one))),
        )


def _services(namespace: str, number: int, own: list[tuple[int, Offered]]) -> str:
    shown = {namespace: f"services{number}.xsd", **FIXED, SHARED: "shared.xsd"}
    shown |= {one.document_namespace: f"document{n}.xsd" for n, one in own}
    imports = "".join(
        f"<xs:import schemaLocation={quoteattr(file)} namespace={quoteattr(name)}/>" for name, file in shown.items()
    )
    inner = "".join(_messages(one) + _port_type(one) for _, one in own)
    return (
        f'<w:definitions xmlns:w="{WSDL}" xmlns:tns={quoteattr(namespace)} xmlns:xs="{XSD}" '
        f'xmlns:c="http://schemas.microsoft.com/dynamics/2010/01/datacontracts" targetNamespace={quoteattr(namespace)}>'
        f"<w:types><xs:schema targetNamespace={quoteattr(f'{namespace}/Imports')}>{imports}</xs:schema></w:types>"
        f"{inner}</w:definitions>"
    )


def _messages(service: Offered) -> str:
    return "".join(
        f'<w:message name="{name}Request"><w:part name="parameters" element="tns:{name}Request"/></w:message>'
        f'<w:message name="{name}Request_Headers"><w:part name="context" element="c:CallContext"/></w:message>'
        f'<w:message name="{name}Response"><w:part name="parameters" element="tns:{name}Response"/></w:message>'
        for name in (_message(service, operation) for operation in service.operations)
    )


def _port_type(service: Offered) -> str:
    operations = "".join(
        f'<w:operation name="{one}"><w:input message="tns:{_message(service, one)}Request"/>'
        f'<w:output message="tns:{_message(service, one)}Response"/></w:operation>'
        for one in service.operations
    )
    return f'<w:portType name="{service.name}">{operations}</w:portType>'


def _wrappers(service: Offered) -> Iterator[str]:
    by_file = {file: name for name, file in FIXED.items()}
    for operation in service.operations:
        for suffix, parts in zip(("Request", "Response"), CONTENT[operation.lower()], strict=True):
            inner = "".join(
                f"<xs:element xmlns:q={quoteattr(by_file.get(file, service.document_namespace))} "
                f'ref="q:{name or service.document}" minOccurs="0"/>'
                for file, name in parts
            )
            yield (
                f'<xs:element name="{_message(service, operation)}{suffix}"><xs:complexType><xs:sequence>{inner}</xs:sequence>'
                "</xs:complexType></xs:element>"
            )
