"""The invented contracts: what XML Schema and AX allow, each in a contract of its own."""

from tests.contracts.invented import ENTITY, Invented, Offered, document, nested, record, text

_IDS = text("Id", least=1) + text("Name")
_PLAIN_HEAD = document("Odd", "Head") + record("Head", _IDS)
_SYSTEM = (
    '<xs:element minOccurs="0" name="_DocumentHash" nillable="true" type="xs:string"/>'
    '<xs:element minOccurs="0" name="RecId" nillable="true" type="st:AxdExtType_RecId"/>'
    '<xs:element minOccurs="0" name="RecVersion" nillable="true" type="st:AxdExtType_RecVersion"/>'
)


def of(schema: str, *, types: str = "", more: dict[str, str] | None = None, imports: str = "", **offered: object) -> Invented:
    """A contract of one service, OddService with the document Odd."""
    service = Offered(**{"name": "OddService", "document": "Odd", "schema": schema, "imports": imports, **offered})
    return Invented(services=(service,), more=more or {}, types=types)


def head(*fields: str) -> str:
    """The document Odd with the record Head of these fields beside its Id."""
    return document("Odd", "Head") + record("Head", text("Id", least=1) + "".join(fields))


def inline(content: str, *, most: str = "unbounded") -> str:
    """A document whose records' types have no names."""
    return (
        '<xs:element name="Odd"><xs:complexType><xs:sequence>'
        f'<xs:element minOccurs="0" maxOccurs="{most}" name="Head"><xs:complexType><xs:sequence>{_SYSTEM}{content}</xs:sequence>'
        f"{ENTITY}</xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>"
    )


_ENUM = '<xs:restriction base="xs:string"><xs:enumeration value="Low"/><xs:enumeration value="High"/></xs:restriction>'
_MOMENT = (
    '<xs:complexType name="Moment"><xs:simpleContent><xs:extension base="xs:dateTime">'
    '<xs:attribute name="localDateTime" type="xs:dateTime"/><xs:attribute name="timezone" type="xs:string"/>'
    "</xs:extension></xs:simpleContent></xs:complexType>"
)
_GUID = (
    '<xs:simpleType name="AxdType_GUID"><xs:restriction base="xs:string">'
    r'<xs:pattern value="\{[a-fA-F0-9]{8}(-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}\}"/></xs:restriction></xs:simpleType>'
)
_UNIONS = (
    '<xs:simpleType name="Short"><xs:union memberTypes="st:Code4 st:Id20"/></xs:simpleType>'
    '<xs:simpleType name="Deep"><xs:union memberTypes="st:Short"><xs:simpleType><xs:restriction base="xs:string">'
    '<xs:maxLength value="30"/></xs:restriction></xs:simpleType></xs:union></xs:simpleType>'
    '<xs:simpleType name="NumberOrCode"><xs:union memberTypes="xs:int st:Code4"/></xs:simpleType>'
)
_CHAIN = (
    '<xs:simpleType name="Wide"><xs:restriction base="xs:string"><xs:maxLength value="60"/></xs:restriction></xs:simpleType>'
    '<xs:simpleType name="Narrow"><xs:restriction base="st:Wide"><xs:maxLength value="12"/></xs:restriction></xs:simpleType>'
    '<xs:simpleType name="Same"><xs:restriction base="st:Narrow"/></xs:simpleType>'
    '<xs:simpleType name="Exact"><xs:restriction base="st:Same"><xs:length value="5"/></xs:restriction></xs:simpleType>'
    '<xs:simpleType name="All"><xs:restriction base="xs:string"><xs:enumeration value="A"/><xs:enumeration value="B"/>'
    '<xs:enumeration value="C"/></xs:restriction></xs:simpleType>'
    '<xs:simpleType name="Some"><xs:restriction base="st:All"><xs:enumeration value="B"/><xs:enumeration value="C"/>'
    "</xs:restriction></xs:simpleType>"
    '<xs:simpleType name="Percent"><xs:restriction base="xs:decimal"><xs:minInclusive value="0"/><xs:maxInclusive value="100"/>'
    '<xs:fractionDigits value="2"/></xs:restriction></xs:simpleType>'
    '<xs:simpleType name="Small"><xs:restriction base="xs:int"><xs:minExclusive value="0"/><xs:maxExclusive value="10"/>'
    "</xs:restriction></xs:simpleType>"
    '<xs:simpleType name="Digits"><xs:restriction base="xs:decimal"><xs:totalDigits value="5"/><xs:fractionDigits value="2"/>'
    "</xs:restriction></xs:simpleType>"
    '<xs:simpleType name="Mail"><xs:restriction base="xs:string"><xs:pattern value="[a-z]{1,8}@[a-z]{1,8}"/></xs:restriction>'
    "</xs:simpleType>"
)

