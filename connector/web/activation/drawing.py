"""Draws the activation page from its one template. Everything that a machine says of itself is escaped."""

from collections.abc import Sequence

from fastapi import Request
from starlette.responses import HTMLResponse

from connector import registrations
from connector.access.principal import DEFAULT_INSTANCE, Principal
from connector.dispatch import Dispatcher
from connector.enrolment.activating import Pending
from connector.ledger import endpoints
from connector.web.activation.objects import activation_object
from connector.web.pages import drawing as pages


def draw(
    request: Request,
    asking: Principal,
    found: Pending | None = None,
    *,
    status: int = 200,
    trouble: str = "",
    told: registrations.Decision | None = None,
    known: Sequence[str] = (),
) -> HTMLResponse:
    """The page: of a registration that waits, of what was decided, or else the field for a code."""
    shown = activation_object(found) if found else None
    return pages.draw(
        "page.html",
        request,
        asking,
        status=status,
        beside="connector.web.activation",
        trouble=trouble,
        found=shown,
        told=told,
        known=known,
    )


def instances(dispatcher: Dispatcher, asking: Principal) -> list[str]:
    """The service instances that somebody may put an endpoint in, as far as their names are known."""
    with dispatcher.ledger.read() as db:
        named = {each.service_instance for each in endpoints.every(db)}
    return sorted(each for each in {DEFAULT_INSTANCE, *named, *(asking.service_instances or ())} if asking.sees(each))
