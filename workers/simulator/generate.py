"""A definition -> the contract folder that a real port would publish for it: WSDL and XSD files, imports by file name.

It writes what an IIS-hosted AX 2012 port shows: the router first, one binding per service, one XSD per document, the
shared types of all of them in one. Nothing here reads; `contract` and `schema` read it back as they do a real one.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from workers.simulator import namespaces as ns
from workers.simulator.definition import RECORD_TYPE, Definition, TableDefinition
from workers.simulator.model import Field, Kind

_KEYS: Final = (ns.ENTITY_KEY_LIST, "EntityKeyList")
_PAGING: Final = (ns.DOCUMENT_PAGING, "DocumentPaging")
_CRITERIA: Final = (ns.QUERY_CRITERIA, "QueryCriteria")
_PAGE: Final = (ns.ENTITY_KEY_PAGE, "EntityKeyPage")
_DOCUMENT: Final = ("", "")

#: operation -> children of its request, children of its response
OPERATIONS: Final[Mapping[str, tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]]] = {
    "create": ((_DOCUMENT,), (_KEYS,)),
    "update": ((_KEYS, _DOCUMENT), ()),
    "delete": ((_KEYS,), ()),
    "read": ((_KEYS,), (_DOCUMENT,)),
    "find": ((_CRITERIA,), (_DOCUMENT,)),
    "findKeys": ((_CRITERIA,), (_KEYS,)),
    "getKeys": ((_PAGING,), (_PAGE,)),
    "getChangedKeys": ((_PAGING, (ns.SERVICES, "_changedDateTime")), (_PAGE,)),
}

_SHARED_FILES: Final = {
    ns.CALL_CONTEXT: "callcontext.xsd",
    ns.ENTITY_KEY: "entitykey.xsd",
    ns.ENTITY_KEY_LIST: "entitykeylist.xsd",
    ns.ENTITY_KEY_PAGE: "entitykeypage.xsd",
    ns.DOCUMENT_PAGING: "documentpaging.xsd",
    ns.QUERY_CRITERIA: "querycriteria.xsd",
    ns.FAULT: "fault.xsd",
    ns.INFOLOG: "infolog.xsd",
    ns.ARRAYS: "arrays.xsd",
}
_XSD_TYPES: Final = {
    Kind.STRING: "xs:string",
    Kind.INTEGER: "xs:int",
    Kind.DECIMAL: "xs:decimal",
    Kind.DATE: "xs:date",
    Kind.DATETIME: "xs:dateTime",
    Kind.TIME: "xs:time",
    Kind.BOOLEAN: "xs:boolean",
    Kind.BASE64: "xs:base64Binary",
}
_DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>'


def contract_files(definition: Definition) -> dict[str, bytes]:
    """The files of the port's contract by name; the root WSDL is `root.wsdl`."""
    folder = Path(__file__).with_name("schemas")
    files = {name: (folder / name).read_bytes() for name in _SHARED_FILES.values()}
    texts = {
        "root.wsdl": _root_wsdl(definition),
        "router.wsdl": _router_wsdl(),
        "services.wsdl": _services_wsdl(definition.tables),
        "services.xsd": _services_xsd(definition.tables),
        "sharedtypes.xsd": _shared_types(definition.tables),
    }
    texts |= {f"document-{table.document}.xsd": _document_xsd(table) for table in definition.tables}
    return files | {name: text.encode() for name, text in texts.items()}