_STRUCTURES = (
    '<xs:complexType name="DimensionValue"><xs:sequence><xs:element name="Name" type="xs:string"/>'
    '<xs:element name="Value" type="xs:string"/></xs:sequence></xs:complexType>'
    '<xs:complexType name="DimensionValues"><xs:sequence>'
    '<xs:element maxOccurs="unbounded" name="Value" type="st:DimensionValue"/></xs:sequence></xs:complexType>'
    '<xs:complexType name="Dimensions"><xs:sequence><xs:element name="Values" type="st:DimensionValues"/></xs:sequence>'
    '</xs:complexType><xs:complexType name="Account"><xs:sequence><xs:element name="DisplayValue" type="xs:string"/>'
    '<xs:element name="Account" type="xs:string"/><xs:element minOccurs="0" name="Values" nillable="true" '
    'type="st:DimensionValues"/></xs:sequence></xs:complexType>'
    '<xs:complexType name="Since"><xs:simpleContent><xs:extension base="st:Moment"/></xs:simpleContent></xs:complexType>'
    '<xs:complexType name="AddressKey"><xs:sequence><xs:element name="Location" type="st:Id20"/>'
    '<xs:element name="ValidFrom" type="st:Since"/></xs:sequence></xs:complexType>'
)

#: Contracts through which rows can be loaded.
LOADED: dict[str, Invented] = {
    "plain": of(_PLAIN_HEAD),
    "one word as the namespace of a service": of(_PLAIN_HEAD, namespace="OddService"),
    "an ampersand in the namespaces": of(
        _PLAIN_HEAD, namespace="http://odd.example/a?b=1&c=2", document_namespace="http://odd.example/?d='3'&e=4"
    ),
    "three levels": of(
        document("Odd", "Head")
        + record("Head", _IDS + nested("Line"))
        + record("Line", _IDS + nested("Charge") + nested("Note"))
        + record("Charge", _IDS)
        + record("Note", text("Text") + text("Id"))
    ),
    "words of Python": of(
        document("Odd", "class")
        + record(
            "class", text("from", least=1) + "".join(map(text, ("import", "None", "self", "print", "def"))) + nested("lambda")
        )
        + record("lambda", text("yield") + text("in"))
    ),
    "names that are ours": of(
        head(*map(text, ("action", "Value", "Key", "EntityKey", "Row", "row", "xsi", "Table", "name", "_")))
    ),
    "names with marks and other letters": of(
        document("Odd", "Größe_Kopf")
        + record("Größe_Kopf", "".join(map(text, ("Feld-Eins", "Feld.Zwei", "_3", "名前", "Ärger", "x·y"))) + nested("Zeile-1"))
        + record("Zeile-1", text("Ident") + text("naïve"))
    ),
    "fields in an order of their own, lines in the middle": of(
        document("Odd", "Head")
        + record("Head", text("Zulu") + text("Id", least=1) + nested("Line") + text("Alpha") + text("Mike"))
        + record("Line", text("Zed") + text("Id") + text("Able"))
    ),
    "every built-in type": of(
        head(
            *(
                text(f"F{kind}", f"xs:{kind}")
                for kind in (
                    "string",
                    "int",
                    "long",
                    "short",
                    "byte",
                    "integer",
                    "decimal",
                    "date",
                    "dateTime",
                    "time",
                    "boolean",
                )
            ),
            text("Fbase64", "xs:base64Binary"),
            text("Fguid", "st:AxdType_GUID"),
        ),
        types=_GUID,
    ),
    "unions of unions": of(
        head(text("Deep", "st:Deep"), text("Short", "st:Short"), text("Mixed", "st:NumberOrCode")), types=_UNIONS
    ),
    "restrictions of restrictions": of(
        head(*(text(name, f"st:{name}") for name in ("Narrow", "Same", "Exact", "Some", "Percent", "Small", "Digits", "Mail"))),
        types=_CHAIN,
    ),
    "texts with attributes": of(head(text("At", "st:Moment"), text("Until", "st:Moment", least=1)), types=_MOMENT),
    "records without a hash": of(
        document("Odd", "Head")
        + (record("Head", _IDS + nested("Line")) + record("Line", _IDS)).replace(
            '<xs:element minOccurs="0" name="_DocumentHash" nillable="true" type="xs:string"/>', ""
        )
    ),
    "structures": of(
        head(text("Dimension", "st:Dimensions"), text("Account", "st:Account"), text("Address", "st:AddressKey")),
        types=_MOMENT + _STRUCTURES,
    ),
    "types without names": of(
        inline(
            text("Id", least=1) + f'<xs:element minOccurs="0" name="Level"><xs:simpleType>{_ENUM}</xs:simpleType></xs:element>'
        )
    ),
    "an included file": of(
        '<xs:include schemaLocation="part.xsd"/>' + document("Odd", "Head"),
        more={
            "part.xsd": '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified" '
            'xmlns:st="http://schemas.microsoft.com/dynamics/2008/01/sharedtypes" '
            'targetNamespace="http://schemas.microsoft.com/dynamics/2008/01/documents/Odd">'
            '<xs:import schemaLocation="shared.xsd" namespace="http://schemas.microsoft.com/dynamics/2008/01/sharedtypes"/>'
            + record("Head", _IDS)
            + "</xs:schema>"
        },
    ),
    "elements by reference": of(
        document("Odd", "Head")
        + '<xs:element name="Common" nillable="true" type="st:Id20"/>'
        + '<xs:element name="Line" type="tns:AxdEntity_Line"/>'
        + record(
            "Head",
            text("Id", least=1)
            + '<xs:element minOccurs="0" ref="tns:Common"/><xs:element minOccurs="0" maxOccurs="unbounded" ref="tns:Line"/>',
        )
        + record("Line", _IDS)
    ),
    "groups of elements and attributes": of(
        document("Odd", "Head")
        + f'<xs:group name="Names"><xs:sequence>{text("Name")}{text("Alias")}</xs:sequence></xs:group>'
        + f'<xs:attributeGroup name="Entity">{ENTITY}</xs:attributeGroup>'
        + f'<xs:complexType name="AxdEntity_Head"><xs:sequence>{_SYSTEM}{text("Id", least=1)}<xs:group ref="tns:Names"/>'
        + '</xs:sequence><xs:attributeGroup ref="tns:Entity"/></xs:complexType>'
    ),
    "a root that is named otherwise than its type": of(
        document("Odd", "Head", type_name="QueryOfSomethingElse") + record("Head", _IDS)
    ),
    "a fixed and a default value": of(
        head(
            '<xs:element minOccurs="0" name="Always" type="st:Id20" fixed="X1"/>',
            '<xs:element minOccurs="0" name="Mostly" type="st:Id20" default="Y"/>',
        )
    ),
    "any element at the end": of(head(text("Name"), '<xs:any minOccurs="0" namespace="##other" processContents="lax"/>')),
    "an attribute of its own": of(
        document("Odd", "Head") + record("Head", _IDS, attributes='<xs:attribute name="updateMode" type="xs:string"/>')
    ),
    "create, find and read only": of(_PLAIN_HEAD, operations=("create", "find", "read")),
    "one record to a document": of(document("Odd", "Head", most="1") + record("Head", _IDS)),
    "a choice of what must be": of(head(f"<xs:choice>{text('A', least=1)}{text('B', least=1)}</xs:choice>")),
    "elements in any order": of(
        '<xs:element name="Odd"><xs:complexType><xs:sequence><xs:element minOccurs="0" maxOccurs="unbounded" name="Head">'
        f"<xs:complexType><xs:all>{_SYSTEM}{_IDS}</xs:all>{ENTITY}</xs:complexType></xs:element></xs:sequence>"
        "</xs:complexType></xs:element>"
    ),
    "services in a group": Invented(
        services=tuple(
            Offered(
                name=f"{name}Service",
                document=name,
                document_namespace=f"http://schemas.microsoft.com/dynamics/2008/01/documents/{name}",
                namespace=namespace,
                schema=document(name, f"{name}Table") + record(f"{name}Table", _IDS),
            )
            for name, namespace in (("Odd", "http://tempuri.org"), ("Even", "urn:even"), ("Other", "http://tempuri.org"))
        )
    ),
}

