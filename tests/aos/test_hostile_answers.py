"""Any answer whatever: it is understood, or told as one of the worker's errors; and a failure never becomes a success."""

import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workers import aos
from workers.aos.port import Port
from workers.errors import GiveUp, Refusal, Retry, Unsettled, WorkerError

TABLES = """
port = "Setup"
[[table]]
name = "CustGroup"
key = ["CustGroup"]
[table.fields]
CustGroup = { length = 10, mandatory = true }
Name = { length = 60 }
"""
SOAP = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
FAULT = SOAP.format(
    "<s:Fault><faultcode>s:Client</faultcode><faultstring>Request Failed.</faultstring><detail>"
    '<AifFault xmlns="http://schemas.microsoft.com/dynamics/2008/01/documents/Fault"><FaultMessageListArray><FaultMessageList>'
    "<FaultMessageArray><FaultMessage><Message>no</Message></FaultMessage></FaultMessageArray>"
    "<XPath>/Doc/CustGroup[1]</XPath></FaultMessageList></FaultMessageListArray><XppExceptionType>3</XppExceptionType></AifFault>"
    "</detail></s:Fault>"
)


class Canned(ThreadingHTTPServer):
    """Answers every request with the same status, content type and bytes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.kind, self.body = 200, "text/xml; charset=utf-8", b""
        self.cut = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/MicrosoftDynamicsAXAif60/Setup/xppservice.svc"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Canned

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        # Once the client has all of an answer, the next test may already say what the next one is.
        status, kind, body, cut = self.server.status, self.server.kind, self.server.body, self.server.cut
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) + cut * 9))
        self.end_headers()
        if status not in (204, 304):
            self.wfile.write(body)
        self.close_connection = cut

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def canned() -> Iterator[Canned]:
    with Canned() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


@pytest.fixture(scope="module")
def port(simulate: Callable[..., str], canned: Canned, tmp_path_factory: pytest.TempPathFactory) -> Port:
    """A port whose contract is a simulated AOS' own, and whose answers are canned."""
    file: Path = tmp_path_factory.mktemp("definition") / "tables.toml"
    file.write_text(TABLES)
    url = simulate("--tables", str(file))
    door = aos.Door()
    contract = door.contract(f"{url}/MicrosoftDynamicsAXAif60/Setup/xppservice.svc")
    service = contract.services[0].model_copy(update={"address": canned.address})
    return Port(door, contract, service, company="USMF", language="en-us", partition=None)


def success(port: Port) -> bytes:
    return SOAP.format(
        f'<{port.service.name}CreateResponse xmlns="{port.service.namespace}">'
        '<EntityKeyList xmlns="http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKeyList">'
        '<EntityKey xmlns="http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKey"><KeyData><KeyField>'
        "<Field>CustGroup</Field><Value>1</Value></KeyField></KeyData></EntityKey></EntityKeyList>"
        f"</{port.service.name}CreateResponse>"
    ).encode()


def create(port: Port, canned: Canned, body: bytes, *, status: int = 200, kind: str = "text/xml", cut: bool = False):
    canned.status, canned.kind, canned.body, canned.cut = status, kind, body, cut
    return port.create(b"<x/>", message_id=str(uuid.uuid4()), time_limit_s=10)


def outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except WorkerError as error:
        return error


#: Places at which bytes are cut out, repeated or written over.
MANGLED = st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 80), st.binary(max_size=12)), min_size=1, max_size=4)
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
STATUS = st.sampled_from([200, 200, 200, 202, 204, 302, 400, 401, 403, 404, 405, 413, 415, 500, 500, 502, 503, 504])


