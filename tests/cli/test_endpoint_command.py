import base64
import io
import json
import os
import time
import zipfile
from pathlib import Path

import click
import pytest

from connector.cli import contracts
from connector.ledger import endpoints
from connector.wire.reports import Check, WorkerAlive

SHARED = Path(os.environ.get("RAPIDSTART_SHARED") or Path(__file__).parents[2].parent / "shared")
WSDL = """<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/">
<service name="S"><port name="P"><soap:address location="{url}"/></port></service></definitions>"""
PATH = "/MicrosoftDynamicsAXAif60/{}/xppservice.svc"


@pytest.fixture
def contract(tmp_path):
    folder = tmp_path / "contract"
    folder.mkdir()
    (folder / "a.wsdl").write_text(WSDL.format(url="http://elsewhere.test:82" + PATH.format("Groups")))
    (folder / "b.wsdl").write_text(WSDL.format(url="net.tcp://elsewhere.test:8201/Services/Groups"))
    (folder / "types.XSD").write_text("<schema/>")
    (folder / "notes.txt").write_text("not part of it")
    return folder


@pytest.mark.parametrize(
    ("url", "ports", "expected"),
    [
        ("http://aos.test", (), ["http://aos.test" + PATH.format("RapidStart")]),
        ("https://aos.test:8443/", ("A", "B"), ["https://aos.test:8443" + PATH.format(port) for port in "AB"]),
        ("http://aos.test/x/Y.SVC", ("A",), ["http://aos.test/x/Y.SVC"]),
        ("net.tcp://aos.test:8201", ("G",), ["net.tcp://aos.test:8201/DynamicsAx/Services/G"]),
        ("net.tcp://aos.test:8201/DynamicsAx/Services/G", (), ["net.tcp://aos.test:8201/DynamicsAx/Services/G"]),
    ],
)
def test_addresses_come_from_url_and_ports(url, ports, expected):
    assert contracts.addresses(url, ports=ports, contract=None) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"instance": 1}, "net.tcp://aos.test:8201/DynamicsAx/Services/RapidStart"),
        ({"instance": 3}, "net.tcp://aos.test:8203/DynamicsAx/Services/RapidStart"),
        ({"instance": 3, "wsdl_port": 8150}, "net.tcp://aos.test:8203/DynamicsAx/Services/RapidStart?wsdl=8150"),
        ({"instance": 1, "services_port": 9000}, "net.tcp://aos.test:9000/DynamicsAx/Services/RapidStart?wsdl=8101"),
        ({"instance": 1, "services_port": 9000, "wsdl_port": 8900}, "net.tcp://aos.test:9000/DynamicsAx/Services/RapidStart"),
    ],
)
def test_addresses_come_from_a_host_and_the_number_of_its_instance(given, expected):
    assert contracts.of_instance("aos.test", ports=(), **given) == [expected]
    assert contracts.of_instance("aos.test", ports=("A", "B"), **given) == [expected.replace("RapidStart", port) for port in "AB"]


@pytest.mark.parametrize("host", ["a/b", "user@aos", "aos:8201", "", "a b"])
def test_what_is_no_host_is_refused(host):
    with pytest.raises(click.UsageError, match="not the name of a computer"):
        contracts.of_instance(host, instance=1, ports=())


def test_a_contract_names_its_own_path(contract):
    assert contracts.addresses("http://aos.test", ports=(), contract=contract) == ["http://aos.test" + PATH.format("Groups")]
    assert contracts.addresses("http://aos.test", ports=("X",), contract=contract) == ["http://aos.test" + PATH.format("X")]


