"""Reads an HTTP answer to its end, never beyond a ceiling, and holds nothing twice."""

import io
from typing import Final

import requests

_CHUNK: Final = 1 << 16


class TooLarge(Exception):
    """The answer is larger than the ceiling; the rest was not read."""


def read(response: requests.Response, *, ceiling: int) -> bytes:
    """The body of a streamed answer, inflated where it was compressed. `ceiling` in bytes.

    Raises TooLarge, and what urllib3 raises for a connection that ends early or an answer that does not end in time.
    """
    if _announced(response) > ceiling:
        raise TooLarge
    whole = io.BytesIO()  # it gives its content away without a copy
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        whole.write(chunk)
        if whole.tell() > ceiling:
            raise TooLarge
    response.raw.drain_conn()  # nothing is left; http.client frees the connection only where it is asked once more
    return whole.getvalue()


def _announced(response: requests.Response) -> int:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdecimal() else 0
