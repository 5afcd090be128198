"""A ledger that was put back from a backup: its loads wait, and nothing is sent or granted before a person says so."""

import pytest
import sqlalchemy as sa

from connector.dispatch import control
from connector.ledger import courses, endpoints, jobs, pulse, schema
from connector.wire import reports, routes


def states(ring, *ids):
    return [ring.job(each).state for each in ids]


@pytest.fixture
def loading(ring, until):
    """A load of three batches; one is done, one is at work."""
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    job = ring.load(6)
    ring.done(ring.take())
    held = ring.take()
    until(lambda: ring.totals(job) == {"created": 2})
    until(lambda: beat(ring) > 1)
    return job, held


def beat(ring):
    told = ring.redis.get(routes.PULSE_KEY)
    return int(told.split()[1]) if told else 0


def go_back(ring, by):
    """What the broker was told is later than what the ledger has, as after a restore."""
    ring.stop()
    name, number = ring.redis.get(routes.PULSE_KEY).split()
    ring.redis.set(routes.PULSE_KEY, b"%s %d" % (name, int(number) + by))
    ring.start()


def test_a_dispatcher_that_only_starts_again_goes_on(ring, loading, until):
    job, held = loading
    ring.stop()
    ring.start()
    ring.alive(held.ref)
    assert ring.ask(held.ref).granted
    assert states(ring, job) == ["running"]
    with ring.ledger.read() as db:
        assert pulse.restored(db) is None


def test_loads_of_a_restored_ledger_are_paused_before_anything_is_granted(ring, loading, until):
    job, held = loading
    go_back(ring, 300)
    answer = ring.ask(held.ref)
    assert (answer.granted, answer.reason) == (False, "the job was paused")
    assert states(ring, job) == ["paused"]
    with ring.ledger.read() as db:
        found, (standing,) = pulse.restored(db), pulse.held_back(db)
        assert any("restored from a backup" in text for _, _, text in jobs.log_of(db, job))
    assert 290 < found.missing <= 300
    assert found.jobs == (job,)
    assert (standing.job.id, standing.in_flight + standing.planned, standing.calls) == (job, 2, 0)


def test_it_goes_on_when_a_person_says_so_and_is_noticed_once(ring, loading, until):
    job, held = loading
    go_back(ring, 300)
    until(lambda: states(ring, job) == ["paused"])
    ring.tell(reports.BatchReturned, ref=held.ref, retry=reports.Retry.SOON, reason="paused")
    control.resume(ring.dispatcher, job)
    ring.alive()
    with ring.ledger.read() as db:
        assert pulse.held_back(db) == []
    while states(ring, job) != ["succeeded"]:
        ring.done(ring.take())
        until(lambda: ring.redis.llen(routes.queue("A1")) or ring.job(job).finished_at)
    assert ring.totals(job) == {"created": 6}
    ring.stop()
    ring.start()
    with ring.ledger.read() as db:
        assert pulse.held_back(db) == []


def test_what_was_sent_since_the_backup_is_sent_by_another_name(ring, loading, until):
    """A worker that is still there would take it for a message that was delivered twice, and its lease would have to end."""
    job, _ = loading
    ring.stop()
    ring.redis.delete(routes.queue("A1"))
    with ring.ledger.write() as db:  # as the backup has it
        db.execute(sa.update(schema.batches).where(schema.batches.c.no == 3).values(state="planned", attempt=0))
    go_back(ring, 300)
    until(lambda: states(ring, job) == ["paused"])
    control.resume(ring.dispatcher, job)
    ring.alive()
    message = ring.take()
    assert (message.ref.batch, message.ref.attempt) == (3, 11)
    assert message.look_first, "a call of another size may have created its rows"
    assert message.guessed, "no create has told the key of the service"


def test_a_key_that_a_create_has_told_is_no_guess(ring, loading, until):
    job, _ = loading
    ring.stop()
    ring.redis.delete(routes.queue("A1"))
    with ring.ledger.write() as db:
        key = courses.course(db, job, 1).layout.key
        endpoints.learn_key(db, "a1", service="CustGroupService", fields=key)
        db.execute(sa.update(schema.batches).where(schema.batches.c.no == 3).values(state="planned", attempt=0))
    go_back(ring, 300)
    until(lambda: states(ring, job) == ["paused"])
    control.resume(ring.dispatcher, job)
    ring.alive()
    message = ring.take()
    assert (message.ref.batch, message.look_first, message.guessed) == (3, True, False)


def test_the_pulse_of_another_ledger_says_nothing(ring, loading):
    job, held = loading
    ring.stop()
    ring.redis.set(routes.PULSE_KEY, "another 999999")
    ring.start()
    ring.alive(held.ref)
    assert ring.ask(held.ref).granted
    assert states(ring, job) == ["running"]
