"""A small data dictionary as AX' MetadataService tells it, written to files for the peer: tables with a circle, an inherited
one, a view, a relation by RecId; enumerations; labels in two languages; services; classes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

DOCUMENTS = "http://schemas.micosoft.com/dynamics/ax/aif/services/metadata/2008/10"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
LANGUAGES = ("de", "en-us")
TABLE_IDS = {
    name: 1000 + number
    for number, name in enumerate(
        (
            "BankAccountTable", "CompanyInfo", "CustGroup", "CustTable", "CustView", "DirParty", "DirPerson", "PaymTerm",
            "PaymSched", "TaxGroup", "TmpLedger", "VendTable",
        )
    )
}  # fmt: skip
ENUM_IDS = {"NoYes": 50, "CustVendorBlocked": 51}
REC_ID = 65534
LABELS = {
    "@SYS1": ("Debitorengruppe", "Customer group"),
    "@SYS2": ("Zahlungsbedingung Ж", "Terms of payment"),
    "@SYS3": ("Nein", "No"),
    "@SYS4": ("Ja", "Yes"),
}


def field(number: int, name: str, base: str = "String", **more: str) -> str:
    """A DataFieldMetadata. `more` may name members of it; `size` and `enum` are those of its extension."""
    size, enum = more.pop("size", ""), more.pop("enum", "")
    label = f"<LabelId>{more.pop('LabelId')}</LabelId>" if "LabelId" in more else '<LabelId i:nil="true"/>'
    first = {"AllowEdit": more.pop("AllowEdit", "true"), "BaseType": base, "DataTypeName": name}
    first |= {"ExtendedDataTypeId": more.pop("ExtendedDataTypeId")} if "ExtendedDataTypeId" in more else {}
    members = {"AllowEditOnCreate": "true", "FieldId": str(number), "IsMandatory": "false", "IsSystemField": "false"}
    members |= {"IsVisible": "true", "Name": name, **more}
    kind = f"{_extension(size, enum)}<FieldType>{base}</FieldType>"
    return f"<DataFieldMetadata>{_members(first)}{kind}{label}{_members(members)}</DataFieldMetadata>"


def index(name: str, fields: Sequence[str], *, tag: str = "IndexMetadata", unique: bool = True, alternate: bool = False) -> str:
    """An IndexMetadata, under a member's name."""
    inside = "".join(f"<DataFieldMetadata><Name>{each}</Name></DataFieldMetadata>" for each in fields)
    return (
        f"<{tag}><AllowDuplicates>{_word(not unique)}</AllowDuplicates><Enabled>true</Enabled><Fields>{inside}</Fields>"
        f"<IsAlternateKey>{_word(alternate)}</IsAlternateKey><Name>{name}</Name></{tag}>"
    )


def relation(name: str, table: int, pairs: Sequence[tuple[int, int]], *, fixed: Sequence[tuple[int, int]] = ()) -> str:
    """A TableRelationshipMetadata."""
    fixes = "".join(
        f"<FixedFieldRelationshipMetadata><FieldId>{mine}</FieldId><Value>{value}</Value></FixedFieldRelationshipMetadata>"
        for mine, value in fixed
    )
    links = "".join(
        f"<RelatedFieldRelationshipMetadata><FieldId>{mine}</FieldId><RelatedFieldId>{its}</RelatedFieldId>"
        f"<RelatedTableId>{table}</RelatedTableId></RelatedFieldRelationshipMetadata>"
        for mine, its in pairs
    )
    return (
        f"<TableRelationshipMetadata><FixedFieldRelationships>{fixes}</FixedFieldRelationships><Name>{name}</Name>"
        f"<RelatedFieldRelationships>{links}</RelatedFieldRelationships><RelatedTableId>{table}</RelatedTableId>"
        "<Validate>true</Validate></TableRelationshipMetadata>"
    )


