"""A wall clock that is set holds nothing up, and lets nothing go too early."""

import time
from unittest.mock import Mock

import pytest

from connector.dispatch.breaker import Breakers
from connector.dispatch.clock import Watch
from connector.dispatch.policy import Policy
from connector.ledger import Ledger, batches
from connector.ledger.store import sqlite_url
from connector.wire import reports

HOUR_S = 3600
NO_LEDGER = Mock()
"""nothing is kept there"""


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
    settle(watch)
    assert heard == [jump]
    settle(watch)
    assert heard == [jump], "once"
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
            settle(watch)
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
    settled = []
    watch.followers.append(settled.append)
    ledger = Ledger(sqlite_url(tmp_path / "ledger.db")).timed(watch)
    clocks.go(1, jump=HOUR_S)
    with pytest.raises(ZeroDivisionError), ledger.write():
        1 / 0  # noqa: B018
    assert settled == []
    with ledger.write(), ledger.read():
        assert settled == []
    with ledger.write():
        assert settled == [HOUR_S]
    ledger.close()
    assert settled == [HOUR_S]


def test_the_time_does_not_jump_in_the_middle_of_a_transaction(tmp_path):
    clocks = Clocks()
    watch = Watch(apart=lambda: clocks.wall - clocks.steady)
    ledger = Ledger(sqlite_url(tmp_path / "ledger.db")).timed(watch)
    before = watch.now()
    with ledger.write():
        clocks.go(1, jump=HOUR_S)
        assert watch.now() - before < HOUR_S / 2
    with ledger.write():
        assert watch.now() - before > HOUR_S / 2
    assert watch.now() - before > HOUR_S / 2
    ledger.close()


def settle(watch):
    """A transaction that writes."""
    watch.begin(NO_LEDGER)
    watch.settle()


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
def test_what_is_sent_while_the_clock_jumps_is_looked_for_when_it_should_be(ring, set_clock, jump):
    """A package is planned in one transaction with its first batches: that may take a while."""
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    ring.dispatcher.met.wait(10)
    ring.reconciler.stop()
    ring.dispatcher.test("A1")
    ring.redis.flushall()
    with ring.dispatcher.ledger.write() as db:
        set_clock(jump)
        batches.replace(db, batches.in_flight(db)[0].ref, now=ring.dispatcher.now(), reason="lost")
        assert ring.dispatcher.claim(db, "a1")
    ring.dispatcher.release("a1")
    with ring.ledger.read() as db:
        (sent,) = batches.in_flight(db)
    assert abs(sent.sent_at - time.time()) < 30


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
