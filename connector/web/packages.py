"""`/packages`: a package comes in as a stream and is known by its SHA-256 from then on."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Any, Final

from anyio import from_thread
from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from connector import api, received
from connector.access import scope
from connector.dispatch import Dispatcher
from connector.errors import PackageRefused
from connector.ledger import packages
from connector.web import inspection, paging
from connector.web.objects import moment, package_object
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


def _cursor(text: str | None) -> str | None:
    """A moment and a digest, as `_ended_with` reads them. Raises ValueError."""
    if text is not None and not _CURSOR.fullmatch(text):
        raise ValueError("not the `next` of a page")
    return text


_CURSOR: Final = re.compile(r"\d{1,12}(\.\d{1,9})?_[0-9a-f]{64}")

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


@routes.get("/packages")
def listing(
    dispatcher: Served,
    asking: Viewer,
    limit: paging.Limit = 100,
    cursor: Annotated[paging.After, AfterValidator(_cursor)] = None,
) -> received.PackagePage:
    """Packages that are kept, those that were received last first. Who sees some endpoints alone sees what was loaded there."""
    with dispatcher.ledger.read() as db:
        found = packages.listing(db, among=scope.visible(db, asking), before=_ended_with(cursor), limit=limit + 1)
    shown = found[:limit]
    items = [
        received.PackageLine(sha256=each.sha256, name=each.name, size=each.size, received_at=moment(each.received_at))
        for each in shown
    ]
    return {"items": items, "next": f"{shown[-1].received_at!r}_{shown[-1].sha256}" if len(found) > limit else None}


def _ended_with(cursor: str | None) -> tuple[float, str] | None:
    """When the last package of the page before was received, and its digest."""
    if cursor is None:
        return None
    at, _, sha256 = cursor.partition("_")
    return float(at), sha256


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
