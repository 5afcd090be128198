"""What all pages have in common as routes: what goes wrong is told as a page, with what to do next."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, RedirectResponse, Response

from connector.access.principal import Principal
from connector.errors import NotSignedIn, RapidStartError, Refused
from connector.rights import Role
from connector.web.pages import drawing

#: After a form the browser asks for a page: 303, so that it does so by GET.
_SEE_OTHER: Final = 303

_NOBODY: Final = Principal(name="", role=Role.VIEWER, key="")


class _Page(APIRoute):
    """A route whose refusals a person reads."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Answer as the function does, and draw what it refuses."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except NotSignedIn:
                if request.method == "GET" or "text/html" not in request.headers.get("accept", ""):
                    raise  # the way to sign in leads back to what was asked for; a program is told
                return RedirectResponse("/signin", status_code=_SEE_OTHER)
            except RapidStartError as error:
                return _told(request, error)
            except RequestValidationError as error:
                return _told(request, _wrong(error))

        return answer


def router() -> APIRouter:
    """Routes of a page."""
    return APIRouter(route_class=_Page, default_response_class=HTMLResponse)


def go(address: str) -> Response:
    """Send the browser on, after a form."""
    return RedirectResponse(address, status_code=_SEE_OTHER)


def _told(request: Request, error: RapidStartError) -> Response:
    return drawing.draw("error.html", request, _NOBODY, status=error.status, error=error)


def _wrong(error: RequestValidationError) -> Refused:
    told = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
    return Refused(f"the address or the form cannot be read: {told}.", advice="Go back and fill it in again.")
