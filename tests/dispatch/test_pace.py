"""The control loop that keeps calls between two bounds of time: alone, and in the ring."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.dispatch.pace import next_rows
from connector.ledger import limits
from connector.ledger.limits import Limits
from connector.wire.reports import BatchDone, BatchReturned, Outcomes, Retry

BATCH = 200


def settled(latency, *, batch=BATCH, bounds=(2.0, 20.0), now=0, calls=40):
    """The size of calls, and how long one takes, after some calls to an AOS of this latency."""
    for _ in range(calls):
        rows = min(now or batch, batch)
        now = next_rows(now, rows=rows, seconds=latency(rows), bounds=bounds)
    rows = min(now or batch, batch)
    return rows, latency(rows)


@pytest.mark.parametrize(("per_row", "rows"), [(0.001, BATCH), (0.05, BATCH), (0.2, 31), (1.0, 6), (30.0, 1)])
def test_calls_become_as_large_as_the_bounds_allow(per_row, rows):
    assert settled(lambda n: n * per_row)[0] == rows


@given(
    per_call=st.floats(0, 1.5),
    per_row=st.floats(0.0001, 15),
    now=st.integers(0, 5000),
    shortest=st.floats(1.6, 5),
    ratio=st.floats(4, 20),
)
def test_calls_come_between_the_bounds_or_cannot(per_call, per_row, now, shortest, ratio):
    bounds = (shortest, shortest * ratio)
    rows, seconds = settled(lambda n: per_call + n * per_row, bounds=bounds, now=now)
    assert seconds <= bounds[1] or rows == 1
    assert seconds >= bounds[0] or rows == BATCH


def test_an_aos_that_becomes_quicker_again_gets_larger_calls():
    slow, _ = settled(lambda n: n * 1.0)
    assert settled(lambda n: n * 0.01, now=slow)[0] == BATCH


def test_a_call_that_was_not_full_tells_nothing_of_full_ones():
    assert next_rows(40, rows=3, seconds=0.1) == 40
    assert next_rows(40, rows=3, seconds=60.0) == 1
    assert next_rows(0, rows=200, seconds=0.1) == 0


one_ledger = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)


def learnt(ring):
    with ring.ledger.read() as db:
        return limits.call_rows(db, "a1", service="CustGroupService/CustGroup")


@one_ledger
def test_what_a_batch_tells_of_its_calls_is_kept_and_sent_with_the_next(ready, until):
    ready.dispatcher.limit_endpoint("A1", Limits(concurrency=1, call_seconds=(0.5, 2.0)))
    ready.load(rows=6)
    first = ready.take()
    assert first.call_rows == 0
    ready.tell(BatchDone, ref=first.ref, outcomes=Outcomes(letters="cc"), call_rows=2, call_seconds=4.0)
    assert ready.take().call_rows == 1
    ready.stop()
    ready.start()
    assert learnt(ready) == 1, "a restart forgets nothing"


@one_ledger
def test_a_call_that_told_no_end_makes_the_next_ones_half_as_large(ready, until):
    ready.load(rows=2)
    message = ready.take()
    assert ready.ask(message.ref, documents=(0, 1)).granted
    ready.tell(BatchReturned, ref=message.ref, retry=Retry.LATER, reason="No answer.", code="RSC-5410", settled=False)
    until(lambda: learnt(ready) == 1)