ANOTHER_CASE = of(_PLAIN_HEAD, operations=("Create", "FIND", "Read", "findkeys", "Update"))

#: Contracts of which something cannot be loaded: what the user is told.
REFUSED: dict[str, tuple[Invented, str]] = {
    "unqualified elements": (of(_PLAIN_HEAD, form="unqualified"), "This element is not expected"),
    "two of a choice": (
        of(head(f'<xs:choice minOccurs="0">{text("Name")}{text("B")}</xs:choice>')),
        "This element is not expected",
    ),
    "a place for others": (
        of(
            head('<xs:element minOccurs="0" ref="tns:Name"/>')
            + '<xs:element name="Name" abstract="true" type="st:Id20"/>'
            + '<xs:element name="Person" type="st:Id20" substitutionGroup="tns:Name"/>'
        ),
        "abstract",
    ),
    "no create": (of(_PLAIN_HEAD, operations=("find", "read", "update")), "offers no create"),
    "a pattern that the text does not match": (
        of(
            head(text("Name", "st:Never")),
            types='<xs:simpleType name="Never"><xs:restriction base="xs:string"><xs:pattern value="[0-9]+"/></xs:restriction>'
            "</xs:simpleType>",
        ),
        "pattern",
    ),
}

#: Contracts that hold nothing to load rows into.
EMPTY: dict[str, Invented] = {
    "a document that is a text": of('<xs:element name="Odd" type="xs:string"/>'),
    "a document without records": of(
        f'<xs:element name="Odd"><xs:complexType><xs:sequence>{text("Id")}</xs:sequence></xs:complexType></xs:element>'
    ),
    "records of a class of their own": of(document("Odd", "Head") + record("Head", _IDS).replace("entity", "thing")),
}

__all__ = ["ANOTHER_CASE", "EMPTY", "LOADED", "REFUSED"]
