"""What is written is what is read, whatever the characters."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.aos.conformance.targets import Target, create, table, update
from workers import aos

SCRIPTS = (
    "Кириллица, ещё Ё",
    "漢字かな交じり文 簡体字 한국어",
    "emoji \U0001f9fe \U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "\u200fעברית مرحبا\u200e RTL",
    "combining: e\u0301 a\u030a n\u0303 ｶﾞ",
    "ligature ﬁ ß ẞ İ ı \u212b \u00c5",
    "astral \U0001d518\U0001d52b \U0002070e",
    "ไทย हिन्दी Ελληνικά",
)
#: All that XML 1.0 can hold, but for the carriage return, which has a case of its own; most of it outside the first plane.
ANY_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=25) | st.text(
    st.characters(max_codepoint=0xD7FF, exclude_categories=("Cc",)) | st.sampled_from("\t\n\u0085\u2028&<>]'\""), max_size=50
)
SPECIAL = ("<tag attr='x'>&amp;</tag>", "]]>", "\"quoted\" 'single'", "a & b", "&#13; &lt; %s %% {}", "<!-- -->", "<![CDATA[x]]>")


def test_four_hundred_rows_of_many_scripts_come_back_as_they_are(target: Target, port: aos.Port):
    subject, keys = target.subject, target.keys(400)
    rows = {key: f"{text} {key}" for key, text in zip(keys, itertools.cycle(SCRIPTS), strict=False)}
    answered = create(target, port, [{subject.key: key, subject.text: text} for key, text in rows.items()])
    assert len(answered) == 400
    read = port.read(answered)
    assert {found.values[subject.key]: found.values[subject.text] for found in read} == rows
    found = port.find(target.between(keys))
    assert {one.values[subject.key]: one.values[subject.text] for one in found} == rows


def test_what_xml_itself_uses_is_text_like_other_text(target: Target, port: aos.Port):
    subject, keys = target.subject, target.keys(len(SPECIAL))
    answered = create(target, port, [{subject.key: k, subject.text: t} for k, t in zip(keys, SPECIAL, strict=True)])
    assert tuple(found.values[subject.text] for found in port.read(answered)) == SPECIAL


def test_tabs_line_feeds_and_blanks_inside_a_text_stay(target: Target, port: aos.Port):
    subject = target.subject
    texts = ("a\tb", "line\nline\n\nline", "two  blanks   three", "\u00a0no-break\u2003em")
    keys = target.keys(len(texts))
    answered = create(target, port, [{subject.key: k, _long(subject): t} for k, t in zip(keys, texts, strict=True)])
    assert tuple(found.values[_long(subject)] for found in port.read(answered)) == texts


def test_blanks_around_a_text_stay(target: Target, port: aos.Port):
    """A table of AX may cut those at the end (a property of its fields)."""
    subject = target.subject
    texts = (" leading", "trailing ", " both ", "\tleading tab")
    answered = create(target, port, [{subject.key: k, subject.text: t} for k, t in zip(target.keys(4), texts, strict=True)])
    read = [found.values[subject.text] or "" for found in port.read(answered)]
    assert _kept(target, read) == _kept(target, texts)


def test_a_carriage_return_is_not_lost_on_the_way_in(target: Target, port: aos.Port):
    """Mono's writer leaves it bare in the answer, and an XML reader then makes a line feed of it."""
    subject, (key,) = target.subject, target.keys(1)
    answered = create(target, port, [{subject.key: key, _long(subject): "a\r\nb\rc"}])
    (found,) = port.read(answered)
    told = found.values[_long(subject)]
    assert told == ("a\nb\nc" if target.kind == "wcf" else "a\r\nb\rc")
    criterion = aos.Criterion(table(port), _long(subject), aos.Operator.EQUAL, "a\r\nb\rc")
    if target.kind != "aos":
        assert [one.values[subject.key] for one in port.find([criterion])] == [key], "it was kept as it was sent"


def test_a_long_text_without_a_limit_is_kept_whole(target: Target, port: aos.Port):
    subject, (key,) = target.subject, target.keys(1)
    if not subject.memo:
        pytest.skip("the service has no text without a length")
    text = "Zeile 🧾\n" * 4_000
    answered = create(target, port, [{subject.key: key, subject.memo: text}])
    assert port.read(answered)[0].values[subject.memo] == text


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_texts_come_back_as_they_are(target: Target, port: aos.Port, data: st.DataObject):
    subject = target.subject
    texts = data.draw(st.lists(ANY_TEXT, min_size=1, max_size=30))
    answered = create(target, port, [{subject.key: k, _long(subject): t} for k, t in zip(target.keys(30), texts, strict=False)])
    read = [found.values.get(_long(subject)) or "" for found in port.read(answered)]
    assert _kept(target, read) == _kept(target, texts)


@pytest.mark.parametrize("amount", ["0.1", "-1234567.89", "99999999999.99", "1.10"])
def test_decimals_have_no_noise(target: Target, port: aos.Port, amount: str):
    subject, (key,) = target.subject, target.keys(1)
    if not subject.amount:
        pytest.skip("the service has no decimal")
    answered = create(target, port, [{subject.key: key, subject.amount: amount}])
    told = port.read(answered)[0].values[subject.amount] or ""
    assert told.rstrip("0") == amount.rstrip("0")


def test_symbols_travel_by_name(target: Target, port: aos.Port):
    subject, (key,) = target.subject, target.keys(1)
    assert port.service.document is not None
    known = port.service.document.tables[0].field(subject.symbol) if subject.symbol else None
    if known is None:
        pytest.skip("the service has no enumeration")
    last = known.symbols[-1]
    answered = create(target, port, [{subject.key: key, subject.symbol: last}])
    assert port.read(answered)[0].values[subject.symbol] == last


def test_an_update_writes_the_same_characters(target: Target, port: aos.Port):
    subject, (key,) = target.subject, target.keys(1)
    keys = create(target, port, [{subject.key: key, subject.text: "x"}])
    text = f"{SCRIPTS[2]} <&> {SCRIPTS[4]}"
    update(target, port, keys[0], old=port.read(keys)[0], new={subject.text: text})
    assert port.read(keys)[0].values[subject.text] == text


def _long(subject: object) -> str:
    return getattr(subject, "memo", "") or getattr(subject, "text", "")


def _kept(target: Target, texts: Iterable[str]) -> list[str]:
    """Whether AX keeps blanks at the end of a text is not known."""
    return [text.rstrip() for text in texts] if target.kind == "aos" else list(texts)
