"""`/signin`, `/signin/link/...` and `/signout`: by password, by one-time link."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from connector.access import people, sessions
from connector.errors import NotSignedIn, Refused
from connector.web import cookie
from connector.web.served import Served, Slowed
from connector.web.signin import pages
from connector.web.who import Viewer, address

#: A name, a password, and where to go next, in bytes.
_LARGEST_FORM: Final = 16_384

#: After an answer to a form the browser asks for a page: 303, so that it does so by GET.
_SEE_OTHER: Final = 303

routes = APIRouter(include_in_schema=False, max_body_size=_LARGEST_FORM)

Password = Annotated[str, Form(max_length=1000)]


@routes.get("/signin")
def form(request: Request, next: str = "/") -> Response:  # noqa: A002 - as it stands in addresses
    """The form for name and password."""
    return _form(request, following=next)


@routes.post("/signin")
def enter(
    request: Request,
    dispatcher: Served,
    slowed: Slowed,
    name: Annotated[str, Form(max_length=200)],
    password: Password,
    next: Annotated[str, Form(max_length=2000)] = "/",  # noqa: A002
) -> Response:
    """Sign in by name and password, and go where one wanted to."""
    slowed.sign_in.count(address(request))
    try:
        secret = people.sign_in(dispatcher.ledger, name, password, address=address(request))
    except NotSignedIn as error:
        return _form(request, following=next, error=error)
    return arrived(request, secret, following=next)


@routes.get("/signin/link/{code}")
def link(code: str, dispatcher: Served) -> Response:
    """Who a one-time link is for. It is not used up by looking: programs that preview links do that too."""
    try:
        found = people.look(dispatcher.ledger, code)
    except NotSignedIn as error:
        return pages.draw("title", status=error.status, trouble=str(error))
    return pages.draw("title", link=found)


@routes.post("/signin/link/{code}")
def open_link(request: Request, code: str, dispatcher: Served, slowed: Slowed, password: Password = "") -> Response:
    """Use a one-time link up."""
    slowed.sign_in.count(address(request))
    try:
        secret = people.open_link(dispatcher.ledger, code, password=password, address=address(request))
    except NotSignedIn as error:
        return pages.draw("title", status=error.status, trouble=str(error))
    except Refused as error:  # the password will not do; the link is still good
        return pages.draw("title", status=error.status, trouble=str(error), link=people.look(dispatcher.ledger, code))
    return arrived(request, secret)


@routes.get("/signin/me")
def me(asking: Viewer) -> Response:
    """Who is signed in, and the way out."""
    return pages.draw("signed_in", person=asking)


@routes.post("/signout")
def leave(request: Request, dispatcher: Served) -> Response:
    """End the browser's session."""
    sessions.end(dispatcher.ledger, cookie.read(request))
    answer = RedirectResponse("/signin", status_code=_SEE_OTHER)
    cookie.clear(request, answer)
    return answer


def arrived(request: Request, secret: str, *, following: str = "/") -> Response:
    """Somebody is signed in: the browser keeps the session, and goes to a page of ours."""
    answer = RedirectResponse(local_path(following), status_code=_SEE_OTHER)
    cookie.write(request, answer, secret)
    return answer


def local_path(wanted: str) -> str:
    """Where to go next, if that is a place of this site."""
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc and wanted.isprintable()
    return wanted if is_ours else "/"


def _form(request: Request, *, following: str, error: NotSignedIn | None = None) -> Response:
    provider = request.app.state.provider is not None
    status, trouble = (error.status, str(error)) if error else (200, "")
    return pages.draw("title", status=status, trouble=trouble, form=True, next=following, provider=provider)
