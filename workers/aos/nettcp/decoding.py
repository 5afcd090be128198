"""Binary XML [MC-NBFX, MC-NBFS] as XML text: what came over net.tcp, in the form that came over HTTP too.

Whatever the bytes are, it ends soon, holds no more than its ceiling, and raises nothing but Garbled and Excess.
"""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from workers.aos.nettcp import borrowed, scalars
from workers.aos.nettcp.borrowed import Excess, Garbled

#: Elements within elements; a parser of XML takes about as many.
_DEPTH: Final = 200
#: Strings that a peer may announce on one channel, in bytes; WCF keeps to 2,048.
_STRINGS: Final = 1 << 20

_END, _COMMENT, _ARRAY, _LIST, _LIST_END = 0x01, 0x02, 0x03, 0xA4, 0xA6
#: Records of elements whose name is a number in a table: without a prefix, and with one of a letter.
_BY_NUMBER: Final = frozenset([0x42, *range(0x44, 0x5E)])
#: A text of less than 256 bytes, and the end of its element.
_CLOSING_TEXT: Final = 0x99
_DICTIONARY_TEXT, _QNAME = 0xAA, 0xBC


class Session:
    """The strings that a peer has announced on one channel, which later messages name by number."""

    def __init__(self) -> None:
        self._strings: list[str] = []
        self._size = 0

    def xml(self, payload: bytes, *, ceiling: int) -> bytes:
        """The message in a sized envelope: new strings, then a document. Raises Garbled, Excess."""
        reader = _Reader(payload, self._strings, ceiling=ceiling)
        end = reader.number()
        end += reader.place
        while reader.place < end:
            announced = reader.string()
            self._size += len(announced) + 1
            if self._size > _STRINGS:
                raise Excess("too many strings are announced")
            self._strings.append(announced)
        if reader.place != end:
            raise Garbled("the announced strings have another length than was said")
        return reader.document()


def xml(document: bytes, *, ceiling: int) -> bytes:
    """A document that names no strings of a session. Raises Garbled, Excess."""
    return _Reader(document, (), ceiling=ceiling).document()


