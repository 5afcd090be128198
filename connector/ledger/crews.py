"""Worker services on AOS computers, as they were last seen, and how many workers an operator wishes for an endpoint."""

from dataclasses import dataclass

import sqlalchemy as sa

from connector.ledger.schema import Words, metadata
from connector.ledger.store import Database
from connector.wire.reports import CrewAlive

wishes = sa.Table(
    "wishes",
    metadata,
    sa.Column("endpoint", Words, primary_key=True),
    sa.Column("workers", sa.Integer),
    sa.Column("concurrency", sa.Integer),
)

crews = sa.Table(
    "crews",
    metadata,
    sa.Column("endpoint", Words, primary_key=True),
    sa.Column("crew", Words, primary_key=True),
    sa.Column("host", Words, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("version", Words, nullable=False),
    sa.Column("most", sa.Integer, nullable=False),
    sa.Column("running", sa.Integer, nullable=False),
    sa.Column("seen_at", sa.Float, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """A worker service: the process that keeps the workers of one endpoint on one computer."""

    endpoint: str
    crew: str
    host: str
    pid: int
    version: str
    most: int
    """worker processes that may run there"""
    running: int
    seen_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What is wished for an endpoint, all its computers together. None: nothing is wished."""

    workers: int | None = None
    concurrency: int | None = None


_OF_ENDPOINT = sa.select(crews).where(crews.c.endpoint == sa.bindparam("of_endpoint")).order_by(crews.c.crew)
_WISH = sa.select(wishes.c.workers, wishes.c.concurrency).where(wishes.c.endpoint == sa.bindparam("of_endpoint"))


def seen(db: Database, report: CrewAlive, *, at: float) -> None:
    """A worker service told that it lives."""
    key, values = _key(report.endpoint, report.worker), {"host": report.host, "pid": report.pid, "version": report.version}
    values |= {"most": report.most, "running": report.running, "seen_at": at}
    if not db.execute(sa.update(crews).where(_named(*key)).values(values)).rowcount:
        db.execute(sa.insert(crews).values(endpoint=key[0], crew=key[1], **values))


def stopped(db: Database, endpoint: str, crew: str) -> None:
    """A worker service ended in good order."""
    db.execute(sa.delete(crews).where(_named(*_key(endpoint, crew))))


def of_endpoint(db: Database, key: str) -> list[Crew]:
    """The worker services of an endpoint, by name; those that were killed are among them until they are forgotten."""
    return [Crew(**row) for row in db.execute(_OF_ENDPOINT, {"of_endpoint": key}).mappings()]


def wish(db: Database, key: str) -> Scale:
    """What is wished for an endpoint."""
    row = db.execute(_WISH, {"of_endpoint": key}).mappings().first()
    return Scale(**row) if row else Scale()


def keep_wish(db: Database, key: str, scale: Scale) -> None:
    """Wish this for an endpoint, in place of what was wished before."""
    db.execute(sa.delete(wishes).where(wishes.c.endpoint == key))
    if scale != Scale():
        db.execute(sa.insert(wishes).values(endpoint=key, workers=scale.workers, concurrency=scale.concurrency))


def forget_endpoint(db: Database, key: str) -> None:
    """Drop all that is kept of an endpoint here."""
    db.execute(sa.delete(wishes).where(wishes.c.endpoint == key))
    db.execute(sa.delete(crews).where(crews.c.endpoint == key))


def forget(db: Database, *, before: float) -> None:
    """Drop the worker services that were last seen before this time."""
    db.execute(sa.delete(crews).where(crews.c.seen_at < before))


def _key(endpoint: str, crew: str) -> tuple[str, str]:
    return endpoint.lower(), crew.lower()


def _named(endpoint: str, crew: str) -> sa.ColumnElement[bool]:
    return (crews.c.endpoint == endpoint) & (crews.c.crew == crew)
