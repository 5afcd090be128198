"""`/jobs`: submit, see and steer jobs."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Header, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from connector import api
from connector.access import scope
from connector.dispatch import Dispatcher, control, correcting, resolving
from connector.errors import Conflict, Place, Refused
from connector.ledger import Database, courses, endpoints, jobs
from connector.web import etags, outcomes
from connector.web.objects import job_object, seconds
from connector.web.served import Served
from connector.web.who import Operator, Viewer
from connector.wire.jobs import Blank, Mode


class _KeyMissing(Refused):
    """A submission that could not be repeated without harm."""

    status = 400


_EXAMPLE: Final[dict[str, JsonValue]] = {
    "endpoint": "AOSPROD01",
    "company": "USMF",
    "package": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "mode": "upsert",
    "stop_after": "5%",
}


class NewJob(BaseModel):
    """A load that is to be submitted, or a preview of one. `package` is the SHA-256 of a package that was received."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    kind: Literal[jobs.JobKind.LOAD, jobs.JobKind.PREVIEW] = jobs.JobKind.LOAD
    """a preview tells what a load would do, and writes nothing"""
    offline: bool = False
    """of a preview: without the AOS, by its contract alone"""
    endpoint: str
    company: str
    partition: str | None = None
    package: str
    mode: Mode = Mode.UPSERT
    blank: Blank = Blank.KEEP
    strict: bool = False
    only: str | None = None
    mapping: Annotated[str | None, Field(max_length=1_000_000)] = None
    mapping_name: str = "mapping"
    batch_rows: Annotated[int | None, Field(ge=1, le=5000)] = None
    stop_after: Annotated[str, Field(pattern=r"^([1-9][0-9]{0,8}|[1-9][0-9]?%|100%)?$")] = ""
    """how many rows may fail before no more are sent: a number, or a share of all rows as `5%`"""
    priority: Literal["low", "normal", "high"] = "normal"
    expires_in_s: Annotated[float | None, Field(gt=0, le=366 * 86400)] = None
    """so long a worker has to take something of it; then it ends"""

    def order(self) -> jobs.Order:
        """How the rows are to be loaded."""
        return jobs.Order(
            mode=self.mode,
            blank=self.blank,
            strict=self.strict,
            only=self.only,
            mapping=self.mapping,
            mapping_name=self.mapping_name if self.mapping else "",
            batch_rows=self.batch_rows,
            offline=self.offline,
            stop_after=self.stop_after,
        )


class Wanted(BaseModel):
    """Which jobs are listed. `since` and `until` (not included) are moments of submission."""

    state: jobs.JobState | None = None
    kind: jobs.JobKind | None = None
    endpoint: str | None = None
    company: str | None = None
    q: Annotated[str | None, Field(max_length=200, description="Part of an id, or of a package's name.")] = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    cursor: Annotated[int | None, Field(description="`next` of the page before.")] = None


routes = APIRouter()


