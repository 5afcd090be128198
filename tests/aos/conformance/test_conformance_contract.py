"""What a port says of itself."""

from lxml import etree

from connector.wire.metadata import FieldType
from tests.aos.conformance.targets import CONTRACT, Target, table, zipped
from workers import aos

_PORT = "{http://schemas.xmlsoap.org/wsdl/}service/{http://schemas.xmlsoap.org/wsdl/}port"


def test_the_service_is_found_with_its_document(target: Target, port: aos.Port):
    subject = target.subject
    assert {"create", "read", "find", "findKeys", "update", "delete"} <= set(port.service.operations)
    assert port.service.document is not None
    root = port.service.document.tables[0]
    key, text = root.field(subject.key), root.field(subject.text)
    assert key is not None
    assert text is not None
    assert (key.type, text.type) == (FieldType.STRING, FieldType.STRING)
    assert subject.line in ("", *(child.name for child in root.children))


def test_the_router_that_stands_first_is_no_service(target: Target):
    root = etree.parse(CONTRACT / "RoutingService.wsdl")
    assert next(root.iterfind(_PORT)).get("name") == "serviceEndpoint"
    services = target.metadata().services
    assert target.subject.service in [service.name for service in services]
    assert all(service.operations for service in services)
    assert "serviceEndpoint" not in [service.name for service in services]


def test_a_contract_read_again_has_the_same_fingerprint(target: Target):
    again = aos.read_metadata(target.fresh_door(), [target.address], contract_zip=target.contract_zip)
    assert again == target.metadata()


def test_a_contract_over_http_is_the_one_in_the_folder(simulated: Target):
    given = aos.read_metadata(aos.Door(), [simulated.address], contract_zip=zipped(CONTRACT))
    assert given.fingerprint == simulated.metadata().fingerprint


def test_what_is_asked_of_an_unused_key_is_nothing(target: Target, port: aos.Port):
    assert table(port)
    assert port.find_keys(target.between(target.keys(1))) == []
    assert port.find(target.between(target.keys(1))) == []
