"""`rapidstart endpoint metadata`, as far as it is about AX's data dictionary: its import, and what is known by it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import click
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from connector import api
from connector.cli import front, words
from connector.cli.exits import Exit, of_job
from connector.cli.front import printable
from connector.client import Client
from connector.wire.dictionary import DataEnum, DataTable, DeclaredClass, DeclaredService, TableField

#: How many of each, in words.
_WORDS: Final = {
    "table": ("table", "tables"),
    "enum": ("enumeration", "enumerations"),
    "service": ("service", "services"),
    "class": ("class", "classes"),
}


#: The options of the command that name things of each kind.
_OPTIONS: Final = {"table": "tables", "enum": "enums", "service": "services", "class": "classes"}
#: So many of a kind are found at most.
_MOST_FOUND: Final = 1000
#: Codes of imports that ask for what is not there: no net.tcp address, no such language, no such table.
_REFUSED: Final = frozenset({"RSC-5934", "RSC-5935", "RSC-5936"})


class Import(NamedTuple):
    """What is to be imported."""

    language: str
    services_only: bool
    tables: Sequence[str]
    address: str = ""
    """of the MetadataService, where the endpoint's own addresses do not lead there"""


def start(client: Client, name: str, wanted: Import, *, watch: bool, as_json: bool) -> Exit:
    """Start an import, and follow it to its end where that is asked for. Raises click.UsageError."""
    if wanted.services_only and wanted.tables:
        raise click.UsageError("Import either services alone or some tables alone.")
    job = client.ask(api.Job, "POST", _path(name), json=wanted._asdict())
    if not watch:
        if as_json:
            front.emit(job)
        else:
            click.echo(f"{job['id']} imports the data dictionary of {name}. See: rapidstart job watch {job['id']}")
        return Exit.DONE
    from connector.cli import watching

    with watching.interruptible([job["id"]]), watching.display(front.console(), as_json=as_json) as display:
        (ended,) = watching.follow(client, [job["id"]], show=display)
    if ended["state"] != "succeeded":
        front.tell_error(ended)
    elif not as_json:
        print_known(front.console(), known(client, name))
    return Exit.REFUSED if ended["code"] in _REFUSED else of_job(ended)


def known(client: Client, name: str) -> dict[str, Any]:
    """How much of AX's data dictionary is known, kind by kind."""
    return client.ask(dict[str, Any], "GET", _path(name))


def _path(name: str, *more: str) -> str:
    return "/".join(["/endpoints", quote(name, safe=""), "dictionary", *(quote(each, safe="") for each in more)])


def print_known(console: Console, found: dict[str, Any]) -> None:
    """How much of the dictionary is known, and since when."""
    for held in found["kinds"]:
        language = f", labels in {held['language']}" if held["kind"] in ("table", "enum") else ""
        told = (
            f"{held['count']:,} {_WORDS[held['kind']][held['count'] != 1]}, imported {words.ago(held['imported_at'])}{language}"
        )
        console.print(Text(printable(f"Data dictionary: {told}"), style="dim"))
    if found["under_way"]:
        console.print(Text(f"An import is under way: rapidstart job watch {found['under_way']}", style="dim"))


def show(client: Client, name: str, asked: Mapping[str, Any], *, as_json: bool) -> Exit:
    """Print what the command's options ask for. Raises NotFound for what is not known."""
    for kind, thing in ((kind, thing) for kind, option in _OPTIONS.items() for thing in asked[option]):
        found = client.ask(dict[str, Any], "GET", _path(name, kind, thing))
        if as_json:
            front.emit(found)
        else:
            _print_thing(front.console(), found)
    if asked["search"]:
        _print_found(client, name, asked["search"], as_json=as_json)
    return Exit.DONE


def _print_found(client: Client, name: str, text: str, *, as_json: bool) -> None:
    grid = _grid("Kind", "Name", "Label")
    for kind in _WORDS:
        for each in client.ask(dict[str, Any], "GET", _path(name, kind), params={"text": text, "limit": _MOST_FOUND})["items"]:
            if as_json:
                front.emit(each)
            grid.add_row(each["kind"], printable(each["name"]), printable(each["label"]))
    if as_json:
        return
    if grid.row_count:
        front.console().print(grid)
    else:
        click.echo(f"Nothing in the data dictionary of {name} is called so.", err=True)


