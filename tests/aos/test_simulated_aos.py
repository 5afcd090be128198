"""The document operations against a simulated AOS over HTTP."""

import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.wire.jobs import Target
from connector.wire.metadata import Service
from workers import aos
from workers.aos import faults
from workers.errors import GiveUp, Refusal, Retry, Unsettled

Simulate = Callable[..., str]
LIMIT = 20.0

TABLES = """
port = "Setup"
[[table]]
name = "CustGroup"
key = ["CustGroup"]
[table.fields]
CustGroup = { length = 10, mandatory = true }
Name = { length = 60 }
PaymTermId = { references = "PaymTerm" }
[[table]]
name = "PaymTerm"
key = ["PaymTermId"]
[table.fields]
PaymTermId = { length = 10, mandatory = true }
NumOfDays = { type = "integer" }
[[table]]
name = "LedgerJournalTable"
key = ["JournalNum"]
[table.fields]
JournalNum = { length = 10, mandatory = true }
Name = { length = 60 }
[[table.lines]]
name = "LedgerJournalTrans"
key = ["LineNum"]
[table.lines.fields]
LineNum = { type = "integer", mandatory = true }
AmountCurDebit = { type = "decimal" }
"""


@pytest.fixture(scope="module")
def definition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("definition") / "tables.toml"
    file.write_text(TABLES)
    return file


@pytest.fixture(scope="module")
def url(simulate: Simulate, definition: Path) -> str:
    return simulate("--tables", str(definition), "--company", "USMF", "--company", "DEMF")


def address(url: str, port: str = "Setup") -> str:
    return f"{url}/MicrosoftDynamicsAXAif60/{port}/xppservice.svc"


def open_port(url: str, service: str, *, company: str = "USMF", door: aos.Door | None = None) -> aos.Port:
    door = door or aos.Door([url])
    found = aos.read_metadata(door, [address(url)])
    target = Target(address=address(url), port="Setup", service=service, contract=found.fingerprint)
    return aos.open_port(door, target, company=company, language="en-us", partition=None)


def root(service: Service) -> tuple[str, str, str]:
    assert service.document is not None
    return service.document.name, service.document.namespace, service.document.tables[0].name


def records(port: aos.Port, rows: list[str], *, action: str) -> str:
    name, namespace, table = root(port.service)
    inside = "".join(f'<{table} class="entity" action="{action}">{row}</{table}>' for row in rows)
    return f'<{name} xmlns="{namespace}">{inside}</{name}>'


def request(port: aos.Port, operation: str, content: str) -> bytes:
    name = f"{port.service.name}{operation}Request"
    return f'<{name} xmlns="{port.service.namespace}">{content}</{name}>'.encode()


def key_list(*keys: aos.Key) -> str:
    from workers.aos import envelope

    return envelope.key_list(keys)


def create(port: aos.Port, *rows: str, message_id: str | None = None) -> list[aos.Key]:
    body = request(port, "Create", records(port, list(rows), action="create"))
    return port.create(body, message_id=message_id or str(uuid.uuid4()), time_limit_s=LIMIT)


def group(name: str, *, text: str = "", terms: str = "") -> str:
    parts = [
        f"<CustGroup>{name}</CustGroup>",
        f"<Name>{text}</Name>" if text else "",
        f"<PaymTermId>{terms}</PaymTermId>" if terms else "",
    ]
    return "".join(parts)


def equal(value: str, *, field: str = "CustGroup", table: str = "CustGroup") -> aos.Criterion:
    return aos.Criterion(table, field, aos.Operator.EQUAL, value)


def test_metadata_over_http_offers_every_service(url: str) -> None:
    found = aos.read_metadata(aos.Door(), [address(url)], company="USMF")
    assert [service.name for service in found.services] == ["CustGroupService", "PaymTermService", "LedgerJournalTableService"]
    assert {service.port for service in found.services} == {"Setup"}
    journal = found.services[2].document
    assert journal is not None
    assert [child.name for child in journal.tables[0].children] == ["LedgerJournalTrans"]
    assert found.services[0].document is not None
    field = found.services[0].document.tables[0].field("CustGroup")
    assert field is not None
    assert (field.mandatory, field.max_length) == (True, 10)


