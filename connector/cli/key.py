"""`rapidstart key`: the dispatcher's own key, by which workers know its orders."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from connector.cli import front


@click.group()
def key() -> None:
    """The dispatcher's key, by which workers know its orders. Works on the dispatcher's computer, with its settings."""


@key.command()
@front.json_option
def show(as_json: bool) -> None:
    """The fingerprints of the dispatcher's keys, the newest last, to be compared with what a worker's computer shows."""
    from connector.errors import NotFound
    from connector.wire import keys

    file = _file()
    if not file.exists():
        raise NotFound("there is no key yet.", advice="The dispatcher makes one when it starts: rapidstart dispatcher")
    with _told():
        prints = [each.public.fingerprint for each in keys.load(file)]
    if as_json:
        front.emit({"fingerprints": prints})
        return
    for each in prints:
        click.echo(each)


@key.command()
@front.json_option
def rotate(as_json: bool) -> None:
    """Add a new key. Restart the dispatcher then: workers follow by themselves, what is on the way still counts.

    Several dispatchers of one ledger have the same file: copy dispatcher.key to each before they are restarted. A worker
    trusts the newest two keys, so an old one is out of use after the second rotation that it has heard of.
    """
    from connector.wire import keys

    with _told():
        new = keys.rotate(_file())
    if as_json:
        front.emit({"fingerprint": new.fingerprint})
    else:
        click.echo(f"The new key is {new.fingerprint}. Restart the dispatcher; back its home up again.")


def _file() -> Path:
    from connector.dispatch import letters

    return front.settings().home / letters.FILE


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turns a key file that cannot be used into Refused."""
    from connector.errors import Refused
    from connector.wire.keys import KeyUnreadable

    try:
        yield
    except KeyUnreadable as error:
        raise Refused(str(error), advice="Put dispatcher.key back from a backup of RAPIDSTART_HOME.") from error
