"""Reports that come when nobody waits for them any more: of a job that has ended, whose rows were even removed."""

import time

import pytest

from connector.dispatch import retention
from connector.ledger import jobs
from connector.wire import reports, routes

DAY_S = 86400.0


@pytest.fixture
def removed(ring, until):
    """A ring with a load that ended long ago and whose rows were removed, and the message of its only batch."""
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    job = ring.load(rows=2)
    message = ring.take()
    assert ring.ask(message.ref).granted
    ring.done(message)
    until(lambda: ring.job(job).finished_at)
    with ring.ledger.write() as db:
        jobs.mark(db, job, finished_at=time.time() - 2 * DAY_S)
    sweeping = retention.Retention(ring.ledger, shelf=ring.dispatcher.shelf, keep_s=DAY_S, settled_s=0)
    until(lambda: sweeping.turn() or sweeping._next > time.monotonic() + retention._IDLE_S / 2)
    assert ring.job(job).removed_at
    return ring, message


def told(ring, job):
    with ring.ledger.read() as db:
        return jobs.get(db, job), jobs.log_of(db, job), jobs.totals(db, [job])


@pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)
def test_whatever_is_told_of_a_job_whose_rows_were_removed_changes_nothing(removed, until):
    ring, message = removed
    job, ref = message.ref.job, message.ref
    before = told(ring, job)
    ring.tell(reports.BatchTaken, ref=ref)
    refused = ring.ask(ref, "m1")
    assert (refused.granted, refused.reason) == (False, "this attempt was replaced")
    ring.done(message, letter="f")
    for settled in (True, False):
        ring.tell(reports.BatchReturned, ref=ref, retry=reports.Retry.LATER, reason="It took too long.", settled=settled)
    ring.tell(reports.BatchReturned, ref=ref, retry=reports.Retry.NEVER, reason="AX does not know this account.")
    ring.tell(reports.ExceptionsLogged, ref=ref, logged=(reports.LoggedException(message_id="m1", text="Customer 4711"),))
    ring.alive(ref)
    until(lambda: ring.redis.xlen(routes.report_stream("A1")) == 0)
    assert told(ring, job) == before
    assert ring.redis.llen(routes.queue("A1")) == 0
    ring.load(rows=2)
    assert ring.take().ref.job != job, "the endpoint is not held up by any of it"