@pytest.mark.parametrize("url", ["aos.test", "ftp://aos.test", "file:///etc/passwd", "http://"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(click.UsageError, match="is not an address"):
        contracts.addresses(url, ports=(), contract=None)


def test_a_contract_travels_without_what_is_not_part_of_it(contract):
    content = base64.b64decode(contracts.packed(contract))
    assert sorted(zipfile.ZipFile(io.BytesIO(content)).namelist()) == ["a.wsdl", "b.wsdl", "types.XSD"]
    assert contracts.packed(contract) == contracts.packed(contract)


@pytest.mark.skipif(not (SHARED / "ax2012/contracts").is_dir(), reason="the collection of real contracts is not here")
@pytest.mark.parametrize(
    ("folder", "port"),
    [
        ("UploadCustomerService", "QTQCustService"),
        ("UploadInventService", "TecInventService"),
        ("UploadPurchOrderService", "TECPurchOrderService"),
    ],
)
def test_real_contracts_name_their_port(folder, port):
    found = contracts.addresses("http://here:1", ports=(), contract=SHARED / "ax2012/contracts" / folder)
    assert found == ["http://here:1" + PATH.format(port)]


def test_an_endpoint_is_added_with_its_contract(run, office, contract):
    ran = run(
        "endpoint", "add", "NEW", "--url", "http://aos.test", "--contract", contract, "--company", "USMF", "--company", "DEMF"
    )

    assert ran.code == 0
    assert "rapidstart-worker run --endpoint NEW" in ran.out
    added = office.client.endpoint("new")
    assert (added["companies"], added["contract"]) == (["USMF", "DEMF"], True)
    with office.ledger.read() as db:
        assert endpoints.contract(db, "new") == base64.b64decode(contracts.packed(contract))


@pytest.mark.parametrize("name", ["a b", "a/b", "x" * 41])
def test_a_wrong_name_is_a_usage_error(run, name):
    ran = run("endpoint", "add", name, "--url", "http://aos.test")
    assert (ran.code, "cannot name an endpoint" in ran.err) == (2, True)


def test_a_folder_without_a_contract_is_a_usage_error(run, tmp_path):
    ran = run("endpoint", "add", "A1", "--url", "http://aos.test", "--contract", tmp_path)
    assert (ran.code, "no .wsdl file" in ran.err) == (2, True)


def test_endpoints_are_listed_and_shown(run, office):
    assert "online" in run("endpoint", "list").out
    assert [line["name"] for line in run("endpoint", "list", "--json").lines] == ["AOS-1"]
    shown = run("endpoint", "show", "aos-1").out
    assert "http://aos.test/port.svc" in shown
    assert "aoshost" in shown


def test_companies_and_metadata(run, office):
    assert run("endpoint", "companies", "AOS-1").out == "USMF\n"
    assert run("endpoint", "companies", "AOS-1", "--json").lines == [{"company": "USMF", "ok": None, "detail": ""}]
    assert "CustGroupService" in run("endpoint", "metadata", "AOS-1").out
    assert run("endpoint", "metadata", "AOS-1", "--json").lines[0]["fingerprint"] == "f1"


def test_metadata_that_nobody_has_ends_with_4(run, office):
    office.client.add_endpoint("NEW", addresses=["http://aos.test/port.svc"])
    ran = run("endpoint", "metadata", "NEW")
    assert (ran.code, ran.out) == (4, "")
    assert "--refresh" in ran.err


def test_an_endpoint_is_paused_resumed_and_removed(run, office):
    assert "paused" in run("endpoint", "pause", "AOS-1").out
    assert run("endpoint", "resume", "AOS-1", "--json").lines[0]["state"] == "online"
    assert run("endpoint", "remove", "AOS-1").code == 0
    gone = run("endpoint", "remove", "AOS-1")
    assert (gone.code, "no endpoint is named AOS-1" in gone.err) == (3, True)


def test_a_test_that_no_worker_takes_up_says_so(run, office, monkeypatch):
    monkeypatch.setattr("connector.cli.endpoint._ANSWER_S", 0.0)
    ran = run("endpoint", "test", "AOS-1")
    assert (ran.code, ran.out) == (4, "")
    assert "no worker has answered yet: JB-" in ran.err


def test_a_test_shows_what_was_checked(run, office, monkeypatch):
    checks = (Check(name="Address", ok=True, detail="answers"), Check(name="Login", ok=False, detail="refused", advice="Ask."))

    def surveyed(name, **_):
        job = real(name)
        office.know(name, checks=checks)
        with office.ledger.write() as db:
            from connector.ledger import jobs

            jobs.close(db, job.id, jobs.JobState.SUCCEEDED, at=1.0)
        return job

    real = office.dispatcher.test
    monkeypatch.setattr(office.dispatcher, "test", surveyed)
    ran = run("endpoint", "test", "AOS-1")

    assert ran.code == 4
    assert "✓ Address: answers" in ran.out
    assert "✗ Login: refused" in ran.out
    assert "Ask." in ran.out
    assert [check["ok"] for check in json.loads(run("endpoint", "test", "AOS-1", "--json").out)["checks"]] == [True, False]


def test_an_endpoint_is_scaled(run, office):
    ran = run("endpoint", "scale", "aos-1", "--workers", "3", "--concurrency", "2")
    assert (ran.code, ran.out) == (0, "AOS-1: 3 workers, 2 calls at once each wished\n")
    assert "rapidstart-worker service run" in ran.err
    assert "3 workers, 2 calls" in run("endpoint", "show", "AOS-1").out
    assert run("endpoint", "scale", "AOS-1", "--unset", "--json").lines[0]["scale"] == {"workers": None, "concurrency": None}


@pytest.mark.parametrize("options", [(), ("--unset", "--workers", "1"), ("--workers", "-1"), ("--concurrency", "65")])
def test_a_wish_that_says_nothing_is_a_usage_error(run, office, options):
    assert run("endpoint", "scale", "AOS-1", *options).code == 2


def test_an_instance_is_registered_by_its_host_and_number(run, office):
    ran = run("endpoint", "add", "TCP", "--host", "aos.test", "--instance", "2", "--port", "Setup", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["addresses"] == ["net.tcp://aos.test:8202/DynamicsAx/Services/Setup"]


@pytest.mark.parametrize(
    "given", [(), ("--url", "http://a.test", "--host", "a.test"), ("--url", "http://a.test", "--instance", "2")]
)
def test_an_address_is_named_in_one_way_only(run, given):
    ran = run("endpoint", "add", "TCP", *given)
    assert ran.code == 2
    assert "--url, or by --host" in ran.err


def test_virtual_companies_are_named_and_shown(run, office):
    named = ("--virtual-company", "VIR=USMF, DEMF", "--virtual-company", "V2=USMF,FRSI")
    added = run("endpoint", "add", "B1", "--url", "http://aos.test", *named, "--json")
    assert added.lines[0]["virtual_companies"] == {"VIR": ["USMF", "DEMF"], "V2": ["USMF", "FRSI"]}
    assert "VIR: USMF, DEMF; V2: USMF, FRSI" in run("endpoint", "show", "B1").out


@pytest.mark.parametrize("wrong", ["VIR", "VIR=USMF", "=USMF,DEMF", "VIR="])
def test_what_names_no_virtual_company_is_refused(run, office, wrong):
    refused = run("endpoint", "add", "B1", "--url", "http://aos.test", "--virtual-company", wrong)
    assert refused.code == 2
    assert "VIR=USMF,DEMF" in refused.err


def test_a_registered_endpoint_is_changed_by_adding_it_again(run, office):
    taken = run("endpoint", "add", "AOS-1", "--url", "http://aos.test")
    assert taken.code == 3
    assert "rapidstart endpoint add AOS-1 --replace" in taken.err
    changed = run("endpoint", "add", "aos-1", "--replace", "--company", "USMF", "--company", "FRSI", "--database", "AX", "--json")
    (found,) = changed.lines
    assert (found["companies"], found["database"], found["addresses"]) == (["USMF", "FRSI"], "ax", ["http://aos.test/port.svc"])
    moved = run("endpoint", "add", "AOS-1", "--replace", "--url", "http://new.test", "--port", "P")
    assert "http://new.test" + PATH.format("P") in moved.out
    assert "never" in moved.out, "nobody has read the contracts there"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--concurrency", "2"], "rapidstart endpoint limit AOS-1"),
        (["--port", "P"], "--url"),
        (["--url", "http://a.test", "--host", "a"], "--url"),
    ],
)
def test_a_change_that_says_too_little_or_too_much_is_refused(run, office, options, said):
    refused = run("endpoint", "add", "AOS-1", "--replace", *options)
    assert refused.code == 2
    assert said in refused.err


def test_workers_that_ended_are_a_number(run, office):
    office.worker("AOS-1")
    for number in range(3):
        seen = WorkerAlive(endpoint="AOS-1", worker=f"old.{number}", host="h", pid=number, version="0.1.0", concurrency=1)
        with office.ledger.write() as db:
            endpoints.worker_seen(db, seen, at=time.time() - 7300)
            endpoints.worker_stopped(db, "AOS-1", f"old.{number}")
    told = " ".join(run("endpoint", "show", "AOS-1").out.split())
    assert "Ended workers 3 within a week, the last seen 2 h ago" in told
    assert "AOS-1.1" in told
    assert "old." not in told
