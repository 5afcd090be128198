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
    assert leases.expired([A, B]) == [A]


def test_after_a_restart_every_held_batch_gets_a_fresh_lease():
    clock = Clock()
    leases = Leases(lease_s=10, clock=clock)
    clock.now = 1000
    assert leases.expired([A]) == []
    clock.now = 1009
    assert leases.expired([A]) == []
    clock.now = 1011
    assert leases.expired([A]) == [A]


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
