"""What AX's data dictionary says of a table and of its fields, in words."""

from connector.wire.dictionary import DataTable


def of_table(known: DataTable) -> str:
    """Its label, its keys, and whether each company has records of its own."""
    keys = [" + ".join(key) for key in known.unique_keys]
    reach = (
        "per company" if known.per_company else "shared by all companies" if known.per_partition else "shared by all partitions"
    )
    label = f"{known.label!r}, " if known.label else ""
    return f"{label}{reach}; unique by {' or '.join(keys)}" if keys else f"{label}{reach}; no unique key"


def of_field(known: DataTable, name: str) -> str:
    """Its label, type, length, limits, and the tables of which it names a record; "" where the table has no such field."""
    field = known.field(name)
    if field is None:
        return ""
    kind = f"{field.enum or field.data_type or field.type}" + (f" of {field.length}" if field.length else "")
    limits = [
        *(["mandatory"] if field.mandatory else []),
        *(["not set on create"] if not field.allow_edit_on_create else []),
        *(["not changed later"] if not field.allow_edit else []),
    ]
    names = dict.fromkeys(
        relation.table for relation in known.relations if any(mine.casefold() == name.casefold() for mine, _ in relation.fields)
    )
    told = [*([repr(field.label)] if field.label else []), kind, *limits]
    return ", ".join(told) + (f"; names {' or '.join(names)}" if names else "")
