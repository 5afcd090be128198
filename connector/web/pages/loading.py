"""New load: hand a file in, see what would become of it, say where it goes, and load it.

Every stage stands in the address: a load that was half prepared can be left, sent to a colleague, and taken up again.
"""

import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Form, Query, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connector import api
from connector.access import scope
from connector.dispatch import Dispatcher
from connector.errors import RapidStartError
from connector.ledger import endpoints, findings
from connector.ledger import jobs as kept
from connector.web import endpoints as deployments
from connector.web import inspection
from connector.web import jobs as submitting
from connector.web.objects import failure_object
from connector.web.packages import show
from connector.web.pages import drawing, page, upload
from connector.web.pages.job import done
from connector.web.served import Ceiling, Served
from connector.web.who import Operator
from connector.wire.jobs import Blank, Mode

routes = page.router()

_GROUPS: Final = 20
_CELLS: Final = 50

Sha = Annotated[str, Query(pattern="^([0-9a-f]{64})?$")]
Package = Annotated[str, Form(pattern="^[0-9a-f]{64}$")]
Named = Annotated[str, Query(max_length=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A preview, as far as it is, and the rows that would not go in."""

    job: api.Job
    done: int
    groups: list[findings.Group]
    cells: list[api.Failure]


@routes.get("/load")
def load(
    request: Request,
    dispatcher: Served,
    asking: Operator,
    package: Sha = "",
    endpoint: Named = "",
    company: Named = "",
    test: Named = "",
    check: Named = "",
) -> Response:
    """The next stage: a file, a deployment, a company, the plan."""
    known = deployments.listing(dispatcher, asking)["items"]
    chosen = next((each for each in known if each["name"].lower() == endpoint.lower()), None)
    with dispatcher.ledger.read() as db:
        for each in filter(None, (test, check)):
            scope.check_job(db, asking, each)
    tested = submitting.described(dispatcher, test) if test else None
    looked = _looked(dispatcher, check) if check else None
    received = show(package, dispatcher, asking) if package else None
    plan, trouble = _plan(dispatcher, package, chosen) if received else (None, None)
    return drawing.draw(
        "load.html",
        request,
        asking,
        known=known,
        chosen=chosen,
        company=company,
        package=received,
        plan=plan,
        trouble=trouble,
        tested=tested,
        looked=looked,
        live=any(job["state"] not in api.FINAL_STATES for job in (tested, looked.job if looked else None) if job),
        key=uuid.uuid4().hex,
        modes=[str(each) for each in Mode],
    )


@routes.post("/load/package", max_body_size=upload.STREAMED)
async def hand_in(dispatcher: Served, _: Operator, ceiling: Ceiling, file: UploadFile) -> Response:
    """Receive a package, and look whether it can be read."""
    return page.go(_address(package=await run_in_threadpool(_receive, dispatcher, file, ceiling)))


@routes.post("/load/endpoint")
def choose_endpoint(
    dispatcher: Served, asking: Operator, package: Package, endpoint: Annotated[str, Form(max_length=100)] = ""
) -> Response:
    """Say where the package goes. Whether that AOS can be reached is tested at once."""
    if not endpoint:
        return page.go(_address(package=package))
    with dispatcher.ledger.read() as db:
        scope.check_endpoint(db, asking, endpoint)
    found = deployments.test(endpoint, dispatcher, asking)
    return page.go(_address(package=package, endpoint=found["endpoint"], test=found["id"]))


@routes.post("/load/company")
def choose_company(
    dispatcher: Served,
    asking: Operator,
    package: Package,
    endpoint: Annotated[str, Form()],
    company: Annotated[str, Form(max_length=4)] = "",
    test: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Say which company the rows are for. Every row is then held against the endpoint, without writing."""
    chosen = {"package": package, "endpoint": endpoint, "test": test, "company": company.strip()}
    with dispatcher.ledger.read() as db:
        scope.check_endpoint(db, asking, endpoint)
        surveyed = endpoints.get(db, endpoint).fingerprint is not None
    if not surveyed or not company.strip():
        return page.go(_address(**chosen))
    new = submitting.NewJob(kind=kept.JobKind.PREVIEW, endpoint=endpoint, company=company.strip(), package=package)
    job = submitting.submit(new, dispatcher, asking, Response(), idempotency_key=uuid.uuid4().hex)
    return page.go(_address(**chosen, check=job["id"]))


@routes.post("/load")
def submit(
    dispatcher: Served,
    asking: Operator,
    package: Package,
    endpoint: Annotated[str, Form()],
    company: Annotated[str, Form()],
    key: Annotated[str, Form(min_length=8, max_length=64)],
    mode: Annotated[Mode, Form()] = Mode.UPSERT,
    blank: Annotated[Blank, Form()] = Blank.KEEP,
    stop_after: Annotated[str, Form(pattern=r"^([1-9][0-9]{0,8}|[1-9][0-9]?%|100%)?$")] = "",
    strict: Annotated[bool, Form()] = False,
) -> Response:
    """Load. The form that is sent twice loads once."""
    new = submitting.NewJob(
        endpoint=endpoint, company=company, package=package, mode=mode, blank=blank, stop_after=stop_after, strict=strict
    )
    job = submitting.submit(new, dispatcher, asking, Response(), idempotency_key=key)
    return page.go(f"/jobs/{job['id']}")


def _receive(dispatcher: Dispatcher, file: UploadFile, ceiling: int) -> str:
    """Store the file, and open it: what cannot be read is refused here and now."""
    record = upload.stored(dispatcher, file, ceiling=ceiling)
    inspection.opened(dispatcher, record)
    return record.sha256


def _plan(
    dispatcher: Dispatcher, package: str, chosen: api.Endpoint | None
) -> tuple[dict[str, Any] | None, RapidStartError | None]:
    """The package as it would be loaded, or by itself and why there is no more to say."""
    known = chosen["name"] if chosen and chosen["fingerprint"] else None
    try:
        return inspection.inspect(
            dispatcher,
            package,
            endpoint=known,
            mapping_text=None,
            mapping_name="mapping",
            mode=Mode.UPSERT,
            blank=Blank.KEEP,
        ), None
    except RapidStartError as error:
        return None, error


def _looked(dispatcher: Dispatcher, job_id: str) -> Looked:
    job = submitting.described(dispatcher, job_id)
    with dispatcher.ledger.read() as db:
        groups = findings.groups(db, job["id"], limit=_GROUPS)
        cells = findings.failures(db, job["id"], findings.Chosen(), after=0, limit=_CELLS)
    return Looked(job=job, done=done(job["rows"]), groups=groups, cells=[failure_object(each) for each in cells])


def _address(**told: str) -> str:
    return "/load?" + urlencode({name: value for name, value in told.items() if value})
