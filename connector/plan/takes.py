"""What the cells of a column may be, in words, where that is not any text: spellings, moments, segments."""

from connector.plan import structures
from connector.plan.mapping import TableMapping
from connector.wire.jobs import Column
from connector.wire.metadata import Field, FieldType, Table

_MOST = 8
_WORDS = {
    FieldType.DATE: "a date as 2011-01-31",
    FieldType.DATETIME: "a date and time as 2011-01-31T13:30:00+01:00, of UTC where it names no offset",
    FieldType.TIME: "a time of day as 13:30:00",
    FieldType.BOOLEAN: "true or false",
    FieldType.DECIMAL: "a number with a decimal point",
    FieldType.INTEGER: "a whole number",
    FieldType.GUID: "a GUID",
    FieldType.BASE64: "Base64",
}


def takes(table: Table, column: Column, said: TableMapping) -> str:
    """What fits the column's field; "" for any text, or where the contract does not tell."""
    field = table.field(column.field)
    if field is not None and column.part:
        within = (*(field.structure.texts if field.structure else ()), *field.attributes)
        field = next((each for each in within if each.name == column.part), None)
    if field is None:
        return ""
    if field.structure:
        parts = structures.segments(field, said)
        delimiter = said.structure[field.name].delimiter if field.name in said.structure else ""
        return delimiter.join(parts) if len(parts) > 1 else ""
    return _symbols(field) if field.symbols else _WORDS.get(field.type, "")


def _symbols(field: Field) -> str:
    """The symbols, and by what else they may be called: labels and numbers only where the contract tells them."""
    shown = ", ".join(field.symbols[:_MOST]) + (", ..." if len(field.symbols) > _MOST else "")
    ways = ["symbol", *(["label"] if field.labels else []), *(["number"] if field.numbers else [])]
    return f"{shown} (by {' or '.join(ways)})"
