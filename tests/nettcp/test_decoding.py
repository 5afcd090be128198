"""Binary XML as text: every type in its form, and no bytes whatever that break the reader."""

import contextlib
import struct
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from workers.aos.nettcp import decoding, encoding
from workers.aos.nettcp.borrowed import Excess, Garbled

CEILING = 100_000
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)


def read(document: bytes, ceiling: int = CEILING) -> str:
    return decoding.xml(document, ceiling=ceiling).decode()


def value(record: int, payload: bytes = b"") -> str:
    """The value of <a> that one text record makes."""
    return etree.fromstring(read(b"\x40\x01a" + bytes([record | 1]) + payload)).text or ""


def ticks(moment: datetime, kind: int = 0) -> bytes:
    since = moment - _EPOCH
    return struct.pack("<Q", (since.days * 86_400 + since.seconds) * 10**7 + since.microseconds * 10 | kind << 62)


GUID = UUID("01234567-89ab-cdef-0123-456789abcdef")


@pytest.mark.parametrize(
    ("record", "payload", "text"),
    [
        (0x80, b"", "0"),
        (0x82, b"", "1"),
        (0x84, b"", "false"),
        (0x86, b"", "true"),
        (0x88, b"\x80", "-128"),
        (0x8A, struct.pack("<h", -32768), "-32768"),
        (0x8C, struct.pack("<i", 2**31 - 1), "2147483647"),
        (0x8E, struct.pack("<q", -(2**63)), "-9223372036854775808"),
        (0x90, struct.pack("<f", 1.1), "1.1"),
        (0x90, struct.pack("<f", 16777216.0), "16777216"),
        (0x90, struct.pack("<f", 3.4028234663852886e38), "3.4028235e+38"),
        (0x90, struct.pack("<f", float("nan")), "NaN"),
        (0x92, struct.pack("<d", 0.1), "0.1"),
        (0x92, struct.pack("<d", float("-inf")), "-INF"),
        (0x94, struct.pack("<IIII", 2 << 16, 0, 12345, 0), "123.45"),
        (0x94, struct.pack("<IIII", 0x80000000 | 3 << 16, 0, 5, 0), "-0.005"),
        (0x94, struct.pack("<IIII", 0, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF), "79228162514264337593543950335"),
        (0x96, ticks(datetime(2024, 2, 29, 13, 14, 15, tzinfo=UTC)), "2024-02-29T13:14:15"),
        (0x96, ticks(datetime(2024, 2, 29, 13, 14, 15, 120_000, tzinfo=UTC), 1), "2024-02-29T13:14:15.12Z"),
        (0x96, ticks(datetime(2024, 2, 29, 13, 14, 15, tzinfo=UTC), 2), "2024-02-29T13:14:15Z"),
        (0x96, ticks(_EPOCH), "0001-01-01T00:00:00"),
        (0x96, struct.pack("<Q", 1), "0001-01-01T00:00:00.0000001"),
        (0x98, b"\x03a\r&", "a\r&"),
        (0x9A, b"\x02\x00\xc3\xa9", "é"),
        (0x9C, b"\x04\x00\x00\x00\xf0\x9f\x9a\x80", "\N{ROCKET}"),
        (0x9E, b"\x02\x00\xff", "AP8="),
        (0xA8, b"", ""),
        (0xAA, b"\x02", "Envelope"),
        (0xAC, GUID.bytes_le, f"urn:uuid:{GUID}"),
        (0xAE, struct.pack("<q", 0), "PT0S"),
        (0xAE, struct.pack("<q", 937_845_000_000), "P1DT2H3M4.5S"),
        (0xAE, struct.pack("<q", -600_000_000), "-PT1M"),
        (0xB0, GUID.bytes_le, str(GUID)),
        (0xB2, b"\xff" * 8, str(2**64 - 1)),
        (0xB4, b"\x01", "true"),
        (0xB6, b"\x04a\x00\xe9\x00", "aé"),
        (0xBC, b"\x18\x02", "y:Envelope"),
        (0xA4, b"\x80\x88\x05\x98\x01x\xa6", "0 5 x"),
    ],
)
def test_each_type_is_written_as_xml_schema_does(record: int, payload: bytes, text: str):
    if record == 0xA4:  # a list closes nothing
        assert read(b"\x40\x01a" + bytes([record]) + payload + b"\x01") == f"<a>{text}</a>"
    else:
        assert value(record, payload) == text


@given(st.integers(0, 3_155_378_975_999_999_999))
def test_every_moment_of_dotnet_is_written(number: int):
    text = value(0x96, struct.pack("<Q", number | 1 << 62))
    whole, _, fraction = text.rstrip("Z").partition(".")
    back = datetime.fromisoformat(whole).replace(tzinfo=UTC) - _EPOCH
    assert back // timedelta(seconds=1) * 10**7 + int(fraction.ljust(7, "0") or 0) == number


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_keeps_its_value(number: float):
    assert struct.pack("<f", float(value(0x90, struct.pack("<f", number)))) == struct.pack("<f", number)


