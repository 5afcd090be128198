"""What AX's own exception log says of a job's calls stands in the job's log, at its own time, once."""

from datetime import UTC, datetime

from connector.ledger import jobs
from connector.wire import reports

LOGGED = reports.LoggedException(
    message_id="m-1", text="The record already exists.", port="RapidStart", at=datetime(2026, 11, 22, 10, tzinfo=UTC)
)
LINE = "AX's exception log, port RapidStart: The record already exists. (MessageId m-1)"


def test_lines_of_ax_log_join_the_jobs_log_once(ring, until):
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    job = ring.load(rows=2)
    message = ring.take()
    ring.done(message, "f")
    until(lambda: ring.job(job).finished_at)
    unknown = reports.LoggedException(message_id="m-2", text="No time, no port.")
    for _ in range(2):
        ring.tell(reports.ExceptionsLogged, ref=message.ref, logged=(LOGGED,))
    ring.tell(reports.ExceptionsLogged, ref=reports.BatchRef(job="JB-ZZZZ", step=1, batch=1), logged=(LOGGED,))
    ring.tell(reports.ExceptionsLogged, ref=message.ref, logged=(unknown,))

    def told():
        with ring.ledger.read() as db:
            return [(at, text) for _, at, text in jobs.log_of(db, job) if text.startswith("AX's exception log")]

    until(lambda: len(told()) >= 2)
    (at, line), (_, last) = told()
    assert (at, line) == (LOGGED.at.timestamp(), LINE)
    assert last == "AX's exception log: No time, no port. (MessageId m-2)"
