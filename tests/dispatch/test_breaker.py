"""The breaker of an endpoint, on its own."""

import pytest

from connector.dispatch.breaker import Breakers
from connector.dispatch.policy import Policy


@pytest.fixture
def breakers():
    return Breakers(Policy(retry_pause_s=10, draw=lambda _, longest: longest))


def silent(breakers, at, since=None):
    return breakers.silent("a1", reason="down.", since=at if since is None else since, at=at)


def test_it_opens_after_three_in_succession_and_says_since_when(breakers):
    assert not silent(breakers, 100.0).is_open
    assert not silent(breakers, 101.0).is_open
    assert breakers.most("a1", on_way=2, at=101.0) is None
    outage = silent(breakers, 102.0)
    assert (outage.is_open, outage.since, outage.next_try) == (True, 100.0, 112.0)
    assert breakers.outage("a1") == outage
    assert breakers.outage("other") is None


def test_an_answer_in_between_begins_anew(breakers):
    for at in (1.0, 2.0):
        silent(breakers, at)
    assert not breakers.answered("a1", at=3.0)
    assert not silent(breakers, 4.0).is_open
    assert breakers.answered_at("a1") == 3.0


def test_one_probe_at_a_time_at_growing_intervals(breakers):
    for at in (100.0, 100.0, 100.0):
        silent(breakers, at)
    assert breakers.most("a1", on_way=0, at=109.0) == 0
    assert breakers.most("a1", on_way=0, at=110.0) == 1
    assert breakers.most("a1", on_way=1, at=110.0) == 0
    assert silent(breakers, 111.0).next_try == 131.0
    assert silent(breakers, 140.0).next_try == 180.0


def test_what_was_on_its_way_when_it_opened_is_no_probe(breakers):
    for at in (100.0, 100.0, 100.0):
        silent(breakers, at)
    late = silent(breakers, 101.0)
    assert (late.failed, late.next_try) == (3, 110.0)


def test_an_answer_closes_it(breakers):
    for at in (1.0, 2.0, 3.0):
        silent(breakers, at)
    assert breakers.answered("a1", at=4.0)
    assert breakers.outage("a1") is None
    assert breakers.most("a1", on_way=9, at=4.0) is None


def test_after_a_restart_the_silence_began_when_the_batches_say(breakers):
    assert silent(breakers, 500.0, since=20.0).since == 20.0
    assert silent(breakers, 501.0).since == 20.0
