"""`/throughput` and `/queue-age`: rows and waiting over time, for charts."""

import time
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from connector import live
from connector.access import scope
from connector.access.principal import Principal
from connector.dispatch import Dispatcher
from connector.ledger import jobs, throughput
from connector.web.objects import moment
from connector.web.served import Served
from connector.web.who import Viewer

#: How long a bucket is; the ledger keeps them in steps of five seconds.
BucketSeconds = Annotated[int, Query(ge=throughput.BUCKET_S, le=86400, multiple_of=throughput.BUCKET_S)]
#: How far a chart goes back.
Hours = Annotated[float, Query(gt=0, le=24 * 31)]

routes = APIRouter()


@routes.get("/jobs/{job_id}/throughput")
def of_job(job_id: str, dispatcher: Served, _: Viewer, bucket_seconds: BucketSeconds = throughput.BUCKET_S) -> live.Throughput:
    """A job's rows over time, by outcome; their sum is what the job says. Nothing once its rows are removed."""
    with dispatcher.ledger.read() as db:
        found = throughput.of_job(db, jobs.get(db, job_id).id, bucket_s=bucket_seconds)
    return throughput_object(found, bucket_seconds)


@routes.get("/throughput")
def of_all(dispatcher: Served, asking: Viewer, hours: Hours = 1.0, bucket_seconds: BucketSeconds = 60) -> live.Throughput:
    """The rows of all jobs over time, of the endpoints that one sees."""
    since = (time.time() - hours * 3600) // bucket_seconds * bucket_seconds
    with dispatcher.ledger.read() as db:
        found = throughput.of_endpoints(db, scope.visible(db, asking), bucket_s=bucket_seconds, since=since)
    return throughput_object(found, bucket_seconds)


@routes.get("/queue-age")
def queue_age(dispatcher: Served, asking: Viewer, hours: Hours = 1.0, endpoint: str | None = None) -> live.QueueAges:
    """How long the oldest waiting job of each endpoint had waited, minute by minute; of one endpoint where that is asked for."""
    found = _ages(dispatcher, asking, since=time.time() - hours * 3600)
    wanted = None if endpoint is None else endpoint.lower()
    items = [
        live.QueueAge(endpoint=each.endpoint, at=moment(each.at), oldest_seconds=round(each.oldest_s, 1), jobs=each.jobs)
        for each in found
        if wanted in {None, each.endpoint}
    ]
    return {"bucket_seconds": throughput.AGES_EVERY_S, "items": items}


def _ages(dispatcher: Dispatcher, asking: Principal, *, since: float) -> list[throughput.QueueAge]:
    with dispatcher.ledger.read() as db:
        return throughput.ages(db, scope.visible(db, asking), since=since)


def throughput_object(found: Sequence[throughput.Bucket], bucket_s: int) -> live.Throughput:
    """Rows over time as every reader of the API gets them."""
    items = [live.Bucket(at=moment(each.at), rows={word: n for word, n in each.rows.items() if n}) for each in found]
    return {"bucket_seconds": bucket_s, "items": items}
