"""What AX's data dictionary adds to what a contract says of a record: lengths, labels, keys, references, how far it reaches.

The contract decides what a document may hold; where it is silent, the dictionary speaks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from connector.plan.matching import Record
from connector.plan.nesting import Matched
from connector.wire import values
from connector.wire.dictionary import DataEnum, DataTable, Dictionary
from connector.wire.metadata import Field, FieldType, Table

#: Fields that AX adds to keys and relations by itself: all records of a load have the same value there.
GIVEN: Final = frozenset({"dataareaid", "partition"})

#: A field of such a type may hold an external code, which is of any length, in place of its own value.
_UNION: Final = "AxdUnion_"

Spellings = Mapping[str, Mapping[str, str]]
"""by field, then by a label or number, case aside: the symbol"""


def told(matched: Matched, dictionary: Dictionary) -> Matched:
    """The action with its record as contract and dictionary know it together; itself where its table is not known."""
    record = matched.record
    name = matched.said.type.rpartition("_")[2] if matched.said.type else ""
    known = whole(name, dictionary) or whole(record.table.name, dictionary)
    if known is None or record.operation or matched.said.via == "dixf":
        return matched
    table = _together(record.table, known, dictionary)
    spellings = {
        field.name: spelled
        for field in table.fields
        if (bare := record.table.field(field.name)) and bare != field and (spelled := _spelled(field))
    }
    return replace(matched, record=replace(record, table=table), known=known, spellings=spellings)


def whole(name: str, dictionary: Dictionary) -> DataTable | None:
    """A table with what it inherits from those that it is derived from; None where it is not known."""
    lines = line(name, dictionary)
    if not lines:
        return None
    fields = {field.name.casefold(): field for each in reversed(lines) for field in each.fields}
    return lines[0].model_copy(
        update={
            "fields": tuple(fields.values()),
            "indexes": tuple(index for each in lines for index in each.indexes),
            "relations": tuple(relation for each in lines for relation in each.relations),
            "replacement_key": next((each.replacement_key for each in lines if each.replacement_key), ()),
        }
    )


def line(name: str, dictionary: Dictionary) -> list[DataTable]:
    """A table and those that it is derived from, as far as they are known. A circle in what was told ends it."""
    found: list[DataTable] = []
    here = dictionary.table(name) if name else None
    while here is not None and here not in found:
        found.append(here)
        here = dictionary.table(here.parent) if here.parent else None
    return found


def key(known: DataTable, filled: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    """The best unique key of which all fields are `filled`, spelled as these are, and what it is; None where there is none."""
    mine = {name.casefold(): name for name in filled}
    for fields in known.unique_keys:
        own = [name.casefold() for name in fields if name.casefold() not in GIVEN]
        if own and all(name in mine for name in own):
            return tuple(mine[name] for name in own), f"{_kind(known, fields)} of {known.name} in AX's data dictionary"
    return None


def _kind(known: DataTable, fields: tuple[str, ...]) -> str:
    if fields == known.replacement_key:
        return "the replacement key"
    found = [index for index in known.indexes if index.unique and index.fields == fields]
    if any(index.alternate_key for index in found):
        return "an alternate key"
    return "the primary index" if any(index.name == known.primary_index for index in found) else "a unique index"


def refers(known: DataTable) -> dict[str, tuple[str, str]]:
    """By field, case aside: the table and the field of the record that it names by itself, in whatever row."""
    found: dict[str, tuple[str, str]] = {}
    for relation in known.relations:
        pairs = [pair for pair in relation.fields if pair[0].casefold() not in GIVEN]
        if relation.validated and len(pairs) == 1 and not relation.fixed and not relation.related_fixed:
            found.setdefault(pairs[0][0].casefold(), (relation.table.casefold(), pairs[0][1].casefold()))
    return found


def idempotent(record: Record, dictionary: Dictionary) -> bool | None:
    """Whether AX refuses a MessageId that an operation has seen (EnableIdempotence); None where that was not told."""
    names = {service.external_name or service.name: service for service in dictionary.services}
    service = next((each for name, each in names.items() if name.casefold() == record.service.name.casefold()), None)
    found = (each for each in service.operations if each.name.casefold() == record.operation.casefold()) if service else iter(())
    operation = next(found, None)
    return operation.idempotent if operation else None


def scope(known: DataTable) -> str:
    """How far records of a table reach that no company has for itself."""
    return "partition" if known.per_partition else "installation"


def _together(table: Table, known: DataTable, dictionary: Dictionary) -> Table:
    enums = {enum.name.casefold(): enum for enum in dictionary.enums}
    derived = tuple(
        _together(each, whole(each.type_name.rpartition("_")[2], dictionary) or known, dictionary) for each in table.derived
    )
    return table.model_copy(
        update={
            "fields": tuple(_field(field, known, enums) for field in table.fields),
            "per_company": known.per_company if table.per_company is None else table.per_company,
            "derived": derived,
        }
    )


def _field(field: Field, known: DataTable, enums: Mapping[str, DataEnum]) -> Field:
    """A field with what the contract does not tell of it."""
    found = known.field(field.name)
    if found is None:
        return field
    more: dict[str, object] = {}
    is_own = not field.type_name.startswith(_UNION)
    if field.type is FieldType.STRING and field.max_length is None and not field.symbols and is_own and found.length:
        more["max_length"] = found.length
    if not field.label and found.label:
        more["label"] = found.label
    enum = enums.get(found.enum.casefold()) if found.enum else None
    if enum is not None and field.symbols and not field.labels and not field.numbers:
        more |= _words(field.symbols, enum)
    return field.model_copy(update=more) if more else field


def _words(symbols: Sequence[str], enum: DataEnum) -> dict[str, object]:
    """Labels and numbers in the order of the symbols; a symbol that the dictionary does not have keeps its own name."""
    entries = {entry.symbol.casefold(): entry for entry in enum.entries}
    found = [entries.get(symbol.casefold()) for symbol in symbols]
    labels = tuple((entry.label if entry else "") or symbol for entry, symbol in zip(found, symbols, strict=True))
    numbers = tuple(entry.number for entry in found if entry)
    return {"labels": labels} | ({"numbers": numbers} if len(numbers) == len(symbols) else {})


def _spelled(field: Field) -> dict[str, str]:
    """The symbols by what else they may be called. What two of them share names neither."""
    if not field.symbols:
        return {}
    found: dict[str, str] = {}
    for text in (*field.labels, *map(str, field.numbers)):
        if values.fits(field, text) is None:
            found[text.strip().casefold()] = values.lexical(field, text)
    own = {symbol.casefold() for symbol in field.symbols}
    return {text: symbol for text, symbol in found.items() if text not in own}