def _print_thing(console: Console, found: dict[str, Any]) -> None:
    match found["kind"]:
        case "table":
            _print_table(console, DataTable.model_validate(found))
        case "enum":
            _print_enum(console, DataEnum.model_validate(found))
        case "service":
            _print_service(console, DeclaredService.model_validate(found))
        case _:
            _print_class(console, DeclaredClass.model_validate(found))


def _print_table(console: Console, table: DataTable) -> None:
    traits = {
        "view": table.is_view,
        "temporary": table.is_temporary,
        "abstract": table.abstract,
        "date-effective": table.date_effective,
        "shared by all companies": not table.per_company,
        "shared by all partitions": not table.per_partition,
        f"derived from {table.parent}": bool(table.parent),
    }
    _head(console, table.name, table.label, [trait for trait, holds in traits.items() if holds])
    grid = _grid("Field", "Type", "Takes", "Needed", "Edited", "Label")
    for field in table.fields:
        key = " (key)" if field.name in table.replacement_key else ""
        needed = "always" if field.mandatory else ""
        grid.add_row(*map(printable, (f"{field.name}{key}", field.type, _takes(field), needed, _edited(field), field.label)))
    console.print(grid)
    keys = _grid("Index", "Fields", "Kind")
    for index in table.indexes:
        primary = "primary" if index.name == table.primary_index else ""
        kinds = [primary, "alternate key" if index.alternate_key else "", "unique" if index.unique else ""]
        keys.add_row(printable(index.name), printable(", ".join(index.fields)), ", ".join(filter(None, kinds)))
    if table.indexes:
        console.print(keys)
    _print_relations(console, table)


def _print_relations(console: Console, table: DataTable) -> None:
    grid = _grid("Relation", "To", "By", "Only where")
    for each in table.relations:
        by = ", ".join(mine if mine == its else f"{mine} = {its}" for mine, its in each.fields)
        only = [f"{field} is {value}" for field, value in each.fixed]
        only += [f"its {field} is {value}" for field, value in each.related_fixed]
        grid.add_row(*map(printable, (each.name, each.table, by, ", ".join(only))))
    if table.relations:
        console.print(grid)


def _takes(field: TableField) -> str:
    if field.enum:
        return f"an entry of {field.enum}"
    told = [f"{field.length} characters"] if field.length is not None else []
    return ", ".join([*told, *([field.data_type] if field.data_type and field.data_type != field.name else [])])


def _edited(field: TableField) -> str:
    if field.system:
        return "by AX"
    if field.allow_edit:
        return "" if field.allow_edit_on_create else "not on create"
    return "on create alone" if field.allow_edit_on_create else "never"


def _print_enum(console: Console, enum: DataEnum) -> None:
    _head(console, enum.name, enum.label, [])
    grid = _grid("Symbol", "Number", "Label")
    for entry in enum.entries:
        grid.add_row(printable(entry.symbol), f"{entry.number}", printable(entry.label))
    console.print(grid)


def _print_service(console: Console, service: DeclaredService) -> None:
    names = (service.external_name if service.external_name != service.name else "", service.class_name)
    _head(console, service.name, "", [name for name in names if name])
    grid = _grid("Operation", "Method", "Kind", "A repeated call")
    told = {True: "is refused by its MessageId", False: "is carried out again", None: "is not told"}
    for each in service.operations:
        grid.add_row(printable(each.name), printable(each.method), printable(each.kind), told[each.idempotent])
    console.print(grid)


def _print_class(console: Console, found: DeclaredClass) -> None:
    _head(console, found.name, "", [])
    for method in found.methods:
        console.print(Text(printable(method)))


def _head(console: Console, name: str, label: str, traits: Sequence[str]) -> None:
    told = " ".join([name, *([label] if label else []), *(f"({trait})" for trait in traits)])
    console.print(Text(printable(told), style="bold"))


def _grid(*columns: str) -> Grid:
    return Grid(*columns, box=None, header_style="bold", pad_edge=False)
