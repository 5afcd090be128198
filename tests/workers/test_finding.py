"""What the name of a host tells of its AOS, and what is kept of a registration on this computer."""

import dataclasses
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from connector.wire import keys
from workers import keeping, letters, policy
from workers.enrol import finding, membership
from workers.enrol.device import Dispatcher, Given
from workers.errors import GiveUp


def find(host, **more):
    told = {"aos_instance": None, "ports": (), "companies": (), "partition": ""}
    return finding.find(host, **(told | more))


def test_everything_follows_from_the_host():
    found = find("AOSPROD01", companies=["usmf"])
    assert (found.rpc_port, found.wsdl_port, found.services_port) == (2712, 8101, 8201)
    assert found.addresses == ["net.tcp://AOSPROD01:8201/DynamicsAx/Services/RapidStart"]
    assert (found.aos_instance, found.companies) == ("1", ("USMF",))


def test_ports_are_counted_up_by_instance():
    found = find("AOSPROD01", aos_instance="3", ports=("Journals", "Customers"))
    assert (found.rpc_port, found.wsdl_port, found.services_port) == (2714, 8103, 8203)
    assert found.addresses == [f"net.tcp://AOSPROD01:8203/DynamicsAx/Services/{port}" for port in ("Journals", "Customers")]


def test_an_unusual_port_of_contracts_is_said_in_the_address():
    found = finding.changed(find("AOSPROD01"), wsdl_port=9101, services_port=None)
    assert found.addresses == ["net.tcp://AOSPROD01:8201/DynamicsAx/Services/RapidStart?wsdl=9101"]


def test_a_web_site_has_its_ports_on_iis():
    found = find("http://aosprod01.contoso.com:81", ports=("Setup",))
    assert found.service_host == "aosprod01.contoso.com"
    assert found.addresses == ["http://aosprod01.contoso.com:81/MicrosoftDynamicsAXAif60/Setup/xppservice.svc"]


def test_the_setup_of_this_computer_names_its_instances():
    installed = [
        finding.of_setup("01", {"instancename": "AX60_PROD"}, {"port": "2712", "wsdlport": "8101"}),
        finding.of_setup("02", {"instancename": "AX60_TEST"}, {"port": "2800"}),
    ]
    here = find("localhost", installed=installed)
    assert (here.aos_instance, here.how) == ("AX60_PROD", "found in the registry; 2 instances, choose with --aos-instance")
    second = find("localhost", aos_instance="ax60_test", installed=installed)
    assert (second.rpc_port, second.wsdl_port, second.services_port) == (2800, 8102, 8202)
    assert find("elsewhere", installed=installed).aos_instance == "1", "what is installed here says nothing of others"


@pytest.mark.parametrize("host", ["", "a b", "file:///x", "http://", "AOS/../x?y"])
def test_what_names_no_computer_is_refused(host):
    with pytest.raises(GiveUp, match="names no computer"):
        find(host)


def test_a_name_of_an_instance_elsewhere_is_not_guessed():
    with pytest.raises(GiveUp, match="not known here"):
        find("AOSPROD01", aos_instance="AX60_PROD")


@pytest.mark.parametrize(("url", "fits"), [("http://rapid.contoso.com", False), ("http://127.0.0.1:8480", True), ("x", False)])
def test_credentials_do_not_travel_where_they_can_be_read(url, fits):
    if fits:
        assert Dispatcher(url).url == url
        return
    with pytest.raises(GiveUp):
        Dispatcher(url)


def test_a_secret_is_for_its_owner_alone(tmp_path):
    file = tmp_path / "deep" / "broker.login"
    assert keeping.read(file) is None
    keeping.keep(file, "rediss://aos.a:pw@h/0")
    keeping.keep(file, "rediss://aos.a:new@h/0")
    assert keeping.read(file) == "rediss://aos.a:new@h/0"
    assert [each.name for each in file.parent.iterdir()] == ["broker.login"]
    if sys.platform == "win32":
        assert "new" not in file.read_text()
    else:
        assert file.stat().st_mode & 0o777 == 0o600


DISPATCHER = keys.generate().public
URL = "rediss://aos.aosprod01.1:pw@broker:6379/0"
GIVEN = Given(
    endpoint="AOSPROD01",
    service_instance="Contoso",
    letter="",
    dispatcher_key=DISPATCHER.text,
    trouble="",
)


