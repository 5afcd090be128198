"""`rapidstart package`: look into a package before it is loaded."""

import uuid
from pathlib import Path
from typing import Any

import click

from connector.cli import front, inspection


@click.group()
def package() -> None:
    """Look into a package before it is loaded. Nothing is written to AX."""


@package.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--endpoint", help="Match it against what this endpoint offers.")
@click.option("--mapping", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A mapping (TOML).")
@front.json_option
def inspect(file: Path, endpoint: str | None, mapping: Path | None, as_json: bool) -> int:
    """Every entity, match, key and order, and why. Without --endpoint the dispatcher is not asked."""
    found = inspection.local(file, endpoint=endpoint, mapping=mapping)
    return inspection.show(found, as_json=as_json)


@package.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--endpoint", help="The AOS instance that it shall go into; else RAPIDSTART_ENDPOINT.")
@click.option("--company", help="The company (DataAreaId) that the rows belong to. Never guessed.")
@click.option("--partition", help="The data partition; else the endpoint's own.")
@click.option("--mapping", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A mapping (TOML).")
@click.option("--mode", type=click.Choice(["upsert", "create", "update", "delete"]), default="upsert", show_default=True)
@click.option("--blank", type=click.Choice(["keep", "clear"]), default="keep", show_default=True, help="Empty cells on update.")
@click.option("--only", metavar="STEP", help="Validate one step only: its number, entity or table.")
@click.option("--offline", is_flag=True, help="Hold the rows against the contract alone: no worker and no AOS is asked.")
@front.json_option
def validate(file: Path, endpoint: str | None, offline: bool, as_json: bool, **more: Any) -> int:
    """What a load would do, row by row. AX is asked, and nothing is written.

    Exit codes: 0 every row would go in; 1 some would fail; 3 refused; 4 the endpoint was never surveyed.
    """
    from connector.cli import load
    from connector.cli.job import watch_to_end

    wish = load.Wish(endpoint=front.endpoint_name(endpoint), strict=False, batch_rows=None, **more)
    if not wish.company:
        raise click.UsageError("Name the company that the rows belong to, as --company USMF.")
    client = front.client()
    client.metadata(wish.endpoint)  # it says so where the endpoint was never surveyed: a job would only wait
    job = load.submit(client, file, wish, key=str(uuid.uuid4()), quiet=as_json, kind="preview", offline=offline)
    if not offline and client.endpoint(wish.endpoint)["state"] != "online":
        note = "no worker of this endpoint is online: this waits for one. With --offline the contract alone is asked."
        click.echo(f"Note: {note}", err=True)
    return watch_to_end(job["id"], as_json=as_json)


@package.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@front.json_option
def tables(file: Path, as_json: bool) -> None:
    """The tables, fields and keys that would take the package as it is."""
    from dataclasses import asdict

    from connector.intake import tables as shapes
    from connector.intake.package import open_package

    found = shapes.tables(open_package(file))
    if as_json:
        for shape in found:
            front.emit(asdict(shape))
        return
    from rich.table import Table

    table = Table("Entity", "Table", "Key", "Columns", box=None, header_style="bold", pad_edge=False)
    for shape in found:
        columns = ", ".join(column.field for column in shape.columns)
        table.add_row(front.printable(shape.entity), shape.table, ", ".join(shape.key) or "none", columns)
    front.console().print(table)
