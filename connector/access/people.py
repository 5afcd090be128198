"""People: they come in by a one-time link that an administrator made, and from then on by their password."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from connector.access import passwords, secret, sessions, tokens
from connector.access.principal import Principal
from connector.access.tokens import Made
from connector.errors import NotAllowed, NotSignedIn, Refused
from connector.ledger import Database, Ledger, audit, credentials
from connector.ledger import people as kept
from connector.ledger.credentials import Credential, Kind
from connector.ledger.people import Person
from connector.rights import Role

#: So long a one-time link is good for, in seconds.
LINK_S: Final = 3600.0

#: Who the first link is for, which the dispatcher itself makes.
FIRST: Final = "administrator"


def link(ledger: Ledger, name: str, *, role: Role | None, service_instances: Sequence[str] | None, maker: Principal) -> Made:
    """Make a link that signs a person in, once. What is not said of somebody who is known stays as it is.

    Raises Refused for a stranger without a role, NotAllowed where it reaches further than the maker.
    """
    tokens.check_name(name)
    now = time.time()
    with ledger.write() as db:
        known = kept.find(db, name)
        instances = tuple(service_instances) if service_instances else known.service_instances if known else None
        if role is None and known is None:
            raise Refused(f"{name} is not known yet.", advice="Say what they may do: --role administrator, operator or viewer")
        if not maker.covers(instances) or (known and not maker.covers(known.service_instances)):
            raise NotAllowed("you cannot give away more than you have.", advice="Name service instances of yours: whoami")
        wanted = Person(
            key=name.lower(),
            name=known.name if known else name,
            role=role or _role(known),
            service_instances=instances,
            made_at=now,
        )
        made = _link(db, wanted, by=maker.name, now=now)
        told = {"role": wanted.role, "service instances": instances}
        audit.note(db, "person link", by=maker.by, subject=wanted.name, at=now, details=told)
    return made


def first_link(ledger: Ledger) -> str | None:
    """The secret of a link for the first administrator, valid for an hour; None where somebody can sign in already."""
    now = time.time()
    with ledger.write() as db:
        if kept.every(db):
            return None
        credentials.end_of_person(db, FIRST)
        first = Person(key=FIRST, name=FIRST, role=Role.ADMINISTRATOR, made_at=now)
        return _link(db, first, by="the dispatcher", now=now).secret


def look(ledger: Ledger, text: str) -> Credential:
    """What a link is for, without using it up. Raises NotSignedIn for one that was used, has expired, or never was."""
    with ledger.read() as db:
        return _living(db, text, now=time.time())


def open_link(ledger: Ledger, text: str, *, password: str, address: str) -> str:
    """Use a link up: its person can sign in from now on, and has a session. Returns the session's secret.

    With a password that is theirs from now on. Raises NotSignedIn, and Refused for a password that will not do.
    """
    now = time.time()
    hashed = passwords.hashed(password) if password else None
    with ledger.write() as db:
        found = _living(db, text, now=now)
        credentials.remove(db, found.key)
        person = Person(
            key=found.name.lower(),
            name=found.name,
            role=found.role,
            service_instances=found.service_instances,
            made_at=now,
            signed_in_at=now,
        )
        kept.put(db, person)
        if hashed:
            kept.set_password(db, person.key, hashed)
        credentials.end_of_person(db, person.name)  # what somebody else may still hold of theirs
        audit.note(db, "person sign in", by=f"{person.name}@{address}", subject=person.name, at=now, details={"by": "link"})
        return sessions.begin(db, person, now=now)


def sign_in(ledger: Ledger, name: str, password: str, *, address: str) -> str:
    """Begin a session by name and password, and return its secret. Raises NotSignedIn, and never says which of both is wrong."""
    with ledger.read() as db:
        hashed, person = kept.password(db, name), kept.find(db, name)
    if not passwords.fits(password, hashed) or person is None:
        raise NotSignedIn("name or password is wrong.", advice="An administrator makes a new link: rapidstart person link NAME")
    return admit(ledger, person, way="password", address=address)


def admit(ledger: Ledger, person: Person, *, way: str, address: str) -> str:
    """Begin a session of somebody who has proved who they are; its secret. Of those who are kept here, the moment is noted."""
    now = time.time()
    with ledger.write() as db:
        if kept.find(db, person.name):
            kept.put(db, replace(person, signed_in_at=now))
        audit.note(db, "person sign in", by=f"{person.name}@{address}", subject=person.name, at=now, details={"by": way})
        return sessions.begin(db, person, now=now)


def remove(ledger: Ledger, name: str, *, maker: Principal) -> None:
    """Forget a person and end their sessions, at once. Raises NotFound, NotAllowed."""
    with ledger.write() as db:
        found = kept.remove(db, name)
        if not maker.covers(found.service_instances):
            raise NotAllowed("you may not remove who sees more than you.", advice="Ask an administrator of all of it.")
        credentials.end_of_person(db, found.name)
        audit.note(db, "person remove", by=maker.by, subject=found.name, at=time.time())


def _link(db: Database, person: Person, *, by: str, now: float) -> Made:
    text = secret.new()
    made = Credential(
        key=f"link:{secret.handle()}",
        kind=Kind.LINK,
        digest=secret.digest(text),
        name=person.name,
        role=person.role,
        service_instances=person.service_instances,
        made_at=now,
        made_by=by,
        expires_at=now + LINK_S,
    )
    credentials.add(db, made)
    return Made(credential=made, secret=text)


def _living(db: Database, text: str, *, now: float) -> Credential:
    found = credentials.by_digest(db, secret.digest(text))
    if found is None or found.kind is not Kind.LINK or now >= (found.expires_at or 0.0):
        raise NotSignedIn(
            "this link was used already, or has expired.", advice="An administrator makes a new one: rapidstart person link NAME"
        )
    return found


def _role(known: Person | None) -> Role:
    return known.role if known else Role.VIEWER
