"""The contracts of the AOS' own services, which are on net.tcp alone: their operations, and how they are called."""

import os
import sys
from pathlib import Path

import pytest

from tests.aos.conformance.targets import zipped
from workers import aos
from workers.aos import nettcp
from workers.aos.nettcp import borrowed
from workers.errors import GiveUp

ROOT = Path(__file__).parents[2]
CONTRACTS = Path(os.environ.get("RAPIDSTART_SHARED", ROOT.parent / "shared")) / "ax2012" / "contracts"


@pytest.mark.parametrize(
    ("folder", "name", "operations", "streamed"),
    [
        ("UserSessionService", "UserSessionService", 7, False),
        ("QueryService", "IQueryService", 15, True),
        ("MetadataService", "IAxMetadataService", 54, False),
    ],
)
def test_the_system_services_show_their_operations(folder: str, name: str, operations: int, streamed: bool):
    if not (CONTRACTS / folder).is_dir():
        pytest.skip(f"the contracts of AX' own services are not in {CONTRACTS}; RAPIDSTART_SHARED names another place")
    address = f"net.tcp://aos07:8203/DynamicsAx/Services/{folder}"
    (contract,) = aos.Door().contracts([address], contract_zip=zipped(CONTRACTS / folder))
    (service,) = contract.services
    assert (service.name, len(service.operations), service.address) == (name, operations, address)
    assert contract.way == nettcp.Way(streamed=streamed, upn="svc@aos.example")
    (told,) = aos.read_metadata(aos.Door(), [address], contract_zip=zipped(CONTRACTS / folder), company="USMF").services
    assert (len(told.operations), len(told.calls), told.document) == (operations, operations, None)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("net.tcp://aos:8201/DynamicsAx/Services/G", "http://aos:8101/DynamicsAx/Services/G"),
        ("net.tcp://AOS:8299/DynamicsAx/Services/G", "http://aos:8199/DynamicsAx/Services/G"),
        ("net.tcp://aos:8201/DynamicsAx/Services/G?wsdl=9000", "http://aos:9000/DynamicsAx/Services/G"),
        ("net.tcp://[::1]:8201/G", "http://[::1]:8101/G"),
    ],
)
def test_the_contract_is_told_by_http_on_the_port_below(address: str, told: str):
    assert nettcp.contract_address(address) == told
    assert "?" not in nettcp.via(address)


@pytest.mark.parametrize(
    "address",
    [
        "net.tcp:///G",
        "net.tcp://user:secret@aos:8201/G",
        "net.tcp://aos:99999/G",
        "net.tcp://aos:8201/G?wsdl=0",
        "net.tcp://aos:8201/G?other",
        "http://aos:8201/G",
    ],
)
def test_what_is_no_address_of_net_tcp_is_refused_without_a_password_in_the_words(address: str):
    with pytest.raises(GiveUp) as told:
        nettcp.place(address)
    assert "secret" not in told.value.message + told.value.advice


def test_without_its_package_net_tcp_alone_is_missing(monkeypatch: pytest.MonkeyPatch):
    borrowed._module.cache_clear()
    for name in ("framing", "errors"):
        monkeypatch.setitem(sys.modules, f"pynettcp.{name}", None)
    try:
        with pytest.raises(GiveUp, match="pynettcp") as told:
            borrowed._module("framing")
        assert told.value.code == "RSC-5913"
    finally:
        borrowed._module.cache_clear()


def test_an_origin_that_is_not_configured_is_not_called():
    door = aos.Door(["net.tcp://aos:8201"])
    with pytest.raises(GiveUp, match="not on an origin"):
        door.transport.place("net.tcp://aos:8202/G")
    assert door.transport.place("http://aos:8101/G?wsdl") == ("http", "aos", 8101)
