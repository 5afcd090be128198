"""The command line of the pretend AOS."""

import json
from pathlib import Path
from typing import Any

import click

from workers.simulator import setup
from workers.simulator.chaos import Fault
from workers.simulator.model import SetupError

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PACKAGE = click.Path(exists=True, path_type=Path)


def _keys(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    keys = {}
    for text in given:
        table, equals, fields = text.partition("=")
        if not (table and equals and fields):
            raise click.BadParameter(f"{text!r} is not TABLE=F1,F2")
        keys[table] = tuple(field.strip() for field in fields.split(","))
    return keys


def _faults(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[Fault, float]:
    rates = {}
    for text in given:
        kind, _equals, rate = text.partition("=")
        try:
            rates[Fault(kind)] = float(rate)
        except ValueError as error:
            raise click.BadParameter(f"{text!r} is not KIND=RATE with KIND one of {', '.join(Fault)}") from error
        if not 0 <= rates[Fault(kind)] <= 1:
            raise click.BadParameter(f"the rate in {text!r} is not between 0 and 1")
    return rates


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="TCP port to listen on; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--contract", "contracts", type=_FOLDER, multiple=True, help="Offer the port of a folder of WSDL and XSD files.")
@click.option("--tables-from", type=_PACKAGE, multiple=True, help="Offer a port RapidStart: a service per entity of a package.")
@click.option("--tables", type=_FILE, multiple=True, help="Offer the port of a table definition (TOML).")
@click.option("--tables-json", type=_FILE, multiple=True, hidden=True)
@click.option("--key", "keys", multiple=True, callback=_keys, metavar="TABLE=F1,F2", help="Key of a table.")
@click.option("--company", "companies", multiple=True, help="A company of the AOS; the first is the default [USMF, DEMF].")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Keep rows and MessageIds in this folder.")
@click.option("--latency", type=click.FloatRange(0), default=0.0, metavar="MS", help="Every call takes this much longer.")
@click.option("--fault", "faults", multiple=True, callback=_faults, metavar="KIND=RATE", help=f"One of {', '.join(Fault)}.")
@click.option("--count", is_flag=True, help="Swallow create calls as fast as possible.")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides which calls the faults hit.")
@click.option("--no-fault-detail", is_flag=True, help="Faults say only that the request failed.")
@click.option("--burn-failed-ids", is_flag=True, help="A call that failed has used its MessageId up.")
@click.option(
    "--files", type=click.Path(file_okay=False, path_type=Path), help="Take message files from DIR/in, answer in DIR/out."
)
@click.option(
    "--not-idempotent", multiple=True, metavar="OPERATION", help="It is carried out again under a MessageId seen before."
)
@click.option("--json", "as_json", is_flag=True, help="Print the address as JSON.")
def simulate(*, host: str, port: int, as_json: bool, **options: Any) -> None:
    """A pretend AOS that speaks the contracts of a real one, and misbehaves on request."""

    def announce(url: str) -> None:
        click.echo(json.dumps({"url": url}) if as_json else f"listening on {url}")  # echo flushes

    try:
        setup.serve(setup.Options(**options), host=host, port=port, announce=announce)
    except SetupError as error:
        raise click.UsageError(str(error)) from error
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
