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
        f"The ledger was restored from a backup: that was noticed on {words.local(restored['at'])}.",
        f"It knows nothing of about {words.span(restored['missing_s'])} before that, in which jobs were under way.",
        *(
            f"On the broker lay {words.plural(each['reports'], 'report')} of {each['endpoint']} that it had not recorded, and "
            f"{_batches(each['batches'])} that no worker had taken."
            for each in restored["waiting"]
        ),
    ]
    waiting = [line for job in found["held_back"] for line in _job(job)]
    return lines + (waiting or ["No job waits for a person because of that any more."])


def _job(job: "api.HeldBack") -> list[str]:
    if job["ended"]:
        return [f"{job['id']} for {job['endpoint']}, company {job['company']}, has ended.", *_calls(job)]
    told = f"By the ledger {_batches(job['planned'])} of it were not sent, and {_batches(job['in_flight'])} had no end"
    lines = [
        f"{job['id']} for {job['endpoint']}, company {job['company']}, is paused. {told}; since then more may have been done."
    ]
    lines.append(f"  Rows that are in are found by their keys. Go on: rapidstart job resume {job['id']}")
    return lines + (_calls(job) if job["calls"] else [])


def _calls(job: "api.HeldBack") -> list[str]:
    which = "1 batch of it calls" if job["calls"] == 1 else f"{job['calls']:,} batches of it call"
    when = "" if job["ended"] else ", once it has ended"
    return [
        f"  {which} operations or methods: nobody can tell whether they took effect, so they are not called again.",
        f"  Look in AX, and settle their rows{when}: rapidstart job resolve {job['id']} --all --as done (or retry, or skip)",
    ]


def _batches(count: int) -> str:
    return "1 batch" if count == 1 else f"{count:,} batches"
