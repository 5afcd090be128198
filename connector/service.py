"""The dispatcher process: recorder, reconciler and HTTP API over one ledger and one broker."""

import gc
import logging
import signal
import socket
import sys
from urllib.parse import urlsplit

import uvicorn

from connector import broker, web
from connector.dispatch import Dispatcher, Outbox, Reconciler
from connector.dispatch.planner import Planner
from connector.errors import Conflict
from connector.ledger import Ledger
from connector.ledger.store import sqlite_url
from connector.recorder import Recorder
from connector.settings import Settings

log = logging.getLogger(__name__)


def run_dispatcher(settings: Settings) -> int:
    """Run until the process is told to stop. Raises NotReachable where ledger or broker cannot be had."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    settings.home.mkdir(parents=True, exist_ok=True)
    own_broker = None if settings.broker_url else broker.Kept(settings.home)
    if own_broker:
        log.info("no broker is named: started the embedded one in RAPIDSTART_HOME", extra={"action": "broker_started"})
    try:
        _serve(settings, settings.broker_url or (own_broker.url if own_broker else ""))
    finally:
        if own_broker:
            own_broker.stop()
    return 0


def _serve(settings: Settings, broker_url: str) -> None:
    ledger = Ledger(settings.ledger_url or sqlite_url(settings.home / "ledger.db"))
    dispatcher = Dispatcher(
        ledger=ledger,
        outbox=Outbox(broker_url),
        home=settings.home,
        call_timeout_s=settings.call_timeout_s,
        lease_s=settings.lease_s,
    )
    recorder = Recorder(dispatcher, retry_pause_s=settings.retry_pause_s)
    reconciler = Reconciler(dispatcher, Planner(ledger=ledger, batch_rows=settings.batch_rows))
    host, port = _address(settings)
    app = web.create(dispatcher, max_package_bytes=settings.max_package_mb * 1_000_000)
    listening = _listen(host, port)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5))
    # uvicorn raises the signal that ended it once more; by then our own end must go on.
    signal.signal(signal.SIGTERM, lambda *_: None)
    gc.freeze()  # what was imported stays: there is nothing to find in it
    recorder.start()
    reconciler.start()
    log.info("the dispatcher listens on http://%s:%s", host, port, extra={"action": "dispatcher_started"})
    try:
        server.run(sockets=[listening])
    finally:
        reconciler.stop()
        recorder.stop()
        dispatcher.outbox.close()
        ledger.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise Conflict(
            f"the dispatcher cannot listen on {host}:{port} ({error.strerror}).",
            advice="Stop what listens there, or name another address: RAPIDSTART_API_URL.",
        ) from error


def _address(settings: Settings) -> tuple[str, int]:
    parts = urlsplit(f"//{settings.listen}" if settings.listen else settings.api_url)
    return parts.hostname or "127.0.0.1", parts.port or 80
