"""`/jobs/{id}/results` and its neighbours: what became of the rows, in pages, as a stream, as a workbook; and the log."""

import json
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, StreamingResponse

from connector import api
from connector import results as told
from connector.dispatch import Dispatcher, corrected
from connector.ledger import answers, courses, jobs, results
from connector.web.objects import answer_object, failure_object, moment
from connector.web.served import PublicUrl, Served
from connector.web.who import Viewer

Limit = Annotated[int, Query(ge=1, le=1000)]
Cursor = Annotated[int, Query(description="`next` of the page before.")]

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LINES: Final = "application/jsonl"
#: Rows that leave in one piece of a stream.
_PIECE: Final = 1000


routes = APIRouter()


@routes.get("/jobs/{job_id}/results")
def failures(job_id: str, dispatcher: Served, _: Viewer, limit: Limit = 1000, cursor: Cursor = 0) -> api.FailurePage:
    """Rows that failed, were skipped for a reason of their own, or are unknown; none once they are removed (`removed_at`)."""
    with dispatcher.ledger.read() as db:
        found = results.failures(db, jobs.get(db, job_id).id, after=cursor, limit=limit)
    return {"items": [failure_object(each) for each in found], "next": str(found[-1].id) if len(found) == limit else None}


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
def log(job_id: str, dispatcher: Served, _: Viewer, limit: Limit = 1000, cursor: Cursor = 0) -> api.LogPage:
    """What happened to a job, line by line."""
    with dispatcher.ledger.read() as db:
        found = jobs.log_of(db, jobs.get(db, job_id).id, after=cursor, limit=limit)
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


def _lines(dispatcher: Dispatcher, job_id: str) -> Iterator[str]:
    with dispatcher.ledger.read() as db:
        steps = {step.no: step.entity for step in courses.steps_of(db, job_id)}
        found = results.every_row(db, job_id)
        while piece := list(islice(found, _PIECE)):
            yield "".join(
                json.dumps({"step": row.step, "entity": steps[row.step], "row": row.row, "outcome": row.outcome}) + "\n"
                for row in piece
            )
