"""The cookie that a browser keeps of its session: no script reads it, and no other site's form sends it along."""

from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

#: With this prefix a browser takes it by TLS alone, from this host alone.
_BY_TLS: Final = "__Host-rapidstart"
_PLAIN: Final = "rapidstart"


def read(request: HTTPConnection) -> str:
    """The secret of the browser's session, or ""."""
    return request.cookies.get(_name(request), "")


def write(request: HTTPConnection, response: Response, secret: str) -> None:
    """Have the browser keep it until it is closed; the ledger knows when the session ends."""
    response.set_cookie(_name(request), secret, path="/", httponly=True, samesite="lax", secure=_is_tls(request))


def clear(request: HTTPConnection, response: Response) -> None:
    """Have the browser forget it."""
    response.delete_cookie(_name(request), path="/", httponly=True, samesite="lax", secure=_is_tls(request))


def _name(request: HTTPConnection) -> str:
    return _BY_TLS if _is_tls(request) else _PLAIN


def _is_tls(request: HTTPConnection) -> bool:
    return request.url.scheme == "https"
