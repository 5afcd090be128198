"""How a call is refused, and what a worker makes of it."""

from contextlib import suppress

import pytest

from tests.aos.conformance.targets import (
    LIMIT_S,
    Target,
    by_hand,
    create,
    in_order,
    new_id,
    record,
    written,
)
from workers import aos
from workers.aos import faults
from workers.errors import Complaint, GiveUp, Refusal, Retry, Unsettled


def test_elements_out_of_order_are_refused_and_explained(target: Target, port: aos.Port):
    subject, (key,) = target.subject, target.keys(1)
    right = in_order(port, {subject.key: key, subject.text: "x"})
    first, second = right.split("><")[0] + ">", "<" + right.split("><")[1]
    body = by_hand(port, "Create", record(port, second + first))
    assert port.invalid(_document(body)), "the port's own schema finds it before anything is sent"
    told = _against_the_schema(target, port, body)
    assert "expected" in told
    assert any(name in told for name in (subject.key, subject.text))


def test_an_element_that_the_schema_does_not_know_is_refused_and_named(target: Target, port: aos.Port):
    (key,) = target.keys(1)
    parts = in_order(port, {target.subject.key: key, **target.subject.constants})
    assert "NoSuchField" in _against_the_schema(
        target, port, by_hand(port, "Create", record(port, f"{parts}<NoSuchField>1</NoSuchField>"))
    )


def test_a_symbol_that_does_not_exist_is_refused(target: Target, port: aos.Port):
    subject, (key,) = target.subject, target.keys(1)
    if not subject.symbol:
        pytest.skip("the service has no enumeration")
    body = by_hand(port, "Create", record(port, in_order(port, {subject.key: key, subject.symbol: "NoSuchSymbol"})))
    (problem,) = port.invalid(_document(body))
    assert (problem.element, problem.line) == (subject.symbol, 1)
    _at(target, _refused(port, body), record=1, field=subject.symbol)


def test_what_is_no_number_is_refused(target: Target, port: aos.Port):
    subject, (key,) = target.subject, target.keys(1)
    if not subject.amount:
        pytest.skip("the service has no decimal")
    body = by_hand(port, "Create", record(port, in_order(port, {subject.key: key, subject.amount: "1,5"})))
    assert [problem.element for problem in port.invalid(_document(body))] == [subject.amount]
    _at(target, _refused(port, body), record=1, field=subject.amount)


def test_a_record_without_what_is_mandatory_is_refused(target: Target, port: aos.Port):
    subject = target.subject
    body = by_hand(port, "Create", record(port, in_order(port, {subject.text: "no key"})))
    assert port.service.document is not None
    key = port.service.document.tables[0].field(subject.key)
    assert key is not None
    if not key.mandatory:
        pytest.skip("the key is not mandatory by the schema")
    assert port.invalid(_document(body))
    assert subject.key in _against_the_schema(target, port, body)


def test_a_text_that_is_too_long_is_found_before_it_is_sent(target: Target, port: aos.Port):
    """AX itself cuts it without a word; a reader of the schema refuses it. Neither keeps it."""
    subject, (key,) = target.subject, target.keys(1)
    assert port.service.document is not None
    field = port.service.document.tables[0].field(subject.text)
    assert field is not None
    assert field.max_length is not None
    text = "x" * (field.max_length + 1)
    body = written(target, port, [{subject.key: key, subject.text: text}])
    assert [problem.element for problem in port.invalid(body.document)] == [subject.text]
    with suppress(Refusal):
        port.create(body.request, message_id=new_id(), time_limit_s=LIMIT_S)
    assert [found.values[subject.text] == text for found in port.find(target.between([key]))] in ([], [False])


def test_a_record_that_exists_is_named_with_its_place_and_field(target: Target, port: aos.Port):
    subject, keys = target.subject, target.keys(3)
    create(target, port, [{subject.key: keys[2], subject.text: "x"}])
    body = written(target, port, [{subject.key: key, subject.text: "x"} for key in keys])
    refusal = _refused(port, body.request)
    _at(target, refusal, record=3, field=subject.key)
    assert not refusal.duplicate


