"""Errors as RFC 9457 problems: what happened, where, and what to do next. Never a traceback, never a server's path."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, RedirectResponse, Response

from connector import api, refusals
from connector.errors import NotSignedIn, Place, RapidStartError, Refused, TooOften

log = logging.getLogger(__name__)

#: Characters of a refused value that are repeated, and fields whose values never are.
_SHOWN: Final = 200
_SECRETS: Final = frozenset({"registration_token", "device_code", "letter", "user_code", "contract"})

_DESCRIBED: Final = {
    "description": "A problem (RFC 9457).",
    "content": {api.PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
#: What OpenAPI says of errors, for every route.
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    422: _DESCRIBED,
    "default": {"model": refusals.Problem, "description": "A problem."},
}


def install(app: FastAPI) -> None:
    """Answer every error with a problem."""
    app.add_exception_handler(RapidStartError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unforeseen)


def answer(error: RapidStartError, *, status: int | None = None) -> JSONResponse:
    """The problem that an error is."""
    answer = _problem(
        status=status or error.status,
        title=_title(error),
        detail=error.message,
        code=error.code,
        advice=error.advice,
        errors=_where(error),
        place=error.place,
    )
    if isinstance(error, NotSignedIn):
        answer.headers["WWW-Authenticate"] = 'Bearer realm="RapidStart Connector"'
    if isinstance(error, TooOften):
        answer.headers["Retry-After"] = "60"
    return answer


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RapidStartError)  # noqa: S101 starlette's handlers are typed for any exception
    if isinstance(error, NotSignedIn) and _is_page(request):
        return RedirectResponse(f"/signin?{urlencode({'next': _asked(request)})}", status_code=303)
    return answer(error)


def _is_page(request: Request) -> bool:
    """Whether a person's browser asked for a page: the person can sign in."""
    asked = request.headers.get("accept", "")
    return request.method == "GET" and "text/html" in asked and not request.url.path.startswith(api.PREFIX)


def _asked(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = [f"{_path(each['loc'])}: {each['msg']}" for each in error.errors()]
    return _problem(
        status=422,
        title="Request not valid",
        detail="; ".join(found) + ".",
        code=Refused.code,
        advice="Compare the request with /api/v1/openapi.json.",
        errors=[_of_request(each) for each in error.errors()],
    )


def _plain(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    answer = _problem(status=error.status_code, title=str(error.detail), detail=str(error.detail), code=Refused.code)
    answer.headers.update(error.headers or {})
    return answer


def _gone(_: Request, __: Exception) -> Response:
    """Nobody is left to read it."""
    return Response(status_code=400)


def _unforeseen(request: Request, error: Exception) -> Response:
    log.error("a request failed: %s %s", request.method, request.url.path, exc_info=error, extra={"action": "request_failed"})
    return _problem(
        status=500,
        title="Unforeseen error",
        detail="the dispatcher failed in a way that was not foreseen.",
        code=RapidStartError.code,
        advice="Its log says more.",
    )


def _problem(
    *,
    status: int,
    title: str,
    detail: str,
    code: str,
    advice: str = "",
    place: Place | None = None,
    errors: Sequence[refusals.Detail] = (),
) -> JSONResponse:
    where = place or Place()
    body = refusals.Problem(
        type=f"urn:rapidstart:problem:{code}",
        title=title,
        status=status,
        detail=detail,
        code=code,
        advice=advice,
        place=refusals.Place(file=where.file, sheet=where.sheet, row=where.row, field=where.field),
        errors=list(errors),
    )
    return JSONResponse(body, status_code=status, media_type=api.PROBLEM)


def _of_request(found: Mapping[str, Any]) -> refusals.Detail:
    """What is wrong in the request: `pointer` leads into its body (RFC 6901), `field` names a parameter."""
    source, *rest = found["loc"]
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in rest)
    field = None if source == "body" else ".".join(str(part) for part in rest)
    return refusals.Detail(
        pointer=pointer if source == "body" else None,
        file=None,
        sheet=None,
        row=None,
        field=field,
        message=found["msg"],
        value=_refused_value(found),
    )


def _refused_value(found: Mapping[str, Any]) -> str | None:
    """A single value as it was given, so far as it is worth repeating; never what may be a secret.

    A field that is not known (`extra_forbidden`) may be one that was named wrongly: what it holds is not repeated.
    """
    value, names = found.get("input"), {str(part) for part in found["loc"]}
    is_secret = names & _SECRETS or found["type"] == "extra_forbidden"
    if is_secret or value is None or not isinstance(value, (str, int, float)):
        return None
    return str(value)[:_SHOWN]


def _where(error: RapidStartError) -> list[refusals.Detail]:
    """The place of an error, or the value that is refused, as the one thing that is wrong."""
    place = error.place
    if place == Place() and error.value is None:
        return []
    return [
        refusals.Detail(
            pointer=None,
            file=place.file,
            sheet=place.sheet,
            row=place.row,
            field=place.field,
            message=error.message,
            value=None if error.value is None else error.value[:_SHOWN],
        )
    ]


def _title(error: RapidStartError) -> str:
    """`PackageRefused` as `Package refused`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).capitalize()


def _path(location: Sequence[Any]) -> str:
    return ".".join(str(part) for part in location if part != "body") or "body"
