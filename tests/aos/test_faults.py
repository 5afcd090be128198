"""Faults: what AX says, and what happens next."""

from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from workers import aos
from workers.aos import aiffault, answers, faults, situations
from workers.aos.loading import Contract
from workers.aos.signs import Signs, Source
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
    assert error.signs == "X++ exception type 3"


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
SEVERAL = [
    ("s:Client", "The maximum message size quota for incoming messages (65536) has been exceeded."),
    (
        "a:DeserializationFailed",
        "The formatter threw an exception: The maximum string content length quota (8192) has been exceeded",
    ),
    ("s:Server", "Maximum number of items that can be serialized or deserialized in an object graph is '65536'."),
]


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (aif_fault(("Cannot create a record. The record already exists.", PATH)), Refusal, situations.EXISTS),
        (aif_fault(("Der Datensatz ist bereits vorhanden.", PATH)), Refusal, "RSC-5110"),
        (aif_fault(("Field 'Name' must be filled in.", PATH)), Refusal, "RSC-5117"),
        (aif_fault(("whatever", ""), code="DuplicateMessage"), Refusal, situations.DUPLICATE),
        (aif_fault(("Doppelte Nachricht.", PATH), code="DuplicateMessage"), Refusal, situations.DUPLICATE),
        (aif_fault(("Duplicate message. Message has already been processed.", "")), Refusal, situations.DUPLICATE),
        (aif_fault(("Deadlock.", "")), Retry, situations.CONFLICT),
        (aif_fault(("Stopped.", ""), exception=2), Refusal, "RSC-5110"),
        (aif_fault(("Numbers may lie.", PATH), exception=11), Refusal, "RSC-5110"),
        (aif_fault(("An update conflict occurred.", "")), Retry, situations.CONFLICT),
        (aif_fault(("An update conflict occurred.", PATH)), Refusal, faults.STALE_HASH),
        (aif_fault(("The document has changed since it was read.", PATH)), Refusal, faults.STALE_HASH),
        (aif_fault(("Company USMF does not exist.", "")), GiveUp, faults.COMPANY),
        (aif_fault(("Company USMF does not exist.", PATH)), Refusal, "RSC-5110"),
        (aif_fault(("Vendor company GLOB does not exist.", "")), Refusal, "RSC-5110"),
        (aif_fault(("You are not authorized to use the service.", "")), GiveUp, faults.ACCOUNT),
        (aif_fault(("The element 'A' has invalid child element 'B'.", "")), GiveUp, faults.STALE_CONTRACT),
        (aif_fault(), Refusal, "RSC-5111"),
        (
            plain("a:ActionNotSupported", "The message cannot be processed, due to a ContractFilter mismatch"),
            GiveUp,
            faults.STALE_CONTRACT,
        ),
        (plain("a:InternalServiceFault", "The server was unable to process the request"), Unsettled, situations.UNEXPLAINED),
        (plain("s:Server", "There was no endpoint listening at net.tcp://aos:8201"), Retry, "RSC-5400"),
        (plain("a:ServerTooBusy", "Busy."), Retry, "RSC-5400"),
        *((plain(*fault), Refusal, situations.TOO_LARGE) for fault in SEVERAL),
        (plain("a:DeserializationFailed", "The formatter threw an exception"), Refusal, "RSC-5112"),
        (plain("s:Client", "Nej."), Refusal, "RSC-5111"),
        (plain("s:VersionMismatch", "No."), GiveUp, "RSC-5908"),
        (plain("a:DestinationUnreachable", "AddressFilter mismatch at the EndpointDispatcher"), GiveUp, "RSC-5902"),
        (plain("a:InvalidSecurity", "Access is denied."), GiveUp, faults.ACCOUNT),
        (plain("", ""), Unsettled, situations.UNEXPLAINED),
    ],
)
def test_every_fault_says_what_happens_next(contract: Contract, content: str, kind: type[WorkerError], code: str) -> None:
    error = judged(contract, content)
    assert (type(error), error.code) == (kind, code)
    assert error.message
    assert error.advice


@pytest.mark.parametrize("fault", SEVERAL)
def test_a_call_over_a_quota_is_told_as_too_large_and_names_no_record(contract: Contract, fault: tuple[str, str]) -> None:
    error = judged(contract, plain(*fault))
    assert isinstance(error, Refusal)
    assert error.too_large
    assert error.complaints == ()


def test_a_fault_of_which_the_end_is_open_is_just_tried_again_where_nothing_was_written(contract: Contract) -> None:
    fault = answers.body(plain("a:InternalServiceFault", "x").encode())
    assert fault is not None
    assert type(faults.refused_call(fault, None, company="USMF", writes=False)) is Retry


