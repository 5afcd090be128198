"""What proves who somebody is: API tokens, sessions, one-time links and sign-ins under way, each known by its digest alone.

The secret itself is never stored. It is random and of 256 bits, so a plain SHA-256 of it is enough: there is nothing to guess,
and a digest that is slow to make would only make every request slow.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import sqlalchemy as sa

from connector.errors import Conflict, NotFound
from connector.ledger.schema import Words, metadata
from connector.ledger.store import Database
from connector.rights import Role

credentials = sa.Table(
    "credentials",
    metadata,
    sa.Column("key", Words, primary_key=True),
    sa.Column("kind", Words, nullable=False),
    sa.Column("digest", Words, nullable=False, unique=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("role", Words, nullable=False),
    sa.Column("service_instances", Words),
    sa.Column("made_at", sa.Float, nullable=False),
    sa.Column("made_by", Words, nullable=False),
    sa.Column("expires_at", sa.Float),
    sa.Column("used_at", sa.Float),
    sa.Column("details", Words, nullable=False),
)


class Kind(StrEnum):
    """What a secret is good for."""

    TOKEN = "token"  # noqa: S105 - a word, no secret
    """of a program, until it is revoked or expires"""
    LOCAL = "local"
    """of this computer's user, by a file in the dispatcher's home"""
    SESSION = "session"
    """of a person's browser"""
    LINK = "link"
    """opens one session for a named person, once"""
    SIGN_IN = "sign-in"
    """of a sign-in that was begun at an identity provider"""
    REGISTRATION = "registration"
    """lets one machine be registered without an administrator, once"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One secret, without the secret. `service_instances` None: all of them. Times are seconds since 1970."""

    key: str
    """its handle: of a token the name in lower case"""
    kind: Kind
    digest: str
    name: str
    """whose it is"""
    role: Role
    service_instances: tuple[str, ...] | None = None
    made_at: float
    made_by: str = ""
    expires_at: float | None = None
    used_at: float | None = None
    details: Mapping[str, str] = field(default_factory=dict)


def add(db: Database, credential: Credential) -> None:
    """Keep a credential. Raises Conflict where there is one of this handle."""
    if db.execute(sa.select(credentials.c.key).where(credentials.c.key == credential.key)).first():
        raise Conflict(
            f"there is a {credential.kind} named {credential.name} already.",
            advice=f"Choose another name, or revoke it: rapidstart token revoke {credential.name}",
        )
    db.execute(
        sa.insert(credentials).values(
            key=credential.key,
            kind=credential.kind,
            digest=credential.digest,
            name=credential.name,
            role=credential.role,
            service_instances=instances_text(credential.service_instances),
            made_at=credential.made_at,
            made_by=credential.made_by,
            expires_at=credential.expires_at,
            used_at=credential.used_at,
            details=json.dumps(dict(credential.details)),
        )
    )


def by_digest(db: Database, digest: str) -> Credential | None:
    """The credential of a secret, whether it has expired or not."""
    row = db.execute(sa.select(credentials).where(credentials.c.digest == digest)).mappings().first()
    return _credential(row) if row else None


def by_key(db: Database, key: str) -> Credential | None:
    """The credential of this handle."""
    row = db.execute(sa.select(credentials).where(credentials.c.key == key)).mappings().first()
    return _credential(row) if row else None


def tokens(db: Database) -> list[Credential]:
    """The tokens of programs and of computers, by name."""
    query = sa.select(credentials).where(credentials.c.kind.in_((Kind.TOKEN, Kind.LOCAL))).order_by(credentials.c.key)
    return [_credential(row) for row in db.execute(query).mappings()]


def registrations(db: Database) -> list[Credential]:
    """One-time tokens by which machines are registered, the oldest first."""
    query = sa.select(credentials).where(credentials.c.kind == Kind.REGISTRATION).order_by(credentials.c.made_at)
    return [_credential(row) for row in db.execute(query).mappings()]


def used(db: Database, key: str, *, at: float) -> None:
    """Note that a credential was used."""
    db.execute(sa.update(credentials).where(credentials.c.key == key).values(used_at=at))


def remove(db: Database, key: str) -> bool:
    """Forget a credential; from now on its secret is worth nothing. False where there was none: somebody was faster."""
    return bool(db.execute(sa.delete(credentials).where(credentials.c.key == key)).rowcount)


def revoke_token(db: Database, name: str) -> Credential:
    """Forget a token by its name or handle, in any case of letters. Raises NotFound."""
    found = by_key(db, name.lower())
    if found is None or found.kind not in {Kind.TOKEN, Kind.LOCAL}:
        raise NotFound(f"no token is named {name}.", advice="See: rapidstart token list")
    remove(db, found.key)
    return found


def end_of_person(db: Database, name: str) -> None:
    """End all sessions of a person, and the links that were made for them."""
    theirs = sa.func.lower(credentials.c.name) == name.lower()
    db.execute(sa.delete(credentials).where(theirs, credentials.c.kind.in_((Kind.SESSION, Kind.LINK))))


def clean(db: Database, *, now: float) -> None:
    """Forget sessions, links and sign-ins that have expired. Tokens stay in the list, so that people see why one fails."""
    gone = credentials.c.kind.in_((Kind.SESSION, Kind.LINK, Kind.SIGN_IN, Kind.REGISTRATION)) & (credentials.c.expires_at <= now)
    db.execute(sa.delete(credentials).where(gone))


def instances_text(instances: tuple[str, ...] | None) -> str | None:
    """Service instances as the ledger keeps them."""
    return None if instances is None else json.dumps(instances)


def instances_of(text: str | None) -> tuple[str, ...] | None:
    """Service instances from how the ledger keeps them."""
    return None if text is None else tuple(json.loads(text))


def _credential(row: sa.RowMapping) -> Credential:
    values = dict(row)
    values["kind"], values["role"] = Kind(values["kind"]), Role(values["role"])
    values["service_instances"] = instances_of(values["service_instances"])
    values["details"] = json.loads(values["details"])
    return Credential(**values)
