"""What commands share: settings, the client, `--json`, and text that is safe to print."""

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from connector.accounts import Accounts
    from connector.api import Job
    from connector.client import Client
    from connector.settings import Settings

#: Every command has it: one object, or JSON lines for lists and watches.
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON: one object, or a line for each.")


_MOMENTS = click.DateTime(("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"))


def _with_zone(_: click.Context, __: click.Parameter, value: "datetime | None") -> str | None:
    """A moment by this computer's clock, as the API takes it."""
    return value.astimezone().isoformat() if value else None


#: Lists that reach back in time have them.
since_option = click.option("--since", type=_MOMENTS, callback=_with_zone, help="Only from this day or moment on, as 2026-01-31.")
until_option = click.option("--until", type=_MOMENTS, callback=_with_zone, help="Only before this day or moment.")


def settings() -> "Settings":
    """The settings of this process. Raises click.UsageError where one cannot be read."""
    from tomllib import TOMLDecodeError

    from pydantic import ValidationError

    from connector.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "RAPIDSTART_" + "_".join(str(part) for part in first["loc"]).upper()
        raise click.UsageError(f"{name} is wrong: {first['msg']}. See: rapidstart config --help") from error
    except TOMLDecodeError as error:
        raise click.UsageError(f"rapidstart.toml in RAPIDSTART_HOME cannot be read: {error}.") from error


def client() -> "Client":
    """The API of the dispatcher that RAPIDSTART_API_URL names."""
    from connector.client import Client

    known = settings()
    return Client(known.api_url, token=_token(known), ca_file=known.ca_file)


def accounts() -> "Accounts":
    """Who may do what at that dispatcher."""
    from connector.accounts import Accounts

    return Accounts(client())


def _token(known: "Settings") -> str:
    """The token that is named, else the one that the dispatcher of this home has left for its own computer; or ""."""
    from connector.access import local

    if known.token:
        return known.token
    if known.token_file:
        return known.token_file.read_text(encoding="utf-8").strip()
    return local.read(known.home)


def endpoint_name(given: str | None) -> str:
    """The endpoint that a command means. Raises click.UsageError where none is named."""
    name = given or settings().endpoint
    if not name:
        raise click.UsageError("Name the endpoint with --endpoint, or set RAPIDSTART_ENDPOINT. See: rapidstart endpoint list")
    return name


def emit(value: Any) -> None:
    """Print one JSON object on one line."""
    click.echo(json.dumps(value, separators=(",", ":")))


def console() -> "Console":
    """Where people read. Strings are printed as they are: no markup, no emoji names, no colours guessed from the text."""
    from rich.console import Console

    found = Console(markup=False, emoji=False, highlight=False)
    if not found.is_terminal:
        found.width = 500  # a pipe has no width; what is read by grep should stay on its line
    return found


def tell_error(job: "Job") -> None:
    """Why a job failed and what to do, on stderr. Advice keeps its lines: it may say what to write into a file."""
    advice = "\n".join(printable(line) for line in job["advice"].splitlines())
    rows = f"See them: rapidstart job results {job['id']}" if job["rows"]["failed"] else ""
    why = " ".join(part for part in (printable(sentence(job["reason"])), advice, rows) if part)
    click.echo(f"Error: {job['id']}: {why}", err=True)


def sentence(text: str) -> str:
    """Text that ends like a sentence."""
    return text if not text or text.endswith((".", "?", "!")) else f"{text}."


def printable(text: object) -> str:
    """Text of a user or of AX without what would steer a terminal: control characters are shown, not sent."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))
