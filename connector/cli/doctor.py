"""`rapidstart doctor`: what this computer needs to work, looked at one by one."""

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector import api
from connector.cli import front
from connector.cli.exits import Exit
from connector.errors import NotReachable, RapidStartError

if TYPE_CHECKING:
    from connector.client import Client
    from connector.settings import Settings


@click.command()
@front.json_option
def doctor(as_json: bool) -> Exit:
    """Check what this computer needs: Python, the home folder, the broker, the dispatcher and its ledger."""
    settings = front.settings()
    checks = [_python(), _home(settings.home), _broker(settings), *_dispatcher()]
    if as_json:
        for check in checks:
            front.emit(check)
    else:
        from connector.cli.tables import print_checks

        print_checks(front.console(), checks)
    return Exit.DONE if all(check["ok"] for check in checks) else Exit.NOT_REACHABLE


def _python() -> api.Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return _check("Python", detail=version)


def _home(home: Path) -> api.Check:
    """A file can be written where this computer's state lies, or where that folder would be made."""
    place = next(folder for folder in (home, *home.absolute().parents) if folder.is_dir())
    try:
        with tempfile.TemporaryFile(dir=place):
            return _check("Home", detail=f"{home} can be written")
    except OSError as error:
        return _check("Home", detail=f"{home} cannot be written: {error.strerror}", advice="Set RAPIDSTART_HOME.")


def _broker(settings: "Settings") -> api.Check:
    from connector import broker
    from connector.cli.config import masked

    url = settings.broker_url or broker.address(settings.home)
    if url is None:
        return _embedded()
    if broker.answers(url):
        return _check("Broker", detail=f"{masked(url)} answers")
    if settings.broker_url is None:
        return _check("Broker", detail="the embedded one does not run", advice="Start the dispatcher: rapidstart dispatcher")
    advice = "Check RAPIDSTART_BROKER_URL, its password, and the way there."
    return _check("Broker", detail=f"{masked(url)} does not answer", advice=advice)


def _embedded() -> api.Check:
    from connector import broker

    try:
        broker.binary()
    except NotReachable as error:
        return _check("Broker", detail=error.message, advice=error.advice)
    return _check("Broker", detail="none is named; the dispatcher starts the embedded one")


def _dispatcher() -> list[api.Check]:
    client = front.client()
    try:
        components = client.health()
    except NotReachable as error:
        return [_check("Dispatcher", detail=error.message, advice=error.advice)]
    named = [_check(f"Dispatcher's {name}", detail="works") for name, sentence in components.items() if not sentence]
    wrong = [(name, sentence) for name, sentence in components.items() if sentence]
    told = [_check(f"Dispatcher's {name}", detail=sentence, advice="See the dispatcher's log.") for name, sentence in wrong]
    return [_check("Dispatcher", detail=f"{client.url} answers"), *named, *told, _sealing(client)]


def _sealing(client: "Client") -> api.Check:
    """Which endpoints speak sealed, which is no fault, and where messages were refused since yesterday."""
    from connector.cli import words

    try:
        found = client.endpoints()
    except RapidStartError as error:
        return {"name": "Sealing", "ok": True, "detail": error.message, "advice": "", "tried": False}
    plain = [endpoint["name"] for endpoint in found if not endpoint["sealing"]["sealed"]]
    since = datetime.now(UTC) - timedelta(days=1)
    lately = [each for each in found if any(datetime.fromisoformat(one["last_at"]) > since for one in each["sealing"]["refused"])]
    refused = [f"{each['name']}: {words.refused(each['sealing'])}" for each in lately]
    if refused:
        advice = "See who can write to the broker: rapidstart endpoint show NAME tells why."
        return _check("Sealing", detail="; ".join(refused), advice=advice)
    if plain:
        return _check("Sealing", detail=f"not sealed, whoever can write to the broker is believed: {', '.join(plain)}")
    return _check("Sealing", detail="all endpoints are sealed" if found else "no endpoint is registered yet")


def _check(name: str, *, detail: str, advice: str = "") -> api.Check:
    """A check; one with advice is one that failed."""
    return {"name": name, "ok": not advice, "detail": detail, "advice": advice, "tried": True}
