"""What a machine says of itself when it asks to be registered, and what that would mean here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connector.errors import Conflict
from connector.ledger import Database, endpoints, machines, trust
from connector.wire import routes
from connector.wire.keys import KeyUnreadable, Public

_SCHEMES: Final = {"http", "https", "net.tcp"}


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("one line of printable characters")
    return text


def _key(text: str) -> str:
    try:
        return Public.of_text(text).text
    except KeyUnreadable as error:
        raise ValueError(str(error)) from error


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in _SCHEMES or not parts.hostname or parts.username is not None:
        raise ValueError("an address is http://, https:// or net.tcp://, without a login")
    return _printable(text)


def _name(text: str) -> str:
    if text and not routes.ENDPOINT_NAME.fullmatch(text):
        raise ValueError("an endpoint's name has up to 40 letters, digits, - and _")
    return text


Address = Annotated[str, Field(max_length=400), AfterValidator(_address)]
Word = Annotated[str, Field(max_length=200), AfterValidator(_printable)]
Told = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]


class Asked(BaseModel):
    """What a machine says of itself. None of it is proved: that is what the administrator looks at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    machine: Told
    """the name of the computer that the worker runs on"""
    service_host: Told
    """the computer of the AOS"""
    aos_instance: Told = "1"
    """its number or name on that computer"""
    endpoint: Annotated[str, AfterValidator(_name)] = ""
    """what it would like to be called; "": what it was called before, or after its host"""
    addresses: Annotated[
        list[Annotated[str, Field(max_length=400), AfterValidator(_address)]], Field(min_length=1, max_length=50)
    ]
    companies: Annotated[list[Annotated[str, Field(pattern=r"^\w{1,4}$")]], Field(max_length=500)] = []
    partition: Word = ""
    account: Word = ""
    version: Word = ""
    key: Annotated[str, Field(max_length=200), AfterValidator(_key)]
    """the machine's public key"""

    @property
    def public(self) -> Public:
        """The machine's public key."""
        return Public.of_text(self.key)


class Means(StrEnum):
    """What a registration would be."""

    NEW = "a new endpoint"
    JOINS = "the first machine of an endpoint that is known"
    AGAIN = "this machine once more, with the key that is known"
    FURTHER = "a further machine of the endpoint, with a key of its own"
    REPLACES = "a new key for a machine that is known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a registration would be in this ledger."""

    means: Means
    name: str
    """of the endpoint"""
    endpoint: endpoints.Endpoint | None
    """as it is now; None: there is none"""
    replaces: trust.MachineKey | None = None
    """the key that would be trusted no more"""
    replaced_heard_at: float | None = None
    """when that one last proved itself"""


def meaning(db: Database, asked: Asked) -> Meaning:
    """What it would mean to approve this. Raises Conflict where the name is another AOS instance's."""
    known = machines.every(db)
    name = asked.endpoint or _known_as(db, known, asked) or _named_after(asked)
    endpoint = next((each for each in endpoints.every(db) if each.key == name.lower()), None)
    if endpoint is None:
        return Meaning(means=Means.NEW, name=name, endpoint=None)
    trusted = [key for key in trust.machines(db, endpoint.key) if key.revoked_at is None]
    _check_same_aos(asked, endpoint, [each for each in known if each.endpoint == endpoint.key and each.service_host])
    if any(key.fingerprint == asked.public.fingerprint for key in trusted):
        return Meaning(means=Means.AGAIN, name=endpoint.name, endpoint=endpoint)
    same = next((key for key in reversed(trusted) if key.machine.casefold() == asked.machine.casefold()), None)
    if same is not None:
        heard_at = trust.last_heard(db, endpoint.key, same.fingerprint)
        return Meaning(means=Means.REPLACES, name=endpoint.name, endpoint=endpoint, replaces=same, replaced_heard_at=heard_at)
    return Meaning(means=Means.FURTHER if trusted else Means.JOINS, name=endpoint.name, endpoint=endpoint)


def _known_as(db: Database, known: Sequence[machines.Machine], asked: Asked) -> str | None:
    """The name of the endpoint as which this AOS instance was registered before."""
    mine = {each.endpoint for each in known if _same_aos(each, asked)}
    return next((each.name for each in endpoints.every(db) if each.key in mine), None)


def _named_after(asked: Asked) -> str:
    """AOSPROD01, of further instances on that computer AOSPROD01-2. An address is no name: it is not cut."""
    host = asked.service_host if _is_address(asked.service_host) else asked.service_host.partition(".")[0].upper()
    name = host if asked.aos_instance == "1" else f"{host}-{asked.aos_instance}"
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)[:40]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _check_same_aos(asked: Asked, endpoint: endpoints.Endpoint, known: Sequence[machines.Machine]) -> None:
    other = next((each for each in known if not _same_aos(each, asked)), None)
    if other is not None:
        raise Conflict(
            f"the endpoint {endpoint.name} is the AOS instance {other.aos_instance} on {other.service_host}.",
            advice="Register under another name: rapidstart-worker register --endpoint NAME",
        )


def _same_aos(known: machines.Machine, asked: Asked) -> bool:
    return known.aos_instance.casefold() == asked.aos_instance.casefold() and _same_host(known.service_host, asked.service_host)


def _same_host(one: str, other: str) -> bool:
    """Whether two names of a computer are the same one's: a short one stands for a full one."""
    first, second = one.casefold().rstrip("."), other.casefold().rstrip(".")
    is_short = "." not in first or "." not in second
    return first == second or (is_short and first.partition(".")[0] == second.partition(".")[0] and bool(first))