def _root_wsdl(definition: Definition) -> str:
    address = f"http://aos/MicrosoftDynamicsAXAif60/{definition.port}/xppservice.svc"
    bindings = ["serviceEndpoint", *(f"BasicHttpBinding_{table.service}" for table in definition.tables)]
    policies = "".join(
        f'<wsp:Policy wsu:Id="{name}_policy"><wsp:ExactlyOne><wsp:All><http:NegotiateAuthentication '
        'xmlns:http="http://schemas.microsoft.com/ws/06/2004/policy/http"/></wsp:All></wsp:ExactlyOne></wsp:Policy>'
        for name in bindings
    )
    ports = "".join(
        f'<wsdl:port name="{name}" binding="tns:{name}"><soap:address location={quoteattr(address)}/></wsdl:port>'
        for name in bindings
    )
    return (
        f'{_DECLARATION}<wsdl:definitions xmlns:wsdl="{ns.WSDL}" xmlns:soap="{ns.WSDL_SOAP}" xmlns:tns="http://tempuri.org/" '
        f'xmlns:i0="{ns.ROUTING}" xmlns:i1="{ns.SERVICES}" xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" '
        'xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" '
        f'name="RoutingService" targetNamespace="http://tempuri.org/">{policies}'
        f'<wsdl:import namespace="{ns.ROUTING}" location="router.wsdl"/>'
        f'<wsdl:import namespace="{ns.SERVICES}" location="services.wsdl"/><wsdl:types/>'
        '<wsdl:binding name="serviceEndpoint" type="i0:IRequestReplyRouter"><wsp:PolicyReference URI="#serviceEndpoint_policy"/>'
        '<soap:binding transport="http://schemas.xmlsoap.org/soap/http"/></wsdl:binding>'
        f"{''.join(_binding(table.service) for table in definition.tables)}"
        f'<wsdl:service name="RoutingService">{ports}</wsdl:service></wsdl:definitions>'
    )


def _binding(service: str) -> str:
    return (
        f'<wsdl:binding name="BasicHttpBinding_{service}" type="i1:{service}">'
        f'<wsp:PolicyReference URI="#BasicHttpBinding_{service}_policy"/>'
        '<soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>'
        f"{''.join(_bound_operation(service, operation) for operation in OPERATIONS)}</wsdl:binding>"
    )


def _bound_operation(service: str, operation: str) -> str:
    message = f"{service}{operation[0].upper()}{operation[1:]}"
    return (
        f'<wsdl:operation name="{operation}"><soap:operation soapAction="{ns.SERVICES}/{service}/{operation}" style="document"/>'
        f'<wsdl:input name="{message}Request"><soap:header message="i1:{message}Request_Headers" part="context" use="literal"/>'
        f'<soap:body use="literal"/></wsdl:input><wsdl:output name="{message}Response"><soap:body use="literal"/></wsdl:output>'
        '<wsdl:fault name="AifFaultFault"><soap:fault use="literal" name="AifFaultFault" namespace=""/></wsdl:fault>'
        "</wsdl:operation>"
    )


def _router_wsdl() -> str:
    return (
        f'{_DECLARATION}<wsdl:definitions xmlns:wsdl="{ns.WSDL}" targetNamespace="{ns.ROUTING}">'
        '<wsdl:types/><wsdl:portType name="IRequestReplyRouter"/></wsdl:definitions>'
    )


def _services_wsdl(tables: Iterable[TableDefinition]) -> str:
    tables = tuple(tables)
    shown = {ns.SERVICES: "services.xsd", **_SHARED_FILES, ns.SHARED_TYPES: "sharedtypes.xsd"}
    shown |= {ns.DOCUMENTS + table.document: f"document-{table.document}.xsd" for table in tables}
    imports = "".join(f'<xsd:import schemaLocation="{file}" namespace="{name}"/>' for name, file in shown.items())
    messages = "".join(_messages(table.service, operation) for table in tables for operation in OPERATIONS)
    return (
        f'{_DECLARATION}<wsdl:definitions xmlns:wsdl="{ns.WSDL}" xmlns:tns="{ns.SERVICES}" xmlns:xsd="{ns.XSD}" '
        f'xmlns:c="{ns.CALL_CONTEXT}" xmlns:f="{ns.FAULT}" xmlns:wsaw="http://www.w3.org/2006/05/addressing/wsdl" '
        f'targetNamespace="{ns.SERVICES}"><wsdl:types><xsd:schema targetNamespace="{ns.SERVICES}/Imports">{imports}</xsd:schema>'
        f"</wsdl:types>{messages}{''.join(_port_type(table.service) for table in tables)}</wsdl:definitions>"
    )


