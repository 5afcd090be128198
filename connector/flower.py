"""Runs Flower against the broker: read-only, beyond this computer by TLS alone, for operators who want to see Celery's own view.

It shows queues, workers and tasks with their short arguments; rows and outcomes are in the ledger, not here. Flower
runs inside this process, so that the broker's password stands in no command line.
"""

import sys

from celery import Celery

from connector import broker, web
from connector.errors import NotReachable
from connector.settings import Settings
from connector.wire.routes import celery_settings


def run(settings: Settings, *, port: int) -> int:
    """Serve Flower until Ctrl-C.

    Raises Refused where what it shows could be read on the way, and NotReachable where there is no broker or the port is taken.
    """
    door = _door(settings, port=port)
    web.check(door)
    app = Celery("rapidstart", set_as_current=False)
    app.conf.update(celery_settings(_broker_url(settings)))
    print(f"Flower: {door.url} (read-only). Ctrl-C ends it.", file=sys.stderr, flush=True)
    try:
        app.start(_arguments(door))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except OSError as error:
        raise NotReachable(
            f"Flower cannot listen on {door.host}:{door.port}: {error}.", advice="Choose another --port."
        ) from error
    return 0


def _door(settings: Settings, *, port: int) -> web.Door:
    return web.Door(
        host=settings.flower_address,
        port=port,
        whose="Flower",
        passing="what it shows",
        certificate=settings.tls_certificate,
        key=settings.tls_key,
        allow_plain_http=settings.allow_plain_http,
    )


def _arguments(door: web.Door) -> list[str]:
    """Workers send events by themselves and take no remote control, so Flower must not try to switch events on."""
    told = ["flower", f"--address={door.host}", f"--port={door.port}", "--read_only=True", "--enable_events=False"]
    if door.certificate is not None:
        told += [f"--certfile={door.certificate.absolute()}", f"--keyfile={(door.key or door.certificate).absolute()}"]
    return told


def _broker_url(settings: Settings) -> str:
    if settings.broker_url is not None:
        return settings.broker_url
    url = broker.address(settings.home)
    if url is None or not broker.answers(url):
        raise NotReachable(
            f"the embedded broker of {settings.home} does not run.",
            advice="Start the dispatcher first (rapidstart dispatcher), or name a broker: RAPIDSTART_BROKER_URL.",
        )
    return url
