"""New load: hand a file in, see what would become of it, say where it goes, and load it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.responses import Response

from connector import api
from connector.access import scope
from connector.access.principal import Principal
from connector.dispatch import Dispatcher, correcting
from connector.dispatch.correcting import Rows
from connector.errors import RapidStartError
from connector.ledger import endpoints, findings
from connector.plan import matching, saying
from connector.plan.inspect import Inspection
from connector.web import endpoints as deployments
from connector.web import inspection
from connector.web import jobs as submitting
from connector.web.objects import failure_object
from connector.web.packages import show
from connector.web.pages import drawing, handed, mapped, page
from connector.web.pages.job import done
from connector.web.pages.prepared import Asked, Prepared
from connector.web.served import Served
from connector.web.who import Operator
from connector.wire.jobs import Mode

routes = page.router()

_GROUPS: Final = 20
_CELLS: Final = 50
#: So many records are offered to choose from; of more, one looks on the page of the AOS.
_OFFERED: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A preview, as far as it is, and the rows that would not go in."""

    job: api.Job
    done: int
    groups: list[findings.Group]
    cells: list[api.Failure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The package as it would be loaded, the mapping that would say the same, and what there is to choose from."""

    plan: Inspection
    toml: str
    fields: Mapping[str, tuple[str, ...]]
    """of each record that a row may go to"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A workbook of corrected rows: the load that they are of, and how many would be taken up, or why none."""

    job: api.Job
    rows: Rows | None
    trouble: RapidStartError | None


@routes.get("/load")
def load(request: Request, dispatcher: Served, asking: Operator, asked: Asked) -> Response:
    """The next stage: a file, a deployment, a company, the plan."""
    if not asked.package:
        return drawing.draw("hand_in.html", request, asking, **handed.lately(dispatcher, asking, asked))
    received = show(asked.package, dispatcher, asking)
    if received.get("corrects"):
        corrected = _corrected(dispatcher, asking, received)
        return drawing.draw("corrected.html", request, asking, package=received, corrected=corrected, query=asked.query())
    return _prepared(request, dispatcher, asking, asked, received)


def _prepared(request: Request, dispatcher: Dispatcher, asking: Principal, asked: Prepared, received: api.Package) -> Response:
    known = deployments.listing(dispatcher, asking)["items"]
    chosen = next((each for each in known if each["name"].lower() == asked.endpoint.lower()), None)
    with dispatcher.ledger.read() as db:
        for each in filter(None, (asked.test, asked.check)):
            scope.check_job(db, asking, each)
    tested = submitting.described(dispatcher, asked.test) if asked.test else None
    looked = _looked(dispatcher, asked.check) if asked.check else None
    planned, trouble = _planned(dispatcher, asked, chosen)
    return drawing.draw(
        "load.html",
        request,
        asking,
        known=known,
        chosen=chosen,
        asked=asked,
        query=asked.query(),
        package=received,
        planned=planned,
        shown_fields=mapped.shown,
        trouble=trouble,
        tested=tested,
        looked=looked,
        live=any(job["state"] not in api.FINAL_STATES for job in (tested, looked.job if looked else None) if job),
        key=uuid.uuid4().hex,
        modes=[str(each) for each in Mode],
    )


def _corrected(dispatcher: Dispatcher, asking: Principal, received: api.Package) -> Corrected:
    job_id = received.get("corrects") or ""
    with dispatcher.ledger.read() as db:
        scope.check_job(db, asking, job_id)
    job = submitting.described(dispatcher, job_id)
    try:
        rows = correcting.look(dispatcher, job_id, workbook=received["sha256"])
    except RapidStartError as error:
        return Corrected(job=job, rows=None, trouble=error)
    return Corrected(job=job, rows=rows, trouble=None)


def _planned(
    dispatcher: Dispatcher, asked: Prepared, chosen: api.Endpoint | None
) -> tuple[Planned | None, RapidStartError | None]:
    """The plan, with what the endpoint says where that is known, or else why there is nothing to say."""
    known = chosen["name"] if chosen and chosen["fingerprint"] else None
    try:
        plan = inspection.found(
            dispatcher,
            asked.package,
            endpoint=known,
            mapping_text=mapped.text_of(dispatcher, asked.mapping),
            mapping_name=mapped.NAME,
            mode=asked.mode,
            blank=asked.blank,
        )
        said = mapped.of(dispatcher, asked.mapping, package=asked.package)
    except RapidStartError as error:
        return None, error
    fields = _fields(dispatcher, known) if known else {}
    return Planned(plan=plan, toml=saying.toml(saying.said(plan, said)), fields=fields), None


def _fields(dispatcher: Dispatcher, endpoint: str) -> dict[str, tuple[str, ...]]:
    """The records of an endpoint that a row may go to, and their fields."""
    with dispatcher.ledger.read() as db:
        metadata = endpoints.metadata(db, endpoint.lower())
    found = matching.records(metadata) if metadata else []
    return {str(each): tuple(field.name for field in each.table.fields) for each in found[:_OFFERED]}


def _looked(dispatcher: Dispatcher, job_id: str) -> Looked:
    job = submitting.described(dispatcher, job_id)
    with dispatcher.ledger.read() as db:
        groups = findings.groups(db, job["id"], limit=_GROUPS)
        cells = findings.failures(db, job["id"], findings.Chosen(), after=0, limit=_CELLS)
    return Looked(job=job, done=done(job["rows"]), groups=groups, cells=[failure_object(each) for each in cells])
