"""Which addresses a contract's imports and services are taken to have, and which of a port's services is which."""

import uuid
from pathlib import Path

import pytest

from connector.wire.jobs import Target
from tests.aos import ports
from tests.aos.peer import Iis, Request, answer, peer
from tests.aos.test_tls import HERE, authority, context
from workers import aos
from workers.errors import GiveUp

DOCUMENTS = "http://schemas.microsoft.com/dynamics/2008/01/documents"
SOUND = "<Active>Yes</Active><Name>N</Name>"


def read(server_url: str, door: aos.Door | None = None) -> set[tuple[str, str]]:
    """Names and addresses of the services that a port is found to offer."""
    found = aos.read_metadata(door or aos.Door([server_url]), [server_url])
    return {(service.name, service.address) for service in found.services}


@pytest.mark.parametrize(
    "own",
    [
        "http://internal:81/MicrosoftDynamicsAXAif60/Inner/xppservice.svc",
        "http://internal.example.local/Inner/XppService.svc",
        "https://internal/prefix/more/Inner/xppservice.svc",
        "http://[fe80::1]:8080/Port/xppservice.svc",
    ],
)
def test_imports_and_calls_stay_with_the_address_that_answers(own: str) -> None:
    port = ports.Port(own=own)
    with peer(port) as server:
        assert read(server.url) == {("PaymSchedService", server.url)}
        assert {request.target.partition("?")[0] for request in server.requests} == {"/Port/xppservice.svc"}
    assert len(port.fetched) == len(set(port.fetched)) == len(port.files)


def test_pages_on_other_paths_are_asked_there() -> None:
    port = ports.Port(own="http://internal/Port/xppservice.svc")

    def script(request: Request) -> bytes:
        if request.target == "/schemas/sharedtypes.xsd":
            return answer(body=port.files["sharedtypes.xsd"])
        reply = port(request)
        return replaced(
            reply, b"http://internal/Port/xppservice.svc?xsd=sharedtypes.xsd", b"http://internal/schemas/sharedtypes.xsd"
        )

    with peer(script) as server:
        assert read(server.url) == {("PaymSchedService", server.url)}
        assert "/schemas/sharedtypes.xsd" in {request.target for request in server.requests}


def replaced(reply: bytes, old: bytes, new: bytes) -> bytes:
    body = reply.partition(b"\r\n\r\n")[2]
    return answer("200 OK", body=body.replace(old, new))


def test_a_proxy_that_ends_tls_is_called_by_its_own_name(tmp_path: Path) -> None:
    """The port believes to be http://internal:81; the worker knows it as https, and never leaves it."""
    ours, port = authority(tmp_path, "ours"), ports.Port(own="http://internal:81/Inner/xppservice.svc")
    with peer(port, tls=context(tmp_path, ours, HERE)) as server:
        door = aos.Door([server.url], ca_file=str(ours.file))
        assert read(server.url, door) == {("PaymSchedService", server.url)}
        found = aos.read_metadata(door, [server.url])
        target = Target(address=server.url, port="p", service="PaymSchedService", contract=found.fingerprint)
        opened = aos.open_port(door, target, company="USMF", language="en-us", partition=None)
        assert opened.create(b"<rows/>", message_id=str(uuid.uuid4()), time_limit_s=5) == []
        door.transport.close()