def table(
    name: str,
    fields: Sequence[str],
    *,
    indices: Sequence[str] = (),
    relations: Sequence[str] = (),
    members: Mapping[str, str] | None = None,
    keys: Mapping[str, str] | None = None,
) -> str:
    """A TableMetadata. `members`: those of one text; `keys`: PrimaryIndex and ReplacementKey, whole."""
    told = {"HasCompanySpecificData": "true", "HasPartitionSpecificData": "true", "Id": str(TABLE_IDS[name]), "Name": name}
    whole = {key: f"<{key}>{text}</{key}>" for key, text in (told | dict(members or {})).items()}
    whole["Fields"] = f"<Fields>{''.join(fields)}</Fields>"
    whole["Indices"] = f"<Indices>{''.join(indices)}</Indices>"
    whole["TableRelationships"] = f"<TableRelationships>{''.join(relations)}</TableRelationships>"
    whole |= keys or {}
    return f"<TableMetadata>{''.join(whole[key] for key in sorted(whole))}</TableMetadata>"


def write(folder: Path) -> None:
    """Write all of it to a folder."""
    for name, text in _tables().items():
        _put(folder, "Table", name, text)
    for name, symbols in {"NoYes": ("No", "Yes"), "CustVendorBlocked": ("No", "Invoice", "All")}.items():
        _put(folder, "Enum", name, _enum(name, symbols))
    _put(folder, "Service", "CustCustGroupService", _service("CustCustGroupService", idempotent=True))
    _put(folder, "Service", "PartnerService", _service("PartnerService", idempotent=False))
    data_type = "<EdtMetadata><Id>77</Id><LabelId>@SYS2</LabelId><Name>PaymTermId</Name></EdtMetadata>"
    _put(folder, "ExtendedDataType", "PaymTermId", data_type)
    for name in ("Global", "CustPost"):
        _put(folder, "Class", name, _class(name))
    lines = [f"{language}\t{name}\t{texts[place]}" for name, texts in LABELS.items() for place, language in enumerate(LANGUAGES)]
    (folder / "labels.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "languages.txt").write_text("\n".join(LANGUAGES) + "\n", encoding="utf-8")


def _tables() -> dict[str, str]:
    rec_id = field(REC_ID, "RecId", "Int64", IsSystemField="true")
    found = {
        "CustGroup": table(
            "CustGroup",
            [
                field(1, "CustGroup", size="10", IsMandatory="true", LabelId="@SYS1", AllowEdit="false"),
                field(2, "Name", size="60", LabelId="Plain"),
                field(3, "PaymTermId", size="10", LabelId="@SYS2"),
                rec_id,
            ],
            indices=[index("GroupIdx", ["CustGroup"], alternate=True), index("NameIdx", ["Name"], unique=False)],
            relations=[relation("PaymTerm", TABLE_IDS["PaymTerm"], [(3, 1)])],
            members={"LabelId": "@SYS1"},
            keys={
                "PrimaryIndex": index("GroupIdx", ["CustGroup"], tag="PrimaryIndex"),
                "ReplacementKey": index("GroupIdx", ["CustGroup"], tag="ReplacementKey"),
            },
        ),
        "PaymTerm": table(
            "PaymTerm",
            [field(1, "PaymTermId", size="10", ExtendedDataTypeId="77"), field(2, "PaymSched", size="10"), rec_id],
            relations=[relation("PaymSched", TABLE_IDS["PaymSched"], [(2, 1)])],
            members={"LabelId": "@SYS2"},
        ),
        "PaymSched": table(
            "PaymSched",
            [field(1, "Name", size="10"), field(2, "PaymTermId", size="10"), rec_id],
            relations=[relation("PaymTerm", TABLE_IDS["PaymTerm"], [(2, 1)])],
        ),
        "CustTable": table(
            "CustTable",
            [
                field(1, "AccountNum", size="20"),
                field(2, "CustGroup", size="10"),
                field(3, "Blocked", "Enum", enum="CustVendorBlocked"),
                field(4, "Party", "Int64"),
                field(5, "Memo", "VarString"),
                rec_id,
            ],
            relations=[
                relation("CustGroup", TABLE_IDS["CustGroup"], [(2, 1)]),
                relation("Party", TABLE_IDS["DirParty"], [(4, REC_ID)], fixed=[(3, 0)]),
                relation("Nowhere", 9999, [(1, 1)]),
            ],
        ),
        "DirParty": table(
            "DirParty", [field(1, "Name", size="100")], members={"IsAbstract": "true", "HasCompanySpecificData": "false"}
        ),
        "DirPerson": table("DirPerson", [field(2, "Initials", size="10")], members={"Parent": str(TABLE_IDS["DirParty"])}),
        "CustView": table("CustView", [field(1, "AccountNum", size="20")], members={"IsView": "true"}),
        "TmpLedger": table("TmpLedger", [field(1, "Amount", "Real")], members={"IsTemp": "true", "IsDateEffective": "true"}),
    }
    for name in TABLE_IDS.keys() - found.keys():
        found[name] = table(name, [field(1, "Key", size="10"), field(2, "Active", "Enum", enum="NoYes"), rec_id])
    return found


def _extension(size: str, enum: str) -> str:
    """What a field's type says more, of a derived type each."""
    if size:
        told = {"IsMemoField": "false", "StringSize": size}
        return f'<FieldExtendedProperty i:type="StringFieldExtensionMetadata">{_members(told)}</FieldExtendedProperty>'
    if enum:
        told = {"EnumId": str(ENUM_IDS[enum])}
        return f'<FieldExtendedProperty i:type="EnumFieldExtensionMetadata">{_members(told)}</FieldExtendedProperty>'
    return ""


def _enum(name: str, symbols: Sequence[str]) -> str:
    labels = {"No": "@SYS3", "Yes": "@SYS4"}
    entries = "".join(
        f"<EnumEntryMetadata><LabelId>{labels.get(symbol, symbol)}</LabelId><Name>{symbol}</Name><Value>{number}</Value></EnumEntryMetadata>"  # noqa: E501
        for number, symbol in enumerate(symbols)
    )
    label = "<LabelId>@SYS4</LabelId>" if name == "NoYes" else ""
    return f"<EnumMetadata><Entries>{entries}</Entries><EnumId>{ENUM_IDS[name]}</EnumId>{label}<Name>{name}</Name></EnumMetadata>"


def _service(name: str, *, idempotent: bool) -> str:
    operation = (
        f"<ServiceOperationMetadata><EnableIdempotence>{_word(idempotent)}</EnableIdempotence><Method>create</Method>"
        "<Name>create</Name><Type>Create</Type></ServiceOperationMetadata>"
    )
    told = (
        f"<Class>{name}Class</Class><ExternalName>{name}</ExternalName><Name>{name}</Name>"
        f"<Namespace>urn:ns</Namespace><Operations>{operation}</Operations>"
    )
    if name != "CustCustGroupService":
        return f"<ServiceMetadata>{told}</ServiceMetadata>"
    key = f'<d:FieldNames xmlns:a="{ARRAYS}"><a:string>CustGroup</a:string></d:FieldNames><d:TableName>CustGroup</d:TableName>'
    return (
        f'<ServiceMetadata xmlns:d="{DOCUMENTS}" i:type="d:DocumentServiceMetadata">{told}<d:Key>{key}</d:Key></ServiceMetadata>'
    )


def _class(name: str) -> str:
    contracts = "http://schemas.datacontract.org/2004/07/Microsoft.Dynamics.AX.Framework.Services.Metadata.Contracts"
    methods = "".join(
        f"<c:ClassMethodMetadata><c:AccessMode>{access}</c:AccessMode><c:Name>{method}</c:Name></c:ClassMethodMetadata>"
        for method, access in (("main", "Public"), ("secret", "Private"))
    )
    return f'<ClassMetadata><Methods xmlns:c="{contracts}">{methods}</Methods><Name>{name}</Name></ClassMetadata>'


def _put(folder: Path, kind: str, name: str, text: str) -> None:
    (folder / kind).mkdir(parents=True, exist_ok=True)
    (folder / kind / f"{name}.xml").write_text(text, encoding="utf-8")


def _members(of: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{text}</{name}>" for name, text in of.items())


def _word(truth: bool) -> str:
    return str(truth).lower()
