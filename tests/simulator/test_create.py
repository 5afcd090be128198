"""Create: all or nothing, the first bad record is named, MessageIds work once."""

from collections.abc import Callable
from typing import Any

import pytest

MESSAGE = "42c4b60d-4a09-54f3-9553-f9196e504187"


def test_one_key_per_root_record_in_order(client: Any, record: Callable[..., str]) -> None:
    reply = client.create("PaymTerm", record("PaymTerm", PaymTermId="N060") + record("PaymTerm", PaymTermId="N030"))
    assert reply.status == 200
    assert reply.keys == [{"PaymTermId": "N060"}, {"PaymTermId": "N030"}]
    assert [row["PaymTermId"] for row in client.rows("PaymTerm")] == ["N060", "N030"]


def test_the_first_bad_record_is_named_and_nothing_is_kept(client: Any, record: Callable[..., str]) -> None:
    client.create("PaymTerm", record("PaymTerm", PaymTermId="N030"))
    reply = client.create(
        "CustGroup",
        record("CustGroup", CustGroup="10")
        + record("CustGroup", CustGroup="", PaymTermId="N099")
        + record("CustGroup", CustGroup="30", PaymTermId="N098"),
    )
    assert reply.status == 500
    assert reply.messages == [
        "Field 'CustGroup' must be filled in.",
        "The value 'N099' in field 'PaymTermId' is not found in the related table 'PaymTerm'.",
    ]
    assert reply.all("f:XPath") == ["/RsCustGroup/CustGroup[2]"] * 2
    assert reply.all("f:Field") == ["CustGroup", "PaymTermId"]
    assert reply.all("a:Message") == reply.messages
    assert reply.all("f:XppExceptionType") == ["3"]
    assert client.rows("CustGroup") == []


def test_a_record_that_exists_is_refused_whatever_its_case(client: Any, record: Callable[..., str]) -> None:
    client.create("PaymTerm", record("PaymTerm", PaymTermId="Net30"))
    reply = client.create("PaymTerm", record("PaymTerm", PaymTermId="NET30"))
    assert reply.messages == [
        "Cannot create a record in PaymTerm (Terms of payment). PaymTermId: NET30. The record already exists."
    ]
    assert reply.all("f:XPath") == ["/RsPaymTerm/PaymTerm[1]"]
    assert client.create("PaymTerm", record("PaymTerm", PaymTermId="NET30"), company="DEMF").status == 200


def test_a_record_twice_in_one_call_is_refused_at_the_second(client: Any, record: Callable[..., str]) -> None:
    reply = client.create("PaymTerm", record("PaymTerm", PaymTermId="A") + record("PaymTerm", PaymTermId="a"))
    assert reply.all("f:XPath") == ["/RsPaymTerm/PaymTerm[2]"]
    assert client.rows("PaymTerm") == []


def test_references_find_records_of_the_same_company_in_any_case(client: Any, record: Callable[..., str]) -> None:
    client.create("PaymTerm", record("PaymTerm", PaymTermId="N030"))
    assert client.create("CustGroup", record("CustGroup", CustGroup="10", PaymTermId="n030")).status == 200
    elsewhere = client.create("CustGroup", record("CustGroup", CustGroup="10", PaymTermId="N030"), company="DEMF")
    assert "not found in the related table" in elsewhere.messages[0]


def test_over_long_strings_are_cut_in_silence(client: Any, record: Callable[..., str]) -> None:
    assert client.create("CustGroup", record("CustGroup", CustGroup="10", Name="x" * 30)).status == 200
    assert client.rows("CustGroup")[0]["Name"] == "x" * 20


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ("<CustGroup>1</CustGroup><Blocked>No</Blocked>", "List of possible elements expected: 'Limit, Name, Opened"),
        (
            "<CustGroup>1</CustGroup><Nonsense/>",
            "has invalid child element 'Nonsense'. List of possible elements expected: 'Limit",
        ),
        (
            "<Name>x</Name>",
            "has invalid child element 'Name'. List of possible elements expected: '_DocumentHash, Blocked, CustGroup'",
        ),
        ("<Blocked>Maybe</Blocked><CustGroup>1</CustGroup>", "not an element of the set {'No', 'Invoice', 'All'}"),
        ("<CustGroup>1</CustGroup><Limit>much</Limit>", "The 'Limit' element is invalid - 'much' is not a valid value"),
        ("<CustGroup>1</CustGroup><Opened>31.12.2014</Opened>", "The 'Opened' element is invalid"),
    ],
)
def test_what_the_schema_forbids_is_refused(client: Any, record: Callable[..., str], inner: str, message: str) -> None:
    bad = f'<CustGroup class="entity">{inner}</CustGroup>'
    reply = client.create("CustGroup", record("CustGroup", CustGroup="0") + bad)
    assert message in reply.messages[0]
    assert reply.all("f:XPath")[0] == "/RsCustGroup/CustGroup[2]"
    assert client.rows("CustGroup") == []


