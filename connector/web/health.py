"""`/healthz` and `/readyz`: whether the process lives, and whether it can work."""

from typing import Any

from fastapi import APIRouter, Response

from connector.errors import NotReachable
from connector.web.served import Served

routes = APIRouter()


@routes.get("/healthz")
def alive() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@routes.get("/readyz")
def ready(dispatcher: Served, response: Response) -> dict[str, Any]:
    """The ledger and the broker can be used; else 503 with the sentences that say what is wrong."""
    found = dispatcher.healthy()
    wrong = {name: sentence for name, sentence in found.items() if sentence}
    response.status_code = NotReachable.status if wrong else 200
    return {
        "status": "not ready" if wrong else "ready",
        "role": "stands by" if dispatcher.stands_by else "leads",
        "components": {name: found[name] or "ok" for name in found},
    }
