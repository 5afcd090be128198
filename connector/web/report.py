"""`/jobs/{id}/results.json`: load results as one JSON file, for programs that keep or pass on what the workbook says."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from connector import api, live
from connector.dispatch import Dispatcher
from connector.ledger import jobs, throughput
from connector.results import told
from connector.web.charts import throughput_object
from connector.web.jobs import of_ledger
from connector.web.objects import answer_object, failure_object, moment
from connector.web.outcomes import streamed
from connector.web.served import Served
from connector.web.who import Viewer

routes = APIRouter()


@routes.get("/jobs/{job_id}/results.json", response_class=StreamingResponse, responses={200: {"model": live.Report}})
def results_as_json(job_id: str, dispatcher: Served, _: Viewer) -> StreamingResponse:
    """The job, its rows over time, the rows that are not in, what calls answered, and the log: one object, in one file."""
    with dispatcher.ledger.read() as db:
        job = jobs.get(db, job_id).id
    return streamed(_parts(dispatcher, job), "application/json", f"{job}.json")


def _parts(dispatcher: Dispatcher, job: str) -> Iterator[str]:
    """The pieces of the file, all of one state of the ledger. Long lists are never held in memory."""
    with dispatcher.ledger.read() as db:
        yield f'{{"job": {json.dumps(of_ledger(db, job))}'
        yield f',\n"throughput": {json.dumps(throughput_object(throughput.of_job(db, job), throughput.BUCKET_S))}'
        yield from _list("failures", (failure_object(each) for each in told.every_failure(db, job)))
        yield from _list("answers", (answer_object(each) for each in told.every_answer(db, job)))
        yield from _list("log", (api.LogLine(at=moment(at), text=text) for at, text in told.every_line(db, job)))
        yield "}\n"


def _list(name: str, items: Iterable[Any]) -> Iterator[str]:
    yield f',\n"{name}": ['
    for number, item in enumerate(items):
        yield f"{',' if number else ''}\n{json.dumps(item)}"
    yield "]"
