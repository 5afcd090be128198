"""Reads an HTTP answer to its end: never beyond a ceiling, never beyond a deadline, nothing held twice."""

import io
import time
from typing import Final

import requests

_CHUNK: Final = 1 << 16


class TooLarge(Exception):
    """The answer is larger than the ceiling; the rest was not read."""


def read(response: requests.Response, deadline: float, *, ceiling: int) -> bytes:
    """The body of a streamed answer, inflated where it was compressed.

    `deadline` by the monotonic clock, `ceiling` in bytes. Raises TooLarge, requests.ReadTimeout, and what urllib3
    raises for a connection that ends early.
    """
    if _announced(response) > ceiling:
        raise TooLarge
    whole = io.BytesIO()  # it gives its content away without a copy
    while chunk := _some(response, deadline):
        whole.write(chunk)
        if whole.tell() > ceiling:
            raise TooLarge
    response.raw.drain_conn()  # nothing is left; http.client frees the connection only where it is asked once more
    return whole.getvalue()


def _announced(response: requests.Response) -> int:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdecimal() else 0


def _some(response: requests.Response, deadline: float) -> bytes:
    """What has come, at least a byte; nothing at the end. A byte now and then does not keep a call alive."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise requests.ReadTimeout("the answer did not end in time")
    socket = getattr(response.raw.connection, "sock", None)
    if socket is not None:
        socket.settimeout(left)
    chunk: bytes = response.raw.read1(_CHUNK, decode_content=True)
    return chunk
