"""A WCF service that others wrote, with typed rows: .NET itself makes numbers, dates and bytes of the texts that we send."""

import io
import os
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from connector.wire.codec import Row
from connector.wire.jobs import Column, Layout, Target
from tests.aos import mono
from tests.aos.conformance.targets import CONTRACT, bound_to_tcp, new_id
from tests.aos.conformance.test_conformance_texts import SCRIPTS
from tests.aos.conftest import ROOT
from workers import aos, documents
from workers.aos import faults, nettcp
from workers.errors import GiveUp, Refusal, WorkerError

SOURCE = Path(os.environ.get("RAPIDSTART_SHARED", ROOT.parent / "shared")) / "peers" / "AxPeer.cs"
NAMESPACE = "http://schemas.microsoft.com/dynamics/2008/01/documents/Item"
#: The service has one level more than AX: its list is an element of its own, which serves as a header without fields.
SCHEMA = f"""<?xml version="1.0" encoding="utf-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="{NAMESPACE}" elementFormDefault="qualified"
           targetNamespace="{NAMESPACE}">
  <xs:element name="Item" type="tns:AxdItem"/>
  <xs:complexType name="AxdItem"><xs:sequence>
    <xs:element minOccurs="0" maxOccurs="unbounded" name="Item" type="tns:List"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="List"><xs:sequence>
    <xs:element minOccurs="0" maxOccurs="unbounded" name="AxdEntity_Item" type="tns:AxdEntity_Item"/>
  </xs:sequence>
  <xs:attribute fixed="entity" name="class" type="xs:string"/><xs:attribute name="action" type="xs:string"/></xs:complexType>
  <xs:complexType name="AxdEntity_Item"><xs:sequence>
    <xs:element minOccurs="0" name="ItemId" nillable="true" type="xs:string"/>
    <xs:element minOccurs="0" name="Price" type="xs:decimal"/>
    <xs:element minOccurs="0" name="ValidFrom" type="xs:dateTime"/>
    <xs:element minOccurs="0" name="Stopped" type="xs:boolean"/>
    <xs:element minOccurs="0" name="Qty" type="xs:int"/>
    <xs:element minOccurs="0" name="Weight" type="xs:double"/>
    <xs:element minOccurs="0" name="RowGuid" type="xs:string"/>
    <xs:element minOccurs="0" name="Blob" nillable="true" type="xs:base64Binary"/>
  </xs:sequence>
  <xs:attribute fixed="entity" name="class" type="xs:string"/><xs:attribute name="action" type="xs:string"/></xs:complexType>
</xs:schema>"""
FIELDS = ("ItemId", "Price", "ValidFrom", "Stopped", "Qty", "Weight", "RowGuid", "Blob")


