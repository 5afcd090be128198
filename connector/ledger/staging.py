"""Nested rows that wait for their parents while a job is planned."""

import hashlib
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from connector.ledger.schema import staging
from connector.ledger.store import Database
from connector.wire.codec import Row, pack_rows, unpack_rows


def stage(db: Database, *, job: str, step: int, linked: Iterable[tuple[str, Row]]) -> None:
    """Lay nested rows aside, by the text that links them to their parent."""
    values = [{"job": job, "step": step, "link": _digest(link), "row": pack_rows([row])} for link, row in linked]
    if values:
        db.execute(sa.insert(staging), values)


def staged(db: Database, *, job: str, step: int, links: Sequence[str]) -> dict[str, list[Row]]:
    """Take the nested rows of these links, in package order; they are staged no longer."""
    named = {_digest(link): link for link in links}
    mine = (staging.c.job == job) & (staging.c.step == step) & staging.c.link.in_(named)
    found: dict[str, list[Row]] = {}
    for digest, row in db.execute(sa.select(staging.c.link, staging.c.row).where(mine).order_by(staging.c.id)):
        found.setdefault(named[digest], []).append(unpack_rows(row)[0])
    db.execute(sa.delete(staging).where(mine))
    return found


def orphans(db: Database, *, job: str, step: int, limit: int) -> list[Row]:
    """Take nested rows whose parent never came."""
    query = sa.select(staging).where(staging.c.job == job, staging.c.step == step).order_by(staging.c.id).limit(limit)
    found = db.execute(query).all()
    db.execute(sa.delete(staging).where(staging.c.id.in_([row.id for row in found])))
    return [unpack_rows(row.row)[0] for row in found]


def _digest(link: str) -> bytes:
    """A link as it is looked up: any characters, any length (PostgreSQL indexes no text over some 2,700 bytes)."""
    return hashlib.sha256(link.encode("utf-8", "surrogatepass")).digest()
