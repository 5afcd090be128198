"""Runs Flower against the broker: loopback, read-only, for operators who want to see Celery's own view.

It shows queues, workers and tasks with their short arguments; rows and outcomes are in the ledger, not here. Flower
runs inside this process, so that the broker's password stands in no command line.
"""

import sys

from celery import Celery

from connector import broker
from connector.errors import NotReachable
from connector.settings import Settings
from connector.wire.routes import celery_settings


def run(settings: Settings, *, port: int) -> int:
    """Serve Flower until Ctrl-C. Raises NotReachable where there is no broker or the port is taken."""
    address = settings.flower_address
    app = Celery("rapidstart", set_as_current=False)
    app.conf.update(celery_settings(_broker_url(settings)))
    print(f"Flower: http://{address}:{port} (read-only). Ctrl-C ends it.", file=sys.stderr, flush=True)
    try:
        app.start(_arguments(port=port, address=address))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except OSError as error:
        raise NotReachable(f"Flower cannot listen on {address}:{port}: {error}.", advice="Choose another --port.") from error
    return 0


def _arguments(*, port: int, address: str) -> list[str]:
    """Workers send events by themselves and take no remote control, so Flower must not try to switch events on."""
    return ["flower", f"--address={address}", f"--port={port}", "--read_only=True", "--enable_events=False"]


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
