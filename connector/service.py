"""The dispatcher process: recorder, reconciler and HTTP API over one ledger and one broker."""

import contextlib
import gc
import logging
import os
import platform
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from connector import __version__, broker, logs, tracing, web, webhook
from connector.access import local, people
from connector.access.provider import Provider, Registration
from connector.dispatch import Dispatcher, Outbox, Reconciler, letters
from connector.dispatch.planner import Planner
from connector.dispatch.policy import Policy
from connector.dispatch.succession import Succession
from connector.enrolment import logins
from connector.errors import Refused
from connector.intake.values import Limits
from connector.ledger import Ledger, leading
from connector.ledger.store import sqlite_url
from connector.meter import Meter
from connector.recorder import Recorder
from connector.settings import Settings

log = logging.getLogger(__name__)


def run_dispatcher(settings: Settings) -> int:
    """Run until the process is told to stop.

    Raises NotReachable where ledger or broker cannot be had, Conflict, and Refused where it would listen unsafely.
    """
    logs.to_stderr(as_json=settings.log == "json")
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
    with contextlib.ExitStack() as opened:
        if settings.otlp_url:
            opened.callback(tracing.start(settings.otlp_url, service="rapidstart-dispatcher", version=__version__))
        ledger = Ledger(settings.ledger_url or sqlite_url(settings.home / "ledger.db"))
        opened.callback(ledger.close)
        if ledger.file:
            opened.enter_context(leading.hold_alone(ledger.file))
        local.ensure(ledger, settings.home)
        _invite(ledger, settings)
        outbox = Outbox(broker_url, letters.open_letters(settings.home, ledger, sealed_only=settings.sealed_only))
        opened.callback(outbox.close)
        desk = _Desk(settings, ledger, outbox, broker_url=settings.worker_broker_url or broker_url)
        door = _door(settings)
        listening = web.listen(door)
        # uvicorn raises the signal that ended it once more; by then our own end must go on.
        signal.signal(signal.SIGTERM, lambda *_: None)
        gc.freeze()  # what was imported stays: there is nothing to find in it
        opened.enter_context(_leading(desk, settings.takeover_s) if ledger.is_shared else desk.alone())
        log.info("the dispatcher listens on %s", door.url, extra={"action": "dispatcher_started"})
        web.server(desk.app, door).run(sockets=[listening])


def _provider(settings: Settings) -> Provider | None:
    """The identity provider that is set up. Raises Refused where its secret cannot be read."""
    if settings.oidc_issuer is None:
        return None
    try:
        secret = settings.oidc_client_secret_file.read_text(encoding="utf-8").strip() if settings.oidc_client_secret_file else ""
    except (OSError, ValueError) as error:
        raise Refused(
            "the identity provider's secret cannot be read.", advice="Check RAPIDSTART_OIDC_CLIENT_SECRET_FILE."
        ) from error
    registration = Registration(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=secret,
        name_claim=settings.oidc_name_claim,
        role_claim=settings.oidc_role_claim,
        roles=settings.oidc_roles,
        instance_claim=settings.oidc_instance_claim,
    )
    return Provider(registration, redirect_uri=f"{settings.api_url.rstrip('/')}/signin/oidc/callback")


def _invite(ledger: Ledger, settings: Settings) -> None:
    """While nobody can sign in, tell the way in on standard error: past the log, which may be kept and passed on."""
    if link := people.first_link(ledger):
        url = f"{settings.api_url.rstrip('/')}/signin/link/{link}"
        print(
            f"Nobody can sign in yet. The first administrator may, once, within the hour:\n  {url}", file=sys.stderr, flush=True
        )


