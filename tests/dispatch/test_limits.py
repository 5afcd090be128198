"""The limits of an endpoint, held when batches are let go; against a real broker."""

import time

import pytest

from connector.dispatch import registering
from connector.errors import Refused
from connector.ledger import endpoints
from connector.ledger.limits import NONE, Limits
from connector.wire import routes
from connector.wire.reports import BatchReturned, Retry

pytestmark = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)


def later(ring, hours=2):
    """Hours that begin later, on the clock of UTC."""
    now = time.gmtime()
    return f"daily {(now.tm_hour + hours) % 24:02d}:00-{(now.tm_hour + hours + 1) % 24:02d}:00 UTC"


def test_no_more_batches_are_on_their_way_than_may_be_at_work(ready, until):
    ready.dispatcher.limit_endpoint("A1", Limits(concurrency=1))
    job = ready.load(rows=6)
    for done in (2, 4, 6):
        message = ready.take()
        until(lambda: ready.redis.xlen(routes.report_stream("A1")) == 0)
        assert ready.redis.llen(routes.queue("A1")) == 0, "one at a time"
        ready.done(message)
        until(lambda done=done: ready.totals(job).get("created") == done)


def test_a_port_that_carries_calls_out_twice_is_told_to_the_worker(ready):
    assert ready.load(rows=1)
    first = ready.take()
    assert first.idempotent
    ready.done(first)
    for ports, may_repeat in ((("Other",), True), (("Other", "RAPIDSTART"), False), (("*",), False), ((), True)):
        registering.change(ready.dispatcher, "A1", registering.Change(not_idempotent=ports))
        ready.load(rows=1)
        message = ready.take()
        assert (ports, message.idempotent) == (ports, may_repeat)
        ready.done(message)


def test_rows_leave_no_faster_than_they_may(ready, until):
    ready.dispatcher.limit_endpoint("A1", Limits(rows_per_second=1.0))
    started = time.monotonic()
    job = ready.load(rows=6)
    ready.done(ready.take())
    until(lambda: ready.job(job).reason.startswith("waiting: A1 takes 1 rows per second; the next ones leave at"))
    for _ in range(2):
        ready.done(ready.take())
    assert time.monotonic() - started > 3.5, "four rows must be paid off before the last two leave"


def test_outside_of_its_hours_a_load_waits_and_says_until_when(ready, until):
    ready.dispatcher.limit_endpoint("A1", Limits(hours=later(ready)))
    job = ready.load(rows=2)
    until(lambda: ready.job(job).reason.startswith("waiting: A1 takes loads daily "))
    assert "; opens to" in ready.job(job).reason, "today or tomorrow"
    assert ready.redis.llen(routes.queue("A1")) == 0
    assert ready.dispatcher.test("A1").kind == ready.take().KIND.replace("survey.connection", "test")
    ready.dispatcher.limit_endpoint("A1", NONE)
    assert ready.take().ref.job == job


def test_when_the_hours_end_the_call_in_hand_is_finished_and_none_follows(ready, until):
    job = ready.load(rows=2)
    message = ready.take()
    assert ready.ask(message.ref, "m1").granted
    ready.dispatcher.limit_endpoint("A1", Limits(hours=later(ready)))
    assert ready.ask(message.ref, "m1").granted, "a call that may have been made is settled"
    refused = ready.ask(message.ref, "m2", so_far="c.")
    assert not refused.granted
    assert refused.reason.startswith("A1 takes loads")
    ready.tell(BatchReturned, ref=message.ref, retry=Retry.SOON, reason=refused.reason)
    until(lambda: ready.job(job).reason.startswith("waiting: A1 takes loads"))
    ready.dispatcher.limit_endpoint("A1", NONE)
    assert ready.take().so_far.letters == "c.", "what is in is not written again"


def test_limits_that_make_no_sense_are_refused(ready):
    wrong = (
        Limits(concurrency=0),
        Limits(rows_per_second=0.0),
        Limits(hours="sometimes"),
        Limits(call_seconds=(20.0, 2.0)),
        Limits(call_seconds=(0.0, 2.0)),
    )
    for limits in wrong:
        with pytest.raises(Refused):
            ready.dispatcher.limit_endpoint("A1", limits)
    with ready.ledger.read() as db:
        assert endpoints.get(db, "A1").limits == NONE
