"""One-time tokens by which a script registers a machine without an administrator: made beforehand, for an hour, for one use.

A token that names no endpoint makes new ones, and gives machines that are known their credentials anew; it never puts another
key beside or in the place of one that is trusted. For a further machine the token must name its endpoint. A key that is
replaced needs a person, whatever the token says.
"""

import time
from dataclasses import dataclass
from typing import Final

from connector.access import scope, secret
from connector.access.principal import Principal
from connector.access.tokens import Made
from connector.enrolment.asked import Meaning, Means
from connector.errors import NotFound, NotSignedIn
from connector.ledger import Database, Ledger, audit, credentials, endpoints
from connector.ledger.credentials import Credential, Kind
from connector.rights import Role

#: So long a token is good for, in seconds.
LIFE_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A one-time token, looked at and not used up yet."""

    key: str
    service_instance: str
    endpoint: str
    """the key of the endpoint that it is for; "": of none that is known"""
    by: str
    """who made it"""

    def suffices(self, found: Meaning) -> bool:
        """Whether a registration that means this needs no person."""
        if self.endpoint:
            return found.name.lower() == self.endpoint and found.means is not Means.REPLACES
        known = found.endpoint
        return found.means is Means.NEW or (
            found.means is Means.AGAIN and known is not None and known.service_instance == self.service_instance
        )


def create(ledger: Ledger, *, service_instance: str, endpoint: str, maker: Principal) -> Made:
    """Make a token. Raises NotAllowed for a service instance that the maker does not see, NotFound for such an endpoint."""
    scope.check_instance(maker, service_instance)
    now, text = time.time(), secret.new()
    with ledger.write() as db:
        if endpoint:
            scope.check_endpoint(db, maker, endpoint)
            endpoint = endpoints.get(db, endpoint).key
        made = Credential(
            key=f"registration:{secret.handle()}",
            kind=Kind.REGISTRATION,
            digest=secret.digest(text),
            name=maker.name,
            role=Role.VIEWER,  # it opens nothing but a registration
            service_instances=(service_instance,),
            made_at=now,
            made_by=maker.name,
            expires_at=now + LIFE_S,
            details={"endpoint": endpoint},
        )
        credentials.clean(db, now=now)
        credentials.add(db, made)
        told = {"service instance": service_instance, "endpoint": endpoint}
        audit.note(db, "registration-token create", by=maker.by, subject=made.key, at=now, details=told)
    return Made(credential=made, secret=text)


def outstanding(ledger: Ledger, *, asking: Principal) -> list[Credential]:
    """The tokens that are still good, without their secrets: those that reach no further than who asks."""
    now = time.time()
    with ledger.read() as db:
        found = credentials.registrations(db)
    return [each for each in found if (each.expires_at or 0.0) > now and asking.covers(each.service_instances)]


def revoke(ledger: Ledger, key: str, *, asking: Principal) -> None:
    """Make a token worthless, at once. Raises NotFound."""
    with ledger.write() as db:
        found = credentials.by_key(db, key)
        if found is None or found.kind is not Kind.REGISTRATION or not asking.covers(found.service_instances):
            raise NotFound("there is no such token.", advice="See: rapidstart registration-token list")
        credentials.remove(db, key)
        audit.note(db, "registration-token revoke", by=asking.by, subject=key, at=time.time())


def look(db: Database, text: str, *, now: float) -> Ticket:
    """The token of this secret. Raises NotSignedIn for one that is unknown, used or expired."""
    found = credentials.by_digest(db, secret.digest(text))
    if found is None or found.kind is not Kind.REGISTRATION or (found.expires_at or 0.0) <= now:
        raise _worthless()
    instance = (found.service_instances or ("",))[0]
    return Ticket(key=found.key, service_instance=instance, endpoint=found.details.get("endpoint", ""), by=found.name)


def use_up(db: Database, ticket: Ticket) -> None:
    """It is good for nothing any more. Raises NotSignedIn where somebody was faster."""
    if not credentials.remove(db, ticket.key):
        raise _worthless()


def _worthless() -> NotSignedIn:
    return NotSignedIn(
        "the registration token is unknown, used or expired.", advice="Make a new one: rapidstart registration-token create"
    )
