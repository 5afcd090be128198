"""A connection as the framing reads it: whole counts, nothing larger than a ceiling, nothing later than a deadline."""

import select
import socket
import time

from workers.aos.nettcp.borrowed import Excess

_AT_ONCE = 1 << 16


class Wire:
    """One TCP connection of one thread. `deadline` is a monotonic time in seconds; `ceiling` is in bytes."""

    def __init__(self, host: str, port: int, *, deadline: float, connect_timeout_s: float, ceiling: int) -> None:
        """Connects. Raises OSError."""
        self.deadline = deadline
        self._ceiling = ceiling
        self._read = bytearray()
        self.last = b""
        """the end of what was read last, 8 bytes at most"""
        self._written = bytearray()
        timeout = min(connect_timeout_s, self._left())
        self._socket = socket.create_connection((host, port), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, count: int) -> bytes:
        """So many bytes, fewer only where the peer has closed. Raises Excess, TimeoutError, OSError."""
        if count > self._ceiling:
            raise Excess(f"{count:,} bytes are announced")
        while len(self._read) < count:
            self._socket.settimeout(self._left())
            chunk = self._socket.recv(max(_AT_ONCE, min(count - len(self._read), 1 << 20)))
            if not chunk:
                break
            self._read += chunk
        found = bytes(self._read[:count])
        del self._read[:count]
        self.last = found[-8:]
        return found

    def write(self, data: bytes) -> int:
        """Keeps bytes until `flush`."""
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Sends what was written. Raises TimeoutError, OSError."""
        self._socket.settimeout(self._left())
        sent, self._written = self._written, bytearray()
        self._socket.sendall(sent)

    def is_quiet(self) -> bool:
        """Whether the peer has neither closed nor said anything that was not asked for."""
        if self._read:
            return False
        try:
            return not select.select([self._socket], [], [], 0)[0]
        except (OSError, ValueError):  # ValueError: closed, or more files are open than select can tell apart
            return False

    def close(self) -> None:
        """Closes the connection; what was not sent is dropped."""
        self._socket.close()

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is over")
        return left
