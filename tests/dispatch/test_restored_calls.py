"""Calls of a ledger that was put back from a backup: they may have been made since, so none is made again by itself."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from connector.dispatch import control, resolving
from connector.ledger import courses, jobs, pulse, results, schema
from connector.wire import reports, routes

CALLS = {"kind": "load.services", "options": '{"outcome": "u"}'}


@pytest.fixture
def calling(ring, until):
    """A job of three batches of calls, of which none was sent."""
    ring.add_endpoint()
    ring.know_metadata()
    job = ring.load(6)
    until(lambda: ring.job(job).planned)
    with ring.ledger.write() as db:
        db.execute(sa.update(schema.steps).values(CALLS))
    return job


def restored(ring, until, *held):
    """The ledger as a backup has it: what the broker was told is later, and no batch but these was sent yet."""
    until(lambda: ring.redis.get(routes.PULSE_KEY))
    ring.stop()
    ring.redis.delete(routes.queue("A1"))
    with ring.ledger.write() as db:
        others = schema.batches.c.no.not_in([message.ref.batch for message in held])
        db.execute(sa.update(schema.batches).where(others).values(state="planned", attempt=0))
    name, number = ring.redis.get(routes.PULSE_KEY).split()
    ring.redis.set(routes.PULSE_KEY, b"%s %d" % (name, int(number) + 300))
    ring.start()

    def noticed():
        with ring.ledger.read() as db:
            return pulse.restored(db)

    until(noticed)


def codes(ring, job):
    with ring.ledger.read() as db:
        return {failure.code for failure in results.failures(db, job)}


def test_calls_that_may_have_been_made_are_unknown_and_wait_for_a_person(ring, calling, until):
    restored(ring, until)
    until(lambda: ring.job(calling).finished_at)
    assert ring.job(calling).state == "partly_succeeded"
    assert ring.totals(calling) == {"unknown": 6}
    assert codes(ring, calling) == {"RSC-3146"}
    with ring.ledger.read() as db:
        (standing,) = pulse.held_back(db)
    assert (standing.job.id, standing.calls, standing.planned) == (calling, 3, 0)
    ring.alive()
    assert ring.redis.llen(routes.queue("A1")) == 0
    assert resolving.resolve(ring.dispatcher, calling, way="done", rows=None).rows == 6
    with ring.ledger.read() as db:
        assert pulse.held_back(db) == []


def test_what_the_worker_tells_of_a_call_on_the_way_counts(ring, calling, until):
    ring.alive()
    held = ring.take()
    restored(ring, until, held)
    until(lambda: ring.totals(calling) == {"unknown": 4})
    ring.alive(held.ref)
    ring.done(held, "u")
    until(lambda: ring.job(calling).finished_at)
    assert ring.totals(calling) == {"unknown": 4, "updated": 2}


def test_what_comes_back_is_not_called_again(ring, calling, until):
    ring.alive()
    held = ring.take()
    restored(ring, until, held)
    back = {"retry": reports.Retry.SOON, "reason": "the job was paused", "so_far": reports.Outcomes(letters="u.")}
    ring.tell(reports.BatchReturned, ref=held.ref, **back)
    until(lambda: ring.job(calling).finished_at)
    assert ring.totals(calling) == {"unknown": 5, "updated": 1}


def test_what_is_lost_is_not_called_again(ring, calling, until):
    ring.alive()
    held = ring.take()
    restored(ring, until, held)
    until(lambda: ring.totals(calling) == {"unknown": 6}, timeout=30)  # once its lease has ended
    until(lambda: ring.job(calling).finished_at)


def test_rows_of_tables_go_on_when_a_person_says_so(ring, until):
    ring.add_endpoint()
    ring.know_metadata()
    job = ring.load(2)
    until(lambda: ring.job(job).planned)
    restored(ring, until)
    control.resume(ring.dispatcher, job)
    ring.alive()
    ring.done(ring.take())
    until(lambda: ring.job(job).state is jobs.JobState.SUCCEEDED)


def test_calls_of_a_job_that_the_backup_has_without_a_plan_are_not_made_either(ring, until, monkeypatch):
    """It may have been planned, and its calls made, after the backup."""
    ring.add_endpoint()
    job = ring.load(4)
    restored(ring, until)
    control.resume(ring.dispatcher, job)
    add_steps = courses.add_steps

    def add_calls(db, job_id, planned):
        add_steps(db, job_id, [(step, replace(course, kind="load.services")) for step, course in planned])

    monkeypatch.setattr(courses, "add_steps", add_calls)
    ring.know_metadata()
    ring.dispatcher.to_plan.put(job)
    until(lambda: ring.job(job).finished_at)
    assert ring.totals(job) == {"unknown": 4}
