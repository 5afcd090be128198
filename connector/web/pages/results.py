"""Load results: which rows are not in, and why?"""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import Query, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connector import api
from connector.dispatch import Dispatcher, correcting
from connector.ledger import findings
from connector.rights import Role
from connector.web import jobs as steering
from connector.web.objects import failure_object
from connector.web.pages import drawing, listing, page, upload
from connector.web.served import Ceiling, Served
from connector.web.who import Operator, Viewer

routes = page.router()

_LIMIT: Final = 100
_GROUPS: Final = 100
_GROUPED: Final[dict[str, Callable[[findings.Group], Any]]] = {
    "rows": lambda each: each.rows,
    "outcome": lambda each: each.outcome,
    "message": lambda each: each.message.casefold(),
    "advice": lambda each: each.advice.casefold(),
}


@routes.get("/jobs/{job_id}/results")
def results(
    request: Request,
    job_id: str,
    dispatcher: Served,
    asking: Viewer,
    message: Annotated[str, Query(max_length=10_000)] = "",
    outcome: listing.Sought = "",
    step: Annotated[str, Query(pattern=r"^[0-9]{0,6}$")] = "",
    q: listing.Sought = "",
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    sort: listing.Sort = "",
    groups: listing.Sort = "",
    skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """Rows that are not in, all or those that are chosen, grouped by what AX said."""
    job = steering.described(dispatcher, job_id)
    by, groups_by = listing.order(sort, tuple(findings.FAILURES_BY), otherwise="row"), _grouped(groups)
    chosen = findings.Chosen(message=message, outcome=outcome, step=int(step) if step else None, sought=q, behind=after)
    with dispatcher.ledger.read() as db:
        reasons = findings.groups(db, job["id"], limit=_GROUPS)
        found = findings.sorted_failures(
            db, job["id"], chosen, by=by.column, down=by.down, limit=_LIMIT + 1, skip=skip
        )  # fmt: skip
    return drawing.draw(
        "results.html",
        request,
        asking,
        job=job,
        downloads=_downloads(),
        settles=asking.may(Role.OPERATOR)
        and job["state"] in api.FINAL_STATES
        and job["kind"] == "load"
        and not job["removed_at"],
        live=job["state"] not in api.FINAL_STATES,
        groups=listing.arranged(reasons, groups_by, _GROUPED),
        groups_by=groups_by,
        by=by,
        failures=[failure_object(each) for each in found[:_LIMIT]],
        before=max(0, skip - _LIMIT) if skip else None,
        following=skip + _LIMIT if len(found) > _LIMIT else None,
        message=message,
        outcome=outcome,
        step=step,
        q=q,
        filtered=bool(message or outcome or step or q or after),
    )


@routes.post("/jobs/{job_id}/results/corrected", max_body_size=upload.STREAMED)
async def hand_in(job_id: str, dispatcher: Served, asking: Operator, ceiling: Ceiling, file: UploadFile) -> Response:
    """Take up the rows of a workbook that somebody has corrected, as rows of this load."""
    return page.go(f"/jobs/{await run_in_threadpool(_take_up, dispatcher, job_id, file, ceiling=ceiling, by=asking.by)}")


def _grouped(asked: str) -> listing.Order:
    return listing.order(asked, tuple(_GROUPED), otherwise="-rows")


def _take_up(dispatcher: Dispatcher, job_id: str, file: UploadFile, *, ceiling: int, by: str) -> str:
    record = upload.stored(dispatcher, file, ceiling=ceiling)
    return correcting.retry(dispatcher, job_id, workbook=record.sha256, by=by).id


def _downloads() -> list[tuple[str, str]]:
    """What of a job can be downloaded, at the API, and what the button says."""
    said = drawing.texts()["results"]
    kinds = (("xlsx", "workbook"), ("csv", "csv"), ("html", "html"))
    return [*((f"results.{ending}", str(said[word])) for ending, word in kinds), ("results", str(said["json"]))]