def test_a_duplicate_is_marked_as_one(contract: Contract) -> None:
    seen = judged(contract, aif_fault(("x", ""), code="duplicatemessage"))
    assert isinstance(seen, Refusal)
    assert seen.duplicate
    assert seen.signs == "duplicatemessage, X++ exception type 3"


def test_a_fault_without_reasons_tells_how_to_get_them(contract: Contract) -> None:
    error = judged(contract, aif_fault())
    assert error.message == GENERIC
    assert "Include exceptions in fault" in error.advice
    assert faults.is_silent(error)
    assert not faults.is_silent(judged(contract, aif_fault(("The record already exists.", PATH))))


def test_an_aif_fault_of_another_shape_is_still_a_refusal(contract: Contract) -> None:
    odd = SOAP.format(
        "<faultcode>s:Client</faultcode><faultstring>Odd.</faultstring><detail>"
        '<AifFault xmlns="http://schemas.microsoft.com/dynamics/2008/01/documents/Fault">'
        "<Surprise/><XppExceptionType>many</XppExceptionType></AifFault></detail>"
    )
    error = judged(contract, odd)
    assert isinstance(error, Refusal)
    assert (error.message, error.signs) == ("Odd.", "")


def test_ax_words_come_in_its_order_and_each_once(contract: Contract) -> None:
    content = aif_fault(("Zuerst.", ""), ("Danach: 'Æble' må ikke være tom.", ""), infolog="Zuerst.")
    more = "<a:InfologMessage><a:InfologMessageType>{}</a:InfologMessageType><a:Message>{}</a:Message></a:InfologMessage>"
    content = content.replace(
        "</InfologMessageList>", more.format("Warning", "Obs.") + more.format("Info", "Begin") + "</InfologMessageList>"
    )
    assert judged(contract, content).message == "Zuerst. Danach: 'Æble' må ikke være tom. Obs."


def test_a_line_is_told_but_names_no_record(contract: Contract) -> None:
    content = aif_fault(("Wrong.", "")).replace(
        "</FaultMessageList>", "<XmlLine>7</XmlLine><XmlPosition>3</XmlPosition></FaultMessageList>"
    )
    error = judged(contract, content)
    assert isinstance(error, Refusal)
    assert error.complaints == (Complaint(message="Wrong. (line 7, position 3 of the message)"),)


def test_a_fault_of_soap_1_2_is_read(contract: Contract) -> None:
    fault = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value>'
        '<s:Subcode><s:Value xmlns:a="urn:a">a:ActionNotSupported</s:Value></s:Subcode></s:Code>'
        '<s:Reason><s:Text xml:lang="da">Nej.</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>'
    )
    error = judged(contract, fault)
    assert (type(error), error.code) == (GiveUp, faults.STALE_CONTRACT)
    assert "Nej." in error.message


@given(
    record=st.integers(1, 10**6),
    line=st.none() | st.integers(1, 10**6),
    prefix=st.sampled_from(["", "d:"]),
    table=st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True),
    field=st.sampled_from([None, "Qty"]),
)
def test_paths_lead_to_the_record(record: int, line: int | None, prefix: str, table: str, field: str | None) -> None:
    path = f"/{prefix}Doc/{prefix}Root[{record}]" + (f"/{prefix}{table}[{line}]" if line else "")
    path += f"/{prefix}{field}" if field and table != field else ""
    found = aiffault.place(path, nested=[table])
    assert (found.record, found.below) == (record, ((table, line),) if line else ())
    assert found.field == (field if table != field else None)


@given(st.text(max_size=40))
def test_no_path_breaks_the_reading(path: str) -> None:
    assert isinstance(aiffault.place(path, nested=["Line"]), aiffault.Place)


def test_records_are_found_at_any_depth() -> None:
    found = aiffault.place("/D/Head[2]/Line[3]/Sub[1]/Qty", nested=["Line", "Sub"])
    assert found == aiffault.Place(2, (("Line", 3), ("Sub", 1)), "Qty")
    assert aiffault.place("/D/Head[2]/Line/Qty", nested=["Line"]) == aiffault.Place(2, (("Line", None),), "Qty")
    assert aiffault.place("/D/Head/Line[1]", nested=["Line"]) == aiffault.Place()


@pytest.mark.parametrize(
    ("status", "writes", "kind"),
    [
        (200, True, Unsettled),
        (200, False, GiveUp),
        (202, True, Unsettled),
        (204, False, GiveUp),
        (500, True, Unsettled),
        (500, False, Retry),
        (502, True, Unsettled),
        (504, True, Unsettled),
        (504, False, Retry),
        (503, True, Retry),
        (401, True, GiveUp),
        (403, True, GiveUp),
        (404, False, GiveUp),
        (302, True, GiveUp),
        (400, True, Refusal),
        (413, True, Refusal),
        (415, True, GiveUp),
        (999, True, GiveUp),
    ],
)
def test_answers_without_soap(status: int, writes: bool, kind: type[WorkerError]) -> None:
    page = Answer(status=status, content_type="text/html", body=b"<html><body><p>sorry", challenge="Negotiate, NTLM")
    assert answers.body(page.body) is None
    error = faults.unreadable(page, "http://aos01/x.svc", writes=writes)
    assert type(error) is kind
    assert "http://aos01/x.svc" in error.message
    assert f"HTTP {status}" in error.message
    assert error.advice


