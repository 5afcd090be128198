"""The way from a machine's first word to its credentials (RFC 8628): it asks, an administrator decides, it fetches, once.

What was proved by nobody is shown to the administrator and believed by nothing. Codes are known by their digests, end after a
quarter of an hour, and are worth nothing a second time.
"""

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from connector.access import scope, secret
from connector.access.principal import Principal
from connector.dispatch import Dispatcher, registering
from connector.enrolment import codes, logins, tickets
from connector.enrolment.asked import Asked, Meaning, Means, meaning
from connector.errors import Conflict, NotFound, TooOften
from connector.ledger import Database, activations, audit, endpoints, machines, trust
from connector.ledger.activations import Activation, State

#: So long a code is good for, in seconds.
LIFE_S: Final = 15 * 60.0
#: So long a machine waits between two questions, in seconds; one that asks sooner waits this much longer (RFC 8628, 3.5).
INTERVAL_S: Final = 5.0
#: More registrations than this do not wait at once.
_MOST_PENDING: Final = 200
#: A question that comes this much too soon is not held against a machine, in seconds.
_EARLY_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A registration that was begun: its codes, told this once."""

    device_code: str = field(repr=False)
    user_code: str
    endpoint: str
    """what the endpoint would be called"""
    means: Means
    is_approved: bool
    """a one-time token stood for the administrator"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A registration that waits for an administrator, and what it would mean."""

    user_code: str
    activation: Activation
    asked: Asked
    meaning: Meaning


class Word(StrEnum):
    """Why a machine is given nothing yet, or ever, as OAuth says it."""

    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    EXPIRED = "expired_token"
    DENIED = "access_denied"
    UNKNOWN = "invalid_grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a machine is given, once."""

    endpoint: str
    service_instance: str
    letter: str = field(repr=False)
    """its login, sealed for the key that it named: it must hold that key"""
    dispatcher_key: str
    trouble: str
    """why its login does not work yet; "": it does"""


def begin(dispatcher: Dispatcher, asked: Asked, *, address: str, token: str = "") -> Begun:
    """Take in a registration. With a one-time token it is approved at once, unless it needs a person's eye.

    Raises Conflict where it cannot be, NotSignedIn for a token that is worth nothing, TooOften where too many wait.
    """
    logins.check_key(dispatcher)
    now = time.time()
    device_code, user_code = secret.new(), codes.new_user_code()
    activation = Activation(
        code=codes.digest(user_code),
        device=secret.digest(device_code),
        asked=asked.model_dump_json(),
        address=address,
        made_at=now,
        expires_at=now + LIFE_S,
        interval_s=INTERVAL_S,
    )
    with dispatcher.ledger.write() as db:
        if activations.pending(db, now=now) >= _MOST_PENDING:
            raise TooOften("too many registrations wait for an administrator.", advice="Wait a quarter of an hour.")
        found = meaning(db, asked)
        ticket = tickets.look(db, token, now=now) if token else None
        suffices = ticket is not None and ticket.suffices(found)
        activations.add(db, activation)
        if ticket is not None and suffices:
            tickets.use_up(db, ticket)
    if ticket is not None and suffices:
        _approve(dispatcher, activation, asked, found, service_instance=ticket.service_instance, by=f"{ticket.by}@{address}")
    return Begun(
        device_code=device_code, user_code=user_code, endpoint=found.name, means=found.means, is_approved=suffices
    )  # fmt: skip


def look(dispatcher: Dispatcher, user_code: str, *, asking: Principal) -> Pending:
    """The registration of a short code. Raises NotFound for one that is wrong, expired or used, Conflict where it cannot be."""
    with dispatcher.ledger.read() as db:
        found = activations.by_code(db, codes.digest(user_code))
        if found is None or found.expires_at <= time.time() or found.state is not State.PENDING:
            raise NotFound("this code is wrong, expired or used.", advice="See the worker's screen, or register again.")
        asked = Asked.model_validate_json(found.asked)
        told = meaning(db, asked)
        if told.endpoint is not None:
            scope.check_endpoint(db, asking, told.endpoint.key)
    return Pending(user_code=user_code, activation=found, asked=asked, meaning=told)


def approve(dispatcher: Dispatcher, user_code: str, *, service_instance: str, replaces: str, asking: Principal) -> str:
    """Let the machine of a short code be one of its endpoint's; the endpoint's name. It is added, or updated.

    `replaces` is the fingerprint of the key that will be trusted no more, "" where there is none: it must be named. Raises
    as `look` does, NotAllowed for a service instance that one does not see, and Conflict.
    """
    scope.check_instance(asking, service_instance)
    found = look(dispatcher, user_code, asking=asking)
    known = found.meaning.replaces
    if replaces != (known.fingerprint if known else ""):
        what = f"replaces the key {known.fingerprint} of {known.machine}" if known else "replaces no key"
        raise Conflict(f"this registration {what}.", advice="Look at it again, and compare the fingerprints.")
    return _approve(dispatcher, found.activation, found.asked, found.meaning, service_instance=service_instance, by=asking.by)


def deny(dispatcher: Dispatcher, user_code: str, *, asking: Principal) -> None:
    """Give the machine of a short code nothing. Raises as `look` does."""
    found = look(dispatcher, user_code, asking=asking)
    with dispatcher.ledger.write() as db:
        _move(db, found.activation, State.DENIED, by=asking.by)
        told = {"machine": found.asked.machine, "address": found.activation.address}
        audit.note(db, "activation deny", by=asking.by, subject=found.meaning.name.lower(), at=time.time(), details=told)


