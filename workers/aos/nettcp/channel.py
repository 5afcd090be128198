"""One connection to one service: opened, logged on, used for one call after the other, and never again after an error."""

import time
from typing import TYPE_CHECKING

from workers.aos.nettcp import borrowed, decoding, encoding
from workers.aos.nettcp.borrowed import Excess, Garbled
from workers.aos.nettcp.wire import Wire

if TYPE_CHECKING:
    from workers.aos.nettcp.logon import Started

_SINGLETON, _DUPLEX = 1, 2
_BINARY, _BINARY_SESSION = 7, 8
_UNSIZED, _END, _FAULT = b"\x05", b"\x07", b"\x08"
_UPGRADE = "application/negotiate"
#: A streamed message goes out in pieces of so many bytes.
_PIECE = 1 << 16


class Channel:
    """A channel to the service at `via`, open. Raises what `borrowed.errors` names, Garbled, OSError, GiveUp."""

    def __init__(self, wire: Wire, via: str, *, streamed: bool, logon: "Started | None", ceiling: int) -> None:
        self._wire = wire
        self._ceiling = ceiling
        self._streamed = streamed
        self._session = decoding.Session()
        self._broken = False
        self.logon = logon.context if logon else None
        self.used_at = time.monotonic()
        self.is_sent = False
        """something of a message went out, or may have"""
        mode, form = (_SINGLETON, _BINARY) if streamed else (_DUPLEX, _BINARY_SESSION)
        self._framing = borrowed.framing().FramingConnection(wire, via, mode=mode, encoding=form)
        self._framing.send_preamble(upgrade=_UPGRADE if logon else None)
        if logon:
            self._framing.read_upgrade_response()
            self._framing.stream = logon.secured(wire, ceiling=ceiling)
            self._framing.send_preamble_end()
        # Waiting for this costs one way there and back for each connection; from here on a failure is one of a call.
        self._framing.read_preamble_ack()

    def exchange(self, message: bytes, *, deadline: float) -> bytes:
        """Sends a message, as XML, and reads its answer, as XML. `deadline` is a monotonic time."""
        self._wire.deadline = deadline
        document = encoding.binary(message)
        self._broken = True  # until the answer is whole
        self.is_sent = True
        answer = self._streamed_call(document) if self._streamed else self._sized_call(document)
        self._broken, self.used_at = self._streamed, time.monotonic()
        return answer

    def is_usable(self, *, idle_s: float) -> bool:
        """Whether another call may be made on it: it is sound, has not rested too long, and its ticket holds."""
        if self._broken or time.monotonic() >= self.used_at + idle_s or not self._framing.stream.is_quiet():
            return False
        return self.logon is None or self.logon.lasts_s > 0

    def close(self) -> None:
        """Takes leave of the peer where that makes sense, and closes the connection."""
        if self._broken:
            self._wire.close()
            return
        self._wire.deadline = time.monotonic() + 1.0
        self._framing.close()

    def _sized_call(self, document: bytes) -> bytes:
        self._framing.send_envelope(b"\0" + document)  # no strings of ours are announced
        payload = self._framing.read_envelope()
        if payload is None:
            raise Garbled("the session was ended without an answer")
        return self._session.xml(payload, ceiling=self._ceiling)

    def _streamed_call(self, document: bytes) -> bytes:
        stream = self._framing.stream
        stream.write(_UNSIZED)
        for start in range(0, len(document), _PIECE):
            piece = document[start : start + _PIECE]
            stream.write(borrowed.number(len(piece)) + piece)
        stream.write(b"\0" + _END)
        stream.flush()
        kind = stream.read(1)
        if kind == _FAULT:
            raise borrowed.framing().FramingFault(stream.read(self._size()).decode())
        if kind != _UNSIZED:
            raise Garbled("no streamed answer begins")
        return decoding.xml(self._pieces(), ceiling=self._ceiling)

    def _pieces(self) -> bytes:
        found = bytearray()
        while size := self._size():
            if len(found) + size > self._ceiling:
                raise Excess("the answer is larger than is read")
            piece = self._framing.stream.read(size)
            if len(piece) < size:
                raise Garbled("the connection was closed in the middle of an answer")
            found += piece
        return bytes(found)

    def _size(self) -> int:
        return borrowed.read_number(self._framing.stream)
