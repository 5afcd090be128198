"""Registrations that wait for an administrator, known by the digests of their codes: the codes themselves are never stored."""

from dataclasses import asdict, dataclass
from enum import StrEnum

import sqlalchemy as sa

from connector.ledger.schema import Words, metadata
from connector.ledger.store import Database

activations = sa.Table(
    "activations",
    metadata,
    sa.Column("code", Words, primary_key=True),
    sa.Column("device", Words, nullable=False, unique=True),
    sa.Column("state", Words, nullable=False),
    sa.Column("asked", Words, nullable=False),
    sa.Column("address", Words, nullable=False),
    sa.Column("made_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("polled_at", sa.Float, nullable=False),
    sa.Column("interval_s", sa.Float, nullable=False),
    sa.Column("endpoint", Words, nullable=False),
    sa.Column("service_instance", Words, nullable=False),
    sa.Column("decided_by", Words, nullable=False),
)


class State(StrEnum):
    """What became of a registration."""

    PENDING = "pending"
    """nobody has decided"""
    APPROVED = "approved"
    """its machine may fetch its credentials, once"""
    DENIED = "denied"
    """an administrator did not want it"""
    DONE = "done"
    """its machine has its credentials"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """One registration. Moments are seconds since 1970."""

    code: str
    """digest of what a person types"""
    device: str
    """digest of what the machine asks with"""
    state: State = State.PENDING
    asked: str
    """what the machine said of itself, as JSON"""
    address: str
    """from where it asked"""
    made_at: float
    expires_at: float
    polled_at: float = 0.0
    interval_s: float
    """so long the machine must wait between two questions"""
    endpoint: str = ""
    """the endpoint that it was approved as"""
    service_instance: str = ""
    decided_by: str = ""


def add(db: Database, activation: Activation) -> None:
    """Keep a new registration; those that have long expired are forgotten."""
    db.execute(sa.delete(activations).where(activations.c.expires_at < activation.made_at - 86400.0))
    db.execute(sa.insert(activations).values(asdict(activation)))


def pending(db: Database, *, now: float) -> int:
    """How many registrations wait for an administrator."""
    waits = (activations.c.state == State.PENDING) & (activations.c.expires_at > now)
    return int(db.execute(sa.select(sa.func.count()).select_from(activations).where(waits)).scalar() or 0)


def by_code(db: Database, code: str) -> Activation | None:
    """The registration of a short code, by its digest, whether it has expired or not."""
    return _found(db, activations.c.code == code)


def by_device(db: Database, device: str) -> Activation | None:
    """The registration of a device code, by its digest, whether it has expired or not."""
    return _found(db, activations.c.device == device)


def polled(db: Database, activation: Activation, *, at: float, interval_s: float) -> None:
    """Note when a machine asked, and how long it must wait before it asks again."""
    mine = activations.c.code == activation.code
    db.execute(sa.update(activations).where(mine).values(polled_at=at, interval_s=interval_s))


def move(
    db: Database, activation: Activation, state: State, *, endpoint: str = "", service_instance: str = "", by: str = ""
) -> bool:
    """Bring a registration from the state that it was read in to another one. False where somebody was faster."""
    still = (activations.c.code == activation.code) & (activations.c.state == activation.state)
    told = {"endpoint": endpoint, "service_instance": service_instance, "decided_by": by}
    values = {"state": state} | {name: value for name, value in told.items() if value}
    return bool(db.execute(sa.update(activations).where(still).values(values)).rowcount)


def _found(db: Database, which: sa.ColumnElement[bool]) -> Activation | None:
    row = db.execute(sa.select(activations).where(which)).mappings().first()
    return Activation(**(dict(row) | {"state": State(row["state"])})) if row else None