@routes.post("/jobs", status_code=202)
def submit(
    new: NewJob,
    dispatcher: Served,
    asking: Operator,
    response: Response,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> api.Job:
    """Accept a load or a preview. The same Idempotency-Key again answers with the first job, and says so in a header."""
    with dispatcher.ledger.read() as db:
        scope.check_endpoint(db, asking, new.endpoint)
    job, replayed = _submit(dispatcher, new, key=idempotency_key, by=asking.by)
    response.headers["Location"] = f"{api.PREFIX}/jobs/{job.id}"
    if replayed:
        response.headers[api.REPLAYED] = "true"
    return described(dispatcher, job.id)


@routes.get("/jobs")
def listing(dispatcher: Served, asking: Viewer, wanted: Annotated[Wanted, Query()]) -> api.JobPage:
    """Jobs without their steps, the newest first."""
    limit = wanted.limit
    with dispatcher.ledger.read() as db:
        found = jobs.listing(
            db,
            state=wanted.state,
            kind=wanted.kind,
            sought=wanted.q,
            endpoint=wanted.endpoint,
            company=wanted.company,
            since=seconds(wanted.since),
            until=seconds(wanted.until),
            before=wanted.cursor,
            limit=limit,
            among=scope.visible(db, asking),
        )
        counts = jobs.totals(db, [job.id for job in found])
        names = _names(db)
    items = [job_object(job, counts=counts[job.id], endpoint=names.get(job.endpoint)) for job in found]
    return {"items": items, "next": str(found[-1].number) if len(found) == limit else None}


@routes.get("/jobs/{job_id}")
def show(job_id: str, dispatcher: Served, _: Viewer, response: Response, if_none_match: etags.IfNoneMatch = None) -> api.Job:
    """One job with its steps; 304 to who has it already."""
    found = described(dispatcher, job_id)
    etags.tell(response, etags.of_job(found), known=if_none_match)
    return found


@routes.post("/jobs/{job_id}/cancel")
def cancel(job_id: str, dispatcher: Served, asking: Operator) -> api.Job:
    """End a job: a call in hand is finished, the rest is skipped."""
    return described(dispatcher, control.cancel(dispatcher, job_id, by=asking.by).id)


@routes.post("/jobs/{job_id}/pause")
def pause(job_id: str, dispatcher: Served, asking: Operator) -> api.Job:
    """Hold a job back until it is resumed."""
    return described(dispatcher, control.pause(dispatcher, job_id, by=asking.by).id)


@routes.post("/jobs/{job_id}/resume")
def resume(job_id: str, dispatcher: Served, asking: Operator) -> api.Job:
    """Let a paused job go on."""
    return described(dispatcher, control.resume(dispatcher, job_id, by=asking.by).id)


class NewPriority(BaseModel):
    """Where a job stands among those of its endpoint."""

    model_config = ConfigDict(extra="forbid")

    priority: Literal["low", "normal", "high"]


@routes.post("/jobs/{job_id}/priority")
def prioritise(job_id: str, new: NewPriority, dispatcher: Served, asking: Operator) -> api.Job:
    """Let a job go before others of its endpoint, or behind them."""
    return described(dispatcher, control.prioritise(dispatcher, job_id, priority=new.priority, by=asking.by).id)


class Again(BaseModel):
    """Which rows of an ended load are taken up: failed (with those skipped because of them), skipped, unknown, or all-not-in."""

    model_config = ConfigDict(extra="forbid")

    rows: Literal["failed", "skipped", "unknown", "all-not-in"] | None = None
    """None: failed"""
    package: str | None = None
    """SHA-256 of a workbook of corrected rows, which was received: only these are taken up, as they stand there"""


@routes.post("/jobs/{job_id}/retry", status_code=202)
def retry(job_id: str, dispatcher: Served, asking: Operator, response: Response, again: Again | None = None) -> api.Job:
    """Submit a job that takes up rows of an ended load which are not in, as they were or as a workbook has them corrected."""
    again = again or Again()
    if again.package and again.rows:
        raise Refused("both a workbook and which rows are named.", advice="A workbook says itself which rows it corrects.")
    if again.package:
        job = correcting.retry(dispatcher, job_id, workbook=again.package, by=asking.by)
    else:
        job = control.retry(dispatcher, job_id, rows=again.rows or "failed", by=asking.by)
    response.headers["Location"] = f"{api.PREFIX}/jobs/{job.id}"
    return described(dispatcher, job.id)


class RowPlace(BaseModel):
    """Where a row is in its package."""

    model_config = ConfigDict(extra="forbid")

    file: str
    sheet: str | None = None
    row: int


class NewResolution(BaseModel):
    """How rows are settled whose outcome nobody could prove: those that are named, or all."""

    model_config = ConfigDict(extra="forbid")

    way: Annotated[Literal["lookup", "retry", "done", "skip"], Field(alias="as")]
    rows: list[RowPlace] = []
    all: bool = False


@routes.post("/jobs/{job_id}/resolutions")
def resolve(job_id: str, new: NewResolution, dispatcher: Served, asking: Operator) -> api.Resolution:
    """Settle rows of an ended load that are unknown or handed over."""
    if new.all == bool(new.rows):
        raise Refused("it is not said which rows are meant.", advice='Name them in "rows", or say "all": true.')
    rows = None if new.all else [Place(file=row.file, sheet=row.sheet, row=row.row) for row in new.rows]
    done = resolving.resolve(dispatcher, job_id, way=new.way, rows=rows, by=asking.by)
    made = described(dispatcher, done.made) if done.made else None
    return {"rows": done.rows, "job": described(dispatcher, job_id), "made": made}


routes.include_router(outcomes.routes)


def described(dispatcher: Dispatcher, job_id: str) -> api.Job:
    """A job with its steps. Raises NotFound."""
    with dispatcher.ledger.read() as db:
        return of_ledger(db, job_id)


def of_ledger(db: Database, job_id: str) -> api.Job:
    """A job with its steps, as it is in this state of the ledger. Raises NotFound."""
    job = jobs.get(db, job_id)
    steps = courses.steps_of(db, job.id)
    counts = jobs.totals(db, [job.id])[job.id]
    return job_object(job, counts=counts, steps=steps, endpoint=_names(db).get(job.endpoint))


def _submit(dispatcher: Dispatcher, new: NewJob, *, key: str | None, by: str) -> tuple[jobs.Job, bool]:
    if key is None:
        raise _KeyMissing("the request has no Idempotency-Key.", advice="Send a fresh one with each job, as a UUID.")
    if new.offline and new.kind != jobs.JobKind.PREVIEW:
        raise Refused("a load needs the AOS.", advice='Leave out "offline", or submit a preview.')
    try:
        return dispatcher.submit(
            kind=new.kind,
            endpoint=new.endpoint,
            company=new.company,
            package=new.package,
            order=new.order(),
            idempotency_key=key,
            partition=new.partition,
            priority=new.priority,
            expires_in_s=new.expires_in_s,
            by=by,
        )
    except Conflict as error:  # the key was used for another request: no state of ours stands in the way
        raise Refused(error.message, advice=error.advice) from error


def _names(db: Database) -> dict[str, str]:
    return {endpoint.key: endpoint.name for endpoint in endpoints.every(db)}
