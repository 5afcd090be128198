"""Sessions as WCF wrote them: two requests of its client and two answers of its service, recorded from one connection.

The second message of each names strings that the first announced. The files are append-only: today's code reads them all.
"""

from pathlib import Path

import pytest
from lxml import etree

from workers.aos.nettcp import decoding, encoding

GOLDEN = Path(__file__).with_name("golden")


def canonical(xml: bytes) -> bytes:
    return etree.tostring(etree.fromstring(xml), method="c14n")


@pytest.mark.parametrize("side", ["request", "answer"])
def test_what_wcf_wrote_is_read_and_written_again(side: str):
    session = decoding.Session()
    for number in (1, 2):
        payload = (GOLDEN / f"wcf_{side}_{number}.bin").read_bytes()
        expected = (GOLDEN / f"wcf_{side}_{number}.xml").read_bytes()
        found = session.xml(payload, ceiling=100_000)
        assert canonical(found) == canonical(expected)
        assert canonical(decoding.xml(encoding.binary(found), ceiling=100_000)) == canonical(expected)


def test_a_later_message_cannot_be_read_without_the_first():
    payload = (GOLDEN / "wcf_answer_2.bin").read_bytes()
    with pytest.raises(decoding.Garbled, match="unknown number"):
        decoding.Session().xml(payload, ceiling=100_000)


def test_what_wcf_says_is_what_it_means():
    session = decoding.Session()
    (first, second) = (session.xml((GOLDEN / f"wcf_request_{n}.bin").read_bytes(), ceiling=100_000) for n in (1, 2))
    told = {etree.QName(part).localname: part.text for part in etree.fromstring(second).iter(etree.Element)}
    assert told["Company"] == "ceu"
    assert told["ItemId"] == "self1"
    assert (told["Price"], told["Stopped"], told["Qty"], told["Weight"]) == ("0", "false", "0", "0")
    assert (told["ValidFrom"], told["RowGuid"]) == ("0001-01-01T00:00:00", "00000000-0000-0000-0000-000000000000")
    assert (told["MessageID"] or "").startswith("urn:uuid:")
    assert first != second
