"""`/endpoints/{name}/dictionary`: AX's data dictionary, as it was imported from an endpoint."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from connector import api
from connector.dispatch import dictionary, importing
from connector.errors import NotAllowed, NotFound
from connector.ledger import dictionaries, endpoints
from connector.ledger.dictionaries import Kind
from connector.rights import Role
from connector.web.jobs import described as job_described
from connector.web.objects import moment
from connector.web.served import Served
from connector.web.who import Operator, Viewer


class NewImport(BaseModel):
    """What is to be imported: everything, services alone, or some tables."""

    model_config = ConfigDict(extra="forbid")

    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")] = "en-us"
    """of the labels, one of those that AX has"""
    services_only: bool = False
    tables: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=1000)] = []
    """these alone, beside what is known; none named: everything, in place of what was known"""
    address: Annotated[str, Field(pattern=r"^(net\.tcp://[^\s/@?#]+/[^\s@?#]+)?$", max_length=500)] = ""
    """of the AOS' MetadataService, where the endpoint has HTTP addresses alone; an administrator may name it"""


routes = APIRouter()


@routes.post("/endpoints/{name}/dictionary", status_code=202)
def order(name: str, wish: NewImport, dispatcher: Served, asking: Operator) -> api.Job:
    """Have a worker import the data dictionary from the AOS' MetadataService."""
    if wish.address and not asking.may(Role.ADMINISTRATOR):
        raise NotAllowed(
            "an address that the endpoint does not have is an administrator's to name.", advice="Ask one to run this import."
        )
    wanted = importing.Wish(
        language=wish.language, services_only=wish.services_only, tables=tuple(wish.tables), address=wish.address
    )
    return job_described(dispatcher, importing.order(dispatcher, name, wanted, by=asking.by).id)


@routes.get("/endpoints/{name}/dictionary")
def show(name: str, dispatcher: Served, _: Viewer) -> dict[str, Any]:
    """What is known, kind by kind, with its time and the language of its labels; and the import that is under way."""
    with dispatcher.ledger.read() as db:
        endpoint = endpoints.get(db, name)
        held = dictionaries.holdings(db, endpoint.key)
        job = importing.under_way_of(db, endpoint.key)
    kinds = [
        {"kind": one.kind, "count": one.count, "language": one.language, "imported_at": moment(one.imported_at)} for one in held
    ]
    return {"endpoint": endpoint.name, "kinds": kinds, "under_way": job.id if job else None}


class Excerpt(BaseModel):
    """Tables, by their names in any case."""

    model_config = ConfigDict(extra="forbid")

    tables: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=10_000)]


@routes.post("/endpoints/{name}/dictionary/excerpt")
def excerpt(name: str, wanted: Excerpt, dispatcher: Served, _: Viewer) -> dict[str, Any]:
    """What is known of these tables, with those they are derived from, enumerations, and all services; {} where nothing is."""
    with dispatcher.ledger.read() as db:
        found = dictionary.excerpt(db, endpoints.get(db, name).key, wanted.tables)
    return found.model_dump(mode="json", exclude_defaults=True) if found else {}


@routes.get("/endpoints/{name}/dictionary/{kind}")
def search(
    name: str,
    kind: Kind,
    dispatcher: Served,
    _: Viewer,
    text: Annotated[str, Query(max_length=200)] = "",
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """What is known of a kind, by name: all, or what has `text` in its name or label. `next` is the cursor of what follows."""
    with dispatcher.ledger.read() as db:
        key = endpoints.get(db, name).key
        found = dictionaries.search(db, key, kind, text=text, after=cursor, limit=limit)
    items = [{"kind": one.kind, "name": one.name, "label": one.label} for one in found]
    return {"items": items, "next": found[-1].name if len(found) == limit else None}


@routes.get("/endpoints/{name}/dictionary/{kind}/{thing}")
def describe(name: str, kind: Kind, thing: str, dispatcher: Served, _: Viewer) -> dict[str, Any]:
    """One table with its fields, indexes and relations; one enumeration, service or class. Raises NotFound."""
    with dispatcher.ledger.read() as db:
        endpoint = endpoints.get(db, name)
        found = dictionaries.thing(db, endpoint.key, kind, thing)
        near = [] if found else dictionaries.search(db, endpoint.key, kind, text=thing, limit=5)
    if found is None:
        part = f"Look for a part of its name: rapidstart endpoint metadata {endpoint.name} --search TEXT. "
        like = f"Similar ones: {', '.join(one.name for one in near)}. " if near else part
        raise NotFound(
            f"the data dictionary of {endpoint.name} has no {kind} named {thing}.",
            advice=f"{like}Import what is new in AX: rapidstart endpoint metadata {endpoint.name} --import",
        )
    return {"kind": kind, **found.model_dump(mode="json")}
