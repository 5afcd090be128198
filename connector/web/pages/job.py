"""Job: why does it wait, or fail?"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import Form, Request
from starlette.responses import Response

from connector import api
from connector.ledger import findings, jobs
from connector.web import jobs as steering
from connector.web import snapshots
from connector.web.pages import drawing, page
from connector.web.served import Served
from connector.web.who import Operator, Viewer

routes = page.router()

_LOG_SHOWN: Final = 200


@routes.get("/jobs/{job_id}")
def job(request: Request, job_id: str, dispatcher: Served, asking: Viewer) -> Response:
    """One job: its state and why, its steps as a timeline, its log."""
    found = steering.described(dispatcher, job_id)
    live = found["state"] not in api.FINAL_STATES
    with dispatcher.ledger.read() as db:
        attempts = findings.attempts(db, found["id"])
        lines = jobs.last_of_log(db, found["id"], limit=_LOG_SHOWN)
        groups = request.app.state.reasons.of(db, found["id"], runs=live)
        lately = snapshots.rates_of(db, [jobs.get(db, found["id"])])
    return drawing.draw(
        "job.html",
        request,
        asking,
        job=found,
        done=done(found["rows"]),
        live=live,
        attempts=attempts,
        lines=lines,
        groups=groups,
        pace=pace(found, lately=lately.get(found["id"])),
    )


@routes.post("/jobs/{job_id}/{verb}")
def steer(
    job_id: str,
    verb: str,
    dispatcher: Served,
    asking: Operator,
    priority: Annotated[str, Form(pattern="^(low|normal|high)$")] = "normal",
    rows: Annotated[str, Form(pattern="^(failed|skipped|unknown|all-not-in)$")] = "failed",
) -> Response:
    """Cancel, pause, resume or prioritise a job, or take up its rows again."""
    verbs = {"cancel": steering.cancel, "pause": steering.pause, "resume": steering.resume}
    if verb in verbs:
        verbs[verb](job_id, dispatcher, asking)
    elif verb == "priority":
        steering.prioritise(job_id, steering.NewPriority.model_validate({"priority": priority}), dispatcher, asking)
    elif verb == "retry":
        made = steering.retry(job_id, dispatcher, asking, Response(), steering.Again.model_validate({"rows": rows}))
        job_id = made["id"]
    return page.go(f"/jobs/{job_id}")


def done(rows: api.Rows) -> int:
    """How many rows have an outcome."""
    return rows["total"] - left(rows)


def left(rows: api.Rows) -> int:
    """How many rows have none yet."""
    told = rows["created"] + rows["updated"] + rows["unchanged"] + rows["deleted"]
    return max(0, rows["total"] - told - rows["failed"] - rows["skipped"] - rows["unknown"] - rows["handed_over"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a job has run, rows a second, lately or over all that time, and how long it will take; None: not known."""

    ran_s: float | None = None
    rate: float | None = None
    is_lately: bool = False
    left_s: float | None = None


def pace(found: api.Job, *, lately: float | None) -> Pace:
    """How fast a job goes: by what it did `lately`, in rows a second, or, where it does not run, since it began."""
    began, ended = found["started_at"], found["finished_at"]
    if began is None:
        return Pace()
    until = datetime.fromisoformat(ended).timestamp() if ended else time.time()
    ran = max(0.001, until - datetime.fromisoformat(began).timestamp())
    if lately is None:
        return Pace(ran_s=ran, rate=done(found["rows"]) / ran)
    return Pace(ran_s=ran, rate=lately, is_lately=True, left_s=left(found["rows"]) / lately if lately else None)
