"""Faults: what AX says, and what happens next."""

from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers import aos
from workers.aos import answers, faults
from workers.aos.loading import Contract
from workers.aos.transport import Answer
from workers.errors import Complaint, GiveUp, Refusal, Retry, Unsettled, WorkerError

GENERIC = "Request Failed. See the Exception Log for details."
SOAP = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>{}</s:Fault></s:Body></s:Envelope>'


@pytest.fixture(scope="module")
def contract(zipped: Callable[[str], bytes]) -> Contract:
    address = "http://aos01/MicrosoftDynamicsAXAif60/TECPurchOrderService/xppservice.svc"
    return aos.Door().contract(address, contract_zip=zipped("UploadPurchOrderService"))


def judged(contract: Contract, content: str) -> WorkerError:
    fault = answers.body(content.encode())
    assert fault is not None
    assert answers.is_fault(fault)
    detail = contract.fault_detail(fault, nested=["TEC_STG_PurchLine"])
    return faults.refused_call(fault, detail, company="USMF")


def aif_fault(*messages: tuple[str, str], infolog: str = "", code: str = "", exception: int = 3, text: str = GENERIC) -> str:
    lists = "".join(
        "<FaultMessageList><FaultMessageArray><FaultMessage>"
        f"{f'<Code>{code}</Code>' if code else ''}<Message>{escape(message)}</Message></FaultMessage></FaultMessageArray>"
        f"{f'<XPath>{path}</XPath>' if path else ''}</FaultMessageList>"
        for message, path in messages
    )
    entry = (
        f"<a:InfologMessage><a:InfologMessageType>Error</a:InfologMessageType><a:Message>{infolog}</a:Message></a:InfologMessage>"
    )
    log = '<InfologMessageList xmlns:a="http://schemas.datacontract.org/2004/07/Microsoft.Dynamics.AX.Framework.Services">{}</InfologMessageList>'
    return SOAP.format(
        f"<faultcode>s:Client</faultcode><faultstring>{text}</faultstring>"
        '<detail><AifFault xmlns="http://schemas.microsoft.com/dynamics/2008/01/documents/Fault">'
        f"<FaultMessageListArray>{lists}</FaultMessageListArray>{log.format(entry) if infolog else ''}"
        f"<XppExceptionType>{exception}</XppExceptionType></AifFault></detail>"
    )


def plain(code: str, text: str) -> str:
    return SOAP.format(f"<faultcode>{code}</faultcode><faultstring>{escape(text)}</faultstring>")


def test_the_composed_example(contract: Contract, examples: Path) -> None:
    error = judged(contract, (examples / "fault_aif.xml").read_text().removeprefix('<?xml version="1.0" encoding="utf-8"?>'))
    assert isinstance(error, Refusal)
    message = "sample: the record for ItemId C-0001 is already present"
    assert error.complaints == (Complaint(message=message, record=1, field="ItemId"),)
    assert error.message == f"{message} sample infolog line"


def test_nested_records_and_several_complaints(contract: Contract) -> None:
    error = judged(
        contract,
        aif_fault(
            ("one", "/TEC_STG_PurchOrder/TEC_STG_PurchTable[2]/TEC_STG_PurchLine[7]"),
            ("two", "/p:TEC_STG_PurchOrder/p:TEC_STG_PurchTable[2]/p:VendAccount"),
            ("three", "/TEC_STG_PurchOrder/TEC_STG_PurchTable"),
        ),
    )
    assert isinstance(error, Refusal)
    assert error.complaints == (
        Complaint(message="one", record=2, line=7, table="TEC_STG_PurchLine"),
        Complaint(message="two", record=2, field="VendAccount"),
        Complaint(message="three"),
    )


def test_where_there_is_no_list_the_infolog_speaks(contract: Contract) -> None:
    error = judged(contract, aif_fault(infolog="Field 'Name' must be filled in."))
    assert isinstance(error, Refusal)
    assert error.message == "Field 'Name' must be filled in."
    assert [complaint.record for complaint in error.complaints] == [None]


