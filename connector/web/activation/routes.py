"""`/activate`: the page on which an administrator sees who asks to be registered, and decides."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from connector.enrolment import activating
from connector.errors import RapidStartError
from connector.web.activation import api, drawing
from connector.web.served import Served
from connector.web.who import Administrator

_LARGEST_FORM: Final = 16_384
_SEE_OTHER: Final = 303

routes = APIRouter(include_in_schema=False, max_body_size=_LARGEST_FORM)


@routes.get("/activate")
def form(request: Request, asking: Administrator, code: str = "") -> Response:
    """Where the short code is typed; it leads on to its page."""
    if code.strip():
        return RedirectResponse(f"/activate/{quote(code.strip()[:40], safe='')}", status_code=_SEE_OTHER)
    return drawing.draw(request, asking)


@routes.get("/activate/{user_code}")
def look(request: Request, user_code: str, dispatcher: Served, asking: Administrator) -> Response:
    """What waits with this code."""
    try:
        found = api.looked_at(request, user_code, dispatcher, asking)
    except RapidStartError as error:
        return drawing.draw(request, asking, status=error.status, trouble=str(error))
    return drawing.draw(request, asking, found, known=drawing.instances(dispatcher, asking))


@routes.post("/activate/{user_code}")
def decide(
    request: Request,
    user_code: str,
    dispatcher: Served,
    asking: Administrator,
    decision: Annotated[str, Form(pattern="^(approve|deny)$")],
    service_instance: Annotated[str, Form(max_length=60)] = "",
    replaces: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    """Approve or deny it."""
    wanted = api.Wanted.model_validate(
        {"decision": decision, "replaces": replaces} | ({"service_instance": service_instance} if service_instance else {})
    )
    try:
        told = api.decide(request, user_code, wanted, dispatcher, asking)
    except RapidStartError as error:
        return _once_more(request, dispatcher, user_code, asking, error)
    return drawing.draw(request, asking, told=told)


def _once_more(request: Request, dispatcher: Served, user_code: str, asking: Administrator, error: RapidStartError) -> Response:
    """What is wrong, and the form again where its code still waits."""
    try:
        found = activating.look(dispatcher, user_code, asking=asking)
    except RapidStartError:
        return drawing.draw(request, asking, status=error.status, trouble=str(error))
    return drawing.draw(
        request, asking, found, status=error.status, trouble=str(error), known=drawing.instances(dispatcher, asking)
    )