def mangled(content: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for place, length, instead in changes:
        at = place % (len(content) + 1)
        content = content[:at] + instead + content[at + length :]
    return content


def test_the_canned_success_is_one(port: Port, canned: Canned) -> None:
    assert create(port, canned, success(port)) == [{"CustGroup": "1"}]


@QUICK
@given(body=st.binary(max_size=300) | st.text(max_size=100).map(str.encode), status=STATUS)
def test_no_bytes_break_the_reading(port: Port, canned: Canned, body: bytes, status: int) -> None:
    for call in (
        lambda: create(port, canned, body, status=status),
        lambda: port.read([{"CustGroup": "1"}], time_limit_s=10),
        lambda: port.find_keys([], time_limit_s=10),
    ):
        assert isinstance(outcome(call), WorkerError)


@QUICK
@given(changes=MANGLED, status=STATUS)
def test_a_damaged_fault_is_never_a_success(port: Port, canned: Canned, changes: list, status: int) -> None:
    assert isinstance(outcome(lambda: create(port, canned, mangled(FAULT.encode(), changes), status=status)), WorkerError)


@QUICK
@given(changes=MANGLED)
def test_a_damaged_success_is_keys_or_open_but_never_a_definite_failure(port: Port, canned: Canned, changes: list) -> None:
    found = outcome(lambda: create(port, canned, mangled(success(port), changes)))
    assert isinstance(found, list | Unsettled)


@QUICK
@given(st.integers(0, 600), st.booleans())
def test_half_a_success_is_open(port: Port, canned: Canned, length: int, cut: bool) -> None:
    whole = success(port)
    assert isinstance(outcome(lambda: create(port, canned, whole[: length % len(whole)], cut=cut)), Unsettled)


@pytest.mark.parametrize(
    "inside",
    [
        "{own}{own}",
        '<s:Fault xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><faultcode/></s:Fault>{own}',
        '<CustGroupServiceUpdateResponse xmlns="{namespace}"/>',
        '<CustGroupServiceCreateResponse xmlns="urn:another"/>',
        "",
    ],
)
def test_an_answer_of_another_call_is_no_success(port: Port, canned: Canned, inside: str) -> None:
    own = f'<{port.service.name}CreateResponse xmlns="{port.service.namespace}"/>'
    body = SOAP.format(inside.format(own=own, namespace=port.service.namespace)).encode()
    with pytest.raises(Unsettled, match="cannot be read"):
        create(port, canned, body)
    with pytest.raises(GiveUp, match="cannot be read"):
        port.read([{"CustGroup": "1"}], time_limit_s=10)


@pytest.mark.parametrize("status", [201, 202, 204, 206])
def test_a_success_under_another_status_is_open(port: Port, canned: Canned, status: int) -> None:
    with pytest.raises(Unsettled, match=f"HTTP {status}"):
        create(port, canned, success(port), status=status)


@pytest.mark.parametrize("content", [b"<a><b/></a>", b"{}", b"", b'<?xml version="1.0"?><html><body/></html>'])
def test_what_is_no_soap_tells_its_content_type(port: Port, canned: Canned, content: bytes) -> None:
    with pytest.raises(Unsettled, match="application/json") as failed:
        create(port, canned, content, kind="application/json")
    assert "MTOM" in failed.value.advice


def test_soap_counts_whatever_its_content_type_says(port: Port, canned: Canned) -> None:
    assert create(port, canned, success(port), kind="text/html") == [{"CustGroup": "1"}]
    with pytest.raises(Refusal, match="no"):
        create(port, canned, FAULT.encode(), status=500, kind="text/plain")


def test_a_document_type_is_refused(port: Port, canned: Canned) -> None:
    with pytest.raises(Unsettled):
        create(port, canned, b'<!DOCTYPE s:Envelope [<!ENTITY e "x">]>' + success(port))


@pytest.mark.parametrize(
    ("status", "page", "kind"),
    [
        (401, "<h2>401 - Unauthorized: Access is denied due to invalid credentials.</h2>", GiveUp),
        (403, "<h3>HTTP Error 403.4 - Forbidden</h3>", GiveUp),
        (404, "<h3>HTTP Error 404.3 - Not Found</h3>", GiveUp),
        (404, "<h3>HTTP Error 404.13 - Not Found</h3>", Refusal),
        (413, "", Refusal),
        (500, "<title>Runtime Error</title>", Unsettled),
        (502, "<h3>HTTP Error 502.3 - Bad Gateway</h3>", Unsettled),
        (503, "<p>HTTP Error 503. The service is unavailable.</p>", Retry),
    ],
)
def test_pages_instead_of_answers(port: Port, canned: Canned, status: int, page: str, kind: type[WorkerError]) -> None:
    with pytest.raises(kind) as failed:
        create(port, canned, f"<html><body>{page}</body></html>".encode(), status=status, kind="text/html")
    assert type(failed.value) is kind
    assert failed.value.advice