def test_every_page_is_asked_with_the_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "accounts").write_text("CONTOSO:loader:Secret1\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "accounts"))
    port = ports.Port()
    iis = Iis("Negotiate", "NTLM", inside=port)
    with peer(iis) as server:
        door = aos.Door([server.url], credentials=aos.Credentials(user="CONTOSO\\loader", password="Secret1"))
        assert read(server.url, door) == {("PaymSchedService", server.url)}
        door.transport.close()
    assert iis.logons == 1
    assert len(port.fetched) == len(port.files)


def test_a_contract_several_imports_deep_is_found() -> None:
    files = ports.folder()
    for level, inner in enumerate(["RoutingService.wsdl", "level0.wsdl", "level1.wsdl"]):
        files[f"level{level}.wsdl"] = (
            f'<d:definitions xmlns:d="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:{level}">'
            f'<d:import namespace="http://tempuri.org/" location="{inner}"/></d:definitions>'
        ).encode()
    with peer(ports.Port(files=files, root="level2.wsdl")) as server:
        assert read(server.url) == {("PaymSchedService", server.url)}


def grouped() -> dict[str, bytes]:
    """A port with two services, whose documents share their names: in another namespace, and with longer names."""
    files = {name: content.decode() for name, content in ports.folder().items()}
    second = {
        ports.SERVICES: "urn:second",
        "PaymSchedService": "SecondService",
        "documents/PaymSchedule": "documents/Second",
        '"messages.xsd"': '"messages2.xsd"',
        '"paymschedule.xsd"': '"paymschedule2.xsd"',
        'type="st:AxdExtType_PaymSchedId"': 'type="st:AxdExtType_Description"',
    }
    for name in ("service.wsdl", "messages.xsd", "paymschedule.xsd"):
        text = files[name]
        for old, new in second.items():
            text = text.replace(old, new)
        files[name.replace(".", "2.")] = text
    root = files["RoutingService.wsdl"]
    binding = root[root.index('<wsdl:binding name="BasicHttpBinding_') : root.rindex("</wsdl:binding>") + len("</wsdl:binding>")]
    service_port = root[root.index('<wsdl:port name="BasicHttpBinding_') : root.rindex("</wsdl:port>") + len("</wsdl:port>")]
    for text in (binding, service_port):
        other = text.replace("PaymSchedService", "SecondService").replace("svc:", "svc2:").replace(ports.SERVICES, "urn:second")
        root = root.replace(text, other + text)
    root = root.replace(" xmlns:svc=", ' xmlns:svc2="urn:second" xmlns:svc=')
    imported = '<wsdl:import namespace="urn:second" location="service2.wsdl"/><wsdl:types/>'
    files["RoutingService.wsdl"] = root.replace("<wsdl:types/>", imported)
    return {name: text.encode() for name, text in files.items()}


def test_services_of_one_port_are_told_apart() -> None:
    port = ports.Port(files=grouped())
    with peer(port) as server:
        door = aos.Door([server.url])
        assert read(server.url, door) == {("PaymSchedService", server.url), ("SecondService", server.url)}
        found = aos.read_metadata(door, [server.url])
        opened = {
            name: aos.open_port(
                door,
                Target(address=server.url, port="p", service=name, contract=found.fingerprint),
                company="USMF",
                language="en-us",
                partition=None,
            )
            for name in ("PaymSchedService", "SecondService")
        }
        port.reply = lambda _: ports.soap('<SecondServiceCreateResponse xmlns="urn:second"/>')
        opened["SecondService"].create(b"<rows/>", message_id=str(uuid.uuid4()), time_limit_s=5)
        assert server.requests[-1].headers["soapaction"] == '"urn:second/SecondService/create"'
        door.transport.close()
    row = '<PaymSchedule xmlns="{}/{}"><PaymSched class="entity"><Name>longer than ten</Name></PaymSched></PaymSchedule>'
    first = opened["PaymSchedService"].invalid(row.format(DOCUMENTS, "PaymSchedule").encode())
    assert [problem.element for problem in first] == ["Name"]
    assert opened["SecondService"].invalid(row.format(DOCUMENTS, "Second").encode()) == []
    assert opened["SecondService"].service.document is not None
    assert opened["SecondService"].service.document.namespace == f"{DOCUMENTS}/Second"


def test_a_port_that_offers_its_router_alone_is_told() -> None:
    files = ports.folder()
    root = files["RoutingService.wsdl"].decode()
    start, end = root.index('<wsdl:port name="BasicHttpBinding_'), root.rindex("</wsdl:port>") + len("</wsdl:port>")
    files["RoutingService.wsdl"] = (root[:start] + root[end:]).encode()
    with peer(ports.Port(files=files)) as server, pytest.raises(GiveUp, match="offers no service over HTTP"):
        read(server.url)
