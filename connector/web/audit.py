"""`/audit`: who did what."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from connector import rights
from connector.access import scope
from connector.ledger import audit
from connector.web.objects import audit_object, seconds
from connector.web.served import Served
from connector.web.who import Viewer

routes = APIRouter()


class Wanted(BaseModel):
    """Which lines are listed."""

    subject: Annotated[str | None, Field(description="The id of a job, or the name of an endpoint.")] = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[int | None, Field(description="`next` of the page before.")] = None


@routes.get("/audit")
def listing(dispatcher: Served, asking: Viewer, wanted: Annotated[Wanted, Query()]) -> rights.AuditPage:
    """Commands that changed something, the newest first."""
    since, until = seconds(wanted.since), seconds(wanted.until)
    with dispatcher.ledger.read() as db:
        found = audit.lines(
            db,
            subject=wanted.subject,
            since=since,
            until=until,
            before=wanted.cursor,
            limit=wanted.limit,
            among=scope.visible(db, asking),
        )
    following = str(found[-1].id) if len(found) == wanted.limit else None
    return {"items": [audit_object(line) for line in found], "next": following}
