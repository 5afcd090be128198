"""`/jobs/{id}/results` and its neighbours: what became of the rows, in pages, as a stream, as a workbook; and the log."""

import json
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, StreamingResponse

from connector import api, live
from connector import results as told
from connector.dispatch import Dispatcher, corrected
from connector.ledger import answers, courses, findings, jobs, results
from connector.web.objects import answer_object, failure_object, moment
from connector.web.served import PublicUrl, Served
from connector.web.who import Viewer

Limit = Annotated[int, Query(ge=1, le=1000)]
Cursor = Annotated[int, Query(description="`next` of the page before.")]
#: The id of a line; no database counts further.
LogCursor = Annotated[int | None, Query(ge=0, le=2**63 - 1, description="`next` of the page before, in the same order.")]

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CSV: Final = "text/csv"
_LINES: Final = "application/jsonl"
#: Rows that leave in one piece of a stream.
_PIECE: Final = 1000


routes = APIRouter()


class Chosen(BaseModel):
    """Which failures are listed: those of an outcome, of a step, with this very message, or with this text anywhere."""

    outcome: Literal["failed", "skipped", "unknown", "handed_over"] | None = None
    step: int | None = None
    message: str | None = None
    q: Annotated[str | None, Field(max_length=200, description="Part of a value, a field or a message.")] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    cursor: Annotated[int, Field(description="`next` of the page before.")] = 0


@routes.get("/jobs/{job_id}/results")
def failures(job_id: str, dispatcher: Served, _: Viewer, chosen: Annotated[Chosen, Query()]) -> api.FailurePage:
    """Rows that failed, were skipped for a reason of their own, or are unknown; none once they are removed (`removed_at`)."""
    wanted = findings.Chosen(outcome=chosen.outcome or "", step=chosen.step, message=chosen.message or "", sought=chosen.q or "")
    with dispatcher.ledger.read() as db:
        found = findings.failures(db, jobs.get(db, job_id).id, wanted, after=chosen.cursor, limit=chosen.limit)
    following = str(found[-1].id) if len(found) == chosen.limit else None
    return {"items": [failure_object(each) for each in found], "next": following}


@routes.get("/jobs/{job_id}/results/groups")
def reasons(job_id: str, dispatcher: Served, _: Viewer, limit: Limit = 100) -> live.FailureGroups:
    """Why rows are not in, and how many for each reason, the most frequent first."""
    with dispatcher.ledger.read() as db:
        found = findings.groups(db, jobs.get(db, job_id).id, limit=limit)
    return {
        "items": [
            live.FailureGroup(message=each.message, outcome=each.outcome, rows=each.rows, advice=each.advice, code=each.code)
            for each in found
        ]
    }


@routes.get("/jobs/{job_id}/answers")
def answered(job_id: str, dispatcher: Served, _: Viewer, limit: Limit = 1000, cursor: Cursor = 0) -> api.AnswerPage:
    """What service operations and class methods answered, row by row; nothing once that is removed (`removed_at`)."""
    with dispatcher.ledger.read() as db:
        job = jobs.get(db, job_id).id
        found = answers.of_job(db, job, after=cursor, limit=limit)
        total = answers.count(db, job)
    following = str(found[-1].id) if len(found) == limit else None
    return {"items": [answer_object(each) for each in found], "next": following, "total": total}


@routes.get("/jobs/{job_id}/log")
def log(
    job_id: str,
    dispatcher: Served,
    _: Viewer,
    order: Literal["oldest", "newest"] = "oldest",
    limit: Limit = 1000,
    cursor: LogCursor = None,
) -> api.LogPage:
    """What happened to a job, line by line: the oldest first, or the newest."""
    with dispatcher.ledger.read() as db:
        job = jobs.get(db, job_id).id
        if order == "oldest":
            found = jobs.log_of(db, job, after=cursor or 0, limit=limit)
        else:
            found = jobs.last_of_log(db, job, before=cursor, limit=limit)[::-1]
    lines = [api.LogLine(at=moment(at), text=text) for _, at, text in found]
    return {"items": lines, "next": str(found[-1][0]) if len(found) == limit else None}


@routes.get("/jobs/{job_id}/rows", response_class=StreamingResponse)
def rows(job_id: str, dispatcher: Served, _: Viewer) -> StreamingResponse:
    """The outcome of every row that has one, as JSON lines; none once they are removed (`removed_at` of the job)."""
    with dispatcher.ledger.read() as db:
        job = jobs.get(db, job_id)
    return StreamingResponse(_lines(dispatcher, job.id), media_type=_LINES)


@routes.get("/jobs/{job_id}/results.xlsx", response_class=FileResponse)
def process_summary(job_id: str, dispatcher: Served, _: Viewer, public_url: PublicUrl) -> FileResponse:
    """The process summary workbook. Of an ended load it holds the rows that are not in, to be corrected and handed in again."""
    with dispatcher.ledger.read() as db:
        job = jobs.get(db, job_id)
    package = corrected.latest(dispatcher, job) if job.finished_at is not None and job.package else None
    with tempfile.NamedTemporaryFile(suffix=".xlsx", delete=False) as file:
        path = Path(file.name)
    try:
        told.write_workbook(dispatcher.ledger, job.id, path, package=package, public_url=public_url)
    except BaseException:
        path.unlink()
        raise
    return FileResponse(path, media_type=_XLSX, filename=f"{job.id}.xlsx", background=BackgroundTask(path.unlink))


@routes.get("/jobs/{job_id}/results.csv", response_class=StreamingResponse)
def failures_as_csv(job_id: str, dispatcher: Served, _: Viewer, public_url: PublicUrl) -> StreamingResponse:
    """The rows that are not in, as CSV. What a spreadsheet would compute stands behind an apostrophe."""
    with dispatcher.ledger.read() as db:
        job = jobs.get(db, job_id)
    return streamed(told.csv_lines(dispatcher.ledger, job.id, public_url=public_url), _CSV, f"{job.id}.csv")


@routes.get("/jobs/{job_id}/results.html", response_class=StreamingResponse)
def results_as_html(job_id: str, dispatcher: Served, _: Viewer, public_url: PublicUrl) -> StreamingResponse:
    """The process summary as one HTML file, to be kept or passed on."""
    with dispatcher.ledger.read() as db:
        job = jobs.get(db, job_id)
    return streamed(told.html_parts(dispatcher.ledger, job.id, public_url=public_url), "text/html", f"{job.id}.html")


def streamed(parts: Iterator[str], media_type: str, name: str) -> StreamingResponse:
    """A download that is made as it is taken, in pieces that are worth sending."""
    pieces = iter(lambda: "".join(islice(parts, _PIECE)), "")
    return StreamingResponse(pieces, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _lines(dispatcher: Dispatcher, job_id: str) -> Iterator[str]:
    with dispatcher.ledger.read() as db:
        steps = {step.no: step.entity for step in courses.steps_of(db, job_id)}
        found = results.every_row(db, job_id)
        while piece := list(islice(found, _PIECE)):
            yield "".join(
                json.dumps({"step": row.step, "entity": steps[row.step], "row": row.row, "outcome": row.outcome}) + "\n"
                for row in piece
            )
