"""`/signin/oidc`: to the identity provider and back. A cookie ties what comes back to the browser that left."""

import secrets
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from connector.access.provider import PATIENCE_S, Provider
from connector.errors import NotFound, NotSignedIn, RapidStartError
from connector.web.served import Served, Slowed
from connector.web.signin import pages, routes
from connector.web.who import address

oidc = APIRouter(include_in_schema=False)

_COOKIE: Final = "rapidstart-sign-in"
_PATH: Final = "/signin/oidc"
_SEE_OTHER: Final = 303


async def _provider(request: Request) -> Provider:
    found = request.app.state.provider
    if not isinstance(found, Provider):
        raise NotFound("no identity provider is set up here.", advice="Sign in by name and password.")
    return found


Asked = Annotated[Provider, Depends(_provider)]


@oidc.get(_PATH)
def leave(request: Request, dispatcher: Served, provider: Asked, slowed: Slowed, next: str = "/") -> Response:  # noqa: A002
    """Send the browser to the identity provider."""
    slowed.sign_in.count(address(request))
    begun = provider.begin(dispatcher.ledger, following=next[:2000])
    answer = RedirectResponse(begun.url, status_code=_SEE_OTHER)
    is_tls = request.url.scheme == "https"
    answer.set_cookie(_COOKIE, begun.state, max_age=int(PATIENCE_S), path=_PATH, httponly=True, samesite="lax", secure=is_tls)
    return answer


@oidc.get(f"{_PATH}/callback")
def come_back(request: Request, dispatcher: Served, provider: Asked, state: str = "", code: str = "") -> Response:
    """Take in who comes back from the identity provider."""
    left_with = request.cookies.get(_COOKIE, "")
    try:
        if not state or not secrets.compare_digest(left_with.encode(), state.encode()):
            raise NotSignedIn("this sign-in was not begun in this browser.", advice="Sign in again.")
        if not code:
            raise NotSignedIn("the identity provider did not sign you in.", advice="Sign in again.")
        secret, following = provider.finish(dispatcher.ledger, state=state, code=code, address=address(request))
    except RapidStartError as error:
        answer: Response = pages.draw("title", status=error.status, trouble=str(error), form=True, provider=True)
    else:
        answer = routes.arrived(request, secret, following=following)
    answer.delete_cookie(_COOKIE, path=_PATH)
    return answer
