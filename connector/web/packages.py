"""`/packages`: a package comes in as a stream and is known by its SHA-256 from then on."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Any, Final

from anyio import from_thread
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from connector import api
from connector.access import scope
from connector.dispatch import Dispatcher
from connector.errors import PackageRefused
from connector.ledger import packages
from connector.web import inspection
from connector.web.objects import package_object
from connector.web.served import Ceiling, Served
from connector.web.who import Operator, Viewer
from connector.wire.jobs import Blank, Mode


class InspectionWanted(BaseModel):
    """How the package would be loaded, and into which endpoint."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str | None = None
    mapping: str | None = None
    mapping_name: str = "mapping"
    mode: Mode = Mode.UPSERT
    blank: Blank = Blank.KEEP


#: A package is never held in memory, and has a ceiling of its own.
_STREAMED: Final = 1 << 62

routes = APIRouter()


@routes.post("/packages", status_code=201, max_body_size=_STREAMED)
async def receive(
    request: Request, dispatcher: Served, _: Operator, ceiling: Ceiling, name: Annotated[str, Query(min_length=1, max_length=255)]
) -> api.Package:
    """Store the body as a package, and look whether it can be read. It is never held in memory."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > ceiling:
        raise PackageRefused(f"the package is over {ceiling // 1_000_000} MB.", advice="Divide it into several.")
    return await run_in_threadpool(_receive, dispatcher, request, name=_file_name(name), ceiling=ceiling)


@routes.get("/packages/{sha256}")
@routes.head("/packages/{sha256}", include_in_schema=False)
def show(sha256: str, dispatcher: Served, _: Viewer) -> api.Package:
    """A package that was received."""
    with dispatcher.ledger.read() as db:
        record = packages.get(db, sha256)
    return package_object(record, inspection.opened(dispatcher, record))


@routes.post("/packages/{sha256}/inspect")
def inspect(sha256: str, wanted: InspectionWanted, dispatcher: Served, asking: Operator) -> dict[str, Any]:
    """Every match, guess and reason that a load would be planned with. Nothing is submitted."""
    if wanted.endpoint:
        with dispatcher.ledger.read() as db:
            scope.check_endpoint(db, asking, wanted.endpoint)
    return inspection.inspect(
        dispatcher,
        sha256,
        endpoint=wanted.endpoint,
        mapping_text=wanted.mapping,
        mapping_name=wanted.mapping_name,
        mode=wanted.mode,
        blank=wanted.blank,
    )


def _receive(dispatcher: Dispatcher, request: Request, *, name: str, ceiling: int) -> api.Package:
    record = dispatcher.receive(name, _chunks(request), ceiling=ceiling)
    return package_object(record, inspection.opened(dispatcher, record))


def _chunks(request: Request) -> Iterator[bytes]:
    """The body as it arrives, for a thread: each chunk is fetched from the event loop when it is wanted."""
    stream = aiter(request.stream())

    async def following() -> bytes | None:
        return await anext(stream, None)

    while (chunk := from_thread.run(following)) is not None:
        yield chunk


def _file_name(name: str) -> str:
    """The last part of what may be a path of the sender's computer."""
    return PurePosixPath(name.replace("\\", "/")).name or "package"
