"""Target deployments: which AOS can I load into?"""

import time
from collections.abc import Callable
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from connector import api
from connector.ledger import figures
from connector.web import endpoints
from connector.web.objects import ONLINE_WITHIN_S
from connector.web.pages import drawing, listing, page
from connector.web.served import Served
from connector.web.who import Operator, Viewer

routes = page.router()

_COLUMNS: Final[dict[str, Callable[[api.Endpoint], Any]]] = {
    "name": lambda each: each["name"].casefold(),
    "instance": lambda each: each["service_instance"].casefold(),
    "state": lambda each: each["state"],
    "companies": lambda each: ", ".join(each["companies"]).casefold() or None,
    "jobs": lambda each: each["unfinished_jobs"],
    "workers": lambda each: sum(worker["online"] for worker in each["workers"]),
    "version": lambda each: ", ".join(sorted({worker["version"] for worker in each["workers"]})) or None,
    "seen": lambda each: each["seen_at"],
}


@routes.get("/deployments")
def deployments(
    request: Request,
    dispatcher: Served,
    asking: Viewer,
    q: listing.Sought = "",
    state: listing.Sought = "",
    sort: listing.Sort = "",
) -> Response:
    """Every endpoint that one sees."""
    every = endpoints.listing(dispatcher, asking)["items"]
    found = [each for each in listing.matching(every, q, _text) if state in {"", each["state"]}]
    now = time.time()
    with dispatcher.ledger.read() as db:
        taken = figures.taken(db, alive_since=now - ONLINE_WITHIN_S)
    oldest = {name: now - at for name, at in taken.waiting_since.items()}
    columns = _COLUMNS | {
        "queued": lambda each: taken.queued.get(each["name"], 0),
        "oldest": lambda each: oldest.get(each["name"]),
    }
    by = listing.order(sort, tuple(columns), otherwise="name")
    return drawing.draw(
        "deployments.html",
        request,
        asking,
        every=every,
        found=listing.arranged(found, by, columns),
        by=by,
        q=q,
        state=state,
        states=sorted({each["state"] for each in every}),
        queued=taken.queued,
        oldest=oldest,
    )


@routes.post("/deployments/{name}/{verb}")
def steer(name: str, verb: str, dispatcher: Served, asking: Operator) -> Response:
    """Pause an endpoint, let it go on, test it, or have its contracts read anew."""
    verbs = {"pause": endpoints.pause, "resume": endpoints.resume, "test": endpoints.test, "survey": endpoints.survey}
    if verb in verbs:
        verbs[verb](name, dispatcher, asking)
    return page.go(f"/deployments/{name}")


def _text(endpoint: api.Endpoint) -> str:
    return " ".join((endpoint["name"], endpoint["service_instance"], *endpoint["companies"], *endpoint["addresses"]))