def test_an_array_is_as_many_elements():
    array = b"\x40\x01r\x03\x40\x01n\x08\x01u\x01\x8b\x03" + struct.pack("<hhh", 1, -2, 3) + b"\x01"
    assert read(array) == '<r><n xmlns="u">1</n><n xmlns="u">-2</n><n xmlns="u">3</n></r>'


def test_prefixes_attributes_and_declarations_are_kept():
    document = b'\x41\x03pre\x01e\x09\x03pre\x01u\x05\x03pre\x01b\x98\x03"<\n\x04\x01c\xa8\x26\x01d\x86\x0b\x01a\x04\x01'
    found = etree.fromstring(read(document))
    assert (found.tag, found.prefix) == ("{u}e", "pre")
    assert found.attrib == {"{u}b": '"<\n', "c": "", "{http://www.w3.org/2003/05/soap-envelope}d": "true"}


@pytest.mark.parametrize(
    "document",
    [
        b"\x40",
        b"\x40\x05ab",
        b"\x40\x01a",
        b"\x01",
        b"\x04\x01a\x80",
        b"\x40\x01a\x04\x01b\x81",
        b"\x40\x01a\x99\xff",
        b"\x40\x01a\x99\x02\xff\xfe",
        b"\x40\x01a\xb7\x02\x00\xd8",
        b"\x42\xff\x7f\x01",
        b"\x42\x01\x01",
        b"\x40\x01a\x97" + b"\x3f" * 8,
        b"\x40\x01a\x95" + struct.pack("<IIII", 29 << 16, 0, 0, 0),
        b"\x40\x01a\xa4\xa4\xa6\xa6\x01",
        b"\x40\x01a\xbe\x01",
        b"\x40\x80\x80\x80\x80\x80\x80",
        b"\x03\x40\x01n\x01\x81\xff\xff\xff\xff\x07",
        b"\x03\x40\x01n\x01\x8d\xff\xff\xff\xff\x07",
        b"\x00",
    ],
)
def test_what_is_no_document_is_garbled(document: bytes):
    with pytest.raises(Garbled):
        read(document)


def test_a_small_message_cannot_become_a_large_one():
    """A string that was announced once can be named a thousand times, and an array repeats its element."""
    session = decoding.Session()
    long = b"n" * 16_000
    size = encoding.borrowed.number(len(long))
    block = size + long
    named = b"\x40\x01r" + b"\xaa\x01" * 2_000 + b"\x01"
    with pytest.raises(Excess):
        session.xml(encoding.borrowed.number(len(block)) + block + named, ceiling=1_000_000)
    with pytest.raises(Excess):
        read(b"\x40\x01e" * 10_000)


def test_strings_of_a_session_have_a_ceiling():
    session = decoding.Session()
    block = (encoding.borrowed.number(60_000) + b"n" * 60_000) * 10
    message = encoding.borrowed.number(len(block)) + block + b"\x40\x01r\x01"
    session.xml(message, ceiling=CEILING)
    with pytest.raises(Excess):
        session.xml(message, ceiling=CEILING)


_RECORDS = st.sampled_from(
    [
        b"\x40\x01a",
        b"\x42\x02",
        b"\x01",
        b"\x03",
        b"\x98\x01x",
        b"\x99\x01x",
        b"\xa4",
        b"\xa6",
        b"\x08\x01u",
        b"\x04\x01b",
        b"\x8b\x02",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.lists(st.one_of(_RECORDS, st.binary(max_size=4)), max_size=80).map(b"".join)))
def test_no_bytes_break_the_reader(data: bytes):
    started = time.monotonic()
    for attempt in (lambda: decoding.xml(data, ceiling=10_000), lambda: decoding.Session().xml(data, ceiling=10_000)):
        with contextlib.suppress(Garbled):
            assert len(attempt()) <= 40_000  # a character has up to 4 bytes
    assert time.monotonic() < started + 2


#: What rows are made of: the same elements over and over, with attributes, texts that must be escaped, and names by number.
_ROWS = st.lists(
    st.sampled_from(
        [
            b"\x40\x01a\x99\x01x",
            b"\x40\x01a\x99\x03&<\r",
            b"\x40\x01a\x99\x00",
            b"\x40\x01a\x01",
            b"\x42\x02\x99\x02\xc3\xa9",
            b"\x42\x02\x99\x01\xc3",
            b"\x42\x80\x02\x99\x01y",
            b"\x5e\x01p\x99\x01z",
            b"\x40\x01r\x04\x05class\x98\x06entity",
            b"\x40\x01r\x04\x05class\x98\x06entity\x04\x01b\x86",
            b"\x40\x01r",
            b"\x41\x01q\x01r\x09\x01q\x01u",
            b"\x40\x80\x01" + b"n" * 128,
            b"\x98\x01t",
            b"\x01",
        ]
    ),
    max_size=12,
)