def test_the_fingerprint_is_the_same_by_any_name_of_the_server(url: str) -> None:
    by_name = url.replace("127.0.0.1", "localhost")
    assert (
        aos.read_metadata(aos.Door(), [address(url)]).fingerprint == aos.read_metadata(aos.Door(), [address(by_name)]).fingerprint
    )


def test_records_are_created_found_read_updated_and_deleted(url: str) -> None:
    port = open_port(url, "CustGroupService")
    keys = create(port, group("30", text="Große &amp; Kleine"), group("40"))
    assert keys == [{"CustGroup": "30"}, {"CustGroup": "40"}]
    both = [aos.Criterion("CustGroup", "CustGroup", aos.Operator.RANGE, "30", "40")]
    assert sorted(key["CustGroup"] for key in port.find_keys(both)) == ["30", "40"]
    found, bare = port.read(keys)
    assert (found.table, found.values["Name"], found.hash != "") == ("CustGroup", "Große & Kleine", True)
    assert "Name" not in bare.values
    assert port.find([equal("30")]) == [found]
    update = records(
        port, [f"<_DocumentHash>{found.hash}</_DocumentHash><CustGroup>30</CustGroup><Name>New</Name>"], action="update"
    )
    body = request(port, "Update", key_list(keys[0]) + update)
    port.update(body, message_id=str(uuid.uuid4()), time_limit_s=LIMIT)
    assert port.read(keys[:1])[0].values["Name"] == "New"
    with pytest.raises(Refusal) as stale:
        port.update(body, message_id=str(uuid.uuid4()), time_limit_s=LIMIT)
    assert stale.value.code == faults.STALE_HASH
    port.delete(request(port, "Delete", key_list(keys[1])), message_id=str(uuid.uuid4()), time_limit_s=LIMIT)
    assert port.find_keys([equal("40")]) == []
    assert {"CustGroup": "30"} in port.get_keys(page_size=10)


def test_nested_records_come_back_under_their_table(url: str) -> None:
    port = open_port(url, "LedgerJournalTableService")
    lines = "".join(
        '<LedgerJournalTrans class="entity" action="create">'
        f"<AmountCurDebit>{n}.50</AmountCurDebit><LineNum>{n}</LineNum></LedgerJournalTrans>"
        for n in (1, 2)
    )
    create(port, f"<JournalNum>J1</JournalNum>{lines}")
    (found,) = port.read([{"JournalNum": "J1"}])
    assert [line.values["LineNum"] for line in found.children["LedgerJournalTrans"]] == ["1", "2"]
    assert found.children["LedgerJournalTrans"][0].hash == ""


def test_companies_are_kept_apart(url: str) -> None:
    create(open_port(url, "CustGroupService", company="DEMF"), group("DE"))
    assert open_port(url, "CustGroupService").find_keys([equal("DE")]) == []


def test_a_company_that_ax_does_not_have_ends_the_job(url: str) -> None:
    with pytest.raises(GiveUp, match="XX99") as refused:
        create(open_port(url, "CustGroupService", company="XX99"), group("1"))
    assert refused.value.code == faults.COMPANY


def test_a_refusal_names_the_record_the_field_and_the_reason(url: str) -> None:
    port = open_port(url, "CustGroupService")
    with pytest.raises(Refusal) as refused:
        create(port, group("A1"), group("A2"), group("A3", terms="N99"))
    (complaint,) = refused.value.complaints
    assert (complaint.record, complaint.field) == (3, "PaymTermId")
    assert "N99" in complaint.message
    assert not refused.value.duplicate
    assert port.find_keys([equal("A1")]) == []


