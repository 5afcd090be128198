"""What every command does first: open the settings, name the endpoint."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workers import errors

if TYPE_CHECKING:
    from workers.aos import Door
    from workers.login import Login
    from workers.settings import Settings


def settings(*, endpoint: str | None = None, home: Path | None = None) -> "Settings":
    """The settings of this process, those of the endpoint where one is named here or in the environment.

    Raises click.UsageError with the name of a wrong setting, not its value: it may be secret.
    """
    from pydantic import ValidationError

    from workers.settings import Settings

    said: dict[str, Any] = {name: value for name, value in (("endpoint", endpoint), ("home", home)) if value}
    try:
        return Settings(**said)
    except ValidationError as error:
        first = error.errors()[0]
        raise click.UsageError(f"RAPIDSTART_{str(first['loc'][0]).upper()} is wrong: {first['msg']}.") from None
    except tomllib.TOMLDecodeError as error:
        raise click.UsageError(f"worker.toml in RAPIDSTART_HOME cannot be read: {error}.") from None


def endpoint(named: str | None, settings: "Settings") -> str:
    """The endpoint that a command means. Raises click.UsageError."""
    from connector.wire import routes

    found = named or settings.endpoint
    if not found:
        raise click.UsageError("Name the endpoint: --endpoint NAME, or RAPIDSTART_ENDPOINT.")
    if not routes.ENDPOINT_NAME.fullmatch(found):
        raise click.UsageError(f"{found!r} cannot name an endpoint: use up to 40 letters, digits, - and _.")
    return found


def stop(error: errors.WorkerError) -> SystemExit:
    """Tell what went wrong and what to do; the end of a command that could not do its work."""
    click.echo(f"Error: {error.message} {error.advice}".rstrip(), err=True)
    return SystemExit(4)


def log_to_stderr(settings: "Settings", endpoint: str) -> None:
    """Log as the settings say."""
    from workers import logs

    logs.to_stderr(as_json=settings.log == "json", endpoint=endpoint)


def broker(settings: "Settings", endpoint: str) -> str:
    """The broker's URL: as this computer was given it for the endpoint, else as the settings say. Raises GiveUp."""
    from workers import keeping

    return keeping.login(settings.folder_of(endpoint)) or settings.broker()


def login(settings: "Settings", endpoint: str) -> "Login | None":
    """This computer's own login at the broker, which may change meanwhile; None: it was given none. Raises GiveUp."""
    from workers import keeping, letters
    from workers.login import Login

    folder = settings.folder_of(endpoint)
    mine = keeping.login(folder)
    if mine is None:
        return None
    key = letters.fingerprint(folder)
    return Login(mine, lambda: keeping.login(folder), is_ours=lambda: letters.fingerprint(folder) == key)


def door(settings: "Settings", *, keep_in: Path | None = None) -> "Door":
    """The way to the AOS. `keep_in`: the folder that contracts are kept in. Nothing is contacted yet. Raises GiveUp."""
    from workers import doors

    return doors.opened(settings, keep_in=keep_in)
