"""A connection after its logon: frames [MS-NNS 2.2.2] of which each is encrypted and signed, read and written as one stream."""

from typing import TYPE_CHECKING, Final

from workers.aos.nettcp.borrowed import Excess, Garbled
from workers.aos.nettcp.wire import Wire

if TYPE_CHECKING:
    from workers.aos.nettcp.logon import Context

#: So much goes into one frame, in bytes; what encryption adds still fits into 64 KiB, as .NET has it.
_FRAME: Final = 60 * 1024
_LENGTH: Final = 4


class Secured:
    """What `Wire` is, encrypted. `ceiling` is in bytes: frames are small, what is read of them may be announced as large."""

    def __init__(self, wire: Wire, context: "Context", *, ceiling: int) -> None:
        self._wire = wire
        self._context = context
        self._ceiling = ceiling
        self._plain = bytearray()

    def read(self, count: int) -> bytes:
        """So many bytes, fewer only where the peer has closed. Raises Excess, Garbled, TimeoutError, OSError."""
        if count > self._ceiling:
            raise Excess(f"{count:,} bytes are announced")
        while len(self._plain) < count and self._fill():
            pass
        found = bytes(self._plain[:count])
        del self._plain[:count]
        return found

    def write(self, data: bytes) -> int:
        """Encrypts bytes, and keeps them until `flush`."""
        for start in range(0, len(data), _FRAME):
            sealed = self._context.wrap(data[start : start + _FRAME])
            self._wire.write(len(sealed).to_bytes(_LENGTH, "little") + sealed)
        return len(data)

    def flush(self) -> None:
        """Sends what was written. Raises TimeoutError, OSError."""
        self._wire.flush()

    def is_quiet(self) -> bool:
        """Whether the peer has neither closed nor said anything that was not asked for."""
        return not self._plain and self._wire.is_quiet()

    def close(self) -> None:
        """Closes the connection; what was not sent is dropped."""
        self._wire.close()

    def _fill(self) -> bool:
        """Reads one frame; False where the peer has closed."""
        head = self._wire.read(_LENGTH)
        if len(head) < _LENGTH:
            return False
        size = int.from_bytes(head, "little")
        sealed = self._wire.read(size)
        if len(sealed) < size:
            raise Garbled("the connection was closed in the middle of a frame")
        self._plain += self._context.unwrap(sealed) if sealed else b""
        return True
