"""Refuses writes that another site's page sends through a browser on this computer: the API has no login that would stop them."""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.errors import Refused
from connector.web import problems

_READS: Final = {"GET", "HEAD", "OPTIONS"}


class SameOrigin:
    """ASGI middleware. Programs that are no browsers send no `Origin` and pass."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem."""
        if scope["type"] == "http" and scope["method"] not in _READS and _is_foreign(Headers(scope=scope)):
            error = Refused("a page of another site may not write here.", advice="Send the request from a program.")
            await problems.answer(error, status=403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_foreign(headers: Headers) -> bool:
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")
