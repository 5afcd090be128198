"""Contracts that want something else of the worker: nothing but the port's own origin is ever asked, and no token leaves it."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aos.peer import Iis, Peer, Request, answer, peer
from workers import aos
from workers.aos.transport import Transport
from workers.errors import GiveUp, WorkerError

CREDENTIALS = aos.Credentials(user="CONTOSO\\loader", password="Secret1")
WSDL = '<d:definitions xmlns:d="http://schemas.xmlsoap.org/wsdl/" xmlns:x="http://www.w3.org/2001/XMLSchema">{}</d:definitions>'
TYPES = WSDL.format('<d:types><x:schema targetNamespace="urn:t">{}</x:schema></d:types>')


@pytest.fixture
def trap() -> Iterator[Peer]:
    """A server that no worker must ever ask."""
    with peer(lambda _: answer(body=b"<x/>")) as server:
        yield server


@pytest.fixture(autouse=True)
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "accounts").write_text("CONTOSO:loader:Secret1\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "accounts"))


def read(contract: str, trap: Peer) -> tuple[WorkerError, list[Request]]:
    """What becomes of a port with this contract at `?wsdl`, and nothing else; what was asked of it."""
    text = contract.replace("TRAP", trap.base.removeprefix("http://"))

    def port(request: Request) -> bytes:
        return answer(body=text.encode()) if request.target.endswith("?wsdl") else answer("404 Not Found")

    iis = Iis("Negotiate", "NTLM", inside=port)
    with peer(iis) as server:
        door = aos.Door([server.url], credentials=CREDENTIALS)
        with pytest.raises(WorkerError) as failed:
            aos.read_metadata(door, [server.url])
        door.transport.close()
        return failed.value, [request for request in server.requests if request.connection]


def assert_unasked(trap: Peer) -> None:
    assert trap.connections == 0


ELSEWHERE = [
    WSDL.format('<d:import namespace="u" location="http://TRAP/x.wsdl"/>'),
    WSDL.format('<d:import namespace="u" location="//TRAP/x.wsdl"/>'),
    TYPES.format('<x:import namespace="u" schemaLocation="http://TRAP/x.xsd"/>'),
    TYPES.format('<x:import namespace="u" schemaLocation="//TRAP/x.xsd"/>'),
    TYPES.format('<x:include schemaLocation="http://TRAP/x.xsd"/>'),
    TYPES.format('<x:include schemaLocation="HTTP://TRAP/x.xsd"/>'),
]


@pytest.mark.parametrize("contract", ELSEWHERE)
def test_imports_from_elsewhere_are_asked_of_the_port_itself(contract: str, trap: Peer) -> None:
    error, requests = read(contract, trap)
    assert "404" in error.message
    assert requests[-1].target in ("/x.wsdl", "/x.xsd")
    assert_unasked(trap)


REFUSED = [
    WSDL.format('<d:import namespace="u" location="file://TRAP/share/x.wsdl"/>'),
    WSDL.format('<d:import namespace="u" location="file:///etc/passwd"/>'),
    WSDL.format('<d:import namespace="u" location="\\\\TRAP\\share\\x.wsdl"/>'),
    WSDL.format('<d:import namespace="u" location="ftp://TRAP/x.wsdl"/>'),
    WSDL.format('<d:import namespace="u" location="http://me:secret@TRAP/x.wsdl"/>'),
    WSDL.format('<d:import namespace="u" location="gopher://TRAP/"/>'),
    WSDL.format('<d:import namespace="u" location="net.tcp://TRAP/x"/>'),
    TYPES.format('<x:import namespace="u" schemaLocation="\\\\TRAP\\share\\x.xsd"/>'),
    TYPES.format('<x:import namespace="u" schemaLocation="file:////TRAP/share/x.xsd"/>'),
    TYPES.format('<x:include schemaLocation="ftp://TRAP/x.xsd"/>'),
    TYPES.format('<x:redefine schemaLocation="http://TRAP/x.xsd"/>'),
    TYPES.format('<x:override schemaLocation="http://TRAP/x.xsd"/>'),
    WSDL.format('<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="http://TRAP/x.xml"/>'),
    TYPES.format('<x:annotation><i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/></x:annotation>'),
    '<!DOCTYPE d SYSTEM "http://TRAP/x.dtd">' + WSDL.format(""),
    '<!DOCTYPE d [<!ENTITY e SYSTEM "http://TRAP/x">]>' + WSDL.format("&e;"),
    '<!DOCTYPE d [<!ENTITY % e SYSTEM "http://TRAP/x"> %e;]>' + WSDL.format(""),
    '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + WSDL.format("&b;"),
]


@pytest.mark.parametrize("contract", REFUSED)
def test_what_is_no_way_to_a_contract_is_refused_before_anything_is_asked(contract: str, trap: Peer) -> None:
    error, requests = read(contract, trap)
    assert isinstance(error, GiveUp)
    assert {request.target for request in requests} == {"/Port/xppservice.svc?wsdl"}
    assert "secret" not in error.message
    assert_unasked(trap)


HINTS = [
    '<x:import namespace="http://TRAP/ns"/>',
    '<x:import namespace="http://schemas.xmlsoap.org/soap/encoding/"/>',
    '<x:element name="a" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="urn:t http://TRAP/x.xsd"/>',
    '<x:element name="a" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:noNamespaceSchemaLocation="http://TRAP/x.xsd"/>',
    '<x:annotation><x:documentation source="http://TRAP/x"/><x:appinfo source="http://TRAP/x"/></x:annotation>',
]


@pytest.mark.parametrize("hint", HINTS)
def test_hints_are_not_followed(hint: str, trap: Peer) -> None:
    _, requests = read(TYPES.format(hint), trap)
    assert {request.target for request in requests} == {"/Port/xppservice.svc?wsdl"}
    assert_unasked(trap)


@pytest.mark.parametrize("hint", HINTS)
def test_hints_in_a_folder_are_not_followed_when_rows_are_checked(hint: str, trap: Peer) -> None:
    """The schemas are compiled, and put before a document that has hints of its own."""
    folder = {file.name: file.read_text("utf-8") for file in (Path(__file__).parent / "conformance" / "contract").iterdir()}
    text = folder["paymschedule.xsd"]
    start = text.index(">", text.index("<xs:schema")) + 1
    hint = hint.replace("<x:", "<xs:").replace("</x:", "</xs:").replace("TRAP", trap.base.removeprefix("http://"))
    start = text.index("</xs:schema>") if "<xs:element" in hint else start
    folder["paymschedule.xsd"] = text[:start] + hint + text[start:]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in folder.items():
            archive.writestr(name, content)
    (contract,) = aos.Door().contracts(["http://aos.example/p.svc"], contract_zip=packed.getvalue())
    namespace = "http://schemas.microsoft.com/dynamics/2008/01/documents/PaymSchedule"
    document = (
        f'<PaymSchedule xmlns="{namespace}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
        f'i:schemaLocation="urn:other {trap.base}/x.xsd"/>'
    )
    assert contract.invalid("PaymSchedService", document.encode()) == []
    assert_unasked(trap)


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_redirects_to_elsewhere_are_not_followed(status: str, trap: Peer) -> None:
    iis = Iis("NTLM", inside=lambda _: answer(status, f"Location: {trap.base}/x"))
    with peer(iis) as server:
        transport = Transport([server.url, trap.url], credentials=CREDENTIALS)
        with pytest.raises(GiveUp, match="another origin"):
            transport.get(server.url)
        assert transport.post(server.url, b"<rows/>", action="a", time_limit_s=5, writes=True).status == int(status[:3])
        transport.close()
    assert_unasked(trap)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://other.example/x", r"\\other\share", "//other.example/x"])
def test_redirects_to_what_is_no_http_address_of_the_port_are_refused(location: str) -> None:
    with peer(lambda _: answer("302 Found", f"Location: {location}")) as server, pytest.raises(GiveUp):
        Transport([server.url], credentials=CREDENTIALS).get(server.url)


def test_a_service_address_elsewhere_is_not_called(trap: Peer) -> None:
    """What the contract says of its own address counts for nothing where an address was configured."""
    contract = Path(__file__).parent / "conformance" / "contract"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in contract.iterdir():
            archive.writestr(file.name, file.read_bytes())
    found = aos.read_metadata(aos.Door(["http://aos01"]), ["http://aos01/p.svc"], contract_zip=packed.getvalue())
    assert {service.address for service in found.services} == {"http://aos01/p.svc"}
    assert_unasked(trap)
