"""HTTP towards an AOS: what each failure means, which origins are called, who sees the credentials."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from workers import aos
from workers.aos.transport import Transport, origin
from workers.errors import GiveUp, Retry, Unsettled

Script = Callable[[bytes], bytes | None]
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]).encode() + body


class Server:
    """Answers each request as a script says; None closes the connection. Counts connections."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/Port/xppservice.svc"
        self.requests: list[bytes] = []
        self.connections = 0
        self._sockets: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        for each in [*self._sockets, self._listener]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(connection)
            self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while request := self._read(connection):
                self.requests.append(request)
                reply = self._script(request)
                if reply is None:
                    return
                try:
                    connection.sendall(reply)
                except OSError:
                    return

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        read = b""
        while b"\r\n\r\n" not in read:
            try:
                chunk = connection.recv(65536)
            except OSError:
                return b""
            if not chunk:
                return b""
            read += chunk
        head, _, body = read.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body


@contextmanager
def served(script: Script) -> Iterator[Server]:
    server = Server(script)
    try:
        yield server
    finally:
        server.close()


def header(request: bytes, name: str) -> str:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return next((line.partition(":")[2].strip() for line in lines if line.lower().startswith(f"{name.lower()}:")), "")


def post(transport: Transport, url: str, *, limit_s: float = 5.0, writes: bool = True) -> int:
    return transport.post(url, b"<body/>", action="urn:a/create", time_limit_s=limit_s, writes=writes).status


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_a_call_is_soap_1_1_on_one_kept_connection() -> None:
    with served(lambda _: EMPTY) as server:
        transport = Transport()
        assert [post(transport, server.url) for _ in range(3)] == [200, 200, 200]
        transport.close()
    assert server.connections == 1
    assert header(server.requests[0], "Content-Type") == "text/xml; charset=utf-8"
    assert header(server.requests[0], "SOAPAction") == '"urn:a/create"'
    assert server.requests[0].endswith(b"\r\n\r\n<body/>")


def test_nobody_listens() -> None:
    url = f"http://127.0.0.1:{free_port()}/Port/xppservice.svc"
    with pytest.raises(Retry, match=r"cannot be reached: connection refused\.$") as failed:
        post(Transport(), url)
    assert type(failed.value) is Retry
    assert failed.value.advice == "Check that the AOS and its web site run."


def test_nobody_listens_where_an_aos_gives_its_contracts() -> None:
    """They come from the AOS itself, no web site has part in it; its port may be another one."""
    with pytest.raises(Retry) as failed:
        post(Transport(), f"http://127.0.0.1:{free_port()}/DynamicsAx/Services/RapidStart?wsdl")
    assert "--wsdl-port" in failed.value.advice
    assert "web site" not in failed.value.advice


def test_a_name_that_does_not_resolve_is_tried_again_later() -> None:
    with pytest.raises(Retry) as failed:
        post(Transport(), "http://no-such-host.invalid/Port/xppservice.svc")
    assert type(failed.value) is Retry


@pytest.mark.parametrize(("writes", "expected"), [(True, Unsettled), (False, Retry)])
def test_a_lost_connection_leaves_a_write_unsettled_and_is_not_repeated(writes: bool, expected: type[Retry]) -> None:
    with served(lambda _: None) as server:
        with pytest.raises(Retry) as failed:
            post(Transport(), server.url, writes=writes)
        assert type(failed.value) is expected
    assert len(server.requests) == 1


@pytest.mark.parametrize(("writes", "expected"), [(True, Unsettled), (False, Retry)])
def test_a_silent_server_is_left_after_the_time_limit(writes: bool, expected: type[Retry]) -> None:
    with served(lambda _: b"") as server:
        with pytest.raises(Retry, match=r"within 0\.3 s") as failed:
            post(Transport(), server.url, limit_s=0.3, writes=writes)
        assert type(failed.value) is expected


def test_an_answer_that_is_cut_off_leaves_a_write_unsettled() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhalf"
    replies = iter([cut])

    def answer_once(_: bytes) -> bytes:
        threading.Timer(0.2, server.close).start()
        return next(replies)

    with served(answer_once) as server, pytest.raises(Unsettled):
        post(Transport(), server.url)