def settle(home, found, **more):
    file, public = membership.key_for(home, found, endpoint="")
    told = {"key_file": file, "broker_url": URL, "dispatcher": "https://rapid", "ca_file": None} | more
    return membership.settle(home, GIVEN, found, **told), public


def test_a_registration_is_kept_and_its_key_used_again(tmp_path):
    found = find("AOSPROD01", companies=["USMF"])
    _, first = membership.key_for(tmp_path, found, endpoint="")
    is_new, public = settle(tmp_path, found, ca_file="ca.pem")
    assert is_new
    assert public == first, "the key of a try that was not finished"
    folder = tmp_path / "endpoints" / "aosprod01"
    assert letters.open_letters(folder, endpoint="AOSPROD01").is_sealed
    allowed = policy.load(folder / policy.FILE, needed=True)
    assert (allowed.addresses, allowed.companies) == (("net.tcp://AOSPROD01:8201/*",), ("USMF",))
    assert keeping.login(folder).startswith("rediss://aos.aosprod01.1:pw@broker:6379/0?ssl_ca_certs=")
    assert membership.with_own_files("rediss://n:q@b/0?x=1", keeping.login(folder)).startswith(
        "rediss://n:q@b/0?x=1&ssl_ca_certs="
    )

    (folder / policy.FILE).write_text('companies = ["DEMF"]\n')
    is_new, again = settle(tmp_path, found)
    assert not is_new
    assert again == public
    assert "DEMF" in (folder / policy.FILE).read_text(), "what an administrator wrote stays"

    (mine,) = membership.known(tmp_path)
    assert (mine.endpoint, mine.dispatcher) == ("AOSPROD01", "https://rapid")
    membership.forget(tmp_path, "AOSPROD01")
    assert [each.name for each in folder.iterdir()] == ["policy.toml"]


def test_a_second_endpoint_of_the_same_host_leaves_the_key_of_the_first_alone(tmp_path):
    """As two web sites of one computer are: whoever names another endpoint means another one."""
    found = find("AOSPROD01", companies=["USMF"])
    _, first = settle(tmp_path, found)
    file, second = membership.key_for(tmp_path, found, endpoint="AOSPROD02")
    other = dataclasses.replace(GIVEN, endpoint="AOSPROD02")
    told = {"key_file": file, "broker_url": URL, "dispatcher": "https://rapid", "ca_file": None}
    membership.settle(tmp_path, other, found, **told)
    assert first != second
    for name, public in (("aosprod01", first), ("aosprod02", second)):
        assert keeping.ring(tmp_path / "endpoints" / name / "machine.key")[-1].public == public
    assert list((tmp_path / "registering").iterdir()) == []


def test_a_key_of_an_endpoint_stays_where_it_is_given_to_another_one(tmp_path):
    """The dispatcher may call the endpoint otherwise than this computer knows it."""
    found = find("AOSPROD01", companies=["USMF"])
    settle(tmp_path, found)
    file, public = membership.key_for(tmp_path, found, endpoint="")
    told = {"key_file": file, "broker_url": URL, "dispatcher": "https://rapid", "ca_file": None}
    membership.settle(tmp_path, dataclasses.replace(GIVEN, endpoint="AOSPROD02"), found, **told)
    for name in ("aosprod01", "aosprod02"):
        assert keeping.ring(tmp_path / "endpoints" / name / "machine.key")[-1].public == public


@pytest.mark.parametrize("scheme", ["rediss", "sentinels"])
def test_a_certificate_that_the_broker_wants_is_kept_with_the_login(tmp_path, scheme):
    url = f"{scheme}://aos.aosprod01.1:pw@broker:6379/0"
    settle(tmp_path, find("AOSPROD01"), broker_url=url, ca_file="ca.pem", client_certificate="mine.pem")
    kept = parse_qs(urlsplit(keeping.login(tmp_path / "endpoints" / "aosprod01")).query)
    mine = [str(Path("mine.pem").absolute())]
    assert kept == {"ssl_ca_certs": [str(Path("ca.pem").absolute())], "ssl_certfile": mine, "ssl_keyfile": mine}
