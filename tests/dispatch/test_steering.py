"""A person ends, pauses and puts jobs first; loads end by themselves after too many errors, or where nobody takes them."""

import time

import pytest

from connector.dispatch import control
from connector.errors import Conflict
from connector.ledger import jobs
from connector.wire import reports

pytestmark = pytest.mark.parametrize("ledger_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)


def taken(ready, until, count):
    """So many batches in the hands of the worker."""
    messages = [ready.take() for _ in range(count)]
    until(lambda: all(ready.dispatcher.leases.holds(message.ref) for message in messages))
    return messages


def told(ready, job):
    with ready.ledger.read() as db:
        return [text for _, _, text in jobs.log_of(db, job)]


def fail(ready, message, letters):
    problems = tuple(
        reports.Problem(row=at, message="No.", advice="Correct it.", code="RSC-1")
        for at, letter in enumerate(letters)
        if letter == "f"
    )
    ready.tell(reports.BatchDone, ref=message.ref, outcomes=reports.Outcomes(letters=letters, problems=problems))


def test_a_cancelled_load_says_what_is_in_hand_and_what_was_written(ready, until):
    job = ready.load(rows=12)
    first, second, third = taken(ready, until, 3)
    ready.done(first)
    until(lambda: ready.totals(job) == {"created": 2})
    cancelled = control.cancel(ready.dispatcher, job)
    assert (cancelled.state, cancelled.reason) == ("running", "cancelling, 2 batches in hand")
    with pytest.raises(Conflict, match="is about to end"):
        control.pause(ready.dispatcher, job)
    ready.done(second)
    until(lambda: ready.job(job).reason == "cancelling, 1 batch in hand")
    ready.done(third)
    until(lambda: ready.job(job).state == "cancelled")
    assert ready.job(job).reason == "cancelled: 6 rows were written before"
    assert ready.totals(job) == {"created": 6, "skipped": 6}
    assert told(ready, job)[-1] == "Ended: cancelled: 6 rows were written before"


def test_what_a_lost_worker_held_of_a_cancelled_load_is_not_said_to_be_sent_again(ready, until):
    job = ready.load(rows=2)
    taken(ready, until, 1)
    control.cancel(ready.dispatcher, job)
    until(lambda: ready.job(job).state == "cancelled")
    assert "Batch 1 of step 1, attempt 1: its worker was not heard of." in told(ready, job)
    assert ready.totals(job) == {"skipped": 2}


def test_a_load_for_an_endpoint_without_workers_is_cancelled_at_once(ring):
    ring.add_endpoint()
    job = ring.load()
    cancelled = control.cancel(ring.dispatcher, job)
    assert (cancelled.state, cancelled.reason) == ("cancelled", "cancelled: nothing was written")


def test_a_paused_load_says_what_is_in_hand(ready, until):
    job = ready.load(rows=4)
    first, second = taken(ready, until, 2)
    assert control.pause(ready.dispatcher, job).reason == "paused, 2 batches in hand"
    ready.done(first)
    until(lambda: ready.job(job).reason == "paused, 1 batch in hand")
    ready.done(second)
    until(lambda: ready.job(job).state == "succeeded")


@pytest.mark.parametrize(
    ("limit", "reason"),
    [("2", "stopped after 2 errors, as --stop-after 2 asks"), ("10%", "stopped after 2 errors, as --stop-after 10% asks")],
)
def test_a_load_with_too_many_errors_ends_and_the_rest_is_skipped(ready, until, limit, reason):
    job = ready.load(rows=20, stop_after=limit)
    first, second = taken(ready, until, 2)
    fail(ready, first, "fc")
    until(lambda: ready.totals(job) == {"created": 1, "failed": 1})
    assert ready.job(job).ending is None
    fail(ready, second, "fc")
    until(lambda: ready.job(job).state == "failed")
    assert ready.job(job).reason == reason
    assert ready.totals(job) == {"created": 2, "failed": 2, "skipped": 16}
    assert control.retry(ready.dispatcher, job).retry_of == job


def test_a_load_whose_last_rows_fail_has_ended_as_any_other(ready, until):
    job = ready.load(rows=2, stop_after="1")
    (only,) = taken(ready, until, 1)
    fail(ready, only, "fc")
    until(lambda: ready.job(job).state == "partly_succeeded")


def test_rows_that_do_not_fit_are_errors_too(ready, until):
    text = "CustGroup,Name\r\n1,one\r\n" + "".join(f"{n},{'x' * 21}\r\n" for n in (2, 3))
    package = ready.dispatcher.receive("CustGroup.csv", [text.encode()], ceiling=10**6)
    order = jobs.Order(stop_after="2")
    job, _ = ready.dispatcher.submit(endpoint="A1", company="USMF", package=package.sha256, order=order, idempotency_key=None)
    until(lambda: ready.job(job.id).state == "failed")
    assert ready.totals(job.id) == {"failed": 2, "skipped": 1}


def submit(ring, **more):
    package = ring.dispatcher.receive("CustGroup.csv", [b"CustGroup,Name\r\n1,one\r\n"], ceiling=10**6)
    job, _ = ring.dispatcher.submit(
        endpoint="A1", company="USMF", package=package.sha256, order=jobs.Order(), idempotency_key=None, **more
    )
    return job.id


def test_a_load_that_no_worker_takes_expires(ring, until):
    ring.add_endpoint()
    job = submit(ring, expires_in_s=0.1)
    until(lambda: ring.job(job).state == "failed")
    assert ring.job(job).reason.startswith("expired: no worker of A1 took it before")
    assert "rapidstart endpoint show A1" in ring.job(job).advice


def test_so_does_one_that_asks_for_nothing_where_the_dispatcher_is_set_so(ring, until):
    ring.stop()
    ring.start(expires_in_s=0.1)
    ring.add_endpoint()
    job = submit(ring)
    assert ring.job(submit(ring, expires_in_s=3600.0)).expires_at > ring.job(job).expires_at + 3000, "what is asked counts"
    until(lambda: ring.job(job).state == "failed")
    assert ring.job(job).reason.startswith("expired: ")


def test_a_load_that_a_worker_has_taken_does_not_expire(ready, until):
    job = submit(ready, expires_in_s=60.0)
    (only,) = taken(ready, until, 1)
    with ready.ledger.write() as db:
        jobs.mark(db, job, expires_at=time.time() - 1)
    ready.reconciler.tick()
    assert ready.job(job).ending is None
    ready.done(only)
    until(lambda: ready.job(job).state == "succeeded")


def test_a_load_of_high_priority_goes_before_those_that_have_not_begun(ready, until):
    first, second = ready.load(rows=2), ready.load(rows=2)
    (at_work,) = taken(ready, until, 1)
    assert at_work.ref.job == first
    urgent = submit(ready, priority="high")
    ready.done(at_work)
    (next_one,) = taken(ready, until, 1)
    assert next_one.ref.job == urgent
    assert control.prioritise(ready.dispatcher, second, priority="low").priority == 0
    third = ready.load(rows=2)
    ready.done(next_one)
    assert taken(ready, until, 1)[0].ref.job == third
