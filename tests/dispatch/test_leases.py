from connector.dispatch.leases import Leases
from connector.wire.reports import BatchRef

A, B = (BatchRef(job="JB-2222", step=1, batch=n) for n in (1, 2))


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_lease_that_is_renewed_does_not_end():
    clock = Clock()
    leases = Leases(lease_s=10, clock=clock)
    leases.renew([A, B])
    clock.now = 8
    leases.renew([B])
    clock.now = 11
    leases.listened(11)
    assert leases.expired() == [A]
    assert leases.holds(A), "it is held until it is taken away"
    leases.end(A)
    assert leases.expired() == []
    assert not leases.holds(A)


def test_while_nobody_can_be_heard_no_lease_ends():
    clock = Clock()
    leases = Leases(lease_s=10, clock=clock)
    leases.renew([A])
    clock.now = 9
    leases.renew_all()
    clock.now = 18
    leases.listened(18)
    assert leases.expired() == []


def test_a_lease_ends_only_when_all_that_was_told_until_then_is_known():
    clock = Clock()
    leases = Leases(lease_s=10, clock=clock)
    leases.renew([A])
    clock.now = 60
    assert leases.expired() == []
    leases.listened(10)
    assert leases.expired() == []
    leases.listened(10.1)
    assert leases.expired() == [A]


def test_slots_are_those_of_workers_that_spoke_lately():
    clock = Clock()
    leases = Leases(lease_s=10, clock=clock)
    assert leases.seen("AosTest", "w1", concurrency=4)
    assert leases.seen("aostest", "w2", concurrency=2)
    assert not leases.seen("aostest", "w2", concurrency=2)
    assert leases.slots("aostest") == 6
    clock.now = 8
    leases.seen("aostest", "w1", concurrency=4)
    clock.now = 12
    assert leases.slots("aostest") == 4
    leases.gone("aostest", "w1")
    assert leases.slots("aostest") == 0
