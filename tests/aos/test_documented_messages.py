"""The messages that AX 2012's documentation shows, and those that were composed by its contracts, are understood."""

from pathlib import Path

import pytest
from lxml import etree

from workers.aos import answers
from workers.exchange import aif

ENVELOPE = '<Envelope xmlns="urn:e"><Header><RequestMessageId>{{ 7-A }}</RequestMessageId></Header>{}</Envelope>'


@pytest.fixture(scope="module")
def messages(examples: Path) -> Path:
    return examples.parent / "messages"


@pytest.mark.parametrize(
    ("name", "first", "count"),
    [
        ("example-create-action-1.xml", {"SalesId": "00018_036"}, 1),
        ("example-findkeys-action-1.xml", {"AccountNum": "4012"}, None),
        ("example-read-action-0.xml", {"AccountNum": "4507"}, 1),
    ],
)
def test_keys_of_documented_messages(messages: Path, name: str, first: dict[str, str], count: int | None) -> None:
    found = answers.keys(etree.fromstring((messages / name).read_bytes()))
    assert found[0] == first
    assert all(found)
    assert count in (None, len(found))


def test_an_answer_to_a_delete_holds_nothing(messages: Path) -> None:
    assert answers.keys(etree.fromstring((messages / "example-delete-action-1.xml").read_bytes())) == []


def test_the_composed_answer_to_a_create(examples: Path) -> None:
    body = answers.body((examples / "create_response.xml").read_bytes())
    assert body is not None
    assert not answers.is_fault(body)
    assert answers.keys(body) == [{"ItemId": "C-0001"}, {"ItemId": "C-0002"}]


@pytest.mark.parametrize("name", ["create", "read", "update", "delete", "find", "getKeys"])
def test_the_composed_requests_are_soap(examples: Path, name: str) -> None:
    body = answers.body((examples / f"{name}_request.xml").read_bytes())
    assert body is not None
    assert not answers.is_fault(body)


def test_a_documented_fault_of_a_message_that_was_handed_over(messages: Path) -> None:
    body = (messages / "example-fault-in-an-outbound-message-0.xml").read_text()
    ((asked, reply),) = aif.answers_in(ENVELOPE.format(body).encode())
    assert asked == "7-a"
    assert (reply.code, reply.fault) == ("RequestFailed", "Request Failed. See the Exception Log for details.")


def test_a_documented_duplicate_of_a_message_that_was_handed_over(messages: Path) -> None:
    content = (messages / "how-to-enable-checking-for-duplicate-messages-0.xml").read_bytes()
    ((asked, reply),) = aif.answers_in(content)
    assert asked == "76704405-5237-4934-83ec-7e1357f28b10"
    assert (reply.code, reply.fault) == ("DuplicateMessage", "Duplicate message. Message has already been processed.")
