"""`rapidstart config`: every setting, its value, and where it came from."""

from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import click

from connector.cli import front

_HIDDEN: Final = "***"
_SECRET: Final = frozenset({"token"})


@click.command()
@front.json_option
def config(as_json: bool) -> None:
    """Every setting, its value, and where it came from. Passwords in URLs are not shown."""
    from connector.settings import Settings, origins

    values, sources = front.settings(), origins()
    shown = [
        {
            "setting": f"RAPIDSTART_{name.upper()}",
            "value": _HIDDEN if name in _SECRET and getattr(values, name) else masked(getattr(values, name)),
            "source": sources[name],
            "description": field.description or "",
        }
        for name, field in Settings.model_fields.items()
    ]
    if as_json:
        for setting in shown:
            front.emit(setting)
        return
    from rich.table import Table

    table = Table("Setting", "Value", "From", "Meaning", box=None, header_style="bold", pad_edge=False)
    for setting in shown:
        value = "not set" if setting["value"] is None else str(setting["value"])
        table.add_row(setting["setting"], front.printable(value), front.printable(setting["source"]), setting["description"])
    front.console().print(table)


def masked(value: Any) -> Any:
    """A setting as it may be shown: the password of a URL is hidden, paths become text."""
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    parts = urlsplit(text) if "://" in text else None
    if parts is None or parts.password is None:
        return text
    login, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login.partition(':')[0]}:{_HIDDEN}@{host}"))