class _Desk:
    """The API of this process, and, while it leads, the threads that do the work. Each term begins with nothing in memory."""

    def __init__(self, settings: Settings, ledger: Ledger, outbox: Outbox, *, broker_url: str) -> None:
        """`broker_url` is where machines are told that the broker is."""
        self.ledger = ledger
        self._settings, self._outbox, self._meter = settings, outbox, Meter(certificates=_certificates(settings))
        self._receiver = _receiver(settings)
        self._standing_by = self._dispatcher(ledger, stands_by=True)
        self.app = web.create(
            self._standing_by,
            max_package_bytes=settings.max_package_mb * 1_000_000,
            public_url=settings.api_url,
            provider=_provider(settings),
            broker_url=broker_url,
            flower_url=settings.flower_url or "",
        )

    def begin(self, ledger: Ledger) -> None:
        """Start to lead, and to write to this ledger."""
        dispatcher = self._dispatcher(ledger)
        self._recorder = Recorder(dispatcher)
        planner = Planner(ledger=ledger, batch_rows=self._settings.batch_rows, limits=_package_limits(self._settings))
        keep_days = self._settings.keep_days
        self._reconciler = Reconciler(dispatcher, planner, keep_s=keep_days * 86400.0 if keep_days else None)
        self._logins = logins.Keeper(dispatcher)
        self._herald = webhook.Herald(dispatcher, self._receiver)
        self._recorder.start()
        self._reconciler.start()
        self._herald.start()
        self._logins.start()
        web.serve(self.app, dispatcher)

    def end(self) -> None:
        """Lead no more."""
        web.serve(self.app, self._standing_by)
        self._logins.stop()
        self._reconciler.stop()
        self._recorder.stop()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Lead for as long as the process runs."""
        self.begin(self.ledger)
        try:
            yield
        finally:
            self.end()

    def _dispatcher(self, ledger: Ledger, *, stands_by: bool = False) -> Dispatcher:
        return Dispatcher(
            ledger=ledger,
            outbox=self._outbox,
            home=self._settings.home,
            call_timeout_s=self._settings.call_timeout_s,
            lease_s=self._settings.lease_s,
            expires_in_s=self._settings.expires_in_s,
            policy=Policy(retry_pause_s=self._settings.retry_pause_s, patience_s=self._settings.aos_patience_s),
            stands_by=stands_by,
            package_limits=_package_limits(self._settings),
            meter=self._meter,
        )


def _receiver(settings: Settings) -> webhook.Receiver | None:
    """The webhook that is set up. Raises Refused where it is not safe."""
    if settings.webhook_url is None:
        return None
    return webhook.receiver(settings.webhook_url, settings.webhook_secret_file, allow_plain_http=settings.allow_plain_http)


def _certificates(settings: Settings) -> dict[str, Path]:
    """The files of certificates that this process rests on, by what they are for."""
    of_broker = dict(parse_qsl(urlsplit(settings.broker_url or "").query))
    named = {
        "dispatcher": settings.tls_certificate,
        "broker": settings.broker_certificate,
        "broker_authority": of_broker.get("ssl_ca_certs"),
        "broker_client": of_broker.get("ssl_certfile"),
    }
    return {name: Path(file) for name, file in named.items() if file}


def _package_limits(settings: Settings) -> Limits:
    return Limits(
        entries=settings.max_package_files,
        inflated_bytes=settings.max_inflated_mb * 1_000_000,
        ratio=settings.max_ratio,
        columns=settings.max_columns,
        record_bytes=settings.max_record_mb * 1_000_000,
    )


@contextlib.contextmanager
def _leading(desk: _Desk, takeover_s: float) -> Iterator[None]:
    """Lead whenever no other process of the same ledger does."""
    holder = f"{platform.node()}:{os.getpid()}"
    succession = Succession(desk.ledger, holder=holder, takeover_s=takeover_s, begin=desk.begin, end=desk.end)
    succession.start()
    try:
        yield
    finally:
        succession.stop()


def _door(settings: Settings) -> web.Door:
    parts = urlsplit(f"//{settings.listen}" if settings.listen else settings.api_url)
    return web.Door(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or (443 if parts.scheme == "https" else 80),
        certificate=settings.tls_certificate,
        key=settings.tls_key,
        allow_plain_http=settings.allow_plain_http,
        trusted_proxy=settings.trusted_proxy,
    )
