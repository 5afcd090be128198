"""XML text as binary XML [MC-NBFX], the form in which messages travel over net.tcp.

No tree is built: a parser reads the text and each event is written as it comes. Names that every peer knows go by number,
all else in full, so that no state is shared with the peer. Texts stay texts: WCF reads numbers and dates from them.
"""

from functools import cache
from xml.parsers import expat

from workers.aos.nettcp import borrowed

_END = 0x01
_CHARS = (0x98, 0x9A, 0x9C)
_EMPTY = 0xA8


def binary(message: bytes) -> bytes:
    """A message of ours as a binary document. It must be well-formed: the caller wrote it."""
    writer = _Writer()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.buffer_size = 1 << 16
    parser.ordered_attributes = True
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.text
    parser.Parse(message, True)
    return bytes(writer.out)


class _Writer:
    """Appends a record for each event. A text waits for the next event, since it may close its element too."""

    def __init__(self) -> None:
        self.out = bytearray()
        self._waiting = ""

    def start(self, name: str, attributes: list[str]) -> None:
        self._flush()
        self.out += _element(name)
        for place in range(0, len(attributes), 2):
            self.out += _attribute(attributes[place], attributes[place + 1])

    def text(self, value: str) -> None:
        self._waiting += value

    def end(self, _: str) -> None:
        if self._waiting:
            self._flush(_END)
        else:
            self.out.append(_END)

    def _flush(self, closing: int = 0) -> None:
        if self._waiting:
            self.out += _text(self._waiting, closing)
            self._waiting = ""


@cache
def _numbers() -> dict[str, bytes]:
    """How the names that every peer knows are written."""
    return {name: borrowed.number(index << 1) for index, name in enumerate(borrowed.strings())}


def _element(qualified: str) -> bytes:
    prefix, _, name = qualified.rpartition(":")
    known = _numbers().get(name)
    written = known or _string(name)
    if not prefix:
        return bytes([0x42 if known else 0x40]) + written
    if _is_letter(prefix):
        return bytes([(0x44 if known else 0x5E) + ord(prefix) - ord("a")]) + written
    return bytes([0x43 if known else 0x41]) + _string(prefix) + written


def _attribute(qualified: str, value: str) -> bytes:
    if qualified == "xmlns" or qualified.startswith("xmlns:"):
        return _declaration(qualified[6:], value)
    prefix, _, name = qualified.rpartition(":")
    known = _numbers().get(name)
    written = known or _string(name)
    if not prefix:
        head = bytes([0x06 if known else 0x04]) + written
    elif _is_letter(prefix):
        head = bytes([(0x0C if known else 0x26) + ord(prefix) - ord("a")]) + written
    else:
        head = bytes([0x07 if known else 0x05]) + _string(prefix) + written
    return head + (_text(value, 0) if value else bytes([_EMPTY]))


def _declaration(prefix: str, namespace: str) -> bytes:
    known = _numbers().get(namespace)
    written = known or _string(namespace)
    if not prefix:
        return bytes([0x0A if known else 0x08]) + written
    return bytes([0x0B if known else 0x09]) + _string(prefix) + written


def _text(value: str, closing: int) -> bytes:
    encoded = value.encode()
    size = len(encoded)
    width = 0 if size < 1 << 8 else 1 if size < 1 << 16 else 2
    return bytes([_CHARS[width] | closing]) + size.to_bytes(1 << width, "little") + encoded


def _string(value: str) -> bytes:
    encoded = value.encode()
    return borrowed.number(len(encoded)) + encoded


def _is_letter(prefix: str) -> bool:
    return len(prefix) == 1 and "a" <= prefix <= "z"
