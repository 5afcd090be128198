"""What an operation answers, as one text."""

import json

import pytest
from lxml import etree

from connector.wire.metadata import Field, Parameter
from workers.aos import answers

TEXTS = Parameter(
    name="response",
    namespace="u",
    parts=(Parameter(name="string", namespace="a", field=Field(name="string"), repeats=True),),
)
NIL = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"'


def told(content: str, *known: Parameter) -> str:
    return answers.told(etree.fromstring(f"<r>{content}</r>"), known)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", ""),
        ("<response>12</response>", "12"),
        ("<response/>", ""),
        (f"<response {NIL}/>", ""),
        ("<response><A>1</A><B/></response>", '{"A":"1","B":""}'),
        (f"<response><A {NIL}/><B>ü</B></response>", '{"A":null,"B":"ü"}'),
        ("<response><A>1</A><A>2</A></response>", '{"A":["1","2"]}'),
        ("<a>1</a><b>2</b>", '{"a":"1","b":"2"}'),
    ],
)
def test_a_single_value_stands_as_it_is_and_all_else_is_json(content: str, text: str) -> None:
    assert told(content) == text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<response><string>a</string></response>", '["a"]'),
        ("<response/>", "[]"),
        ("<response><string>a</string><string>b</string></response>", '["a","b"]'),
    ],
)
def test_a_list_is_a_list_whatever_number_of_entries_it_has(content: str, text: str) -> None:
    assert told(content, TEXTS) == text


def test_a_long_answer_is_cut() -> None:
    text = told(f"<response>{'x' * 10_000}</response>")
    assert len(text) == 4_000
    assert text.endswith("…")


def test_what_the_contract_does_not_know_is_told_all_the_same() -> None:
    assert json.loads(told("<response><odd><x>1</x></odd></response>", TEXTS)) == [{"x": "1"}]