def test_all_that_ax_says_of_a_record_is_told(target: Target, port: aos.Port):
    """Two things are wrong with one record: two fault messages, and the infolog that repeats them."""
    subject, keys = target.subject, target.keys(2)
    if not (subject.amount and subject.symbol):
        pytest.skip("the service has no fields that could be wrong at once")
    create(target, port, [{subject.key: keys[1], subject.text: "x"}])
    good = record(port, in_order(port, {subject.key: keys[0]}))
    if target.is_wcf:  # a record that exists, and an amount that is too large
        bad = record(port, in_order(port, {subject.key: keys[1], subject.amount: "1000000000000"}))
    else:
        bad = record(port, in_order(port, {subject.key: keys[1], subject.amount: "x", subject.symbol: "y"}))
    refusal = _refused(port, by_hand(port, "Create", good, bad))
    if target.kind == "aos":
        return
    assert [complaint.record for complaint in refusal.complaints] == [2, 2]
    assert len({complaint.field for complaint in refusal.complaints}) == 2
    assert all(complaint.message in refusal.message for complaint in refusal.complaints)
    assert all(refusal.message.count(complaint.message) == 1 for complaint in refusal.complaints)


def test_a_wrong_line_is_named_with_its_record(target: Target, port: aos.Port):
    subject, keys = target.subject, target.keys(2)
    if not subject.line:
        pytest.skip("the service has no lines")

    def with_lines(key: str, *numbers: str) -> str:
        lines = (
            f'<{subject.line} class="entity" action="create"><{subject.line_key}>{n}</{subject.line_key}></{subject.line}>'
            for n in numbers
        )
        return record(port, in_order(port, {subject.key: key}) + "".join(lines))

    body = by_hand(port, "Create", with_lines(keys[0], "1"), with_lines(keys[1], "1", "2", "no number"))
    refusal = _refused(port, body)
    if target.kind != "aos":
        (complaint,) = refusal.complaints
        assert (complaint.record, complaint.table, complaint.line) == (2, subject.line, 3)


def test_a_company_that_does_not_exist_is_no_fault_of_the_rows(target: Target):
    with pytest.raises(GiveUp, match="XX9Z") as refused:
        target.open(company="XX9Z").find_keys(target.between(target.keys(1)))
    assert refused.value.code == faults.COMPANY


def test_an_action_that_the_port_does_not_have_shows_another_contract(target: Target, port: aos.Port):
    """WCF refuses it before AX sees it: a fault without an AifFault."""
    if target.kind == "wcf net.tcp":
        pytest.skip("Mono answers nothing at all to an action that it does not know, over a channel of net.tcp")
    operation = port._operations["findKeys"]
    port._operations["findKeys"] = type(operation)(
        action=f"{operation.action}Gone", request=operation.request, namespace=operation.namespace
    )
    expected = GiveUp if target.contract_zip else Retry  # the port that is asked says that it has the action: it restarts
    try:
        with pytest.raises(expected) as refused:
            port.find_keys(target.between(target.keys(1)))
    finally:
        port._operations["findKeys"] = operation
    assert refused.value.code == faults.STALE_CONTRACT


def test_a_failure_inside_the_service_is_no_fault_of_the_rows(wcf: Target):
    """WCF says nothing of it but that there was one, so whether AX had done its work is not known."""
    port = wcf.open()
    with pytest.raises(Unsettled) as failed:
        create(wcf, port, [{wcf.subject.key: "CRASH"}])
    assert "secret" not in failed.value.message
    assert port.find_keys(wcf.between(["CRASH"])) == []


def _refused(port: aos.Port, body: bytes) -> Refusal:
    with pytest.raises(Refusal) as refused:
        port.create(body, message_id=new_id(), time_limit_s=LIMIT_S)
    assert refused.value.message
    return refused.value


def _against_the_schema(target: Target, port: aos.Port, body: bytes) -> str:
    """What AX says of a structure that its schema does not allow, which the worker's own check would not have sent.

    A port that serves its contract is asked whether it has changed; where it has not, the rows are at fault after all.
    """
    expected = GiveUp if target.contract_zip else Refusal
    with pytest.raises(expected) as refused:
        port.create(body, message_id=new_id(), time_limit_s=LIMIT_S)
    assert refused.value.code == faults.STALE_CONTRACT or expected is Refusal
    return refused.value.message


def _at(target: Target, refusal: Refusal, *, record: int, field: str) -> None:
    """AX need not name the place; who does, names the right one."""
    complaint = refusal.complaints[0] if refusal.complaints else Complaint(message="")
    if target.kind != "aos" or complaint.record is not None:
        assert (complaint.record, complaint.field) == (record, field)


def _document(body: bytes) -> bytes:
    start = body.index(b"<", 1)
    return body[start : body.rindex(b"</")]