@pytest.mark.parametrize(
    ("status", "page", "code", "word"),
    [
        (401, "<h2>401 - Unauthorized: Access is denied due to invalid credentials.</h2>", faults.ACCOUNT, "(HTTP 401)"),
        (401, "<h3>HTTP Error 401.2 - Unauthorized</h3>", faults.ACCOUNT, "401.2"),
        (403, "<h3>HTTP Error 403.4 - Forbidden</h3>", "RSC-5909", "HTTPS only"),
        (403, "<h3>HTTP Error 403.14 - Forbidden</h3>", "RSC-5901", "403.14"),
        (404, "<h3>HTTP Error 404.3 - Not Found</h3>", "RSC-5902", "does not serve .svc"),
        (404, "<h3>HTTP Error 404.13 - Not Found</h3>", situations.TOO_LARGE, "404.13"),
        (404, "<h3>HTTP Error 404.0 - Not Found</h3>", "RSC-5902", "no such port"),
        (500, "<h3>HTTP Error 500.19 - Internal Server Error</h3>", "RSC-5902", "configuration"),
        (503, "<h2>Service Unavailable</h2><hr><p>HTTP Error 503. The service is unavailable.</p>", "RSC-5400", "(HTTP 503)"),
        (500, "<h3>HTTP Error 404.13 - of another page</h3>", "RSC-5431", "(HTTP 500)"),
    ],
)
def test_pages_of_iis_tell_its_own_number(status: int, page: str, code: str, word: str) -> None:
    content = f"<html><head><title>IIS</title></head><body>{page}</body></html>".encode()
    error = faults.unreadable(Answer(status=status, content_type="text/html", body=content), "http://aos01/x.svc", writes=True)
    assert error.code == code
    assert word in error.message


def test_a_refused_account_hears_what_the_server_asks_for() -> None:
    page = Answer(status=401, content_type="text/html", body=b"", challenge="Negotiate, Basic realm=x")
    assert "asks for Basic, Negotiate" in faults.refused_answer(page, "http://aos01/x.svc").message


@pytest.mark.parametrize("status", [400, 413])
def test_a_question_for_a_contract_is_never_too_large(status: int) -> None:
    error = faults.refused_answer(Answer(status=status, content_type="", body=b""), "http://aos01/x.svc?wsdl")
    assert isinstance(error, GiveUp)


def test_the_table_ends_with_what_is_left_for_every_kind_of_answer() -> None:
    for source in Source:
        assert situations.of(Signs(source=source)).advice
    codes = {row.code for row in situations.TABLE}
    assert all(code.startswith("RSC-5") for code in codes)


WORDS = st.text(max_size=60) | st.sampled_from(["{said}", "Company USMF {0} not found", "deadlock {", "quota exceeded", "exist"])


@given(
    code=st.sampled_from(["s:Client", "", "a:InternalServiceFault", "Server.x", ":"]) | st.text(max_size=12),
    text=WORDS,
    detail=st.none()
    | st.builds(
        faults.Detail,
        complaints=st.lists(st.builds(Complaint, message=WORDS, record=st.none() | st.integers(1, 9)), max_size=3).map(tuple),
        codes=st.lists(st.text(max_size=8), max_size=2).map(tuple),
        infolog=st.lists(WORDS, max_size=3).map(tuple),
        exception=st.none() | st.integers(-1, 99),
    ),
    writes=st.booleans(),
)
def test_whatever_ax_says_is_sorted_told_and_kept_verbatim(
    code: str, text: str, detail: faults.Detail | None, writes: bool
) -> None:
    fault = etree.Element("{http://schemas.xmlsoap.org/soap/envelope/}Fault")
    told = [etree.SubElement(fault, name) for name in ("faultcode", "faultstring")]
    try:
        told[0].text, told[1].text = code, text
    except ValueError:  # no XML holds these characters
        return
    error = faults.refused_call(fault, detail, company="USMF", writes=writes)
    assert isinstance(error, Refusal | Retry | GiveUp)
    assert error.advice
    assert writes or not isinstance(error, Unsettled)
    said = [complaint.message for complaint in detail.complaints] if detail else [text.strip()]
    assert all(words in error.message for words in said)
