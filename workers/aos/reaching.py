"""The first half of a connection test: the way to an AOS' web site, step by step, and who it lets in.

Each step presupposes the one before, so the first that fails ends the way; it says what to do.
"""

import socket
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Final

from connector.wire.reports import Check
from workers.aos import nettcp
from workers.aos.faults import asked_schemes, refused_answer
from workers.aos.transport import Answer, Transport
from workers.errors import WorkerError

#: Kerberos refuses computers whose clocks differ by more, in seconds.
MOST_SKEW_S: Final = 300.0

_CONNECT_S: Final = 5.0
_TLS: Final = "RSC-5907"


def checks(
    transport: Transport, address: str, *, way: nettcp.Way | None = None, clock: Callable[[], float] = time.time
) -> Iterator[Check]:
    """Address, name, port, TLS, HTTP, clock (only where it differs), account; the last one is not `ok` where a step fails.

    `way`: what the contract tells of net.tcp, where it is known.
    """
    try:
        scheme, host, port = transport.place(address)
    except WorkerError as error:
        yield failed("Address", error)
        return
    for step in (_name(host, port), _open(host, port)):
        yield step
        if not step.ok:
            return
    if nettcp.is_one(address):
        yield _channel(transport, address, way)
        return
    transport.close()  # a connection that was let in before is not asked again
    try:
        answer = transport.knock(address)
    except WorkerError as error:
        yield failed("TLS" if error.code == _TLS else "HTTP", error)
        return
    yield _tls(scheme, host)
    yield Check(name="HTTP", ok=True, detail=f"{host}:{port} answers{_by(answer)}.")
    yield from _skew(answer, clock())
    yield _account(transport, address, answer)


def _channel(transport: Transport, address: str, way: nettcp.Way | None) -> Check:
    try:
        how = transport.greet(address, way=way)
    except WorkerError as error:
        return failed("net.tcp", error)
    return Check(name="net.tcp", ok=True, detail=f"The AOS takes calls: {how}.")


def failed(name: str, error: WorkerError) -> Check:
    """A check that ended in an error."""
    return Check(name=name, ok=False, detail=error.message, advice=error.advice)


def _name(host: str, port: int) -> Check:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return Check(
            name="Name",
            ok=False,
            detail=f"The name {host} cannot be resolved on this computer.",
            advice="Check the endpoint's address, and the DNS that the worker's computer uses.",
        )
    addresses = sorted({str(entry[4][0]) for entry in found})
    return Check(name="Name", ok=True, detail=f"{host} is {', '.join(addresses)}.")


def _open(host: str, port: int) -> Check:
    try:
        socket.create_connection((host, port), timeout=_CONNECT_S).close()
    except OSError as error:
        why = "nothing answers there" if isinstance(error, TimeoutError) else (error.strerror or "it cannot be reached").lower()
        return Check(
            name="Port",
            ok=False,
            detail=f"Port {port} of {host} is not open: {why}.",
            advice="Check that the web site of the AOS runs, its port, and the firewall between it and the worker.",
        )
    return Check(name="Port", ok=True, detail=f"Port {port} of {host} is open.")


def _tls(scheme: str, host: str) -> Check:
    if scheme == "https":
        return Check(name="TLS", ok=True, detail=f"The certificate of {host} is trusted.")
    return Check(name="TLS", ok=True, detail="Not used: rows travel in clear. An HTTPS binding on the web site would hide them.")


def _by(answer: Answer) -> str:
    return f" ({answer.server})" if answer.server else ""


def _skew(answer: Answer, now: float) -> Iterator[Check]:
    try:
        theirs = parsedate_to_datetime(answer.date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return
    if abs(theirs - now) > MOST_SKEW_S:
        yield Check(
            name="Clock",
            ok=False,
            detail=f"The clocks of the AOS and of this worker differ by {abs(theirs - now) / 60:.0f} minutes.",
            advice="Set both by the same time server: Kerberos refuses at over 5 minutes, and times in logs do not fit together.",
        )


def _account(transport: Transport, address: str, knocked: Answer) -> Check:
    """Whether the web site lets the worker's account in; whether AX knows it is another matter."""
    if knocked.status == 403:
        return failed("Account", refused_answer(knocked, address))
    if knocked.status != 401:
        return Check(name="Account", ok=True, detail="The web site asks nobody who they are.")
    schemes = ", ".join(asked_schemes(knocked.challenge)) or "no known scheme"
    try:
        answer = transport.get(address)
    except WorkerError as error:
        return failed("Account", error)
    if answer.status in (401, 403):
        return Check(
            name="Account",
            ok=False,
            detail=f"The web site asks for {schemes}, and does not let this worker in (HTTP {answer.status}).",
            advice="Check RAPIDSTART_AOS_AUTHENTICATION, the account, and that RAPIDSTART_AOS_ORIGINS names this address.",
        )
    return Check(name="Account", ok=True, detail=f"The web site asks for {schemes}, and lets this worker's account in.")