def contract(address: str) -> bytes:
    """Our contract with the names of that service, and the binding that its address means."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in CONTRACT.iterdir():
            text = file.read_text(encoding="utf-8").replace("PaymSchedService", "ItemService").replace("PaymSchedule", "Item")
            if nettcp.is_one(address):
                text = bound_to_tcp(text, streamed=address.endswith("Streamed"))
            archive.writestr(file.name, SCHEMA if file.name == "paymschedule.xsd" else text)
    return packed.getvalue()


@pytest.fixture(scope="module", params=["http", "net.tcp", "net.tcp streamed"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not SOURCE.is_file():
        pytest.skip(f"the foreign service is not in {SOURCE.parent}; RAPIDSTART_SHARED names another place")
    try:
        program = mono.compiled("AxPeer", SOURCE, folder=tmp_path_factory.mktemp("foreign"))
    except mono.NotInstalled as missing:
        pytest.skip(str(missing))
    tcp = mono.free_ports_in_a_row(3)
    with mono.running(program, str(tcp), "none") as number:
        yield {
            "http": f"http://127.0.0.1:{number}/Item/xppservice.svc",
            "net.tcp": f"net.tcp://127.0.0.1:{tcp}/DynamicsAx/Services/Item",
            "net.tcp streamed": f"net.tcp://127.0.0.1:{tcp + 2}/DynamicsAx/Services/ItemStreamed",
        }[request.param]


@pytest.fixture(scope="module")
def port(address: str) -> aos.Port:
    door, given = aos.Door([address]), contract(address)
    found = aos.read_metadata(door, [address], contract_zip=given)
    target = Target(address=address, port="Item", service="ItemService", contract=found.fingerprint)
    return aos.open_port(door, target, company="CEU", language="en-us", partition=None, contract_zip=given)


def body(port: aos.Port, *rows: tuple[str, ...]) -> bytes:
    columns = tuple(Column(name=name, field=name) for name in FIELDS)
    lines = Layout(step=2, entity="l", file="f", table="AxdEntity_Item", columns=columns)
    writer = documents.Writer(port.service, Layout(step=1, entity="e", file="f", table="Item", columns=(), children=(lines,)))
    below = [Row(n, [*row, *[""] * (len(FIELDS) - len(row))]) for n, row in enumerate(rows, 2)]
    return writer.create([writer.record(Row(1, [], [below]))]).request


def create(port: aos.Port, *rows: tuple[str, ...], message_id: str | None = None) -> list[aos.Key]:
    return port.create(body(port, *rows), message_id=message_id or new_id(), time_limit_s=20)


def read(port: aos.Port, *keys: str) -> list[dict[str, str | None]]:
    (told,) = port.read([{"ItemId": key} for key in keys])
    return [item.values for item in told.children["AxdEntity_Item"]]


def test_texts_become_values_and_texts_again(port: aos.Port):
    guid = str(uuid.uuid4())
    given = ("T1", "1234567.8900", "2012-02-29T23:59:59Z", "true", "-7", "0.1", guid, "AAEC/w==")
    assert create(port, given) == [{"ItemId": "T1"}]
    (found,) = read(port, "T1")
    assert tuple(found[name] for name in FIELDS) == given


def test_what_was_left_out_is_its_types_default(port: aos.Port):
    create(port, ("T2", "5"))
    (found,) = read(port, "T2")
    assert (found["Price"], found["Stopped"], found["Qty"], found["Blob"]) == ("5", "false", "0", None)


def test_four_hundred_rows_of_many_scripts_keep_order_and_characters(port: aos.Port):
    names = [f"{n:03d} {SCRIPTS[n % len(SCRIPTS)]}" for n in range(400)]
    assert [key["ItemId"] for key in create(port, *[(name,) for name in names])] == names
    assert [found["ItemId"] for found in read(port, *names)] == names


def test_a_message_that_was_seen_is_refused(port: aos.Port):
    message_id = new_id()
    create(port, ("T3",), message_id=message_id)
    with pytest.raises(Refusal, match="DuplicateMessage"):
        create(port, ("T3",), message_id=message_id)


def test_a_fault_of_another_type_keeps_its_reason(port: aos.Port):
    """Its AifFault is not the one of the contract, so only the fault's own text is told."""
    with pytest.raises(Refusal, match="must be filled in"):
        create(port, ("BAD",))
    with pytest.raises(Refusal, match="Record not found"):
        port.read([{"ItemId": "nobody"}])


def test_a_text_that_is_no_number_is_not_taken(port: aos.Port):
    wrong = body(port, ("T4", "7.25")).replace(b"7.25", b"7,25")
    with pytest.raises(WorkerError, match=r"(?i)decimal"):
        port.create(wrong, message_id=new_id(), time_limit_s=20)
    with pytest.raises(Refusal, match="not found"):
        port.read([{"ItemId": "T4"}])


def test_elements_out_of_order_are_passed_over_in_silence(port: aos.Port):
    """Why order is not left to a service: .NET's own serializer skips what it does not expect, and its value is lost."""
    given = body(port, ("T5", "9", "2012-01-01T00:00:00"))
    price, date = b"<Price>9</Price>", b"<ValidFrom>2012-01-01T00:00:00Z</ValidFrom>"
    turned = given.replace(price + date, date + price)
    assert turned != given
    document = turned[turned.index(b"<Item ") : turned.rindex(b"</ItemService")]
    assert [problem.element for problem in port.invalid(document)] == ["Price"], "our own check finds it"
    port.create(turned, message_id=new_id(), time_limit_s=20)
    assert [found["Price"] for found in read(port, "T5")] == ["0"]


@pytest.mark.slow
def test_eight_threads_each_read_what_they_wrote(port: aos.Port):
    def one(number: int) -> list[dict[str, str | None]]:
        keys = [f"P{number}-{row}" for row in range(20)]
        for key in keys:
            create(port, (key, f"{number}"))
        return read(port, *keys)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(one, range(8)))
    assert [{row["Price"] for row in rows} for rows in found] == [{f"{number}"} for number in range(8)]
    assert [len(rows) for rows in found] == [20] * 8


def test_an_operation_that_it_does_not_have_shows_another_contract(port: aos.Port, address: str):
    if nettcp.is_one(address):
        pytest.skip("Mono answers nothing at all to an action that it does not know, over net.tcp")
    with pytest.raises(GiveUp) as refused:
        port.find_keys([])
    assert refused.value.code == faults.STALE_CONTRACT
