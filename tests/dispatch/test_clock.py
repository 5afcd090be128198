"""A wall clock that is set holds nothing up, and lets nothing go too early."""

import time

import pytest

from connector.dispatch.breaker import Breakers
from connector.dispatch.clock import Watch
from connector.dispatch.policy import Policy
from connector.ledger import Ledger, batches
from connector.ledger.store import sqlite_url
from connector.wire import reports

HOUR_S = 3600


class Clocks:
    """A wall clock and a monotonic one, as the test has them."""

    def __init__(self):
        self.wall, self.steady = 1.8e9, 50.0

    def go(self, seconds, *, jump=0.0):
        self.wall += seconds + jump
        self.steady += seconds


@pytest.mark.parametrize("jump", [HOUR_S, -HOUR_S])
def test_a_jump_is_told_once(jump):
    clocks = Clocks()
    watch = Watch(apart=lambda: clocks.wall - clocks.steady)
    clocks.go(1)
    assert watch.jumped() == 0
    clocks.go(1, jump=jump)
    assert watch.jumped() == watch.jumped() == pytest.approx(jump), "until it is settled"
    heard = []
    watch.followers.append(heard.append)
    watch.settle(jump)
    assert heard == [jump]
    clocks.go(1)
    assert watch.jumped() == 0


def test_a_clock_that_is_corrected_bit_by_bit_has_not_jumped_until_it_counts():
    clocks = Clocks()
    watch = Watch(apart=lambda: clocks.wall - clocks.steady)
    told = []
    for _ in range(100):
        clocks.go(1, jump=0.05)
        told.append(watch.jumped())
        if told[-1]:
            watch.settle(told[-1])
    assert sum(told) == pytest.approx(100 * 0.05, abs=2)
    assert sum(jump > 0 for jump in told) <= 3


@pytest.fixture
def set_clock(monkeypatch):
    real = time.time

    def put(by):
        monkeypatch.setattr(time, "time", lambda: real() + by)

    return put


def test_a_ledger_that_could_not_be_written_moves_with_the_clock_the_next_time(tmp_path):
    clocks = Clocks()
    watch = Watch(apart=lambda: clocks.wall - clocks.steady)
    shifted = []
    watch.shift = lambda db, *, by: shifted.append(by)
    ledger = Ledger(sqlite_url(tmp_path / "ledger.db")).timed(watch)
    clocks.go(1, jump=HOUR_S)
    with pytest.raises(ZeroDivisionError), ledger.write():
        1 / 0  # noqa: B018
    with ledger.write(), ledger.read():
        pass
    with ledger.write():
        pass
    ledger.close()
    assert shifted == [HOUR_S, HOUR_S], "the first was rolled back, the third had nothing to do"


def held_back(ring):
    """A batch that waits half a second for its next attempt."""
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    ring.load(rows=2)
    ref = ring.take().ref
    ring.tell(
        reports.BatchReturned, ref=ref, so_far=None, retry=reports.Retry.LATER, reason="away", code="RSC-5100", settled=True
    )
    return ref


def is_back(ring, ref):
    def look():
        with ring.ledger.read() as db:
            return not batches.in_flight(db) and batches.next_due(db, job=ref.job)

    return look


def test_a_clock_that_is_put_back_holds_no_batch_up(ring, until, set_clock):
    ref = held_back(ring)
    until(is_back(ring, ref))
    set_clock(-HOUR_S)
    assert ring.take().ref.attempt == ref.attempt + 1


def test_a_clock_that_was_put_back_while_the_dispatcher_was_away_holds_no_batch_up(ring, until, set_clock):
    ref = held_back(ring)
    until(is_back(ring, ref))
    ring.stop()
    set_clock(-HOUR_S)
    ring.start()
    ring.alive()
    assert ring.take().ref.attempt == ref.attempt + 1


@pytest.mark.parametrize("jump", [HOUR_S, -HOUR_S])
def test_what_is_recorded_just_after_a_jump_is_not_moved_a_second_time(ring, until, set_clock, jump):
    """The clock is looked at once a second; a report may come in before that."""
    ring.stop()
    ring.start(retry_pause_s=30)
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    ring.load(rows=2)
    ref = ring.take().ref
    ring.reconciler.stop()
    set_clock(jump)
    ring.tell(reports.BatchReturned, ref=ref, retry=reports.Retry.LATER, reason="away", code="RSC-5100")
    until(is_back(ring, ref))
    ring.reconciler.tick()
    with ring.ledger.read() as db:
        due, _ = batches.next_due(db, job=ref.job)
    assert 20 < due - time.time() <= 30


@pytest.mark.parametrize("jump", [HOUR_S, -HOUR_S])
def test_a_breaker_keeps_its_pauses(jump):
    breakers = Breakers(Policy(retry_pause_s=5, draw=lambda _, longest: longest))
    for _ in range(3):
        outage = breakers.silent("a", reason="away", since=1000.0, at=1000.0)
    assert outage.is_open
    pause = outage.next_try - 1000.0
    breakers.shift(jump)
    assert breakers.most("a", on_way=0, at=1000.0 + jump + pause - 0.1) == 0
    assert breakers.most("a", on_way=0, at=1000.0 + jump + pause + 0.1) == 1
