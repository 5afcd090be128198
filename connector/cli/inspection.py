"""A package as it would be loaded, described on this computer; the dispatcher is asked for an endpoint's metadata only."""

import contextlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from connector.cli import front
from connector.cli.exits import Exit
from connector.errors import NotFound, PlanRefused

if TYPE_CHECKING:
    from rich.console import Console

    from connector.intake.values import Package
    from connector.plan.mapping import Mapping
    from connector.wire.dictionary import Dictionary
    from connector.wire.metadata import Metadata


def local(
    file: Path, *, endpoint: str | None, mapping: Path | None = None, mode: str = "upsert", blank: str = "keep"
) -> dict[str, Any]:
    """Every match, guess and reason. Raises PackageRefused, PlanRefused, and NotReachable where nobody has metadata yet."""
    from connector.intake.package import open_package
    from connector.plan import inspect as planning
    from connector.plan import mapping as mappings
    from connector.wire.jobs import Blank, Mode

    package = open_package(file)
    text, name = (mapping_text(mapping), mapping.name) if mapping else (package.mapping_toml or "", "rapidstart.toml")
    known, said = _metadata(endpoint) if endpoint else None, mappings.parse(text, name)
    told = _dictionary(endpoint, package, known, said) if endpoint and known else None
    found = planning.describe(package, known, mapping=said, mode=Mode(mode), blank=Blank(blank), dictionary=told)
    return asdict(found)


def mapping_text(path: Path) -> str:
    """The text of a mapping file. Raises PlanRefused where it is not UTF-8."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PlanRefused(f"{path.name} is not UTF-8 text.", advice="Save the mapping as UTF-8.") from error


def show(found: dict[str, Any], *, as_json: bool) -> Exit:
    """Print an inspection. A package that would be refused ends with the exit code of a refused load."""
    if as_json:
        front.emit(found)
    else:
        _print(front.console(), found)
        if found["refused"] is None and not any(entity["target"] for entity in found["entities"]):
            click.echo("\nName an endpoint to see which records and fields it would fill: --endpoint E")
        if found["refused"]:
            click.echo(f"Error: {found['refused']}", err=True)
    return Exit.REFUSED if found["refused"] else Exit.DONE


def _metadata(endpoint: str) -> "Metadata":
    from connector.wire.metadata import Metadata

    return Metadata.model_validate(front.client().metadata(endpoint))


def _dictionary(endpoint: str, package: "Package", known: "Metadata", mapping: "Mapping") -> "Dictionary | None":
    """What AX's data dictionary says of the package's tables; None where they are not known: why, the description says."""
    from connector import plan
    from connector.wire.dictionary import Dictionary

    with contextlib.suppress(PlanRefused, NotFound):  # an older dispatcher knows of none
        wanted = {"tables": plan.tables(package, known, mapping=mapping)}
        path = f"/endpoints/{quote(endpoint, safe='')}/dictionary/excerpt"
        return Dictionary.model_validate(front.client().ask(dict[str, Any], "POST", path, json=wanted))
    return None


def _print(console: "Console", found: dict[str, Any]) -> None:
    from rich.text import Text

    console.print(Text(front.printable(f"{found['name']} ({found['format']})"), style="bold"))
    for notice in found["notices"]:
        console.print(Text(f"Note: {front.printable(notice)}", style="yellow"))
    for entity in found["entities"]:
        console.print()
        for line in _entity(entity):
            console.print(Text(front.printable(line)))
        console.print(_columns(entity))


def _entity(entity: dict[str, Any]) -> list[str]:
    number = f"{entity['step']}. " if entity["step"] else ""
    sheet = f", sheet {entity['sheet']}" if entity["sheet"] else ""
    target = f" → {entity['target']}" if entity["target"] else ""
    key = ", ".join(entity["key"]) or "none"
    lines = [
        f"{number}{entity['entity']}{target}  ({entity['file']}{sheet})",
        f"   key    {key}: {entity['key_reason']}",
        f"   order  rank {entity['rank']}: {entity['rank_reason']}",
    ]
    if entity["match_reason"]:
        lines.insert(1, f"   match  {entity['match_reason']}")
    if entity["mode"]:
        lines.append(f"   mode   {entity['mode']}")
    if entity["known"]:
        lines.append(f"   known  {entity['known']} (AX's data dictionary)")
    return lines


def _columns(entity: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table("   Column", "Field", "First row", "Why", box=None, header_style="dim", pad_edge=False)
    first = entity["sample"][0] if entity["sample"] else ()
    for index, column in enumerate(entity["columns"]):
        value = first[index] if index < len(first) and first[index] is not None else ""
        takes = f"takes {column['takes']}" if column["takes"] else ""
        known = f"AX knows {column['known']}" if column["known"] else ""
        why = "; ".join(filter(None, (column["reason"], takes, known)))
        field = f"{column['field']}.{column['part']}" if column["part"] else column["field"] or ""
        cells = (f"   {column['column']}", field, value, why)
        table.add_row(*(front.printable(cell) for cell in cells))
    return table
