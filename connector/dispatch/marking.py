"""The database behind an AOS is another one than before: whatever writes is held back, and the jobs are told why."""

import logging

from connector.dispatch import gate
from connector.ledger import Database, endpoints, jobs, marks

log = logging.getLogger(__name__)


def meet(db: Database, key: str, told: str | None, *, at: float) -> bool:
    """Take notice of the mark that a worker of the endpoint was told (see `marks.meet`). True where it has just changed."""
    if not marks.meet(db, key, told, at=at):
        return False
    endpoint = endpoints.get(db, key)
    for job in jobs.unfinished(db, endpoint=key):
        if job.kind == jobs.JobKind.LOAD:
            jobs.say(db, job.id, f"Nothing more is written: {gate.barred(endpoint)}.", at=at)
    log.warning("the database behind an AOS was replaced", extra={"action": "database_changed", "aos": key})
    return True
