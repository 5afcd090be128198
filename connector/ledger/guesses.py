"""Short codes that somebody tried and that are not known: who did, and when. Kept for a day."""

import sqlalchemy as sa

from connector.ledger.schema import Words, metadata
from connector.ledger.store import Database

guesses = sa.Table(
    "guesses",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at", sa.Float, nullable=False, index=True),
    sa.Column("who", Words, nullable=False),
)

_KEPT_S = 86_400.0


def add(db: Database, who: str, *, at: float) -> None:
    """Note a guess, at `at` seconds since 1970, of `who`: a network address."""
    db.execute(sa.delete(guesses).where(guesses.c.at < at - _KEPT_S))
    db.execute(sa.insert(guesses).values(at=at, who=who))


def since(db: Database, at: float) -> list[str]:
    """Who guessed since then, once for each guess."""
    return list(db.execute(sa.select(guesses.c.who).where(guesses.c.at >= at)).scalars())
