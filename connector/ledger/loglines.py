"""Lines of a job's log that may come twice, and stand there once."""

import sqlalchemy as sa

from connector.ledger import jobs
from connector.ledger.schema import log
from connector.ledger.store import Database


def say_once(db: Database, job_id: str, text: str, *, at: float) -> None:
    """Add a line to a job's log, unless it stands there with this time."""
    known = sa.select(log.c.id).where(log.c.job == job_id, log.c.at == at, log.c.text == text).limit(1)
    if db.execute(known).first() is None:
        jobs.say(db, job_id, text, at=at)
