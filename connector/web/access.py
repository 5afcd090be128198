"""`/whoami`, `/tokens` and `/people`: who asks, the API tokens of programs, and who may sign in."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from connector import rights
from connector.access import people, tokens
from connector.ledger import credentials
from connector.ledger import people as kept
from connector.web import paging
from connector.web.objects import moment
from connector.web.served import PublicUrl, Served
from connector.web.who import Administrator, Viewer

routes = APIRouter()

#: Names of service instances; null stands for all of them, and nobody can be given none.
Instances = Annotated[list[Annotated[str, Field(min_length=1, max_length=60)]], Field(min_length=1, max_length=100)]


class WantedToken(BaseModel):
    """A token that is to be made. `days` null: it never expires."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=60)]
    role: rights.Role
    service_instances: Instances | None = None
    days: Annotated[float | None, Field(gt=0, le=3660, allow_inf_nan=False)] = None


@routes.get("/whoami")
def whoami(asking: Viewer) -> rights.Identity:
    """Who asks, as it was proved."""
    return rights.Identity(name=asking.name, role=asking.role, service_instances=_list(asking.service_instances))


@routes.get("/tokens")
def listing(
    dispatcher: Served, asking: Administrator, limit: paging.Limit = 1000, cursor: paging.After = None
) -> rights.TokenPage:
    """Tokens, by name, without their secrets: those that reach no further than who asks."""
    with dispatcher.ledger.read() as db:
        found = [each for each in credentials.tokens(db) if asking.covers(each.service_instances)]
    shown, following = paging.page(found, key=lambda each: each.key, after=cursor, limit=limit)
    return {"items": [_token(each) for each in shown], "next": following}


@routes.post("/tokens", status_code=201)
def create(wanted: WantedToken, dispatcher: Served, asking: Administrator) -> rights.NewToken:
    """Make a token for a program. Its secret is told this once."""
    made = tokens.create(
        dispatcher.ledger,
        wanted.name,
        role=wanted.role,
        service_instances=wanted.service_instances,
        days=wanted.days,
        maker=asking,
    )
    return {"token": _token(made.credential), "secret": made.secret}


@routes.delete("/tokens/{token}", status_code=204)
def revoke(token: str, dispatcher: Served, asking: Administrator) -> None:
    """Make a token worthless, at once."""
    tokens.revoke(dispatcher.ledger, token, maker=asking)


class WantedLink(BaseModel):
    """A one-time link for a person. What is null stays as it is of somebody who is known."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=60)]
    role: rights.Role | None = None
    service_instances: Instances | None = None


@routes.get("/people")
def persons(
    dispatcher: Served, asking: Administrator, limit: paging.Limit = 1000, cursor: paging.After = None
) -> rights.PersonPage:
    """Who may sign in, by name: those who reach no further than who asks."""
    with dispatcher.ledger.read() as db:
        found = [each for each in kept.every(db) if asking.covers(each.service_instances)]
    shown, following = paging.page(found, key=lambda each: each.key, after=cursor, limit=limit)
    return {"items": [_person(each) for each in shown], "next": following}


@routes.post("/people", status_code=201)
def link(wanted: WantedLink, dispatcher: Served, asking: Administrator, public_url: PublicUrl) -> rights.SigninLink:
    """Make a link that signs a person in, once, within the hour. They may set a password by it."""
    made = people.link(dispatcher.ledger, wanted.name, role=wanted.role, service_instances=wanted.service_instances, maker=asking)
    found = made.credential
    return rights.SigninLink(
        name=found.name,
        role=found.role,
        url=f"{public_url}/signin/link/{made.secret}",
        expires_at=moment(found.expires_at or 0.0),
    )


@routes.delete("/people/{person}", status_code=204)
def forget(person: str, dispatcher: Served, asking: Administrator) -> None:
    """Let somebody sign in no more, and end their sessions, at once."""
    people.remove(dispatcher.ledger, person, maker=asking)


def _person(found: kept.Person) -> rights.Person:
    return rights.Person(
        name=found.name,
        role=found.role,
        service_instances=_list(found.service_instances),
        has_password=found.has_password,
        made_at=moment(found.made_at),
        signed_in_at=None if found.signed_in_at is None else moment(found.signed_in_at),
    )


def _token(found: credentials.Credential) -> rights.Token:
    return rights.Token(
        key=found.key,
        kind=found.kind,
        name=found.name,
        role=found.role,
        service_instances=_list(found.service_instances),
        made_at=moment(found.made_at),
        made_by=found.made_by,
        expires_at=None if found.expires_at is None else moment(found.expires_at),
        used_at=None if found.used_at is None else moment(found.used_at),
    )


def _list(instances: tuple[str, ...] | None) -> list[str] | None:
    return None if instances is None else list(instances)
