"""HTTP/1.1 for the pretend AOS: a thread per connection, kept alive, every answer in one packet where it fits.

The standard library's own handler spends more time on a request's headers than the counting mode on the whole call.
"""

import socket
import socketserver
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from workers.simulator import truth
from workers.simulator.aos import Answer, Aos, Dropped

_REASONS: Final = {200: "OK", 400: "Bad Request", 404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable"}
_LINE: Final = 65536
#: linger on, for no time: the connection is reset. Windows has shorts where others have ints.
_RESET: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class _NotHttp(Exception):
    """What the client sent is not HTTP; the connection is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def respond(aos: Aos, request: Request, *, host: str) -> Answer:
    """Route a request. `host` is the address to print in WSDLs where the client named none. Raises Dropped."""
    if request.path.startswith("/_sim/"):
        return truth.answer(aos, request.method, request.path, request.query)
    port = aos.ports.get(request.path.lower())
    if port is None:
        return Answer(status=404, body=b"<html><body><h1>404 - not found</h1></body></html>", content_type="text/html")
    if request.method == "POST":
        return aos.post(port, request.headers.get("soapaction", "").strip().strip('"'), request.body)
    page = port.page(request.query, base=f"http://{request.headers.get('host', host)}")
    if page is None:
        return Answer(status=200, body=b"<html><body>RoutingService Service</body></html>", content_type="text/html")
    return Answer(status=200, body=page)


class Server(socketserver.ThreadingTCPServer):
    """Listens from construction on; `serve_forever` answers."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, aos: Aos, *, host: str, port: int) -> None:
        self.aos = aos
        super().__init__((host, port), _Connection)

    @property
    def url(self) -> str:
        """Where the server listens."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answer requests until the client, or a fault on request, closes the connection."""
        server = cast("Server", self.server)
        host = server.url.removeprefix("http://")
        with suppress(ConnectionError, TimeoutError, _NotHttp):
            for request in _requests(cast("BinaryIO", self.rfile), self.connection.sendall):
                try:
                    answer = respond(server.aos, request, host=host)
                except Dropped:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    return
                self.connection.sendall(_bytes(answer))
                if request.headers.get("connection", "").lower() == "close":
                    return


def _requests(stream: BinaryIO, send: Callable[[bytes], object]) -> Iterator[Request]:
    while line := stream.readline(_LINE):
        if line in (b"\r\n", b"\n"):
            continue
        method, _, rest = line.decode("latin-1").partition(" ")
        path, _, query = rest.partition(" ")[0].partition("?")
        headers = _headers(stream)
        if headers.get("expect", "").lower() == "100-continue":
            send(b"HTTP/1.1 100 Continue\r\n\r\n")
        yield Request(method=method, path=path, query=query, headers=headers, body=_body(stream, headers))


def _headers(stream: BinaryIO) -> dict[str, str]:
    headers = {}
    while (line := stream.readline(_LINE)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return headers


def _body(stream: BinaryIO, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return b"".join(_chunks(stream))
    length = _number(headers.get("content-length", "0"), base=10)
    body = stream.read(length) if length else b""
    if len(body) < length:
        raise ConnectionError("the client left in the middle of a request")
    return body


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while size := _number(stream.readline(_LINE).split(b";")[0].decode("latin-1"), base=16):
        yield stream.read(size)
        stream.readline(_LINE)
    while stream.readline(_LINE) not in (b"\r\n", b"\n", b""):  # trailers
        pass


def _number(text: str, *, base: int) -> int:
    try:
        return int(text, base)
    except ValueError as error:
        raise _NotHttp from error


def _bytes(answer: Answer) -> bytes:
    return (
        f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\nServer: Microsoft-IIS/7.5\r\n\r\n"
    ).encode("latin-1") + answer.body
