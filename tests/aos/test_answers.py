"""Answers of AX, read as plain values."""

from connector.wire.metadata import Document, Field, Table
from workers.aos import answers

ORDER = Document(
    name="Order",
    namespace="urn:o",
    tables=(Table(name="Head", fields=(Field(name="No"),), children=(Table(name="Line", fields=(Field(name="Item"),)),)),),
)


def body(inside: str) -> bytes:
    return f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{inside}</s:Body></s:Envelope>'.encode()


def test_null_empty_and_absent_stay_three_things() -> None:
    element = answers.body(
        body(
            '<R><Order xmlns="urn:o" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><Head class="entity">'
            '<_DocumentHash>abc</_DocumentHash><No i:nil="true"/><Name/><Line class="entity"><Item> 1 </Item></Line>'
            "</Head></Order></R>"
        )
    )
    assert element is not None
    (record,) = answers.records(element, ORDER)
    assert (record.table, record.hash, record.values) == ("Head", "abc", {"No": None, "Name": ""})
    (line,) = record.children["Line"]
    assert line.values == {"Item": " 1 "}


def test_keys_of_several_fields_keep_their_order() -> None:
    element = answers.body(
        body(
            '<R><EntityKeyList xmlns="urn:l"><EntityKey xmlns="http://schemas.microsoft.com/dynamics/2006/02/documents/EntityKey"><KeyData>'
            "<KeyField><Field>B</Field><Value>1</Value></KeyField><KeyField><Field>A</Field><Value/></KeyField></KeyData></EntityKey>"
            "</EntityKeyList></R>"
        )
    )
    assert element is not None
    assert [list(key.items()) for key in answers.keys(element)] == [[("B", "1"), ("A", "")]]


def test_an_answer_without_a_document_has_no_records() -> None:
    element = answers.body(body("<R/>"))
    assert element is not None
    assert answers.records(element, ORDER) == []


def test_entities_of_an_answer_are_not_followed() -> None:
    content = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + body("<R>&e;</R>")
    element = answers.body(content)
    assert element is None or not (element.text or "").strip()


def test_what_is_no_soap_has_no_body() -> None:
    assert answers.body(b"<html><body>503</body></html>") is None
    assert answers.body(b"") is None
    assert answers.body(body("")) is None