def test_an_answer_that_trickles_is_left_after_the_time_limit() -> None:
    stop = threading.Event()

    def trickle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while not stop.wait(0.05):
                connection.sendall(b"1\r\nx\r\n")
        except OSError:
            pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: trickle(listener.accept()[0]), daemon=True)
        thread.start()
        with pytest.raises(Unsettled):
            post(Transport(), f"http://127.0.0.1:{listener.getsockname()[1]}/x.svc", limit_s=0.5)
        stop.set()
        thread.join(5)


def test_only_configured_origins_are_called() -> None:
    with served(lambda _: EMPTY) as server:
        with pytest.raises(GiveUp, match="not on an origin"):
            post(Transport(["http://aos01/"]), server.url)
        assert server.connections == 0
        assert post(Transport([server.url]), server.url) == 200


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        r"\\aos\share\x.wsdl",
        "//aos/x.svc",
        "http://user:pw@aos/x",
        "ftp://aos/x",
        "http://[",
        "x",
    ],
)
def test_what_is_no_http_address_is_refused(address: str) -> None:
    with pytest.raises(GiveUp, match="is not an HTTP address"):
        origin(address)
    with pytest.raises(GiveUp):
        aos.read_metadata(aos.Door(), [address])


def test_a_net_tcp_port_is_told_apart() -> None:
    with pytest.raises(GiveUp, match=r"net\.tcp address"):
        origin("net.tcp://aos:8201/DynamicsAx/Services/Port")


def test_redirects_stay_at_home() -> None:
    def script(request: bytes) -> bytes:
        if b"GET /Port/xppservice.svc" in request:
            return answer("302 Found", "Location: /elsewhere")
        return answer("302 Found", "Location: http://other.invalid/x")

    with served(script) as server:
        with pytest.raises(GiveUp, match=r"redirects to http://other\.invalid/x"):
            Transport().get(server.url)
        assert [request.split()[1] for request in server.requests] == [b"/Port/xppservice.svc", b"/elsewhere"]


def test_redirects_in_a_circle_end() -> None:
    with served(lambda _: answer("302 Found", "Location: /again")) as server, pytest.raises(GiveUp, match="circle"):
        Transport().get(server.url)


@pytest.mark.parametrize(
    ("status", "expected", "sentence"),
    [
        ("401 Unauthorized", GiveUp, "account"),
        ("403 Forbidden", GiveUp, "account"),
        ("404 Not Found", GiveUp, "no such port"),
        ("503 Service Unavailable", Retry, "not in service"),
        ("500 Internal Server Error", Retry, "HTTP 500"),
        ("418 Teapot", GiveUp, "no AX service gives"),
        ("200 OK", GiveUp, "not XML"),
    ],
)
def test_a_contract_that_cannot_be_read_says_why(status: str, expected: type[Exception], sentence: str) -> None:
    html = answer(status, "Content-Type: text/html", "WWW-Authenticate: Negotiate", body=b"<html><p>sorry")
    with served(lambda _: html) as server, pytest.raises(expected, match=sentence):
        aos.read_metadata(aos.Door(), [server.url])


def test_imports_are_fetched_from_home_whatever_host_they_name() -> None:
    wsdl = (
        b'<d:definitions xmlns:d="http://schemas.xmlsoap.org/wsdl/">'
        b'<d:import namespace="u" location="http://inner.example:82/Port/xppservice.svc?wsdl=wsdl0"/></d:definitions>'
    )

    def script(request: bytes) -> bytes:
        return answer("404 Not Found") if b"wsdl=wsdl0" in request else answer("200 OK", body=wsdl)

    with served(script) as server:
        with pytest.raises(GiveUp, match="404"):
            aos.read_metadata(aos.Door([server.url]), [server.url])
        assert [request.split()[1] for request in server.requests] == [
            b"/Port/xppservice.svc?wsdl",
            b"/Port/xppservice.svc?wsdl=wsdl0",
        ]


@pytest.mark.parametrize("location", ["file:///etc/passwd", r"file://server/share/x.xsd", "ftp://aos/x.xsd"])
def test_imports_that_are_no_http_are_refused(location: str) -> None:
    wsdl = (
        '<d:definitions xmlns:d="http://schemas.xmlsoap.org/wsdl/">'
        f'<d:import namespace="u" location="{location}"/></d:definitions>'
    )
    with served(lambda _: answer("200 OK", body=wsdl.encode())) as server:
        with pytest.raises(GiveUp, match="is not an HTTP address"):
            aos.read_metadata(aos.Door(), [server.url])
        assert len(server.requests) == 1
