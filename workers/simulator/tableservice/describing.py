"""describe, companies and databaseMark: what may be asked of this AOS over the table service."""

from workers.simulator import values
from workers.simulator.faults import refused
from workers.simulator.model import Edit, Field, Table
from workers.simulator.tableservice import datacontracts as dc
from workers.simulator.tableservice import request as ask
from workers.simulator.tableservice import valuetexts
from workers.simulator.tableservice.request import TableCall


def companies(call: TableCall) -> str:
    """The companies of this AOS."""
    return dc.response(dc.record("RapidStartCompany", Id=each, Name=f"Company {each}") for each in call.companies)


def database_mark(call: TableCall) -> str:
    """The mark of the database."""
    return dc.response(call.store.mark())


def describe(call: TableCall) -> str:
    """The tables that were named, or all. Raises AifError for one that is not there."""
    allowed = call.allowed()
    wanted = dc.texts(call.request, "_tables")
    if missing := [name for name in wanted if values.fold(name) not in allowed]:
        message = f"The table '{missing[0]}' is not on the allow-list of the RapidStart service."
        raise refused(message, code=ask.NOT_ALLOWED)
    tables = [allowed[values.fold(name)] for name in wanted] or list(allowed.values())
    return dc.response(_table(call, table) for table in tables)


def _table(call: TableCall, table: Table) -> str:
    key = dc.record(
        "RapidStartIndexInfo", Fields=dc.strings(table.rules.key), Name=f"{table.name}Idx", PrimaryKey=True, ReplacementKey=True
    )
    return dc.record(
        "RapidStartTableInfo",
        AllowCreate=True,
        AllowDelete=True,
        AllowUpdate=True,
        Fields=[_field(call, table, each) for each in table.fields.values()],
        Indexes=[key] if table.rules.key else [],
        Label=table.rules.label or table.name,
        Name=table.name,
        SavedPerCompany=True,
    )


def _field(call: TableCall, table: Table, field: Field) -> str:
    symbols = valuetexts.symbols(field)
    target = ask.target_of(call, table, field.name)
    key = ask.key_paths(call, target) if target is not None else []
    info = dc.record(
        "RapidStartFieldInfo",
        AllowEdit=field.name not in table.rules.edit,
        AllowEditOnCreate=table.rules.edit.get(field.name) is not Edit.NEVER,
        EnumEntries=[_entry(value, symbol) for value, symbol in enumerate(symbols)],
        EnumName=f"{table.name}_{field.name}" if field.symbols else "NoYes" if symbols else "",
        ExtendedType="",
        FieldType="Int64" if target is not None else valuetexts.FIELD_TYPES[field.kind],
        Label=table.rules.captions.get(field.name, field.name),
        Mandatory=field.mandatory,
        Name=field.name,
        Reference=None,
        StringSize=field.max_length or 0,
        Supported=bool(key) if target is not None else ask.is_carried(field),
    )
    if target is None:
        return info
    inner = dc.record("RapidStartReference", KeyFields=dc.strings(f"{field.name}.{path}" for path in key), Table=target.name)
    return info.replace('<b:Reference i:nil="true"/>', dc.renamed(inner, "RapidStartReference", "Reference"))


def _entry(value: int, symbol: str) -> str:
    return dc.record("RapidStartEnumEntry", Label=symbol, Symbol=symbol, Value=value)