class _Reader:
    """Goes through a document once, writing text as it goes."""

    def __init__(self, data: bytes, strings: Sequence[str], *, ceiling: int) -> None:
        self.place = 0
        self._data = data
        self._session = strings
        self._static = borrowed.strings()
        self._left = ceiling
        self._out: list[str] = []
        self._open: list[str] = []
        self._known: dict[bytes, tuple[str, bytes, str]] = {}
        """by the records that name an element: its name, the records of the last one's start, and that start as text"""
        self._in_tag = False
        """the last start tag may still get attributes"""

    def document(self) -> bytes:
        """The rest of the bytes, which are one document."""
        data, end = self._data, len(self._data)
        while self.place < end:
            kind = data[self.place]
            if not (0x40 <= kind < 0x78 and self._again()):
                self.place += 1
                self._record(kind)
        if self._open:
            raise Garbled("the document is cut off")
        return self._encoded("".join(self._out))

    def number(self) -> int:
        """A MultiByteInt31."""
        value = 0
        for shift in range(0, 35, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Garbled("a number has too many bytes")

    def string(self) -> str:
        """A string with its length before it."""
        return scalars.decoded(self._take(self.number()), "utf-8")

    def _again(self) -> bool:
        """Writes the element that comes next, or its start, where one of its name came before.

        Rows are alike: it does what `_record` would, in less than half the time. Where it returns False it has done nothing.
        """
        data, place = self._data, self.place
        try:
            end = place + 2 if data[place] in _BY_NUMBER else place + 2 + data[place + 1]
            known = self._known.get(data[place:end])
            if known is None:
                return False
            return self._leaf(known[0], end) if data[end] == _CLOSING_TEXT else self._start_again(*known)
        except (IndexError, UnicodeDecodeError):  # `_record` says what is wrong
            return False

    def _leaf(self, name: str, place: int) -> bool:
        start = place + 2
        end = start + self._data[place + 1]
        text = self._data[start:end].decode()
        if end > len(self._data):
            return False
        if "&" in text or "<" in text or ">" in text or "\r" in text:
            text = escape(text, {"\r": "&#13;"})
        self._content(f"<{name}>{text}</{name}>")
        self.place = end
        return True

    def _start_again(self, name: str, records: bytes, tag: str) -> bool:
        end = self.place + len(records)
        if not self._data.startswith(records, self.place) or 0x04 <= self._data[end] < 0x40 or len(self._open) >= _DEPTH:
            return False
        self._content(tag)
        self._in_tag = True
        self._open.append(name)
        self.place = end
        return True

    def _record(self, kind: int) -> None:
        if kind == _END:
            self._close()
        elif kind >= 0x80:
            self._content(escape(self._value(kind & 0xFE), {"\r": "&#13;"}))
            if kind & 1:
                self._close()
        elif kind >= 0x40:
            self._start(kind)
        elif kind >= 0x04:
            raise Garbled("an attribute stands outside a start tag")
        elif kind == _COMMENT:
            self.string()
        elif kind == _ARRAY:
            self._array()
        else:
            raise Garbled(f"there is no record {kind:#04x}")

    def _start(self, kind: int) -> None:
        if len(self._open) >= _DEPTH:
            raise Excess("elements lie too deep in each other")
        began = self.place - 1
        name = self._name(kind, short=0x40, letters=0x44)
        named, tag = self.place, f"<{name}"
        while self.place < len(self._data) and 0x04 <= self._data[self.place] < 0x40:
            tag += self._attribute(self._byte())
            if len(tag) > self._left:
                raise Excess("the answer is larger than is read")
        self._known[self._data[began:named]] = name, self._data[began : self.place], tag
        self._content(tag)
        self._in_tag = True
        self._open.append(name)

    def _close(self) -> None:
        if not self._open:
            raise Garbled("an element ends that did not begin")
        name = self._open.pop()
        self._write("/>" if self._in_tag else f"</{name}>")
        self._in_tag = False

    def _content(self, text: str) -> None:
        if self._in_tag:
            self._write(">")
            self._in_tag = False
        self._write(text)

    def _attribute(self, kind: int) -> str:
        if 0x08 <= kind <= 0x0B:
            prefix = self.string() if kind & 1 else ""
            value = self._dictionary() if kind & 2 else self.string()
            name = f"xmlns:{prefix}" if prefix else "xmlns"
        else:
            name = self._name(kind, short=0x04, letters=0x0C)
            value = self._value(self._byte())
        return f" {name}={quoteattr(value, {chr(13): '&#13;'})}"

    def _name(self, kind: int, *, short: int, letters: int) -> str:
        """A name after one of the records for elements, or for attributes: four with a written prefix, 52 with a letter."""
        if kind < short + 4:
            prefix = self.string() if kind & 1 else ""
            name = self._dictionary() if kind & 2 else self.string()
        else:
            number = kind - letters
            if not 0 <= number < 52:
                raise Garbled(f"there is no record {kind:#04x}")
            prefix = chr(ord("a") + number % 26)
            name = self._dictionary() if number < 26 else self.string()
        return f"{prefix}:{name}" if prefix else name

    def _value(self, kind: int) -> str:
        if kind == _LIST:
            return self._list()
        if kind == _DICTIONARY_TEXT:
            return self._dictionary()
        if kind == _QNAME:
            return f"{chr(ord('a') + self._byte() % 26)}:{self._dictionary()}"
        if kind in scalars.SIZED:
            width, read = scalars.SIZED[kind]
            return read(self._take(int.from_bytes(self._take(width), "little")))
        if kind not in scalars.FIXED:
            raise Garbled(f"there is no text record {kind:#04x}")
        size, read = scalars.FIXED[kind]
        return read(self._take(size))

    def _list(self) -> str:
        found: list[str] = []
        while (kind := self._byte()) != _LIST_END:
            if kind == _LIST:
                raise Garbled("a list stands in a list")
            found.append(self._value(kind))
        return " ".join(found)

    def _array(self) -> None:
        """One element as often as there are values, all of one type."""
        self._content("")
        self._start(self._byte())
        tag, name = self._out.pop(), self._open.pop()
        self._in_tag = False
        if self._byte() != _END:
            raise Garbled("an array's element holds more than attributes")
        kind = self._byte() & 0xFE
        size, read = scalars.FIXED.get(kind, (0, str))
        if not size:
            raise Garbled(f"an array cannot be of records {kind:#04x}")
        for _ in range(self.number()):
            self._write(f"{tag}>{read(self._take(size))}</{name}>")

    def _dictionary(self) -> str:
        wanted = self.number()
        strings = self._session if wanted & 1 else self._static
        if wanted >> 1 >= len(strings):
            raise Garbled(f"a string is named by the unknown number {wanted}")
        return strings[wanted >> 1]

    def _byte(self) -> int:
        if self.place >= len(self._data):
            raise Garbled("the message is cut off")
        self.place += 1
        return self._data[self.place - 1]

    def _take(self, count: int) -> bytes:
        end = self.place + count
        if end > len(self._data):
            raise Garbled("the message is cut off")
        found = self._data[self.place : end]
        self.place = end
        return found

    def _write(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise Excess("the answer is larger than is read")
        self._out.append(text)

    def _encoded(self, text: str) -> bytes:
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            raise Garbled("a text holds half a character") from error
