"""New load, as it is sent: every form leads to the next stage, whose address tells all that was chosen before."""

import contextlib
import uuid
from typing import Annotated, Final, Literal

from fastapi import Form, UploadFile
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connector.access import scope
from connector.access.principal import Principal
from connector.dispatch import Dispatcher
from connector.errors import Conflict, NotFound, Refused
from connector.ledger import endpoints
from connector.ledger import jobs as kept
from connector.web import endpoints as deployments
from connector.web import inspection
from connector.web import jobs as submitting
from connector.web.packages import show
from connector.web.pages import mapped, page, upload
from connector.web.pages.prepared import Asked, Prepared
from connector.web.served import Ceiling, Served
from connector.web.who import Operator
from connector.wire.jobs import Blank, Mode

routes = page.router()

#: Names of columns and fields, as the form of an entity sends them. No form has more than a thousand values: it sends few.
_Names = Annotated[tuple[Annotated[str, Field(max_length=1000)], ...], Form()]
_HOUR_S: Final = 3600


@routes.post("/load/package", max_body_size=upload.STREAMED)
async def hand_in(dispatcher: Served, _: Operator, ceiling: Ceiling, file: UploadFile) -> Response:
    """Receive a package, or a workbook of corrected rows, and look whether it can be read."""
    return page.go(Prepared().address(package=await run_in_threadpool(_receive, dispatcher, file, ceiling)))


@routes.post("/load/corrected")
def take_up(dispatcher: Served, asking: Operator, asked: Asked) -> Response:
    """Take up the rows of a workbook that somebody has corrected, as rows of the load that it names."""
    job_id = show(asked.package, dispatcher, asking).get("corrects")
    if not job_id:
        raise Refused("this is no workbook of rows to correct.", advice="Load it as a package.")
    with dispatcher.ledger.read() as db:
        scope.check_job(db, asking, job_id)
    made = submitting.retry(job_id, dispatcher, asking, Response(), submitting.Again(package=asked.package))
    return page.go(f"/jobs/{made['id']}")


@routes.post("/load/endpoint")
def choose_endpoint(
    dispatcher: Served, asking: Operator, asked: Asked, endpoint: Annotated[str, Form(max_length=100)] = ""
) -> Response:
    """Say where the package goes. Whether that AOS can be reached is tested at once."""
    if not endpoint:
        return page.go(asked.address(endpoint="", company="", test="", check=""))
    with dispatcher.ledger.read() as db:
        scope.check_endpoint(db, asking, endpoint)
    found = deployments.test(endpoint, dispatcher, asking)
    return page.go(asked.address(endpoint=found["endpoint"], company="", test=found["id"], check=""))


@routes.post("/load/company")
def choose_company(
    dispatcher: Served,
    asking: Operator,
    asked: Asked,
    company: Annotated[str, Form(max_length=4)] = "",
    partition: Annotated[str, Form(max_length=100)] = "",
    mode: Annotated[Mode, Form()] = Mode.UPSERT,
    blank: Annotated[Blank, Form()] = Blank.KEEP,
) -> Response:
    """Say which company the rows are for, and what becomes of records that are there."""
    chosen = {"company": company.strip(), "partition": partition.strip(), "mode": mode, "blank": blank}
    return _onward(dispatcher, asking, asked.model_copy(update=chosen))


@routes.post("/load/mapping", max_body_size=upload.STREAMED)
async def hand_in_mapping(
    dispatcher: Served,
    asking: Operator,
    asked: Asked,
    file: UploadFile | None = None,
    text: Annotated[str, Form(max_length=1_000_000)] = "",
) -> Response:
    """Take a mapping, as a file or as text; an empty text: the package's own."""
    content = await file.read(mapped.LARGEST + 1) if file and file.filename else text.encode()
    return await run_in_threadpool(_take_mapping, dispatcher, asking, asked, content)