def _messages(service: str, operation: str) -> str:
    message = f"{service}{operation[0].upper()}{operation[1:]}"
    return (
        f'<wsdl:message name="{message}Request"><wsdl:part name="parameters" element="tns:{message}Request"/></wsdl:message>'
        f'<wsdl:message name="{message}Request_Headers"><wsdl:part name="context" element="c:CallContext"/></wsdl:message>'
        f'<wsdl:message name="{message}Response"><wsdl:part name="parameters" element="tns:{message}Response"/></wsdl:message>'
        f'<wsdl:message name="{service}_{operation}_AifFaultFault_FaultMessage"><wsdl:part name="detail" element="f:AifFault"/>'
        "</wsdl:message>"
    )


def _port_type(service: str) -> str:
    return f'<wsdl:portType name="{service}">{"".join(_operation(service, name) for name in OPERATIONS)}</wsdl:portType>'


def _operation(service: str, operation: str) -> str:
    message = f"{service}{operation[0].upper()}{operation[1:]}"
    action = f"{ns.SERVICES}/{service}/{operation}"
    return (
        f'<wsdl:operation name="{operation}">'
        f'<wsdl:input wsaw:Action="{action}" name="{message}Request" message="tns:{message}Request"/>'
        f'<wsdl:output wsaw:Action="{action}Response" name="{message}Response" message="tns:{message}Response"/>'
        f'<wsdl:fault wsaw:Action="{action}AifFaultFault" name="AifFaultFault" '
        f'message="tns:{service}_{operation}_AifFaultFault_FaultMessage"/></wsdl:operation>'
    )


def _services_xsd(tables: Iterable[TableDefinition]) -> str:
    tables = tuple(tables)
    shown = {name: file for name, file in _SHARED_FILES.items() if name in ns.BESIDE_DOCUMENT}
    shown |= {ns.DOCUMENTS + table.document: f"document-{table.document}.xsd" for table in tables}
    imports = "".join(f'<xs:import schemaLocation="{file}" namespace="{name}"/>' for name, file in shown.items())
    elements = "".join(text for table in tables for text in _wrappers(table))
    return f"{_schema(ns.SERVICES)}{imports}{elements}</xs:schema>"


def _wrappers(table: TableDefinition) -> Iterator[str]:
    for operation, (request, response) in OPERATIONS.items():
        message = f"{table.service}{operation[0].upper()}{operation[1:]}"
        for suffix, parts in (("Request", request), ("Response", response)):
            inner = "".join(_part(table, *part) for part in parts)
            yield (
                f'<xs:element name="{message}{suffix}"><xs:complexType><xs:sequence>{inner}</xs:sequence>'
                "</xs:complexType></xs:element>"
            )


def _part(table: TableDefinition, namespace: str, name: str) -> str:
    if namespace == ns.SERVICES:
        return f'<xs:element name="{name}" type="xs:dateTime" minOccurs="0"/>'
    namespace, name = namespace or ns.DOCUMENTS + table.document, name or table.document
    return f'<xs:element xmlns:q="{namespace}" ref="q:{name}" minOccurs="0"/>'


def _schema(namespace: str) -> str:
    return (
        f'{_DECLARATION}<xs:schema xmlns:xs="{ns.XSD}" xmlns:tns="{namespace}" xmlns:st="{ns.SHARED_TYPES}" '
        f'elementFormDefault="qualified" targetNamespace="{namespace}">'
    )


