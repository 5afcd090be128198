"""Where generated services come from: a small TOML file, or what a package says of its own tables.

Nothing here knows XML.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from workers.simulator.model import RECORD_ID, SYSTEM_FIELDS, Edit, Field, Kind, Reference, Rules, SetupError

DEFAULT_PORT: Final = "RapidStart"
#: The shared type of RecId; fields that hold one have it, too.
RECORD_TYPE: Final = "AxdExtType_RecId"
#: What can name a table or a field of AX; such a name can be an element's, too.
_NAME: Final = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDefinition:
    """One table to be generated, with the tables of its lines."""

    name: str
    document: str
    """name of the document, for a root table"""
    fields: tuple[Field, ...]
    rules: Rules
    lines: tuple["TableDefinition", ...] = ()

    def with_lines(self) -> Iterator["TableDefinition"]:
        """This table and all that are nested in it."""
        yield self
        for line in self.lines:
            yield from line.with_lines()

    @property
    def service(self) -> str:
        """The service's ExternalName, for a root table."""
        return f"{self.name}Service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """An integration port and the root tables that it offers, a document service each."""

    port: str
    tables: tuple[TableDefinition, ...]


def from_toml(path: Path) -> Definition:
    """The port of a definition file.

    `port = NAME`, then `[[table]]` with `name`, optional `label`, `key`, `document`, `fields` and `[[table.lines]]` of the
    same form. A field is `{ type, length, symbols, mandatory, references, default, edit }`, all optional. `references` is
    "Table" or "Table.Field", and lends its length; "Table.RecId" holds the number of a record. `edit` is "create" or "never",
    and, as `default`, a rule of the table service alone. Raises SetupError.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        tables = tuple(_table(item) for item in raw["table"])
        return Definition(port=raw.get("port", DEFAULT_PORT), tables=_resolve(tables))
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SetupError(f"{path} is not a table definition: {error}") from error


def _table(raw: Mapping[str, Any]) -> TableDefinition:
    name = raw["name"]
    fields = {key: _field(key, facets) for key, facets in raw["fields"].items()}
    if odd := next((each for each in (name, *fields) if not _NAME.fullmatch(each)), None):
        raise ValueError(f"{odd!r} cannot name a table or field: AX' names are letters, digits and _, a letter or _ first")
    references = {key: _reference(f["references"]) for key, f in raw["fields"].items() if "references" in f}
    defaults = {key: str(f["default"]) for key, f in raw["fields"].items() if "default" in f}
    edit = {key: Edit(f["edit"]) for key, f in raw["fields"].items() if "edit" in f}
    key = tuple(raw.get("key", ()))
    if missing := [part for part in key if part not in fields]:
        raise ValueError(f"the key of {name} names {missing[0]}, which is not a field of it")
    return TableDefinition(
        name=name,
        document=raw.get("document", f"Rs{name}"),
        fields=tuple(fields.values()),
        rules=Rules(key=key, label=raw.get("label", name), references=references, defaults=defaults, edit=edit),
        lines=tuple(_table(line) for line in raw.get("lines", ())),
    )


def _field(name: str, raw: Mapping[str, Any]) -> Field:
    symbols = tuple(raw.get("symbols", ()))
    return Field(
        name=name,
        kind=Kind.ENUM if symbols else Kind(raw.get("type", "string")),
        mandatory=raw.get("mandatory", False),
        max_length=raw.get("length"),
        symbols=symbols,
    )


def _reference(text: str) -> Reference:
    table, _, field = text.partition(".")
    return Reference(table=table, field=field)


def _resolve(tables: tuple[TableDefinition, ...]) -> tuple[TableDefinition, ...]:
    """Check references, and let those that name a table alone mean its first key field."""
    known = {table.name: table for root in tables for table in root.with_lines()}
    return tuple(_resolved(table, known) for table in tables)


def _resolved(table: TableDefinition, known: Mapping[str, TableDefinition]) -> TableDefinition:
    references = {name: _target(f"{table.name}.{name}", ref, known) for name, ref in table.rules.references.items()}
    typed = tuple(_typed(table.name, field, references.get(field.name), known) for field in table.fields)
    lines = tuple(_resolved(line, known) for line in table.lines)
    return replace(table, fields=typed, rules=replace(table.rules, references=references), lines=lines)


def _target(source: str, reference: Reference, known: Mapping[str, TableDefinition]) -> Reference:
    table = known.get(reference.table)
    field = reference.field or (table.rules.key[0] if table and table.rules.key else "")
    if table is None or field not in {RECORD_ID, *(each.name for each in table.fields)}:
        raise ValueError(f"{source} refers to {reference.table}, which is no table with such a field, or with a key")
    return Reference(table=reference.table, field=field)


def _typed(table: str, field: Field, reference: Reference | None, known: Mapping[str, TableDefinition]) -> Field:
    """A field with the name of its type. As in AX, a field that refers to another has the other's type."""
    owner, name = table, field.name
    if reference is not None and reference.field == RECORD_ID:
        return replace(field, kind=Kind.INTEGER, type_name=RECORD_TYPE)
    if reference is not None:
        target = next(each for each in known[reference.table].fields if each.name == reference.field)
        field = replace(field, max_length=field.max_length or target.max_length)
        if (field.kind, field.max_length) == (target.kind, target.max_length):
            owner, name = reference.table, reference.field
    if field.symbols:
        return replace(field, type_name=f"AxdEnum_{table}_{field.name}")
    if field.kind is Kind.GUID:
        return replace(field, type_name="AxdType_GUID")
    if field.max_length:
        return replace(field, type_name=f"AxdExtType_{owner}_{name}")
    return field


def from_package(path: Path) -> Definition:
    """The port that a package describes, asked of `rapidstart package tables`. Raises SetupError."""
    command = [sys.executable, "-m", "connector", "package", "tables", str(path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise SetupError(f"the tables of {path} cannot be told: {reason[0]}")
    return from_lines(done.stdout.splitlines(), source=str(path))


def from_lines(lines: Iterable[str], *, source: str) -> Definition:
    """The port that JSON lines describe, one entity each: entity, table, key, columns (column, field).

    Every column is an optional string. Raises SetupError.
    """
    try:
        tables = tuple(_entity(json.loads(line)) for line in lines if line.strip())
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{source} does not describe tables: {error}") from error
    if not tables:
        raise SetupError(f"{source} describes no tables")
    return Definition(port=DEFAULT_PORT, tables=tables)


def _entity(raw: Mapping[str, Any]) -> TableDefinition:
    captions = {column["field"]: column["column"] for column in raw["columns"]}
    return TableDefinition(
        name=raw["table"],
        document=f"Rs{raw['table']}",
        fields=tuple(Field(name=name) for name in captions if name not in SYSTEM_FIELDS),
        rules=Rules(key=tuple(raw["key"]), label=raw["entity"], entity=raw["entity"], captions=captions),
    )