@routes.post("/load/entity")
def change_entity(
    dispatcher: Served,
    asking: Operator,
    asked: Asked,
    entity: Annotated[str, Form(max_length=1000)],
    target: Annotated[str, Form(max_length=1000)] = "",
    key: Annotated[str, Form(max_length=1000)] = "",
    shown: Annotated[str, Form(max_length=1_000_000)] = "[]",
    field: _Names = (),
    left_out: _Names = (),
) -> Response:
    """Say of one entity what it becomes, by which key, and which field each column fills."""
    columns = mapped.wishes(shown, fields=field, left_out=set(left_out))
    said = mapped.of(dispatcher, asked.mapping, package=asked.package)
    wished = mapped.wished(said, entity, target=target, key=key, columns=columns)
    return _take_mapping(dispatcher, asking, asked, mapped.written(wished))


@routes.post("/load")
def submit(
    dispatcher: Served,
    asking: Operator,
    asked: Asked,
    key: Annotated[str, Form(min_length=8, max_length=64)],
    stop_after: Annotated[str, Form(pattern=r"^([1-9][0-9]{0,8}|[1-9][0-9]?%|100%)?$")] = "",
    strict: Annotated[bool, Form()] = False,
    priority: Annotated[Literal["low", "normal", "high"], Form()] = "normal",
    expires_in: Annotated[str, Form(pattern=r"^([1-9][0-9]{0,3})?$")] = "",
) -> Response:
    """Load. The form that is sent twice loads once. `expires_in` is in hours."""
    how = {"stop_after": stop_after, "strict": strict, "priority": priority}
    new = _order(dispatcher, asked, kept.JobKind.LOAD).model_copy(
        update=how | {"expires_in_s": float(expires_in) * _HOUR_S if expires_in else None}
    )
    job = submitting.submit(new, dispatcher, asking, Response(), idempotency_key=key)
    return page.go(f"/jobs/{job['id']}")


def _receive(dispatcher: Dispatcher, file: UploadFile, ceiling: int) -> str:
    """Store the file, and open it: what cannot be read is refused here and now."""
    record = upload.stored(dispatcher, file, ceiling=ceiling)
    inspection.opened(dispatcher, record)
    return record.sha256


def _take_mapping(dispatcher: Dispatcher, asking: Principal, asked: Prepared, content: bytes) -> Response:
    sha256 = mapped.kept(dispatcher, content) if content.strip() else ""
    return _onward(dispatcher, asking, asked.model_copy(update={"mapping": sha256}))


def _onward(dispatcher: Dispatcher, asking: Principal, chosen: Prepared) -> Response:
    """Where it is known where the rows go, each is held against the endpoint, without writing, as it would be loaded."""
    _give_up(dispatcher, asking, chosen.check)
    if not (chosen.endpoint and chosen.company):
        return page.go(chosen.address(check=""))
    with dispatcher.ledger.read() as db:
        scope.check_endpoint(db, asking, chosen.endpoint)
        surveyed = endpoints.get(db, chosen.endpoint).fingerprint is not None
    if not surveyed:
        return page.go(chosen.address(check=""))
    new = _order(dispatcher, chosen, kept.JobKind.PREVIEW)
    job = submitting.submit(new, dispatcher, asking, Response(), idempotency_key=uuid.uuid4().hex)
    return page.go(chosen.address(check=job["id"]))


def _give_up(dispatcher: Dispatcher, asking: Principal, check: str) -> None:
    """End a preview of what is no longer wanted."""
    if not check:
        return
    with dispatcher.ledger.read() as db:
        scope.check_job(db, asking, check)
    with contextlib.suppress(Conflict, NotFound):
        submitting.cancel(check, dispatcher, asking)


def _order(dispatcher: Dispatcher, chosen: Prepared, kind: Literal[kept.JobKind.LOAD, kept.JobKind.PREVIEW]) -> submitting.NewJob:
    return submitting.NewJob(
        kind=kind,
        endpoint=chosen.endpoint,
        company=chosen.company,
        partition=chosen.partition or None,
        package=chosen.package,
        mode=chosen.mode,
        blank=chosen.blank,
        mapping=mapped.text_of(dispatcher, chosen.mapping),
        mapping_name=mapped.NAME,
    )