@settings(max_examples=400, deadline=None)
@given(_ROWS, st.integers(0, 4), st.sampled_from([40, 10_000]))
def test_what_came_before_is_read_as_the_first_time(records: list[bytes], cut: int, ceiling: int):
    """Elements of a name that was seen are read by a shorter way; it must end where the long one does."""
    block = b"".join(records)
    whole = b"\x40\x04root" + block * 3 + b"\x01"
    data = whole[: len(whole) - cut]
    quick = _outcome(data, ceiling)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decoding._Reader, "_again", lambda _: False)
        assert _outcome(data, ceiling) == quick


def _outcome(data: bytes, ceiling: int) -> bytes | type[Exception]:
    try:
        return decoding.xml(data, ceiling=ceiling)
    except Garbled as error:
        return type(error)


def test_attributes_that_name_a_long_string_again_and_again_have_a_ceiling():
    session = decoding.Session()
    long = encoding.borrowed.number(16_000) + b"n" * 16_000
    tag = b"\x40\x01r" + b"\x04\x01a\xaa\x01" * 2_000 + b"\x01"
    with pytest.raises(Excess):
        session.xml(encoding.borrowed.number(len(long)) + long + tag, ceiling=1_000_000)


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=["Cc", "Cs", "Cn", "Co"]), max_size=400)
_NAME = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_.]{0,12}", fullmatch=True).filter(lambda name: not name.lower().startswith("xml"))


@st.composite
def _trees(draw: st.DrawFn) -> etree._Element:
    spaces = draw(st.dictionaries(_NAME, st.sampled_from(["urn:a", "http://www.w3.org/2005/08/addressing"]), max_size=2))

    def element(depth: int) -> etree._Element:
        space = draw(st.sampled_from([None, *spaces.values()]))
        found = etree.Element(f"{{{space}}}{draw(_NAME)}" if space else draw(_NAME), nsmap=spaces)
        for name in draw(st.lists(_NAME, max_size=2, unique=True)):
            found.set(name, draw(_TEXT))
        found.text = draw(_TEXT)
        for _ in range(draw(st.integers(0, 2)) if depth else 0):
            found.append(element(depth - 1))
            found[-1].tail = draw(_TEXT)
        return found

    return element(2)


@settings(max_examples=100, deadline=None)
@given(_trees())
def test_what_is_encoded_reads_back_the_same(tree: etree._Element):
    text = etree.tostring(tree, encoding="utf-8")
    back = decoding.xml(encoding.binary(text), ceiling=1_000_000)
    assert etree.tostring(etree.fromstring(back), method="c14n") == etree.tostring(etree.fromstring(text), method="c14n")


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65_535, 65_536])
def test_texts_of_every_length_are_encoded(size: int):
    text = "é" * (size // 2) + "x" * (size % 2)
    assert read(encoding.binary(f"<a>{text}</a>".encode()), ceiling=200_000) == (f"<a>{text}</a>" if text else "<a/>")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("<a>&amp;&lt;&gt;&quot;&apos;&#65;&#x42;&#13;</a>", "<a>&amp;&lt;&gt;\"'AB&#13;</a>"),
        ("<a b='>' c=\"'/&lt;&#10;\"/>", '<a b="&gt;" c="\'/&lt;&#10;"/>'),
        ("<a><b/><b></b><b>x</b>y<b> </b></a>", "<a><b/><b/><b>x</b>y<b> </b></a>"),
        ("<?xml version='1.0'?>\r\n<a>1\r\n2\r3</a>\r\n", "<a>1\n2\n3</a>"),
        ("<p:a xmlns:p='urn:p' p:b=''>t</p:a >", '<p:a xmlns:p="urn:p" p:b="">t</p:a>'),
    ],
)
def test_each_form_of_xml_is_encoded_as_it_is_meant(text: str, meant: str):
    back = read(encoding.binary(text.encode()))
    assert etree.tostring(etree.fromstring(back), method="c14n") == etree.tostring(etree.fromstring(meant), method="c14n")


@pytest.mark.parametrize("text", ["<a><!-- no --></a>", "<a><![CDATA[x]]></a>", "<a><?go?></a>", "<a>&unknown;</a>"])
def test_what_no_writer_of_ours_writes_is_refused(text: str):
    with pytest.raises(ValueError, match="a message of ours"):
        encoding.binary(text.encode())
