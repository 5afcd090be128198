"""A survey of a service on the AOS itself: its contract comes by HTTP, the test of the way opens a channel."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.aos.conformance.targets import CONTRACT, bound_to_tcp
from tests.nettcp.scripted import ACK, Caller, listening
from workers import aos


class _Told(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = urlsplit(self.path).path.rpartition("/")[2]
        file = CONTRACT / ("RoutingService.wsdl" if self.path.endswith("?wsdl") else name)
        content = bound_to_tcp(file.read_text(encoding="utf-8"), streamed=False).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def wsdl_port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Told)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def _welcoming(caller: Caller) -> None:
    caller.preamble()
    caller.say(ACK)
    caller.take(1)


def test_the_contract_comes_by_http_and_the_way_is_tried_by_a_channel(wsdl_port: int):
    with listening(_welcoming) as peer:
        address = f"{peer.address}?wsdl={wsdl_port}"
        door = aos.Door([address])
        (service,) = aos.read_metadata(door, [address]).services
        assert (service.name, service.address, service.document is not None) == ("PaymSchedService", address, True)
        told = {check.name: check for check in aos.check(door, [address])}
    assert [name for name, check in told.items() if not check.ok] == []
    assert "asks nobody" in told["net.tcp"].detail
    assert peer.callers == 2  # one saw whether the port is open


def test_an_aos_that_tells_its_contract_but_takes_no_calls_is_told(wsdl_port: int):
    with listening(lambda caller: None) as peer:
        checks = aos.check(aos.Door(), [f"{peer.address}?wsdl={wsdl_port}"])
    assert (checks[-1].name, checks[-1].ok) == ("net.tcp", False)
    assert checks[-1].advice


def test_a_port_that_takes_streams_alone_is_found_open(wsdl_port: int):
    def streaming(caller: Caller) -> None:
        if caller.preamble()[4] == 1:  # the mode; of another one it takes leave without a word
            caller.say(ACK)
            caller.take(1)

    with listening(streaming) as peer:
        checks = aos.check(aos.Door(), [f"{peer.address}?wsdl={wsdl_port}"])
    assert [check.ok for check in checks if check.name == "net.tcp"] == [True]
