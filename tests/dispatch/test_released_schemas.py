"""A load that was paused under an older schema goes on under today's."""

import pytest

from connector.dispatch import control
from tests.ledger import releasing

pytestmark = pytest.mark.slow


@pytest.fixture(params=releasing.FILES, ids=lambda path: path.stem)
def released(request):
    return releasing.read(request.param)


@pytest.fixture
def ledger_url(ledger_url, released):
    """A ledger that the code of an older release has filled."""
    releasing.fill(ledger_url, released)
    return ledger_url


def test_a_paused_load_goes_on(ring, released, until):
    ring.alive()
    control.resume(ring.dispatcher, released.paused)
    told = {}
    while not ring.job(released.paused).finished_at:
        message = ring.take(timeout=30)
        told[message.ref.batch] = message
        ring.done(message)
        until(lambda: ring.redis.llen("aos.a1") or ring.job(released.paused).finished_at)
        ring.alive()
    assert sorted(told) == [2, 3]
    assert (told[2].ref.attempt, told[2].open_intent.message_id) == (2, "m1"), "what may have been written is settled first"
    assert ring.totals(released.paused) == {"created": 6}
    assert ring.job(released.paused).state == "succeeded"