def collect(dispatcher: Dispatcher, device_code: str, *, broker_url: str) -> Granted | Word:
    """What a machine is given that asks with its long code: its credentials, once, or the word that says why not."""
    now = time.time()
    with dispatcher.ledger.write() as db:
        found = activations.by_device(db, secret.digest(device_code))
        if found is None or found.state is State.DONE:
            return Word.UNKNOWN
        if found.expires_at <= now:
            return Word.EXPIRED
        if found.state is State.DENIED:
            return Word.DENIED
        if found.state is State.PENDING:
            return _patience(db, found, now)
        granted = _grant(dispatcher, db, found, broker_url)
    trouble = logins.apply_now(dispatcher) or logins.unreachable(broker_url, address=found.address)
    return Granted(
        endpoint=granted.endpoint,
        service_instance=granted.service_instance,
        letter=granted.letter,
        dispatcher_key=granted.dispatcher_key,
        trouble=trouble,
    )


def _patience(db: Database, found: Activation, now: float) -> Word:
    if now - found.polled_at < found.interval_s - _EARLY_S:
        activations.polled(db, found, at=now, interval_s=found.interval_s + INTERVAL_S)
        return Word.SLOW_DOWN
    activations.polled(db, found, at=now, interval_s=found.interval_s)
    return Word.PENDING


def _grant(dispatcher: Dispatcher, db: Database, found: Activation, broker_url: str) -> Granted:
    """A new login for the machine. The one before counts beside it for a while, see `logins.end_changes`."""
    asked = Asked.model_validate_json(found.asked)
    machine = machines.find(db, found.endpoint, asked.public.fingerprint)
    if machine is None or not activations.move(db, found, State.DONE):
        raise Conflict("the registration was withdrawn.", advice="Register again: rapidstart-worker register")
    password, digest = logins.new_password()
    machine = machines.renew(db, machine, password=digest, at=time.time())
    return Granted(
        endpoint=endpoints.get(db, found.endpoint).name,
        service_instance=found.service_instance,
        letter=logins.letter(dispatcher, machine, reader=asked.public, password=password, broker_url=broker_url),
        dispatcher_key=logins.check_key(dispatcher),
        trouble="",
    )


def _approve(
    dispatcher: Dispatcher, activation: Activation, asked: Asked, found: Meaning, *, service_instance: str, by: str
) -> str:
    """Add or update the endpoint, and trust the machine's key from now on."""
    _establish(dispatcher, asked, found, service_instance, by=by)
    key, now = found.name.lower(), time.time()
    with dispatcher.ledger.write() as db:
        _move(db, activation, State.APPROVED, endpoint=key, service_instance=service_instance, by=by)
        if found.replaces is not None:
            logins.end(db, key, found.replaces.fingerprint, at=now)
        trust.admit(db, key, asked.public, machine=asked.machine, at=now)
        before = machines.find(db, key, asked.public.fingerprint)
        machines.keep(db, _machine(asked, key, activation.address, now, before))
        told = {"machine": asked.machine, "fingerprint": asked.public.fingerprint, "means": found.means}
        replaced = {"replaces": found.replaces.fingerprint} if found.replaces else {}
        audit.note(db, "activation approve", by=by, subject=key, at=now, details=told | replaced)
    if found.replaces is not None:
        logins.apply_now(dispatcher)
    return found.name


def _move(db: Database, activation: Activation, state: State, *, endpoint: str = "", service_instance: str = "", by: str) -> None:
    if not activations.move(db, activation, state, endpoint=endpoint, service_instance=service_instance, by=by):
        raise Conflict("somebody else has decided already.", advice="See the endpoint: rapidstart endpoint list")


def _establish(dispatcher: Dispatcher, asked: Asked, found: Meaning, service_instance: str, *, by: str) -> None:
    """Have the endpoint be what the machine says of it. What it does not say stays as it was."""
    addresses, companies = tuple(asked.addresses), tuple(asked.companies)
    now = found.endpoint
    if now is None:
        dispatcher.add_endpoint(
            name=found.name,
            addresses=addresses,
            companies=companies,
            partition=asked.partition or None,
            contract=None,
            service_instance=service_instance,
            by=by,
        )
        return
    wanted = registering.Change(
        addresses=addresses if addresses != now.addresses else None,
        companies=companies if companies and companies != now.companies else None,
        partition=asked.partition if asked.partition and asked.partition != now.partition else None,
        service_instance=service_instance if service_instance != now.service_instance else None,
    )
    if wanted.given():
        registering.change(dispatcher, now.name, wanted, by=by)


def _machine(asked: Asked, endpoint: str, address: str, now: float, before: machines.Machine | None) -> machines.Machine:
    fingerprint = asked.public.fingerprint
    return machines.Machine(
        endpoint=endpoint,
        fingerprint=fingerprint,
        login=logins.login_of(endpoint, fingerprint),
        password=before.password if before else None,
        previous=before.previous if before else None,
        turn=before.turn if before else 0,
        changed_at=before.changed_at if before else 0.0,
        service_host=asked.service_host,
        aos_instance=asked.aos_instance,
        account=asked.account,
        address=address,
        version=asked.version,
        registered_at=now,
    )
