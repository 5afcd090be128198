"""Jobs: what happens now, and what happened?"""

from dataclasses import replace
from typing import Annotated, Final

from fastapi import Query, Request
from starlette.responses import Response

from connector import api
from connector.access import scope
from connector.ledger import endpoints, findings
from connector.ledger.jobs import JobState, totals
from connector.web.objects import job_object
from connector.web.pages import drawing, listing, page
from connector.web.served import Served
from connector.web.who import Viewer

routes = page.router()

_LIMIT: Final = 50
_KINDS: Final = {"": ("load", "preview"), "load": ("load",), "preview": ("preview",), "other": ("test", "metadata")}


@routes.get("/jobs")
def jobs(
    request: Request,
    dispatcher: Served,
    asking: Viewer,
    state: JobState | None = None,
    kind: listing.Sought = "",
    endpoint: listing.Sought = "",
    company: listing.Sought = "",
    q: listing.Sought = "",
    sort: listing.Sort = "",
    skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """Jobs by state, with their progress."""
    by = listing.order(sort, tuple(findings.SORTED_BY), otherwise="-submitted")
    with dispatcher.ledger.read() as db:
        all_states = findings.Wanted(
            kinds=_KINDS.get(kind, ()), endpoint=endpoint, company=company, sought=q, among=scope.visible(db, asking)
        )
        by_state = findings.by_state(db, all_states)
        wanted = replace(all_states, states=(state,) if state else ())
        found = findings.listing(db, wanted, by=by.column, down=by.down, limit=_LIMIT, skip=skip)
        counts = totals(db, [each.id for each in found])
        known = [each for each in endpoints.every(db) if asking.sees(each.service_instance)]
    names = {each.key: each.name for each in known}
    items: list[api.Job] = [job_object(each, counts=counts[each.id], endpoint=names.get(each.endpoint)) for each in found]
    count = by_state.get(state, 0) if state else sum(by_state.values())
    return drawing.draw(
        "jobs.html",
        request,
        asking,
        items=items,
        by=by,
        by_state=by_state,
        states=[str(each) for each in JobState],
        state=state or "",
        kind=kind,
        kinds=tuple(_KINDS),
        endpoint=endpoint,
        endpoints=sorted(names.values(), key=str.casefold),
        company=company,
        q=q,
        count=count,
        skip=skip,
        following=skip + _LIMIT if skip + _LIMIT < count else None,
        before=max(0, skip - _LIMIT) if skip else None,
        filtered=bool(state or endpoint or company or q or kind),
    )
