"""What is said of a running job that does not get on."""

from connector.dispatch import hands
from connector.dispatch.leases import Leases
from connector.ledger.batches import InFlight
from connector.wire.reports import BatchRef

A, B = (BatchRef(job="JB-2222", step=1, batch=n) for n in (1, 2))
NOW = 1_700_000_000.0


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def flying(*refs, sent_at=NOW):
    return [InFlight(ref=ref, endpoint="a1", sent_at=sent_at) for ref in refs]


def told(flying, leases):
    return hands.told(flying, leases, endpoint="A1", now=NOW)


def test_nothing_is_said_of_a_job_whose_worker_speaks():
    leases = Leases(lease_s=20, clock=Clock())
    leases.renew([A])
    assert told(flying(A), leases) == ""


def test_a_silent_worker_is_told_with_the_end_of_its_lease():
    clock = Clock()
    leases = Leases(lease_s=100, clock=clock)
    leases.renew([A])
    clock.now = 70
    since, again = hands.clock(NOW - 70), hands.clock(NOW + 30)
    assert told(flying(A), leases) == (
        f"running: nothing was heard of its worker since {since}; what it holds is sent again at {again}"
    )


def test_one_worker_that_speaks_is_enough():
    clock = Clock()
    leases = Leases(lease_s=100, clock=clock)
    leases.renew([A])
    clock.now = 70
    leases.renew([B])
    assert told(flying(A, B), leases) == ""


def test_a_batch_that_nobody_takes_is_told_after_a_moment():
    leases = Leases(lease_s=20, clock=Clock())
    assert told(flying(A, sent_at=NOW - 4), leases) == ""
    assert told(flying(A, sent_at=NOW - 6), leases) == "running: no worker of A1 has taken its next batch yet"


def test_nothing_on_the_way_is_nothing_to_tell():
    assert told([], Leases(lease_s=20, clock=Clock())) == ""
