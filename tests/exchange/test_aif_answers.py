"""Answers of AIF's file system adapter, as the product documentation shows them."""

import os
from pathlib import Path

import pytest

from workers.exchange.aif import FilePort, Reply, answers_in
from workers.exchange.folders import Folder

MESSAGES = Path(os.environ.get("RAPIDSTART_SHARED", Path(__file__).parents[3] / "shared")) / "ax2012" / "messages"
ID = "44920385-3194-498f-8ac7-438f3632df51"
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><Envelope xmlns="http://schemas.microsoft.com/dynamics/2011/01/documents/Message">'
    "<Header><MessageId>{{B165292C-BF8B-43A4-9788-21D1B0AED185}}</MessageId><RequestMessageId>{id}</RequestMessageId></Header>"
    "<Body><MessageParts>{parts}</MessageParts></Body></Envelope>"
)
FAULT = (
    '<Fault xmlns="http://schemas.microsoft.com/dynamics/2008/01/documents/Fault"><Code>{code}</Code>'
    '<Reason><Text xml:lang="EN-US"\n>Request Failed.   See the Exception Log.</Text></Reason></Fault>'
)


@pytest.mark.skipif(not MESSAGES.is_dir(), reason="the documented messages are not here; RAPIDSTART_SHARED names another place")
def test_the_documented_answer_names_the_request_and_the_key():
    content = (MESSAGES / "processing-batched-messages-in-aif-1.xml").read_bytes()
    assert dict(answers_in(content)) == {ID: Reply(keys=({"SalesId": "SO-100021"},))}


def test_a_fault_is_told_in_ax_words():
    content = ENVELOPE.format(id=f"{{{ID.upper()}}}", parts=FAULT.format(code="RequestFailed")).encode()
    assert dict(answers_in(content)) == {ID: Reply(fault="Request Failed. See the Exception Log.", code="RequestFailed")}


@pytest.mark.parametrize("content", [b"", b"<a", b"<a/>", ENVELOPE.format(id="", parts="").encode(), b"\xff\xfe\x00"])
def test_what_is_no_answer_answers_nothing(content):
    assert dict(answers_in(content)) == {}


def test_half_an_answer_is_read_again_when_it_is_whole(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    port = FilePort(name="P", folder=Folder(tmp_path / "in", title="P", outbound=tmp_path / "out"))
    whole = ENVELOPE.format(id=ID, parts=FAULT.format(code="RequestFailed"))
    path = tmp_path / "out" / "a.xml"
    path.write_text(whole[: len(whole) // 2])
    assert port.replies({ID}) == {}
    path.write_text(whole)
    assert port.replies({ID})[ID].code == "RequestFailed"


def test_that_a_message_was_seen_before_does_not_replace_what_became_of_it(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    port = FilePort(name="P", folder=Folder(tmp_path / "in", title="P", outbound=tmp_path / "out"))
    (tmp_path / "out" / "a.xml").write_text(ENVELOPE.format(id=ID, parts=FAULT.format(code="RequestFailed")))
    (tmp_path / "out" / "b.xml").write_text(ENVELOPE.format(id=ID, parts=FAULT.format(code="DuplicateMessage")))
    assert port.replies({ID})[ID].code == "RequestFailed"
