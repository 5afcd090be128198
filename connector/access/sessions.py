"""Sessions of people's browsers. They are records of the ledger, so that signing out, or removing a person, works at once."""

import time
from typing import Final

from connector.access import secret, tokens
from connector.access.principal import Principal
from connector.errors import NotSignedIn
from connector.ledger import Database, Ledger, credentials
from connector.ledger.credentials import Credential, Kind
from connector.ledger.people import Person

#: A session that was not used for so long has ended, in seconds.
IDLE_S: Final = 2 * 3600.0

#: A session ends after so long, however much it is used, in seconds: a working day.
LONGEST_S: Final = 12 * 3600.0


def begin(db: Database, person: Person, *, now: float) -> str:
    """Begin a session of a person; its secret, for the browser's cookie."""
    text = secret.new()
    made = Credential(
        key=f"session:{secret.handle()}",
        kind=Kind.SESSION,
        digest=secret.digest(text),
        name=person.name,
        role=person.role,
        service_instances=person.service_instances,
        made_at=now,
        expires_at=now + LONGEST_S,
        used_at=now,
    )
    credentials.clean(db, now=now)
    credentials.add(db, made)
    return text


def principal(ledger: Ledger, text: str, *, address: str, in_use: bool = True) -> Principal:
    """Whose session this is; it lives on by being `in_use`. Raises NotSignedIn for one that has ended."""
    now = time.time()
    with ledger.read() as db:
        found = credentials.by_digest(db, secret.digest(text))
    if found is None or found.kind is not Kind.SESSION or not _lives(found, now):
        raise NotSignedIn("the session has ended.", advice="Sign in again.")
    if in_use:
        tokens.note_use(ledger, found, at=now)
    return Principal(
        name=found.name,
        role=found.role,
        service_instances=found.service_instances,
        key=found.key,
        address=address,
        by_cookie=True,
    )


def end(ledger: Ledger, text: str) -> None:
    """End a session; harmless where there is none."""
    with ledger.write() as db:
        found = credentials.by_digest(db, secret.digest(text))
        if found is not None and found.kind is Kind.SESSION:
            credentials.remove(db, found.key)


def _lives(session: Credential, now: float) -> bool:
    return now < (session.expires_at or 0.0) and now - (session.used_at or session.made_at) < IDLE_S
