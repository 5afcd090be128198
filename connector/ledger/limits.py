"""What an endpoint bears, why it was stopped, and how large its calls have grown: columns of an endpoint that others read."""

import json
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from connector.ledger.schema import Words, endpoints, metadata
from connector.ledger.store import Database

paces = sa.Table(
    "paces",
    metadata,
    sa.Column("endpoint", Words, primary_key=True),
    sa.Column("service", Words, primary_key=True),
    sa.Column("call_rows", sa.Integer, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an operator allows. None and "" mean: no limit of this kind."""

    concurrency: int | None = None
    """batches at work at once"""
    rows_per_second: float | None = None
    hours: str = ""
    """when loads may be sent, as `dispatch.hours` reads it"""
    call_seconds: tuple[float, float] | None = None
    """between how many seconds a call shall take"""


#: An endpoint that bears whatever its workers bear.
NONE = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Why nothing is sent to an endpoint: the sentence of the batch that came back last."""

    at: float
    reason: str
    advice: str = ""
    code: str = ""


_CALL_ROWS = sa.select(paces.c.call_rows).where(
    paces.c.endpoint == sa.bindparam("of_endpoint"), paces.c.service == sa.bindparam("of_service")
)

_PACE = (
    sa.select(endpoints.c.limits, sa.func.coalesce(paces.c.call_rows, 0))
    .outerjoin(paces, (paces.c.endpoint == endpoints.c.key) & (paces.c.service == sa.bindparam("of_service")))
    .where(endpoints.c.key == sa.bindparam("of_endpoint"))
)


def text(limits: Limits) -> str:
    """Limits as they are stored: what is not set is left out."""
    unlimited = asdict(NONE)
    return json.dumps({name: value for name, value in asdict(limits).items() if value != unlimited[name]})


def of_text(stored: str) -> Limits:
    """Limits as they were stored."""
    values = json.loads(stored)
    if values.get("call_seconds"):
        values["call_seconds"] = tuple(values["call_seconds"])
    return Limits(**values)


def stop_of_text(stored: str | None) -> Stopped | None:
    """Why an endpoint was stopped, as it was stored."""
    return Stopped(**json.loads(stored)) if stored else None


def limit(db: Database, key: str, limits: Limits) -> None:
    """Set the limits of an endpoint, all of them."""
    db.execute(sa.update(endpoints).where(endpoints.c.key == key).values(limits=text(limits)))


def stop(db: Database, key: str, stopped: Stopped) -> bool:
    """Send nothing more to an endpoint. False where it was stopped before: the first reason stays."""
    mine = (endpoints.c.key == key) & endpoints.c.stopped.is_(None)
    return bool(db.execute(sa.update(endpoints).where(mine).values(stopped=json.dumps(asdict(stopped)))).rowcount)


def go_on(db: Database, key: str) -> bool:
    """Send work to a stopped endpoint again. False where it was not stopped."""
    mine = (endpoints.c.key == key) & endpoints.c.stopped.is_not(None)
    return bool(db.execute(sa.update(endpoints).where(mine).values(stopped=None)).rowcount)


def call_rows(db: Database, key: str, *, service: str) -> int:
    """How many root rows a call to a service takes, as was learnt; 0: as many as a batch holds."""
    return db.execute(_CALL_ROWS, {"of_endpoint": key, "of_service": service}).scalar() or 0


def pace(db: Database, key: str, *, service: str) -> tuple[Limits, int]:
    """What an endpoint bears, and `call_rows` of a service of it: one question for what every batch that ends asks."""
    stored, rows = db.execute(_PACE, {"of_endpoint": key, "of_service": service}).one()
    return of_text(stored), rows


def keep_call_rows(db: Database, key: str, *, service: str, rows: int) -> None:
    """Keep what was learnt of a service."""
    mine = (paces.c.endpoint == key) & (paces.c.service == service)
    if not db.execute(sa.update(paces).where(mine).values(call_rows=rows)).rowcount:
        db.execute(sa.insert(paces).values(endpoint=key, service=service, call_rows=rows))


def forget_paces(db: Database, key: str) -> None:
    """Drop what was learnt of an endpoint's services."""
    db.execute(sa.delete(paces).where(paces.c.endpoint == key))
