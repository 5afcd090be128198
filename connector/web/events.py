"""`/events` and `/jobs/{id}/events`: what happens, as it happens, for pages and programs that would ask again and again."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Header, Request
from starlette.responses import Response

from connector import live
from connector.access import scope
from connector.access.principal import Principal
from connector.dispatch import Dispatcher
from connector.errors import NotFound, NotReachable, NotSignedIn
from connector.ledger import changes, jobs
from connector.web import snapshots, who
from connector.web.following import First, Follower, Tail
from connector.web.served import Served
from connector.web.stream import EventStream
from connector.web.who import Viewer

#: What a reader takes up from: the number of the last change that it was told of.
Resumed = Annotated[str | None, Header(alias=live.LAST_EVENT_ID, max_length=40)]

_DESCRIBED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Server-sent events.", "content": {live.EVENT_STREAM: {"schema": {"type": "string"}}}},
}

routes = APIRouter()


def attach(app: FastAPI) -> None:
    """Give the app its tail of the ledger: the one of whichever dispatcher it serves."""
    app.state.tail = Tail(ledger=lambda: app.state.dispatcher.ledger)


@routes.get("/events", response_class=Response, responses=_DESCRIBED)
async def everything(request: Request, dispatcher: Served, asking: Viewer, last_event_id: Resumed = None) -> Response:
    """Jobs (`event: job`, a JobEvent without steps) and endpoints (`event: endpoint`), as they change.

    Without Last-Event-ID first every unfinished job as it is now, with it what changed since; always every endpoint.
    """
    tail: Tail = request.app.state.tail
    follower = Follower(job=None, sees=await tail.ask(lambda: _seen(dispatcher, asking)))
    await _begin(tail, follower, lambda: _first_of_all(dispatcher, after=_number(last_event_id)))
    return EventStream(follower, may_read=_asker(request, follower), leave=tail.leave)


@routes.get(
    "/jobs/{job_id}/events", response_class=Response, responses=_DESCRIBED | {204: {"description": "It has ended: come no more."}}
)
async def of_job(job_id: str, request: Request, dispatcher: Served, asking: Viewer, last_event_id: Resumed = None) -> Response:
    """One job (`event: job`, a JobEvent) as it is now, then as it changes, and `event: end` once it has ended.

    204 to who comes again after that, which ends a browser's tries.
    """
    tail: Tail = request.app.state.tail
    name, sees = await tail.ask(lambda: _followed(dispatcher, asking, job_id))
    follower = Follower(job=name, sees=sees)
    first = await _begin(tail, follower, lambda: _first_of_job(dispatcher, name))
    if _is_over(first, after=_number(last_event_id)):
        tail.leave(follower)
        return Response(status_code=204)
    return EventStream(follower, may_read=_asker(request, follower), leave=tail.leave)


async def _begin(tail: Tail, follower: Follower, look: Callable[[], First]) -> First:
    """Join before the first look, so that nothing falls between the two."""
    await tail.join(follower)
    try:
        first = await tail.ask(look)
    except BaseException:
        tail.leave(follower)
        raise
    follower.begin(first)
    return first


def _is_over(first: First, *, after: int | None) -> bool:
    """Whether the reader knows already that the job has ended."""
    return after is not None and after <= first.reached and all(each.has_ended and each.seq <= after for each in first.jobs)


def _asker(request: Request, follower: Follower) -> Callable[[], Awaitable[bool]]:
    """Whether who follows may still do so, by what is known of them then."""

    def ask() -> bool:
        dispatcher: Dispatcher = request.app.state.dispatcher
        try:
            asking = who.still(request, dispatcher)
            follower.sees = _seen(dispatcher, asking)
            if follower.job is not None:
                _followed(dispatcher, asking, follower.job)
        except (NotSignedIn, NotFound):
            return False
        except NotReachable:  # nobody can tell now
            return True
        return True

    async def asked() -> bool:
        tail: Tail = request.app.state.tail
        return await tail.ask(ask)

    return asked


def _seen(dispatcher: Dispatcher, asking: Principal) -> frozenset[str] | None:
    with dispatcher.ledger.read() as db:
        return scope.visible(db, asking)


def _followed(dispatcher: Dispatcher, asking: Principal, job_id: str) -> tuple[str, frozenset[str] | None]:
    """The job's id as it is written, and what its reader sees. Raises NotFound."""
    with dispatcher.ledger.read() as db:
        scope.check_job(db, asking, job_id)
        return jobs.get(db, job_id).id, scope.visible(db, asking)


def _first_of_job(dispatcher: Dispatcher, job: str) -> First:
    with dispatcher.ledger.read() as db:
        return First(jobs=snapshots.in_full(db, changes.of_jobs(db, [job])), reached=changes.latest(db))


def _first_of_all(dispatcher: Dispatcher, *, after: int | None) -> First:
    """A number that the ledger has not reached is of another time: before a backup was restored, say."""
    with dispatcher.ledger.read() as db:
        latest = changes.latest(db)
        changed = changes.of_unfinished(db) if after is None or after > latest else changes.since(db, after)
        return First(jobs=snapshots.in_brief(db, changed), endpoints=snapshots.of_endpoints(db), reached=latest)


def _number(last_event_id: str | None) -> int | None:
    """What a reader read last; one that is no number of ours counts for nothing."""
    return int(last_event_id) if last_event_id and last_event_id.isascii() and last_event_id.isdigit() else None
