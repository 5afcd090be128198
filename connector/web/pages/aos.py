"""AOS instance: is this AOS healthy, and what does it offer?"""

from collections.abc import Collection
from typing import Annotated, Final

from fastapi import Form, Query, Request
from starlette.responses import Response

from connector import api
from connector.ledger import Database, findings, jobs
from connector.ledger import endpoints as kept
from connector.web import endpoints, snapshots
from connector.web.objects import job_object
from connector.web.pages import beside, drawing, limiting, listing, page
from connector.web.pages.latency import latency
from connector.web.served import Served
from connector.web.who import Administrator, Viewer
from connector.wire.metadata import Metadata, Service

routes = page.router()

_JOBS: Final = 5


@routes.get("/deployments/{name}")
def aos(
    request: Request,
    name: str,
    dispatcher: Served,
    asking: Viewer,
    q: listing.Sought = "",
    sort: listing.Sort = "",
    service: listing.Sought = "",
    workers: listing.Sort = "",
    faults: listing.Sort = "",
    fault: listing.Sought = "",
    skip: Annotated[int, Query(ge=0, le=beside.LATELY)] = 0,
) -> Response:
    """Checks, workers, what it bears, its services, and what went wrong there lately."""
    endpoint = endpoints.described(dispatcher, name)
    with dispatcher.ledger.read() as db:
        failed = findings.faults(db, name.lower(), limit=beside.LATELY)
        known = kept.metadata(db, name.lower()) if drawing.asked_for(request) != "live" else None  # they are large
        surveys = _last(db, name, kinds=("test", "metadata"), limit=1)
        recent = _last(db, name, kinds=api.WITH_ROWS, limit=_JOBS)
        counts, rates = jobs.totals(db, [each.id for each in recent]), snapshots.rates_of(db, recent)
    return drawing.draw(
        "aos.html",
        request,
        asking,
        endpoint=endpoint,
        latency=latency(dispatcher.meter, endpoint["name"]),
        survey=surveys[0] if surveys else None,
        recent=[job_object(each, counts=counts[each.id], endpoint=endpoint["name"]) for each in recent],
        rates=rates,
        wrong=[each for each in endpoint["checks"] if not each["ok"]],
        well=[each for each in endpoint["checks"] if each["ok"]],
        known=known,
        chosen=_chosen(known, service),
        service=service,
        **beside.workers(endpoint["workers"], sort=workers),
        **beside.faults(failed, sort=faults, sought=fault, skip=skip),
        **beside.services(known.services if known else (), sort=sort, sought=q),
        **limiting.commands(endpoint),
    )


@routes.post("/deployments/{name}/workers/scale")
def scale(
    name: str,
    dispatcher: Served,
    asking: Administrator,
    workers: Annotated[str, Form(pattern="^[0-9]{0,3}$")] = "",
    concurrency: Annotated[str, Form(pattern="^[0-9]{0,3}$")] = "",
) -> Response:
    """Wish so many workers, and calls at once; both empty: wish nothing."""
    if workers or concurrency:
        wish = endpoints.Scale(workers=int(workers) if workers else None, concurrency=int(concurrency) if concurrency else None)
        endpoints.scale(name, wish, dispatcher, asking)
    else:
        endpoints.unscale(name, dispatcher, asking)
    return page.go(f"/deployments/{name}")


def _last(db: Database, endpoint: str, *, kinds: Collection[str], limit: int) -> list[jobs.Job]:
    """Jobs of an endpoint, the newest first."""
    return findings.listing(db, findings.Wanted(endpoint=endpoint, kinds=kinds), by="submitted", down=True, limit=limit, skip=0)


def _chosen(known: Metadata | None, service: str) -> Service | None:
    return next((each for each in known.services if f"{each.port}/{each.name}" == service), None) if known else None
