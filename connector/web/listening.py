"""Where the dispatcher listens, and by what: on this computer alone, or by TLS, unless it is said otherwise."""

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from connector.errors import Conflict, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """An address to listen on. `trusted_proxy` holds addresses, with commas, whose word on who asks is taken."""

    host: str
    port: int
    whose: str = "the dispatcher"
    passing: str = "tokens and passwords"
    """what could be read on the way without TLS"""
    certificate: Path | None = None
    key: Path | None = None
    allow_plain_http: bool = False
    trusted_proxy: str | None = None

    @property
    def url(self) -> str:
        """The address as it is told."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"


def listen(door: Door) -> socket.socket:
    """Take the address. Raises Refused where secrets could be read on the way, or without TLS, and Conflict where it is taken."""
    check(door)
    family = socket.AF_INET6 if ":" in door.host else socket.AF_INET
    try:
        made = socket.create_server((door.host, door.port), family=family)
    except OSError as error:
        raise Conflict(
            f"the dispatcher cannot listen on {door.host}:{door.port} ({error.strerror}).",
            advice="Stop what listens there, or name another address: RAPIDSTART_API_URL.",
        ) from error
    # asyncio lets pieces of an answer leave at once (TCP_NODELAY) only where the socket says that it is TCP. Else the second one
    # waits until the caller has acknowledged the first: 40 ms for each request on a connection that is kept.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=made.detach())


def server(app: FastAPI, door: Door) -> uvicorn.Server:
    """What serves the app there. Without a trusted proxy no header changes who asks, or by what."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        server_header=False,
        proxy_headers=door.trusted_proxy is not None,
        forwarded_allow_ips=door.trusted_proxy or "",
        ssl_certfile=door.certificate,
        ssl_keyfile=door.key,
    )
    found = uvicorn.Server(config)
    app.state.tail.is_ending = lambda: found.should_exit
    return found


def check(door: Door) -> None:
    """Raises Refused where what passes could be read on the way, and where certificate or key cannot be used."""
    if door.certificate is None and not door.allow_plain_http and not _is_this_computer(door.host):
        raise Refused(
            f"{door.whose} would listen on {door.host} without TLS: {door.passing} could be read on the way.",
            advice="Name a certificate and its key (RAPIDSTART_TLS_CERTIFICATE, RAPIDSTART_TLS_KEY), listen on 127.0.0.1 behind a"
            " proxy that has one, or say that the network is safe: RAPIDSTART_ALLOW_PLAIN_HTTP=true",
        )
    if door.certificate is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(door.certificate, door.key)
    except OSError as error:  # a file that is not there, and what OpenSSL makes of one that is none
        raise Refused(
            f"certificate and key of {door.whose} cannot be used ({error.strerror or 'not PEM'}).",
            advice="Check RAPIDSTART_TLS_CERTIFICATE and RAPIDSTART_TLS_KEY: PEM files that this user may read, the key without a"
            " passphrase.",
        ) from error


def _is_this_computer(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
