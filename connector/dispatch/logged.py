"""AX's own exception log, as a worker read it: its lines stand in the job's log, each at its own time."""

from connector.errors import NotFound
from connector.ledger import Database, jobs, loglines
from connector.wire.reports import ExceptionsLogged, LoggedException


def note(db: Database, report: ExceptionsLogged, *, now: float) -> None:
    """Record what AX noted, which may name values of rows.

    A job that this ledger does not know (it was restored since) is passed over, and one whose rows were removed.
    """
    try:
        job = jobs.get(db, report.ref.job)
    except NotFound:
        return
    if job.removed_at is not None:
        return
    for one in report.logged:
        loglines.say_once(db, job.id, sentence(one), at=one.at.timestamp() if one.at else now)


def sentence(one: LoggedException) -> str:
    """A line of AX's log, with its source."""
    where = f", port {one.port}" if one.port else ""
    return f"AX's exception log{where}: {one.text} (MessageId {one.message_id})"
