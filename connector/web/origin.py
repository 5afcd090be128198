"""Refuses writes that another site's page sends through a browser: the browser would send our cookie along."""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.errors import NotAllowed
from connector.web import cookie, problems

_READS: Final = {"GET", "HEAD", "OPTIONS"}
#: What a browser says of a request that our own page, or the person at the keyboard, has caused.
_OURS: Final = {"same-origin", "none"}


class SameOrigin:
    """ASGI middleware. Programs that are no browsers send neither `Origin` nor a cookie, and pass."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem."""
        if scope["type"] == "http" and scope["method"] not in _READS and _is_foreign(HTTPConnection(scope)):
            error = NotAllowed("a page of another site may not write here.", advice="Send the request from a program.")
            await problems.answer(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_foreign(request: HTTPConnection) -> bool:
    """By what every browser says of where a write comes from. A cookie without any of it comes from no browser we know."""
    headers: Headers = request.headers
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site is not None and site not in _OURS:
        return True
    if origin is not None:
        return urlsplit(origin).netloc != headers.get("host")
    return site is None and bool(cookie.read(request)) and "authorization" not in headers