def _document_xsd(table: TableDefinition) -> str:
    types = "".join(_record_type(record, root=record is table) for record in table.with_lines())
    return (
        f"{_schema(ns.DOCUMENTS + table.document)}"
        f'<xs:import schemaLocation="sharedtypes.xsd" namespace="{ns.SHARED_TYPES}"/>'
        f'<xs:element name="{table.document}" type="tns:Axd{table.document}"/>'
        f'<xs:complexType name="Axd{table.document}"><xs:sequence>'
        '<xs:element minOccurs="0" name="ClearNilFieldsOnUpdate" nillable="true" type="st:AxdEnum_boolean"/>'
        '<xs:element minOccurs="0" name="DocPurpose" nillable="true" type="st:AxdEnum_XMLDocPurpose"/>'
        '<xs:element minOccurs="0" name="SenderId" nillable="true" type="st:AxdExtType_DataAreaId"/>'
        f"{_record(table)}</xs:sequence></xs:complexType>{types}</xs:schema>"
    )


def _record(table: TableDefinition) -> str:
    return f'<xs:element minOccurs="0" maxOccurs="unbounded" name="{table.name}" type="tns:AxdEntity_{table.name}"/>'


def _record_type(table: TableDefinition, *, root: bool) -> str:
    fields = {field.name: _element(field) for field in table.fields}
    for name in ("RecId", "RecVersion"):
        fields[name] = f'<xs:element minOccurs="0" name="{name}" nillable="true" type="st:AxdExtType_{name}"/>'
    ordered = "".join(fields[name] for name in sorted(fields, key=str.casefold))
    digest = '<xs:element minOccurs="0" name="_DocumentHash" nillable="true" type="xs:string"/>' if root else ""
    return (
        f'<xs:complexType name="AxdEntity_{table.name}"><xs:sequence>{digest}{ordered}'
        f"{''.join(_record(line) for line in table.lines)}</xs:sequence>"
        '<xs:attribute fixed="entity" name="class" use="required"/>'
        '<xs:attribute name="action" type="st:AxdEnum_AxdEntityAction"/></xs:complexType>'
    )


def _element(field: Field) -> str:
    kind = f"st:{field.type_name}" if field.type_name else _XSD_TYPES[field.kind]
    if field.mandatory:
        return f'<xs:element minOccurs="1" name="{field.name}" type="{kind}"/>'
    return f'<xs:element minOccurs="0" name="{field.name}" nillable="true" type="{kind}"/>'


def _shared_types(tables: Iterable[TableDefinition]) -> str:
    enums = {
        "AxdEnum_boolean": ("false", "true"),
        "AxdEnum_XMLDocPurpose": ("Original", "Duplicate", "Proforma"),
        "AxdEnum_AxdEntityAction": ("create", "update", "replace", "delete"),
    }
    own = {
        field.type_name: _simple_type(field.type_name, field)
        for root in tables
        for table in root.with_lines()
        for field in table.fields
        if field.type_name not in ("", RECORD_TYPE)
    }
    fixed = (
        _simple_type("AxdExtType_DataAreaId", Field(name="DataAreaId", max_length=4)),
        '<xs:simpleType name="AxdExtType_RecId"><xs:restriction base="xs:long"/></xs:simpleType>',
        '<xs:simpleType name="AxdExtType_RecVersion"><xs:restriction base="xs:int"/></xs:simpleType>',
        *(_simple_type(name, Field(name=name, symbols=symbols)) for name, symbols in enums.items()),
    )
    return f"{_schema(ns.SHARED_TYPES)}{''.join((*fixed, *own.values()))}</xs:schema>"


def _simple_type(name: str, field: Field) -> str:
    if field.symbols:
        facets = "".join(f"<xs:enumeration value={quoteattr(symbol)}/>" for symbol in field.symbols)
    elif field.kind is Kind.GUID:
        facets = r'<xs:pattern value="\{[A-Fa-f0-9]{8}(-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}\}"/>'
    else:
        facets = f'<xs:minLength value="0"/><xs:maxLength value="{field.max_length}"/>'
    note = f'<xs:annotation><xs:documentation xml:lang="EN-US">{escape(field.name)}:</xs:documentation></xs:annotation>'
    return f'<xs:simpleType name="{name}">{note}<xs:restriction base="xs:string">{facets}</xs:restriction></xs:simpleType>'
