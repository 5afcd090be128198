"""HTTP peers as the tests need them: a thread for each connection, answers byte for byte, Windows logons as IIS does them."""

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import spnego
from spnego.channel_bindings import GssChannelBindings


@dataclass(kw_only=True)
class Request:
    """One request, and the number of the connection that it came on."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Peer:
    """Answers each request with what `script` makes of it; None, or a `Connection: close`, ends the connection."""

    script: Callable[[Request], bytes | None]
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def base(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"{self.base}/Port/xppservice.svc"

    @property
    def body_bytes(self) -> int:
        return sum(len(request.body) for request in self.requests)

    def drop_connections(self) -> None:
        """Closes what is open, as a server does with connections that are idle."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError, ValueError):
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection, connection.makefile("rb") as stream:
                while request := _read(stream, number):
                    self.requests.append(request)
                    reply = self.script(request)
                    if reply is None:
                        return
                    connection.sendall(reply)
                    if b"connection: close" in reply.partition(b"\r\n\r\n")[0].lower():
                        return


def _read(stream: Any, number: int) -> Request | None:
    first = stream.readline().decode("ascii").split()
    if not first:
        return None
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Request(method=first[0], target=first[1], headers=headers, body=body, connection=number)


@contextmanager
def peer(script: Callable[[Request], bytes | None], *, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    served = Peer(script, tls)
    try:
        yield served
    finally:
        served.close()


def answer(status: str = "200 OK", *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]).encode() + body


class Iis:
    """Authenticates connections as IIS does (NTLM, and Kerberos where there is a domain), then passes requests on to `inside`.

    `each_time`: every request of a connection needs a handshake of its own. `closes`: every answer that is not a leg of a
    handshake ends its connection. `binding`: what a logon must be bound to (Extended Protection). Counts the logons that
    reached the domain.
    """

    def __init__(
        self,
        *schemes: str,
        inside: Callable[[Request], bytes | None] = lambda _: answer(),
        each_time: bool = False,
        closes: bool = False,
        binding: bytes = b"",
    ) -> None:
        self._challenge = answer("401 Unauthorized", *(f"WWW-Authenticate: {scheme}" for scheme in schemes), body=b"<html>who?")
        self._inside = inside
        self._each_time = each_time
        self._closes = closes
        self._binding = GssChannelBindings(application_data=binding) if binding else None
        self._contexts: dict[int, Any] = {}
        self._let_in: set[int] = set()
        self.logons = 0
        self.let_in: list[str] = []
        """each account, and how it was proved"""
        self.failures = 0
        self.rows: list[bytes] = []

    def __call__(self, request: Request) -> bytes | None:
        number = request.connection
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if number in self._let_in and not token:
            return self._pass_on(request)
        if not token:
            return self._challenge
        context = self._contexts.setdefault(number, None) or spnego.server(protocol=scheme.lower())
        self._contexts[number] = context
        try:
            reply = context.step(base64.b64decode(token), channel_bindings=self._binding)
        except spnego.exceptions.SpnegoError:
            self.failures += 1
            del self._contexts[number]
            return self._challenge
        if not context.complete:
            shown = base64.b64encode(reply or b"").decode()
            return answer("401 Unauthorized", f"WWW-Authenticate: {scheme} {shown}", body=b"<html>go on")
        del self._contexts[number]
        self.logons += 1
        self.let_in.append(f"{context.client_principal} by {context.negotiated_protocol}")
        if not self._each_time:
            self._let_in.add(number)
        return self._pass_on(request)

    def ask_again(self) -> None:
        """Forgets who is on which connection, as a proxy does that shares them."""
        self._let_in.clear()

    def _pass_on(self, request: Request) -> bytes | None:
        self.rows.append(request.body)
        return answer("200 OK", "Connection: close") if self._closes else self._inside(request)
