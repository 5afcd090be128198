"""`/endpoints`: the AOS instances that are registered here."""

import base64
import binascii
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from connector import api
from connector.access import scope
from connector.access.principal import DEFAULT_INSTANCE
from connector.dispatch import Dispatcher, no_metadata, outages, registering, scaling
from connector.ledger import Database, crews, endpoints, jobs, limits, marks
from connector.web import etags, paging, snapshots
from connector.web.jobs import described as job_described
from connector.web.objects import endpoint_object, moment
from connector.web.sealing import sealing_object
from connector.web.served import Served
from connector.web.who import Administrator, Operator, Viewer


def _zip(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise ValueError("not a zip")
    return content


class Limits(BaseModel):
    """What an endpoint bears; what is left out is not limited."""

    model_config = ConfigDict(extra="forbid")

    concurrency: int | None = None
    rows_per_second: Annotated[float | None, Field(allow_inf_nan=False)] = None
    hours: str = ""
    call_seconds: tuple[float, float] | None = None

    def kept(self) -> limits.Limits:
        """As the ledger keeps them."""
        return limits.Limits(**self.model_dump())


#: The name of one: one line, not empty.
ServiceInstance = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^\S(.*\S)?$")]

#: Ports by their names; `*` stands for all of them.
Ports = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=100)]

Scope = Literal["", "company", "virtual company", "partition", "installation"]


class NewEndpoint(BaseModel):
    """An AOS instance to register. `contract` is a zip of WSDL and XSD files, base64."""

    model_config = ConfigDict(extra="forbid")

    name: str
    addresses: Annotated[list[str], Field(min_length=1)]
    companies: list[str] = []
    partition: str | None = None
    contract: Annotated[bytes, BeforeValidator(_zip)] | None = None
    limits: Limits = Limits()
    database: Annotated[str, Field(max_length=100)] = ""
    """its AX database, where other endpoints write to the same one"""
    scope: Scope = ""
    """how far what loads write reaches, where mapping and metadata do not say"""
    virtual_companies: dict[str, list[str]] = {}
    """by name: the companies that share tables by it"""
    service_instance: ServiceInstance = DEFAULT_INSTANCE
    """the named deployment that it belongs to"""
    not_idempotent: Ports = []
    """ports that carry a message out again which they have seen"""


class ChangedEndpoint(BaseModel):
    """What is told anew of a registered endpoint, each as a whole."""

    model_config = ConfigDict(extra="forbid")

    addresses: Annotated[list[str], Field(min_length=1)] | None = None
    companies: list[str] | None = None
    partition: str | None = None
    contract: Annotated[bytes, BeforeValidator(_zip)] | None = None
    database: Annotated[str, Field(max_length=100)] | None = None
    scope: Scope | None = None
    virtual_companies: dict[str, list[str]] | None = None
    service_instance: ServiceInstance | None = None
    not_idempotent: Ports | None = None


class Scale(BaseModel):
    """How many workers an endpoint shall have, and how many calls each makes at once; null stays as it was wished."""

    model_config = ConfigDict(extra="forbid")

    workers: int | None = None
    concurrency: int | None = None


routes = APIRouter()


@routes.get("/endpoints")
def listing(dispatcher: Served, asking: Viewer, limit: paging.Limit = 1000, cursor: paging.After = None) -> api.EndpointPage:
    """Endpoints, by name."""
    with dispatcher.ledger.read() as db:
        seen = [endpoint for endpoint in endpoints.every(db) if asking.sees(endpoint.service_instance)]
        shown, following = paging.page(seen, key=lambda each: each.key, after=cursor, limit=limit)
        work = snapshots.work_of(db)
        return {"items": [_object(dispatcher, db, endpoint, work) for endpoint in shown], "next": following}


@routes.post("/endpoints", status_code=201)
def add(new: NewEndpoint, dispatcher: Served, asking: Administrator, response: Response) -> api.Endpoint:
    """Register an endpoint. Nobody is contacted."""
    scope.check_instance(asking, new.service_instance)
    added = dispatcher.add_endpoint(
        name=new.name,
        addresses=tuple(new.addresses),
        companies=tuple(new.companies),
        partition=new.partition,
        contract=new.contract,
        allowed=new.limits.kept(),
        database=new.database,
        scope=new.scope,
        virtual_companies=_virtual(new.virtual_companies),
        service_instance=new.service_instance,
        not_idempotent=tuple(new.not_idempotent),
        by=asking.by,
    )
    response.headers["Location"] = f"{api.PREFIX}/endpoints/{added.name}"
    return described(dispatcher, added.name)


def _virtual(named: Mapping[str, Sequence[str]]) -> tuple[endpoints.VirtualCompany, ...]:
    return tuple(endpoints.VirtualCompany(name=name, companies=tuple(of)) for name, of in named.items())


@routes.get("/endpoints/{name}")
def show(name: str, dispatcher: Served, _: Viewer, response: Response, if_none_match: etags.IfNoneMatch = None) -> api.Endpoint:
    """One endpoint; 304 to who has it already."""
    found = described(dispatcher, name)
    etags.tell(response, etags.of_endpoint(found), known=if_none_match)
    return found


