"""Who did what: a line for every command that changes something, written in the same transaction as the change."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from connector.ledger.schema import Count, Words, jobs, metadata
from connector.ledger.store import Database

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Count, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("by", Words, nullable=False),
    sa.Column("what", Words, nullable=False),
    sa.Column("subject", Words, nullable=False),
    sa.Column("details", Words, nullable=False),
    sa.Index("audit_of_subject", "subject", "id"),
)

#: Who changes things that nobody asked for at the time: the dispatcher itself.
ITSELF: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One command that was carried out. `at` is in seconds since 1970."""

    id: int
    at: float
    by: str
    """who asked, as they proved it, and their address: `anna@10.0.0.5`"""
    what: str
    """the command, as `job cancel`"""
    subject: str
    """the id of a job, or the key of an endpoint"""
    details: Mapping[str, object]


def note(
    db: Database, what: str, *, by: str, subject: str, at: float, details: Mapping[str, object] | None = None
) -> None:  # fmt: skip
    """Add a line. `details` hold what was asked, and never a row's values or a secret."""
    if by == ITSELF:
        return
    told = {name: value for name, value in (details or {}).items() if value not in (None, "", (), [])}
    db.execute(sa.insert(audit).values(at=at, by=by, what=what, subject=subject, details=json.dumps(told)))


def lines(
    db: Database,
    *,
    subject: str | None = None,
    since: float | None = None,
    until: float | None = None,
    before: int | None = None,
    limit: int = 100,
    among: Collection[str] | None = None,
) -> list[Line]:
    """Lines, the newest first; `before` is the id of the last one of the page before. Letters of `subject` may be of any case.

    With `among` those about the endpoints of these keys, and about their jobs.
    """
    query = sa.select(audit).order_by(audit.c.id.desc()).limit(limit)
    if subject:
        query = query.where(audit.c.subject.in_((subject.upper(), subject.lower())))
    if since is not None:
        query = query.where(audit.c.at >= since)
    if until is not None:
        query = query.where(audit.c.at < until)
    if among is not None:
        theirs = sa.select(jobs.c.id).where(jobs.c.endpoint.in_(among))
        query = query.where(audit.c.subject.in_(among) | audit.c.subject.in_(theirs))
    if before is not None:
        query = query.where(audit.c.id < before)
    return [Line(**{**row, "details": json.loads(row["details"])}) for row in db.execute(query).mappings()]


def said_by(by: str) -> str:
    """The end of a log's sentence: ` by anna@10.0.0.5`, or nothing."""
    return f" by {by}" if by else ""
