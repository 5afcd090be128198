"""A dispatcher that sends sealed messages alone, and one whose endpoint has no key left."""

import time

from connector.ledger import trust
from connector.wire import keys, routes


def test_nothing_is_sent_to_an_endpoint_that_is_not_sealed_and_its_job_says_why(ring, until):
    ring.dispatcher.outbox.letters.sealed_only = True
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    job = ring.load(rows=2)
    until(lambda: "RAPIDSTART_SEALED_ONLY is set" in ring.job(job).reason)
    assert ring.redis.llen(routes.queue("A1")) == 0
    ring.dispatcher.outbox.letters.sealed_only = False
    assert ring.take().ref.job == job


def test_nothing_is_sent_where_every_key_is_revoked(ring, until):
    ring.add_endpoint()
    ring.know_metadata()
    key = keys.generate().public
    with ring.ledger.write() as db:
        trust.admit(db, "A1", key, machine="AOS01", at=time.time())
        assert trust.revoke(db, "A1", key.fingerprint, at=time.time())
    job = ring.load(rows=2)
    until(lambda: "all keys of A1 are revoked" in ring.job(job).reason)
    assert ring.redis.llen(routes.queue("A1")) == 0