def test_a_message_that_ax_has_seen_is_a_duplicate(url: str) -> None:
    port, message_id = open_port(url, "CustGroupService"), str(uuid.uuid4())
    create(port, group("DUP"), message_id=message_id)
    with pytest.raises(Refusal) as refused:
        create(port, group("DUP"), message_id=f"{{{message_id.upper()}}}")
    assert refused.value.duplicate


def test_reading_what_is_not_there_is_a_refusal(url: str) -> None:
    with pytest.raises(Refusal):
        open_port(url, "CustGroupService").read([{"CustGroup": "nobody"}])


def test_an_operation_that_the_port_does_not_know_though_its_contract_is_as_before_is_called_again(url: str) -> None:
    port = open_port(url, "CustGroupService")
    operation = port._operations["getKeys"]
    port._operations["getKeys"] = type(operation)(
        action=operation.action + "Gone", request=operation.request, namespace=operation.namespace
    )
    with pytest.raises(Retry) as refused:
        port.get_keys()
    assert refused.value.code == faults.STALE_CONTRACT


def test_threads_share_a_port(url: str) -> None:
    port, problems = open_port(url, "PaymTermService"), []
    name, namespace, table = root(port.service)

    def work(thread: int) -> None:
        for n in range(10):
            row = f"<NumOfDays>{n}</NumOfDays><PaymTermId>T{thread}-{n}</PaymTermId>"
            document = f'<{name} xmlns="{namespace}">\n<{table} class="entity">{row}<Wrong/></{table}></{name}>'
            problems.append([problem.element for problem in port.invalid(document.encode())])
            assert create(port, row) == [{"PaymTermId": f"T{thread}-{n}"}]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == [["Wrong"]] * 40
    found = port.find_keys([aos.Criterion("PaymTerm", "PaymTermId", aos.Operator.RANGE, "T0", "T9")])
    assert len(found) == 40


def test_threads_open_ports_and_read_faults_at_once(url: str) -> None:
    door = aos.Door()
    target = open_port(url, "CustGroupService", door=door)._contract
    said: list[str | None] = []

    def work() -> None:
        port = open_port(url, "CustGroupService", door=door)
        assert port._contract is target  # one parsed contract for all threads
        for _ in range(5):
            with pytest.raises(Refusal) as refused:
                create(port, group("X", terms="N99"))
            said.append(refused.value.complaints[0].field)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert said == ["PaymTermId"] * 20


@pytest.mark.parametrize(
    ("kind", "expected"), [("http503", Retry), ("deadlock", Retry), ("timeout_after", Unsettled), ("reset", Unsettled)]
)
def test_each_failure_says_what_happens_next(simulate: Simulate, definition: Path, kind: str, expected: type[Retry]) -> None:
    url = simulate("--tables", str(definition), "--fault", f"{kind}=1")
    port = open_port(url, "CustGroupService")
    with pytest.raises(Retry) as failed:
        create(port, group("1"))
    assert type(failed.value) is expected


def test_a_port_that_keeps_its_reasons_is_told_so(simulate: Simulate, definition: Path) -> None:
    url = simulate("--tables", str(definition), "--no-fault-detail")
    with pytest.raises(Refusal) as refused:
        create(open_port(url, "CustGroupService"), group("1", terms="N99"))
    assert "Include exceptions in fault" in refused.value.advice
    assert not any(complaint.record for complaint in refused.value.complaints)


@pytest.mark.parametrize(
    ("folder", "port"),
    [
        ("UploadInventService", "TecInventService"),
        ("UploadCustomerService", "QTQCustService"),
        ("UploadPurchOrderService", "TECPurchOrderService"),
    ],
)
def test_a_real_contract_is_the_same_from_its_folder_and_over_http(
    simulate: Simulate, contracts: Path, zipped: Callable[[str], bytes], folder: str, port: str
) -> None:
    url = simulate("--contract", str(contracts / folder))
    over_http = aos.read_metadata(aos.Door([url]), [address(url, port)])
    assert over_http == aos.read_metadata(aos.Door(), [address(url, port)], contract_zip=zipped(folder))
