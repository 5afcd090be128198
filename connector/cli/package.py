"""`rapidstart package`: look into a package before it is loaded."""

from pathlib import Path

import click

from connector.cli import front, inspection


@click.group()
def package() -> None:
    """Look into a package before it is loaded. Nothing is submitted."""


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
