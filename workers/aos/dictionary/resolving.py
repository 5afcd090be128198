"""From ids to names: which table a relation leads to, which fields it compares, which enumeration a field is of. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from connector.wire.dictionary import DataTable, TableField, TableIndex, TableRelation
from workers.aos.dictionary.raw import RawField, RawIndex, RawRelation, RawTable

#: Fields that every table has, by the ids that AX' kernel gives them; a table's own list may leave them out.
_KERNEL: Final[Mapping[int, str]] = {65534: "RecId", 61448: "DataAreaId"}


@dataclass(slots=True)
class Names:
    """The names that ids stand for, as far as they were met."""

    tables: dict[int, str] = field(default_factory=dict)
    fields: dict[int, dict[int, str]] = field(default_factory=dict)
    """by table and field"""
    enums: dict[int, str] = field(default_factory=dict)
    enum_labels: dict[int, str] = field(default_factory=dict)
    data_types: dict[int, str] = field(default_factory=dict)
    """labels of extended data types"""

    def learn(self, table: RawTable) -> None:
        """Note a table and its fields."""
        self.tables[table.id] = table.name
        self.fields[table.id] = {each.id: each.name for each in table.fields}

    def field(self, table: int, number: int) -> str:
        """A field's name; "" where it was not met."""
        return self.fields.get(table, {}).get(number, "") or _KERNEL.get(number, "")

    def label(self, field: RawField) -> str:
        """A field's label: its own, else that of its extended data type, else that of its enumeration."""
        return field.label or self.data_types.get(field.data_type_id, "") or self.enum_labels.get(field.enum_id, "")

    def unknown_data_types(self, tables: Iterable[RawTable]) -> list[int]:
        """The ids of extended data types that fields without a label of their own have."""
        named = {each.data_type_id for table in tables for each in table.fields if each.data_type_id and not each.label}
        return sorted(named - self.data_types.keys())

    def unknown_tables(self, tables: Iterable[RawTable]) -> list[int]:
        """The ids that these tables name, and that nobody has a name for."""
        named = {each for table in tables for each in (table.parent_id, *(one.table_id for one in table.relations)) if each}
        return sorted(named - self.tables.keys())

    def unknown_enums(self, tables: Iterable[RawTable]) -> list[int]:
        """The ids of enumerations of these tables' fields that nobody has a name for."""
        named = {each.enum_id for table in tables for each in table.fields if each.enum_id}
        return sorted(named - self.enums.keys())


def table(raw: RawTable, names: Names, text: Callable[[str], str]) -> DataTable:
    """A table by its names and texts. A relation to a table that AX does not tell of is left out."""
    return DataTable(
        name=raw.name,
        label=text(raw.label),
        fields=tuple(_field(each, names, text) for each in raw.fields),
        indexes=tuple(map(_index, raw.indexes)),
        primary_index=raw.primary_index,
        replacement_key=raw.replacement_key,
        relations=tuple(_relations(raw, names)),
        per_company=raw.per_company,
        per_partition=raw.per_partition,
        date_effective=raw.date_effective,
        abstract=raw.abstract,
        parent=names.tables.get(raw.parent_id, ""),
        is_view=raw.is_view,
        is_temporary=raw.is_temporary,
    )


def _field(raw: RawField, names: Names, text: Callable[[str], str]) -> TableField:
    return TableField(
        name=raw.name,
        type=raw.type,
        data_type=raw.data_type,
        length=raw.length,
        enum=names.enums.get(raw.enum_id, ""),
        mandatory=raw.mandatory,
        allow_edit=raw.allow_edit,
        allow_edit_on_create=raw.allow_edit_on_create,
        visible=raw.visible,
        system=raw.system,
        label=text(names.label(raw)),
    )


def _index(raw: RawIndex) -> TableIndex:
    return TableIndex(name=raw.name, fields=raw.fields, unique=raw.unique, alternate_key=raw.alternate_key)


def _relations(raw: RawTable, names: Names) -> Iterator[TableRelation]:
    for each in raw.relations:
        found = _relation(raw, each, names)
        if found is not None:
            yield found


def _relation(raw: RawTable, relation: RawRelation, names: Names) -> TableRelation | None:
    """None where a table or field that it needs has no name: half a relation would say something else."""
    related = relation.table_id
    pairs = tuple((names.field(raw.id, mine), names.field(related, its)) for mine, its in relation.fields)
    fixed = tuple((names.field(raw.id, mine), value) for mine, value in relation.fixed)
    related_fixed = tuple((names.field(related, its), value) for its, value in relation.related_fixed)
    if related not in names.tables or not all(all(pair) for pair in pairs):
        return None
    if not all(name for name, _ in (*fixed, *related_fixed)):
        return None
    return TableRelation(
        name=relation.name,
        table=names.tables[related],
        fields=pairs,
        fixed=fixed,
        related_fixed=related_fixed,
        validated=relation.validated,
    )
