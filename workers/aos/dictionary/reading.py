"""Answers of MetadataService as values. They are written by WCF's DataContractSerializer: members by name in any namespace,
derived types by i:type, null by i:nil, and an object that was told before by z:Ref to its z:Id.

No answer whatever breaks it: what is not there reads as nothing.
"""

import sys
from collections.abc import Mapping
from typing import Final

from lxml import etree

from connector.wire.dictionary import DataEnum, DeclaredClass, DeclaredService, EnumEntry, ServiceOperation
from workers.aos.dictionary.raw import RawEnum, RawField, RawIndex, RawRelation, RawTable

_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_SERIALIZATION: Final = "{http://schemas.microsoft.com/2003/10/Serialization/}"
_ID: Final = f"{_SERIALIZATION}Id"
_REF: Final = f"{_SERIALIZATION}Ref"
#: Base types that hold a text as String does.
_TEXTS: Final = frozenset({"String", "RString", "VarString"})


class Thing:
    """An object of an answer: its members by name, wherever in the answer it was told."""

    def __init__(self, element: etree._Element, told: Mapping[str, etree._Element]) -> None:
        self._told = told
        source = told.get(element.get(_REF, ""), element)
        inside = source.iterchildren(etree.Element)
        self._members = {etree.QName(part).localname: part for part in inside if part.get(_NIL) not in ("true", "1")}

    def text(self, name: str) -> str:
        """A member's text; "" where there is none. Equal texts are one: a dictionary repeats its words without end."""
        part = self._members.get(name)
        return "" if part is None else sys.intern((part.text or "").strip())

    def texts(self, name: str) -> tuple[str, ...]:
        """A member that is a list of texts."""
        part = self._members.get(name)
        return () if part is None else tuple(each.text for each in part.iterchildren(etree.Element) if each.text)

    def number(self, name: str) -> int:
        """A member's number; 0 where there is none."""
        try:
            return int(self.text(name) or 0)
        except ValueError:
            return 0

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A member's truth."""
        text = self.text(name)
        return text in ("true", "1") if text else default

    def thing(self, name: str) -> "Thing | None":
        """A member that is an object itself."""
        part = self._members.get(name)
        return None if part is None else Thing(part, self._told)

    def things(self, name: str) -> "list[Thing]":
        """A member that is a list of objects."""
        part = self._members.get(name)
        return [] if part is None else _inside(part, self._told)


def things(response: etree._Element) -> list[Thing]:
    """The objects of the list that an operation answered."""
    told = {name: element for element in response.iter(etree.Element) if (name := element.get(_ID)) is not None}
    return [thing for result in response.iterchildren(etree.Element) for thing in _inside(result, told)]


def texts(response: etree._Element) -> list[str]:
    """The texts of the list that an operation answered."""
    return [entry.text or "" for result in response.iterchildren(etree.Element) for entry in result.iterchildren(etree.Element)]


def table(told: Thing) -> RawTable:
    """A TableMetadata."""
    primary, replacement = told.thing("PrimaryIndex"), told.thing("ReplacementKey")
    return RawTable(
        id=told.number("Id"),
        name=told.text("Name"),
        label=told.text("LabelId"),
        fields=tuple(_field(each) for each in told.things("Fields")),
        indexes=tuple(_index(each) for each in told.things("Indices") if each.flag("Enabled", default=True)),
        primary_index=primary.text("Name") if primary else "",
        replacement_key=_names(replacement) if replacement else (),
        relations=tuple(_relation(each) for each in told.things("TableRelationships")),
        per_company=told.flag("HasCompanySpecificData", default=True),
        per_partition=told.flag("HasPartitionSpecificData", default=True),
        date_effective=told.flag("IsDateEffective"),
        abstract=told.flag("IsAbstract"),
        parent_id=told.number("Parent"),
        is_view=told.flag("IsView"),
        is_temporary=told.flag("IsTemp") or told.flag("IsTempDb"),
    )