def test_a_record_without_class_is_refused(client: Any) -> None:
    reply = client.create("CustGroup", "<CustGroup><CustGroup>1</CustGroup></CustGroup>")
    assert "'class' is required" in reply.messages[0]


@pytest.mark.parametrize("again", [MESSAGE.upper(), f"{{{MESSAGE}}}", MESSAGE])
def test_a_message_id_works_once(client: Any, record: Callable[..., str], again: str) -> None:
    assert client.create("PaymTerm", record("PaymTerm", PaymTermId="A"), message_id=MESSAGE).status == 200
    reply = client.create("PaymTerm", record("PaymTerm", PaymTermId="B"), message_id=again)
    assert reply.all("f:Code") == ["DuplicateMessage"]
    assert reply.messages == ["Duplicate message. Message has already been processed."]
    assert len(client.rows("PaymTerm")) == 1
    assert client.sim("stats")["duplicates_refused"] == 1


def test_a_message_that_failed_may_come_again(client: Any, record: Callable[..., str]) -> None:
    bad = client.create("CustGroup", record("CustGroup", CustGroup="1", PaymTermId="A"), message_id=MESSAGE)
    assert bad.status == 500
    client.create("PaymTerm", record("PaymTerm", PaymTermId="A"))
    again = client.create("CustGroup", record("CustGroup", CustGroup="1", PaymTermId="A"), message_id=MESSAGE)
    assert again.status == 200


def test_failed_ids_are_burnt_on_request(start: Callable[..., Any], definition: Any, record: Callable[..., str]) -> None:
    client = start(tables=(definition,), burn_failed_ids=True)
    client.create("CustGroup", record("CustGroup", CustGroup="1", PaymTermId="A"), message_id=MESSAGE)
    again = client.create("CustGroup", record("CustGroup", CustGroup="1"), message_id=MESSAGE)
    assert again.all("f:Code") == ["DuplicateMessage"]


def test_reads_are_not_checked_for_duplicates(client: Any, record: Callable[..., str]) -> None:
    client.create("PaymTerm", record("PaymTerm", PaymTermId="A"))
    for _ in range(2):
        assert client.read("PaymTerm", {"PaymTermId": "A"}, message_id=MESSAGE).status == 200


def test_companies(client: Any, record: Callable[..., str]) -> None:
    assert client.create("PaymTerm", record("PaymTerm", PaymTermId="A"), company="usmf").status == 200
    assert client.create("PaymTerm", record("PaymTerm", PaymTermId="B"), company=None).status == 200
    assert len(client.rows("PaymTerm")) == 2
    reply = client.create("PaymTerm", record("PaymTerm", PaymTermId="C"), company="XXXX")
    assert reply.messages == ["The company 'XXXX' does not exist."]


def test_a_port_without_fault_detail_keeps_it_to_itself(
    start: Callable[..., Any], definition: Any, record: Callable[..., str]
) -> None:
    client = start(tables=(definition,), no_fault_detail=True)
    reply = client.create("CustGroup", record("CustGroup", CustGroup="1", PaymTermId="A"))
    assert reply.all("faultstring") == ["Request Failed. See the Exception Log for details."]
    assert reply.messages == []
    assert b"N099" not in reply.body
    assert reply.all("f:XppExceptionType") == ["3"]


def test_an_action_that_the_port_does_not_have(client: Any) -> None:
    reply = client.post(b"<x/>", "http://schemas.microsoft.com/dynamics/2008/01/services/GoneService/create")
    assert reply.status == 500
    assert reply.all("faultcode") == ["a:ActionNotSupported"]
    assert "ContractFilter mismatch" in reply.all("faultstring")[0]
    assert reply.all("detail") == []


def test_what_is_no_envelope_is_a_bad_request(client: Any) -> None:
    action = "http://schemas.microsoft.com/dynamics/2008/01/services/PaymTermService/create"
    assert client.post(b"<broken", action).status == 400
    assert client.post(b"<envelope/>", action).status == 400


def test_a_body_for_another_operation_is_refused(
    client: Any, envelope: Callable[..., bytes], key_list: Callable[..., str]
) -> None:
    body = envelope("PaymTerm", "read", key_list([]), company="USMF", message_id=None)
    reply = client.post(body, "http://schemas.microsoft.com/dynamics/2008/01/services/PaymTermService/delete")
    assert reply.messages == ["The message body holds 'PaymTermServiceReadRequest', not 'PaymTermServiceDeleteRequest'."]
