"""`rapidstart ledger`: back it up, and see what a restored one lacks."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli import front

if TYPE_CHECKING:
    from connector import api


@click.group()
def ledger() -> None:
    """The dispatcher's record of everything."""


@ledger.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@front.json_option
def backup(file: Path, as_json: bool) -> None:
    """Copy the ledger to a new FILE, also while a dispatcher runs. Works on the dispatcher's computer, with its settings.

    To restore it: stop the dispatcher, put the copy in the ledger's place, remove the files that end in -wal and -shm, start
    again. Packages lie beside it, in the home's folder `packages`: they are backed up as files.
    """
    from connector.ledger.backup import backup as copy
    from connector.ledger.store import sqlite_url

    settings = front.settings()
    size = copy(settings.ledger_url or sqlite_url(settings.home / "ledger.db"), file)
    if as_json:
        front.emit({"file": str(file), "bytes": size})
    else:
        click.echo(f"The ledger was copied to {file} ({size:,} bytes). Back the folder of packages up with it.")


@ledger.command()
@front.json_option
def show(as_json: bool) -> None:
    """Whether the ledger was restored from a backup, and the jobs that wait for a person since."""
    found = front.client().ledger()
    if as_json:
        front.emit(found)
        return
    for line in _told(found):
        click.echo(front.printable(line))


def _told(found: "api.LedgerState") -> list[str]:
    from connector.cli import words

    restored = found["restored"]
    if restored is None:
        return ["The ledger was never restored from a backup, as far as the broker knows."]
    lines = [
        f"A restored ledger was noticed on {words.local(restored['at'])}.",
        f"It lacks about {restored['missing_s']:,} s in which jobs were under way.",
        *(
            f"{each['endpoint']}: {each['reports']:,} reports and {each['batches']:,} batches lay on the broker."
            for each in restored["waiting"]
        ),
    ]
    return lines + [line for job in found["held_back"] for line in _job(job)]


def _job(job: "api.HeldBack") -> list[str]:
    left = f"{job['planned']:,} batches were not sent, {job['in_flight']:,} were under way, as far as the ledger knows"
    lines = [f"{job['id']} for {job['endpoint']}, company {job['company']}, is paused: {left}."]
    if job["calls"]:
        lines.append(f"  {job['calls']:,} of them are calls: look in AX whether they took effect, they would be made again.")
    return [*lines, f"  Rows that are in are found by their keys. Go on: rapidstart job resume {job['id']}"]