def enum(told: Thing) -> RawEnum:
    """An EnumMetadata."""
    entries = tuple(
        EnumEntry(symbol=each.text("Name"), number=each.number("Value"), label=each.text("LabelId"))
        for each in told.things("Entries")
    )
    return RawEnum(id=told.number("EnumId"), value=DataEnum(name=told.text("Name"), label=told.text("LabelId"), entries=entries))


def service(told: Thing) -> DeclaredService:
    """A ServiceMetadata."""
    operations = tuple(
        ServiceOperation(
            name=each.text("Name"),
            method=each.text("Method"),
            kind=each.text("Type"),
            idempotent=each.flag("EnableIdempotence") if each.text("EnableIdempotence") else None,
        )
        for each in told.things("Operations")
    )
    key = told.thing("Key")
    return DeclaredService(
        name=told.text("Name"),
        external_name=told.text("ExternalName"),
        namespace=told.text("Namespace"),
        class_name=told.text("Class"),
        operations=operations,
        table=key.text("TableName") if key else "",
        key=key.texts("FieldNames") if key else (),
    )


def declared_class(told: Thing) -> DeclaredClass:
    """A ClassMetadata, with its public methods."""
    methods = [each.text("Name") for each in told.things("Methods") if each.text("AccessMode") in ("", "Public")]
    return DeclaredClass(name=told.text("Name"), methods=tuple(methods))


def data_type(told: Thing) -> tuple[int, str]:
    """An EdtMetadata: its id and its label."""
    return told.number("Id"), told.text("LabelId")


def label(told: Thing) -> tuple[str, str]:
    """A LabelMetadata: its id and its text."""
    return told.text("LabelId"), told.text("LabelString")


def language(told: Thing) -> str:
    """A LanguageInfo: its id, as en-us."""
    return told.text("LanguageId")


def _inside(part: etree._Element, told: Mapping[str, etree._Element]) -> list[Thing]:
    source = told.get(part.get(_REF, ""), part)
    return [Thing(each, told) for each in source.iterchildren(etree.Element) if each.get(_NIL) not in ("true", "1")]


def _field(told: Thing) -> RawField:
    base = told.text("BaseType") or told.text("FieldType")
    special = told.thing("FieldExtendedProperty")
    size = special.number("StringSize") if special and not special.flag("IsMemoField") else 0
    return RawField(
        id=told.number("FieldId"),
        name=told.text("Name"),
        type="String" if base in _TEXTS else base or "String",
        data_type=told.text("DataTypeName"),
        length=size if size > 0 else None,
        enum_id=special.number("EnumId") if special and base == "Enum" else 0,
        data_type_id=told.number("ExtendedDataTypeId"),
        mandatory=told.flag("IsMandatory"),
        allow_edit=told.flag("AllowEdit", default=True),
        allow_edit_on_create=told.flag("AllowEditOnCreate", default=True),
        visible=told.flag("IsVisible", default=True),
        system=told.flag("IsSystemField"),
        label=told.text("LabelId"),
    )


def _index(told: Thing) -> RawIndex:
    return RawIndex(
        name=told.text("Name"),
        fields=_names(told),
        unique=not told.flag("AllowDuplicates", default=True),
        alternate_key=told.flag("IsAlternateKey"),
    )


def _names(index: Thing) -> tuple[str, ...]:
    return tuple(name for each in index.things("Fields") if (name := each.text("Name")))


def _relation(told: Thing) -> RawRelation:
    pairs = [(each.number("FieldId"), each.number("RelatedFieldId")) for each in told.things("RelatedFieldRelationships")]
    fixed = [(each.number("FieldId"), each.number("Value")) for each in told.things("FixedFieldRelationships")]
    related = [(each.number("RelatedFieldId"), each.number("Value")) for each in told.things("RelatedFixedFieldRelationships")]
    return RawRelation(
        name=told.text("Name"),
        table_id=told.number("RelatedTableId"),
        fields=tuple(pairs),
        fixed=tuple(fixed),
        related_fixed=tuple(related),
        validated=told.flag("Validate", default=True),
    )
