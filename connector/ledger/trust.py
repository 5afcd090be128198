"""Whose sealed messages count at an endpoint, how far each of their senders has got, and what was refused.

An endpoint that ever had a key is sealed for ever: with all keys revoked nobody can be written to, which is not the same as
an endpoint that never had one.
"""

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from connector.ledger.schema import Count, Words, metadata
from connector.ledger.store import Database
from connector.wire.keys import Public

#: A session that was not heard for so long is forgotten; what is older than a little less is refused instead, in seconds.
SESSION_LIFE_S: Final = 100 * 86400.0

machine_keys = sa.Table(
    "machine_keys",
    metadata,
    sa.Column("endpoint", Words, primary_key=True),
    sa.Column("fingerprint", Words, primary_key=True),
    sa.Column("key", Words, nullable=False),
    sa.Column("machine", Words, nullable=False),
    sa.Column("admitted_at", sa.Float, nullable=False),
    sa.Column("revoked_at", sa.Float),
)
sessions = sa.Table(
    "sessions_heard",
    metadata,
    sa.Column("endpoint", Words, primary_key=True),
    sa.Column("session", Words, primary_key=True),
    sa.Column("fingerprint", Words, nullable=False),
    sa.Column("no", Count, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)
refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("endpoint", Words, primary_key=True),
    sa.Column("at", Words, primary_key=True),
    sa.Column("why", Words, primary_key=True),
    sa.Column("count", Count, nullable=False),
    sa.Column("last_at", sa.Float, nullable=False),
    sa.Column("last", Words, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineKey:
    """The key of a machine of an endpoint."""

    endpoint: str
    fingerprint: str
    key: str
    machine: str
    """the name of its computer"""
    admitted_at: float
    revoked_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Messages that were refused for one reason."""

    at: str
    """where: "dispatcher" (reports) or "worker" (orders and answers)"""
    why: str
    """one word, as `sealing.Why` has them"""
    count: int
    last_at: float
    last: str
    """what was said of the last one"""


_KEYS = sa.select(machine_keys.c.key, machine_keys.c.revoked_at).where(machine_keys.c.endpoint == sa.bindparam("of_endpoint"))
_HEARD = sa.select(sessions.c.no).where(
    sessions.c.endpoint == sa.bindparam("of_endpoint"), sessions.c.session == sa.bindparam("of_session")
)


def admit(db: Database, endpoint: str, key: Public, *, machine: str, at: float) -> None:
    """Trust a machine's key from now on, again where it was revoked. From the first one on the endpoint is sealed."""
    values = {"key": key.text, "machine": machine, "admitted_at": at, "revoked_at": None}
    if not db.execute(sa.update(machine_keys).where(_is(endpoint, key.fingerprint)).values(values)).rowcount:
        named = {"endpoint": endpoint.lower(), "fingerprint": key.fingerprint}
        db.execute(sa.insert(machine_keys).values(named | values))


def revoke(db: Database, endpoint: str, fingerprint: str, *, at: float) -> bool:
    """Trust a key no more: nothing is sealed for it, and what it signs is refused. Whether it was trusted."""
    still = _is(endpoint, fingerprint) & machine_keys.c.revoked_at.is_(None)
    return bool(db.execute(sa.update(machine_keys).where(still).values(revoked_at=at)).rowcount)


def machines(db: Database, endpoint: str) -> list[MachineKey]:
    """Every key that an endpoint ever had, the oldest first."""
    query = sa.select(machine_keys).where(machine_keys.c.endpoint == endpoint.lower()).order_by(machine_keys.c.admitted_at)
    return [MachineKey(**row) for row in db.execute(query).mappings()]


def any_key(db: Database) -> bool:
    """Whether any endpoint is sealed."""
    return db.execute(sa.select(machine_keys.c.endpoint).limit(1)).first() is not None


def readers(db: Database, endpoint: str) -> tuple[Public, ...] | None:
    """The keys that count at an endpoint now; None where it never had one: it is not sealed."""
    found = db.execute(_KEYS, {"of_endpoint": endpoint.lower()}).all()
    return tuple(Public.of_text(row.key) for row in found if row.revoked_at is None) if found else None


def heard(db: Database, endpoint: str, session: str) -> int:
    """The number of the last report of a session; 0 where none was heard, or it is forgotten."""
    return int(db.execute(_HEARD, {"of_endpoint": endpoint.lower(), "of_session": session}).scalar() or 0)


def hear(db: Database, endpoint: str, session: str, *, fingerprint: str, no: int, at: float) -> None:
    """Note how far a session has got."""
    mine = (sessions.c.endpoint == endpoint.lower()) & (sessions.c.session == session)
    values = {"no": no, "at": at, "fingerprint": fingerprint}
    if not db.execute(sa.update(sessions).where(mine).values(values)).rowcount:
        db.execute(sa.insert(sessions).values(endpoint=endpoint.lower(), session=session, **values))


def last_heard(db: Database, endpoint: str, fingerprint: str) -> float | None:
    """When a machine's key was last proved by a report; None where it never was, or that is forgotten."""
    mine = (sessions.c.endpoint == endpoint.lower()) & (sessions.c.fingerprint == fingerprint)
    at: float | None = db.execute(sa.select(sa.func.max(sessions.c.at)).where(mine)).scalar()
    return at


def forget_sessions(db: Database, *, now: float) -> None:
    """Drop sessions that have ended long ago: what is so old is refused without them."""
    db.execute(sa.delete(sessions).where(sessions.c.at < now - SESSION_LIFE_S))


def refuse(db: Database, endpoint: str, *, where: str, why: str, told: str, at: float) -> None:
    """Count a message that was refused."""
    mine = (refusals.c.endpoint == endpoint.lower()) & (refusals.c.at == where) & (refusals.c.why == why)
    values = {"count": refusals.c.count + 1, "last_at": at, "last": told}
    if not db.execute(sa.update(refusals).where(mine).values(values)).rowcount:
        named = {"endpoint": endpoint.lower(), "at": where, "why": why}
        db.execute(sa.insert(refusals).values(named | values | {"count": 1}))


def refused(db: Database, endpoint: str) -> list[Refusal]:
    """What was refused at an endpoint, by where and why."""
    query = sa.select(refusals).where(refusals.c.endpoint == endpoint.lower()).order_by(refusals.c.at, refusals.c.why)
    return [Refusal(**{name: row[name] for name in row if name != "endpoint"}) for row in db.execute(query).mappings()]


def forget_endpoint(db: Database, key: str) -> None:
    """An endpoint is removed: one of that name that is added later is another one."""
    for table in (machine_keys, sessions, refusals):
        db.execute(sa.delete(table).where(table.c.endpoint == key))


def _is(endpoint: str, fingerprint: str) -> sa.ColumnElement[bool]:
    return (machine_keys.c.endpoint == endpoint.lower()) & (machine_keys.c.fingerprint == fingerprint)
