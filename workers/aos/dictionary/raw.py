"""What MetadataService tells, as values, before ids became names and labels became texts."""

from dataclasses import dataclass

from connector.wire.dictionary import DataEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class RawField:
    """A field; see `TableField`."""

    id: int
    name: str
    type: str
    data_type: str
    length: int | None
    enum_id: int
    data_type_id: int
    mandatory: bool
    allow_edit: bool
    allow_edit_on_create: bool
    visible: bool
    system: bool
    label: str
    """a label's id, as @SYS1234, or a text; "" where its extended data type or enumeration has one"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawIndex:
    """An index; see `TableIndex`."""

    name: str
    fields: tuple[str, ...]
    unique: bool
    alternate_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRelation:
    """A relation; see `TableRelation`. Tables and fields are told by their ids."""

    name: str
    table_id: int
    fields: tuple[tuple[int, int], ...]
    fixed: tuple[tuple[int, int], ...]
    related_fixed: tuple[tuple[int, int], ...]
    validated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """A table; see `DataTable`."""

    id: int
    name: str
    label: str
    fields: tuple[RawField, ...]
    indexes: tuple[RawIndex, ...]
    primary_index: str
    replacement_key: tuple[str, ...]
    relations: tuple[RawRelation, ...]
    per_company: bool
    per_partition: bool
    date_effective: bool
    abstract: bool
    parent_id: int
    is_view: bool
    is_temporary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEnum:
    """An enumeration whose labels are ids."""

    id: int
    value: DataEnum