PATH = "/TEC_STG_PurchOrder/TEC_STG_PurchTable[1]"


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (aif_fault(("The record already exists.", PATH)), Refusal, "RSC-5110"),
        (aif_fault(("whatever", ""), code="DuplicateMessage"), Refusal, "RSC-5115"),
        (aif_fault(("Duplicate message. Message has already been processed.", "")), Refusal, "RSC-5115"),
        (aif_fault(("Deadlock.", "")), Retry, "RSC-5420"),
        (aif_fault(("Stopped.", ""), exception=2), Retry, "RSC-5420"),
        (aif_fault(("Stopped.", ""), exception=11), Retry, "RSC-5420"),
        (aif_fault(("Numbers may lie.", PATH), exception=11), Refusal, "RSC-5110"),
        (aif_fault(("An update conflict occurred.", "")), Retry, "RSC-5420"),
        (aif_fault(("An update conflict occurred.", PATH)), Refusal, faults.STALE_HASH),
        (aif_fault(("The document has changed since it was read.", PATH)), Refusal, faults.STALE_HASH),
        (aif_fault(("Company USMF does not exist.", "")), GiveUp, faults.COMPANY),
        (aif_fault(("Company USMF does not exist.", PATH)), Refusal, "RSC-5110"),
        (aif_fault(("Vendor company GLOB does not exist.", "")), Refusal, "RSC-5110"),
        (aif_fault(("You are not authorized to use the service.", "")), GiveUp, faults.ACCOUNT),
        (aif_fault(), Refusal, "RSC-5110"),
        (
            plain("a:ActionNotSupported", "The message cannot be processed, due to a ContractFilter mismatch"),
            GiveUp,
            faults.STALE_CONTRACT,
        ),
        (plain("a:InternalServiceFault", "The server was unable to process the request"), Retry, "RSC-5430"),
        (plain("s:Server", "There was no endpoint listening at net.tcp://aos:8201"), Retry, "RSC-5400"),
        (
            plain("s:Client", "The maximum message size quota for incoming messages (65536) has been exceeded."),
            Refusal,
            faults.TOO_LARGE,
        ),
        (plain("a:DeserializationFailed", "The formatter threw an exception"), Refusal, "RSC-5110"),
        (plain("s:Client", "No."), Refusal, "RSC-5110"),
        (plain("a:InvalidSecurity", "Access is denied."), GiveUp, faults.ACCOUNT),
        (plain("", ""), Retry, "RSC-5430"),
    ],
)
def test_every_fault_says_what_happens_next(contract: Contract, content: str, kind: type[WorkerError], code: str) -> None:
    error = judged(contract, content)
    assert (type(error), error.code) == (kind, code)
    assert error.message
    if not isinstance(error, Refusal):
        assert error.advice


def test_a_duplicate_is_marked_as_one(contract: Contract) -> None:
    seen = judged(contract, aif_fault(("x", ""), code="duplicatemessage"))
    assert isinstance(seen, Refusal)
    assert seen.duplicate


def test_a_fault_without_reasons_tells_how_to_get_them(contract: Contract) -> None:
    error = judged(contract, aif_fault())
    assert GENERIC in error.message
    assert "Include exceptions in fault" in error.message
    assert faults.is_silent(error)
    assert not faults.is_silent(judged(contract, aif_fault(("The record already exists.", PATH))))


def test_an_aif_fault_of_another_shape_is_still_a_refusal(contract: Contract) -> None:
    odd = SOAP.format(
        "<faultcode>s:Client</faultcode><faultstring>Odd.</faultstring><detail>"
        '<AifFault xmlns="http://schemas.microsoft.com/dynamics/2008/01/documents/Fault">'
        "<Surprise/><XppExceptionType>many</XppExceptionType></AifFault></detail>"
    )
    assert isinstance(judged(contract, odd), Refusal)


@given(
    record=st.integers(1, 10**6),
    line=st.none() | st.integers(1, 10**6),
    prefix=st.sampled_from(["", "d:"]),
    table=st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True),
)
def test_paths_lead_to_the_record(record: int, line: int | None, prefix: str, table: str) -> None:
    path = f"/{prefix}Doc/{prefix}Root[{record}]" + (f"/{prefix}{table}[{line}]" if line else "")
    found = faults.complaint_of(message="m", path=path, field=None, nested=[table])
    assert (found.record, found.line, found.table) == (record, line, table if line else None)


@given(st.text(max_size=40))
def test_no_path_breaks_the_reading(path: str) -> None:
    assert faults.complaint_of(message="m", path=path, field=None, nested=["Line"]).message == "m"


@pytest.mark.parametrize(
    ("status", "writes", "kind"),
    [
        (200, True, Unsettled),
        (200, False, GiveUp),
        (502, True, Unsettled),
        (504, True, Unsettled),
        (504, False, Retry),
        (500, True, Retry),
        (503, True, Retry),
        (401, True, GiveUp),
        (302, True, GiveUp),
        (413, True, Refusal),
    ],
)
def test_answers_without_soap(status: int, writes: bool, kind: type[WorkerError]) -> None:
    page = Answer(status=status, content_type="text/html", body=b"<html><p>sorry", challenge="Negotiate, NTLM")
    assert answers.body(page.body) is None
    error = faults.unreadable(page, "http://aos01/x.svc", writes=writes)
    assert type(error) is kind
    assert "http://aos01/x.svc" in error.message


def test_a_refused_account_hears_what_the_server_asks_for() -> None:
    page = Answer(status=401, content_type="text/html", body=b"", challenge="Negotiate, Basic realm=x")
    assert "asks for Basic, Negotiate" in faults.refused_answer(page, "http://aos01/x.svc").message
