"""XML text as binary XML [MC-NBFX], the form in which messages travel over net.tcp.

No tree is built, and a tag that stands in every row is written once: the bytes that a writer made of rows are cut at their tags,
and each tag is looked up. Names that every peer knows go by number, all else in full, so that no state is shared with the
peer. Texts stay texts: WCF reads numbers and dates from them.
"""

import re
from functools import cache, lru_cache
from typing import Final
from xml.parsers import expat

from workers.aos.nettcp import borrowed

_END: Final = 0x01
_CHARS: Final = (0x98, 0x9A, 0x9C)
_EMPTY: Final = 0xA8
#: A tag and the text behind it; where an end tag follows at once, that and the text behind it.
_PARTS: Final = re.compile(rb"""<([^<>"']*+(?:(?:"[^"]*+"|'[^']*+')[^<>"']*+)*+)>([^<]*+)(?:(</[^>]*+>)([^<]*+))?""")
_REFERENCE: Final = re.compile(rb"&(?:#(?:x([0-9A-Fa-f]+)|([0-9]+))|([a-z]+));")
_ENTITIES: Final = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}
_SHORT: Final = 1 << 8
_NOT_OURS: Final = "a message of ours holds what is neither element nor text"
#: So many different tags are kept; a contract has some thousands of names.
_KEPT: Final = 8192


def binary(message: bytes) -> bytes:
    """A message of ours as a binary document.

    It must be well-formed, which is not checked, and of elements, attributes and texts alone: the caller wrote it. Raises
    ValueError where it holds anything else (a comment, CDATA).
    """
    out: list[bytes] = []
    add = out.append
    for tag, text, end, after in _PARTS.findall(_root(message)):
        add(_tag(tag))
        if text:
            known = _CLOSING if end else _OPEN
            plain = _REFERENCE.sub(_meant, text) if b"&" in text else text
            add(known[len(plain)] if len(plain) < _SHORT else _head(len(plain), _END if end else 0))
            add(plain)
        elif end:
            add(b"\1")
        if after:
            plain = _REFERENCE.sub(_meant, after)
            add(_head(len(plain), 0) + plain)
    return b"".join(out)


def _root(message: bytes) -> bytes:
    """The message from its first tag to its last, with the line ends that a parser would see."""
    if message.startswith(b"<?xml"):
        message = message[message.index(b"?>") + 2 :]
    if b"\r" in message:
        message = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return message.strip()


@lru_cache(_KEPT)
def _tag(tag: bytes) -> bytes:
    """The records of a tag, as it stands between its angle brackets: a start with its attributes, an end, or both."""
    if tag.startswith(b"/"):
        return b"\1"
    if tag.startswith((b"!", b"?")):
        raise ValueError(_NOT_OURS)
    out = bytearray()

    def start(name: str, attributes: list[str]) -> None:
        out.extend(_element(name))
        for place in range(0, len(attributes), 2):
            out.extend(_attribute(attributes[place], attributes[place + 1]))

    parser = expat.ParserCreate("utf-8")
    parser.ordered_attributes = True
    parser.StartElementHandler = start
    is_whole = tag.endswith(b"/")
    parser.Parse(b"<" + tag + (b">" if is_whole else b"/>"), True)
    return bytes(out) + (b"\1" if is_whole else b"")


def _meant(reference: re.Match[bytes]) -> bytes:
    hexadecimal, decimal, name = reference.groups()
    if name:
        if name not in _ENTITIES:
            raise ValueError(_NOT_OURS)
        return _ENTITIES[name]
    return chr(int(hexadecimal, 16) if hexadecimal else int(decimal)).encode()


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
    encoded = value.encode()
    return head + (_head(len(encoded), 0) + encoded if encoded else bytes([_EMPTY]))


def _declaration(prefix: str, namespace: str) -> bytes:
    known = _numbers().get(namespace)
    written = known or _string(namespace)
    if not prefix:
        return bytes([0x0A if known else 0x08]) + written
    return bytes([0x0B if known else 0x09]) + _string(prefix) + written


def _head(size: int, closing: int) -> bytes:
    """What stands before a text of so many bytes. `closing`: it ends its element too."""
    width = 0 if size < 1 << 8 else 1 if size < 1 << 16 else 2
    return bytes([_CHARS[width] | closing]) + size.to_bytes(1 << width, "little")


def _string(value: str) -> bytes:
    encoded = value.encode()
    return borrowed.number(len(encoded)) + encoded


def _is_letter(prefix: str) -> bool:
    return len(prefix) == 1 and "a" <= prefix <= "z"


#: What stands before a short text, made once: one that does not end its element, and one that does.
_OPEN: Final = tuple(_head(size, 0) for size in range(_SHORT))
_CLOSING: Final = tuple(_head(size, _END) for size in range(_SHORT))
