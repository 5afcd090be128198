"""Connections on which an answer must end in time, however it drips: each byte waits for what is left, not for the whole limit.

The time limit of urllib3 and of sockets is one of silence: a byte now and then would keep a call alive for ever.
"""

import http.client
import io
import socket
import time
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class _Stream(io.RawIOBase):
    """What comes from a socket until a deadline, counted from now by the socket's own time limit."""

    def __init__(self, source: socket.socket, stream: io.RawIOBase) -> None:
        self._socket = source
        self._stream = stream
        limit = source.gettimeout()
        self._deadline = None if limit is None else time.monotonic() + limit

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """See io.RawIOBase. Raises TimeoutError after the deadline."""
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer did not end in time")
            self._socket.settimeout(left)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        """Lets go of the socket, which stays open for its connection."""
        self._stream.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Stream(sock, self.fp.detach()))


class _Plain(HTTPConnection):
    response_class = _Response


class _Secure(HTTPSConnection):
    response_class = _Response


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


#: For a PoolManager.
POOLS: Final = {"http": _PlainPool, "https": _SecurePool}
