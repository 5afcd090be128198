"""`/ledger`: whether it was restored from a backup, and what waits for a person since."""

from collections.abc import Collection

from fastapi import APIRouter

from connector import api
from connector.access import scope
from connector.ledger import pulse
from connector.web.objects import moment
from connector.web.served import Served
from connector.web.who import Viewer

routes = APIRouter()


@routes.get("/ledger")
def state(dispatcher: Served, asking: Viewer) -> api.LedgerState:
    """When a restored ledger was noticed last, and the jobs that are still paused because of it."""
    with dispatcher.ledger.read() as db:
        found, held, keys = pulse.restored(db), pulse.held_back(db), scope.visible(db, asking)
    mine = [each for each in held if keys is None or each.job.endpoint in keys]
    return {"restored": _restored(found, keys) if found else None, "held_back": [_held_back(each) for each in mine]}


def _restored(found: pulse.Restored, keys: Collection[str] | None) -> api.Restored:
    waiting = [
        api.WaitingThere(endpoint=each.endpoint, reports=each.reports, batches=each.batches)
        for each in found.waiting
        if keys is None or each.endpoint.lower() in keys
    ]
    return {"at": moment(found.at), "missing_s": found.missing, "waiting": waiting}


def _held_back(standing: pulse.Standing) -> api.HeldBack:
    job = standing.job
    return {
        "id": job.id,
        "kind": job.kind,
        "endpoint": job.endpoint,
        "company": job.company,
        "in_flight": standing.in_flight,
        "planned": standing.planned,
        "calls": standing.calls,
        "ended": standing.job.finished_at is not None,
    }
