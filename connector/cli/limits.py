"""`rapidstart endpoint limit`, and how an endpoint's limits and its silence are told."""

import math
import re
from collections.abc import Callable
from typing import Any, Final

import click

from connector import api
from connector.cli import front, words

_SECONDS: Final = re.compile(r"(\d+(?:\.\d+)?) ?(?:-|to) ?(\d+(?:\.\d+)?)")


#: What takes a single limit away.
_NONE: Final = "none"


class _OrNone(click.ParamType):  # type: ignore[type-arg]  # generic in later versions only
    """A number, or the word that takes the limit away."""

    def __init__(self, number: click.IntRange | click.FloatRange) -> None:
        self._number, self.name = number, number.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, or the word."""
        return _NONE if str(value).strip().casefold() == _NONE else self._number.convert(value, param, ctx)


def _hours(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    return _NONE if value is not None and value.strip().casefold() == _NONE else value


def _call_seconds(_: click.Context, __: click.Parameter, value: str | None) -> list[float] | str | None:
    if value is None or value.strip().casefold() == _NONE:
        return value and _NONE
    found = _SECONDS.fullmatch(value.strip())
    if found is None:
        raise click.BadParameter(f"{value!r} is no span of seconds: write it as 2-20.")
    return [float(found[1]), float(found[2])]


def _finite(_: click.Context, __: click.Parameter, value: float | str | None) -> float | str | None:
    if isinstance(value, float) and not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of rows: write it as 200, or as 0.5.")
    return value


_OPTIONS: Final = (
    click.option("--concurrency", type=_OrNone(click.IntRange(min=1)), metavar="N", help="Batches at work at once."),
    click.option(
        "--rows-per-second",
        type=_OrNone(click.FloatRange(min=0, min_open=True)),
        callback=_finite,
        metavar="R",
        help="Rows sent, on average.",
    ),
    click.option(
        "--hours",
        callback=_hours,
        metavar="TEXT",
        help='When loads are sent: "weekdays 20:00-06:00, sat-sun 00:00-24:00 Europe/Berlin".',
    ),
    click.option(
        "--call-seconds", callback=_call_seconds, metavar="MIN-MAX", help="How long a call shall take, as 2-20, the default."
    ),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that set limits. They arrive as keyword arguments by the names of `api.Limits`; None: not named."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("limit")
@click.argument("name")
@options
@click.option("--clear", is_flag=True, help="Take away all limits that are not named.")
@front.json_option
def limit(name: str, clear: bool, as_json: bool, **named: Any) -> None:
    """Set what an endpoint bears. What is not named stays as it is; calls in hand are finished.

    The word none takes a single limit away, as --hours none.
    """
    if not clear and all(value is None for value in named.values()):
        raise click.UsageError("say what to limit, as --concurrency 2 or --hours none, or --clear.")
    client = front.client()
    known: dict[str, Any] = dict(client.endpoint(name)["limits"])
    left = {} if clear else known
    found = client.limit_endpoint(name, wanted(left | {key: value for key, value in named.items() if value is not None}))
    if as_json:
        front.emit(found)
        return
    click.echo(front.printable(f"{found['name']}: {told(found['limits']) or 'no limits'}"))


def wanted(named: dict[str, Any]) -> api.Limits:
    """Limits as the API takes them, from those that are named; what is `none` is not limited."""
    named = {key: None if value == _NONE else value for key, value in named.items()}
    return api.Limits(
        concurrency=named.get("concurrency"),
        rows_per_second=named.get("rows_per_second"),
        hours=named.get("hours") or "",
        call_seconds=named.get("call_seconds"),
    )


def told(limits: api.Limits) -> str:
    """The limits that are set, in a line."""
    parts = (
        limits["concurrency"] and f"{limits['concurrency']} at once",
        limits["rows_per_second"] and f"{limits['rows_per_second']:g} rows per second",
        limits["hours"] and f"loads {limits['hours']}",
        limits["call_seconds"] and "calls of {:g} to {:g} s".format(*limits["call_seconds"]),
    )
    return "; ".join(str(part) for part in parts if part)


def facts(endpoint: api.Endpoint) -> dict[str, str]:
    """What limits an endpoint, and why nothing is sent to it now."""
    stopped, outage = endpoint["stopped"], endpoint["outage"]
    why = stopped and " ".join(part for part in (stopped["reason"], stopped["advice"]) if part)
    silent = outage and (
        f"the AOS has not answered since {words.local(outage['since'])}: {outage['reason'].rstrip('.')};"
        f" next try at {words.local(outage['next_try'])}"
    )
    return {
        "Limits": told(endpoint["limits"]),
        "Repetition": _repetition(endpoint["not_idempotent"]),
        "Opens": words.local(endpoint["opens_at"]),
        "Stopped": f"{why} Then: rapidstart endpoint test {endpoint['name']}" if why else "",
        "Silent": silent or "",
    }


def _repetition(ports: list[str]) -> str:
    """Where no call of unknown end is made again; "" where that is nowhere said."""
    where = "" if "*" in ports else f" at {', '.join(ports)}"
    return f"none{where}: AX carries out a message that it has seen" if ports else ""