@routes.patch("/endpoints/{name}")
def change(
    name: str, changed: ChangedEndpoint, dispatcher: Served, asking: Administrator, if_match: etags.IfMatch = None
) -> api.Endpoint:
    """Change what is told of an endpoint that has no unfinished jobs. What is left out, or null, stays as it was.

    `not_idempotent` alone may change while it has some: that is when it is found out.
    """
    etags.check(if_match, described(dispatcher, name))
    if changed.service_instance is not None:
        scope.check_instance(asking, changed.service_instance)
    wanted = registering.Change(
        addresses=_tuple(changed.addresses),
        companies=_tuple(changed.companies),
        partition=changed.partition,
        database=changed.database,
        scope=changed.scope,
        virtual_companies=None if changed.virtual_companies is None else _virtual(changed.virtual_companies),
        contract=changed.contract,
        service_instance=changed.service_instance,
        not_idempotent=_tuple(changed.not_idempotent),
    )
    return described(dispatcher, registering.change(dispatcher, name, wanted, by=asking.by).name)


def _tuple(given: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)


@routes.delete("/endpoints/{name}", status_code=204)
def remove(name: str, dispatcher: Served, asking: Administrator) -> None:
    """Forget an endpoint that has no unfinished jobs."""
    dispatcher.remove_endpoint(described(dispatcher, name)["name"], by=asking.by)


@routes.post("/endpoints/{name}/pause")
def pause(name: str, dispatcher: Served, asking: Operator) -> api.Endpoint:
    """Send nothing to an endpoint until it is resumed."""
    return described(dispatcher, dispatcher.pause_endpoint(name, by=asking.by).name)


@routes.post("/endpoints/{name}/resume")
def resume(name: str, dispatcher: Served, asking: Operator) -> api.Endpoint:
    """Send work to an endpoint again."""
    return described(dispatcher, dispatcher.resume_endpoint(name, by=asking.by).name)


@routes.put("/endpoints/{name}/limits")
def limit(name: str, allowed: Limits, dispatcher: Served, asking: Administrator, if_match: etags.IfMatch = None) -> api.Endpoint:
    """Set what an endpoint bears, all of it."""
    etags.check(if_match, described(dispatcher, name))
    return described(dispatcher, dispatcher.limit_endpoint(name, allowed.kept(), by=asking.by).name)


@routes.put("/endpoints/{name}/scale")
def scale(name: str, wish: Scale, dispatcher: Served, asking: Administrator, if_match: etags.IfMatch = None) -> api.Endpoint:
    """Wish so many workers for the endpoint; its worker services follow within their maximum."""
    etags.check(if_match, described(dispatcher, name))
    scaling.scale(dispatcher, name, workers=wish.workers, concurrency=wish.concurrency, by=asking.by)
    return described(dispatcher, name)


@routes.delete("/endpoints/{name}/scale")
def unscale(name: str, dispatcher: Served, asking: Administrator) -> api.Endpoint:
    """Wish nothing: each worker service does what its own settings say."""
    scaling.unscale(dispatcher, name, by=asking.by)
    return described(dispatcher, name)


@routes.post("/endpoints/{name}/test", status_code=202)
def test(name: str, dispatcher: Served, asking: Operator) -> api.Job:
    """Have a worker find out whether the AOS can be reached."""
    return job_described(dispatcher, dispatcher.test(name, by=asking.by).id)


@routes.post("/endpoints/{name}/survey", status_code=202)
def survey(name: str, dispatcher: Served, asking: Operator) -> api.Job:
    """Have a worker read the endpoint's contracts anew."""
    return job_described(dispatcher, dispatcher.survey(name, by=asking.by).id)


@routes.get("/endpoints/{name}/metadata")
def metadata(name: str, dispatcher: Served, _: Viewer) -> dict[str, Any]:
    """What the last survey read of the endpoint's contracts, and when; a 503 where none has been made yet."""
    with dispatcher.ledger.read() as db:
        endpoint = endpoints.get(db, name)
        found = endpoints.metadata(db, endpoint.key)
    if found is None:
        raise no_metadata(endpoint)
    surveyed_at = None if endpoint.surveyed_at is None else moment(endpoint.surveyed_at)
    return found.model_dump(mode="json") | {"surveyed_at": surveyed_at}


def described(dispatcher: Dispatcher, name: str) -> api.Endpoint:
    """One endpoint. Raises NotFound."""
    with dispatcher.ledger.read() as db:
        return _object(dispatcher, db, endpoints.get(db, name), snapshots.work_of(db))


def _object(dispatcher: Dispatcher, db: Database, endpoint: endpoints.Endpoint, work: Mapping[str, api.Work]) -> api.Endpoint:
    unfinished = jobs.unfinished(db, endpoint=endpoint.key)
    workers = endpoints.workers_of(db, endpoint.key)
    outage = outages.of(dispatcher, db, endpoint.key)
    return endpoint_object(
        endpoint,
        workers=workers,
        services=crews.of_endpoint(db, endpoint.key),
        scale=crews.wish(db, endpoint.key),
        unfinished=len(unfinished),
        work=work.get(endpoint.key, snapshots.IDLE),
        outage=outage,
        sealing=sealing_object(db, endpoint.key),
        loads=marks.to_reconcile(db, endpoint.key, endpoint.mark) if endpoint.mark and endpoint.mark.changed else (),
    )
