"""Who asks, and whether they may: every route takes a `Viewer`, an `Operator` or an `Administrator`, or is open on purpose.

A route with an endpoint's `name` or a `job_id` in its path is answered as if that did not exist to who does not see it. Lists,
and what names an endpoint in its body, ask `connector.access.scope` themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from connector import api
from connector.access import scope, sessions, tokens
from connector.access.principal import Principal
from connector.dispatch import Dispatcher
from connector.errors import NotAllowed, NotSignedIn
from connector.rights import Role
from connector.web import cookie
from connector.web.served import Served, Slowed
from connector.web.throttle import Throttles

#: Routes that answer everybody: whether the process lives and works, what the API is, and the way in and out.
OPEN: Final = frozenset(
    {"/healthz", "/readyz", f"{api.PREFIX}/openapi.json", "/signin", "/signin/link/{code}", "/signout", "/static/{digest}/{file}"}
    | {"/signin/oidc", "/signin/oidc/callback"}
    | {f"{api.PREFIX}/device/code", f"{api.PREFIX}/device/token", f"{api.PREFIX}/machines/letters"}
)


#: How programs prove who they are, as OpenAPI says it.
_SHOWN: Final = HTTPBearer(auto_error=False, description="An API token: rapidstart token create NAME")


def principal(
    request: Request,
    dispatcher: Served,
    slowed: Slowed,
    shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_SHOWN)],
) -> Principal:
    """Who asks: by the token that a program shows, else by the session of a browser. Raises NotSignedIn, TooOften."""
    if shown and shown.credentials:
        return _by_token(dispatcher, shown.credentials.strip(), slowed=slowed, address=address(request))
    if session := cookie.read(request):
        return sessions.principal(dispatcher.ledger, session, address=address(request))
    raise tokens.nobody()


def still(request: Request, dispatcher: Dispatcher) -> Principal:
    """Who asks, of a request that lasts, looked up anew. It keeps no session alive. Raises NotSignedIn."""
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    if shown and scheme.lower() == "bearer":
        return tokens.principal(dispatcher.ledger, shown.strip(), address=address(request))
    return sessions.principal(dispatcher.ledger, cookie.read(request) or "", address=address(request), in_use=False)


def _by_token(dispatcher: Dispatcher, text: str, *, slowed: Throttles, address: str) -> Principal:
    """Tries that fail are counted; a token that is known always passes."""
    try:
        return tokens.principal(dispatcher.ledger, text, address=address)
    except NotSignedIn:
        slowed.tokens.count(address)
        raise


def address(request: Request) -> str:
    """Where a request comes from, as far as that is known."""
    return request.client.host if request.client else "unknown"


Proved = Annotated[Principal, Depends(principal)]


@dataclass(frozen=True, slots=True)
class Admits:
    """The dependency of a route that this role may use, and every higher one."""

    role: Role

    def __call__(self, request: Request, dispatcher: Served, asking: Proved) -> Principal:
        """Who asks. Raises NotSignedIn, NotAllowed, and NotFound for an endpoint or job that they do not see."""
        if not asking.may(self.role):
            raise NotAllowed(
                f"a {asking.role} may not do this.", advice=f"It needs the role {self.role}: ask an administrator for it."
            )
        if asking.service_instances is not None:
            _check_path(request, dispatcher, asking)
        return asking


Viewer = Annotated[Principal, Depends(Admits(Role.VIEWER))]
Operator = Annotated[Principal, Depends(Admits(Role.OPERATOR))]
Administrator = Annotated[Principal, Depends(Admits(Role.ADMINISTRATOR))]


def roles(app: FastAPI) -> dict[tuple[str, str], Role | None]:
    """What each route of the app needs, by method and path; None: it is open to everybody.

    Raises RuntimeError for a route that does not say: an app with such a route must not start.
    """
    found: dict[tuple[str, str], Role | None] = {}
    for route in iter_route_contexts(app.routes):
        guards = list(_guards(route.dependant)) if isinstance(route.original_route, APIRoute) else []
        path = route.path or ""
        if not guards and path not in OPEN:
            raise RuntimeError(f"the route {path} says neither who may use it nor that everybody may")
        found |= {(method, path): guards[0].role if guards else None for method in route.methods or ("GET",)}
    return found


def _guards(dependant: Dependant) -> Iterator[Admits]:
    if isinstance(dependant.call, Admits):
        yield dependant.call
    for each in dependant.dependencies:
        yield from _guards(each)


def _check_path(request: Request, dispatcher: Served, asking: Principal) -> None:
    with dispatcher.ledger.read() as db:
        if name := request.path_params.get("name"):
            scope.check_endpoint(db, asking, name)
        if job_id := request.path_params.get("job_id"):
            scope.check_job(db, asking, job_id)
