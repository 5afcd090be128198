"""Home: is everything well, and what needs me?"""

import time
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.responses import Response

from connector import api
from connector.access import scope
from connector.ledger import findings, jobs, throughput
from connector.web import endpoints, ledger, snapshots
from connector.web.objects import job_object
from connector.web.pages import drawing, page
from connector.web.served import Served
from connector.web.who import Viewer

routes = page.router()

#: So many jobs are shown that ended, or go on.
_SHOWN: Final = 8
_OPEN: Final = ("queued", "waiting", "running", "paused")
_BAD: Final = ("partly_succeeded", "failed")
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that waits for a person: what it is, why, and where to do something about it."""

    what: str
    why: str
    address: str
    button: str


@routes.get("/")
def home(request: Request, dispatcher: Served, asking: Viewer) -> Response:
    """Five figures, what needs somebody, and what goes on."""
    known = endpoints.listing(dispatcher, asking)["items"]
    names = {endpoint["name"].lower(): endpoint["name"] for endpoint in known}
    since = time.time() - _DAY_S
    with dispatcher.ledger.read() as db:
        among = scope.visible(db, asking)
        going = findings.listing(db, findings.Wanted(states=_OPEN, among=among), by="submitted", down=True, limit=500, skip=0)
        lately = findings.listing(
            db, findings.Wanted(states=_BAD, kinds=("load",), among=among), by="submitted", down=True, limit=100, skip=0
        )
        lately = [each for each in lately if (each.finished_at or 0) > since]
        counts = jobs.totals(db, [each.id for each in (*going, *lately)])
        running = [each for each in going if each.kind in api.WITH_ROWS]
        rates = snapshots.rates_of(db, running)
        failed = sum(max(0, rows) for key, rows in throughput.failed_lately(db, since=since).items() if key in names)
    waiting = [each.submitted_at for each in going if each.state in {jobs.JobState.QUEUED, jobs.JobState.WAITING}]
    restored = ledger.state(dispatcher, asking)
    return drawing.draw(
        "home.html",
        request,
        asking,
        known=known,
        online=sum(endpoint["state"] == "online" for endpoint in known),
        running=[job_object(each, counts=counts[each.id], endpoint=names.get(each.endpoint)) for each in running[:_SHOWN]],
        running_count=sum(each.state is jobs.JobState.RUNNING for each in running),
        open_count=len(running),
        rate=60 * sum(rates.values()),
        rates=rates,
        failed=failed,
        oldest=time.time() - min(waiting) if waiting else None,
        needs=[*_of_endpoints(known), *_of_ledger(restored), *_of_jobs(lately, counts)][:_SHOWN],
    )


def _of_endpoints(known: list[api.Endpoint]) -> list[Need]:
    said = drawing.texts()["needs"]
    found = []
    for endpoint in known:
        why = _trouble(endpoint)
        if why:
            name = endpoint["name"]
            found.append(Need(what=name, why=why, address=f"/deployments/{name}", button=said["look_at"]))
    return found


def _trouble(endpoint: api.Endpoint) -> str:
    """What is wrong with an endpoint; "" where nothing is, or nobody waits for it."""
    said = drawing.texts()["needs"]
    if changed := endpoint["changed"]:
        return changed["reason"]
    if stopped := endpoint["stopped"]:
        return f"{stopped['reason']} {stopped['advice']}"
    if outage := endpoint["outage"]:
        return str(said["outage"]).format(reason=outage["reason"])
    if endpoint["state"] in {"offline", "new"} and endpoint["unfinished_jobs"]:
        return str(said["offline"]).format(count=endpoint["unfinished_jobs"])
    return ""


def _of_ledger(state: api.LedgerState) -> list[Need]:
    said = drawing.texts()["needs"]
    return [
        Need(what=each["id"], why=said["restored"], address=f"/jobs/{each['id']}", button=said["look_at"])
        for each in state["held_back"]
    ]


def _of_jobs(lately: list[jobs.Job], counts: dict[str, dict[str, int]]) -> list[Need]:
    """Loads of the last day that left rows behind."""
    said = drawing.texts()["needs"]
    found = []
    for job in lately:
        left = counts[job.id]["failed"] + counts[job.id]["unknown"] + counts[job.id]["skipped"]
        why = str(said["left"]).format(rows=left, package=job.package_name) if left else job.reason
        found.append(Need(what=job.id, why=why, address=f"/jobs/{job.id}/results", button=said["see_rows"]))
    return found
