"""Each change of a job or a step has a number, given by the database; rows are counted where a step's counts change."""

import time

import pytest
import sqlalchemy as sa

from connector.errors import NotFound
from connector.ledger import batches, changes, courses, jobs, throughput
from connector.wire.reports import Outcomes, Problem


def latest(ledger):
    with ledger.read() as db:
        return changes.latest(db)


def test_numbers_grow_with_each_change_and_only_then(ledger, job):
    seen = [latest(ledger)]
    for change in (
        lambda db: jobs.set_state(db, job.id, jobs.JobState.WAITING, reason="for something"),
        lambda db: batches.start_step(db, job=job.id, step=1, at=5.0),
        lambda db: jobs.close(db, job.id, jobs.JobState.FAILED, at=6.0),
    ):
        with ledger.write() as db:
            change(db)
        seen.append(latest(ledger))
        with ledger.write() as db:
            change(db)  # nothing is another than before
        assert latest(ledger) == seen[-1]
    assert seen == sorted(set(seen))


def test_of_each_job_the_last_change_is_kept_in_the_order_of_the_changes(ledger, job):
    with ledger.write() as db:
        other = jobs.Job(id=jobs.new_id(db), endpoint="a", submitted_at=2.0)
        jobs.add(db, other)
    before = latest(ledger)
    with ledger.write() as db:
        jobs.mark(db, other.id, started_at=3.0)
        jobs.mark(db, job.id, started_at=3.0)
    with ledger.read() as db:
        found = changes.since(db, before)
        assert [of for _, of in found] == [other.id, job.id]
        assert found == changes.since(db, 0) == changes.of_unfinished(db) == changes.of_jobs(db, [job.id, other.id])
        assert changes.since(db, 0, most=1) == found[:1]
        assert changes.since(db, found[-1][0]) == []


def test_what_was_rolled_back_has_no_number(ledger, job):
    before = latest(ledger)
    with pytest.raises(NotFound), ledger.write() as db:
        _mark_and_fail(db, job)
    with ledger.read() as db:
        assert changes.since(db, before) == []


def test_the_buckets_sum_up_to_the_counts_of_the_steps(ledger, job):
    wrong = Problem(row=1, message="no", advice="")
    with ledger.write() as db:
        (sending,) = batches.claim(db, job=job.id, limit=1, now=1.0)
        assert batches.done(db, sending.ref, outcomes=Outcomes(letters="cfucc", problems=(wrong,)), calls=1, seconds=1.0, at=2.0)
    with ledger.read() as db:
        counts = jobs.totals(db, [job.id])[job.id]
        assert summed(throughput.of_job(db, job.id)) == counts
        assert summed(throughput.of_endpoints(db, None, bucket_s=60, since=0.0)) == counts
        assert throughput.of_endpoints(db, ["other"], bucket_s=60, since=0.0) == []
        assert throughput.ended_lately(db, [job.id], since=time.time() - 60) == {job.id: 5}
        assert throughput.failed_lately(db, since=time.time() - 60) == {"a": 1}
        assert all(bucket.at % 5 == 0 and abs(bucket.at - time.time()) < 60 for bucket in throughput.of_job(db, job.id))


def test_a_plan_that_is_made_anew_has_counted_nothing(ledger, job):
    with ledger.write() as db:
        db.execute(sa.text("UPDATE steps SET skipped = 2 WHERE no = 1"))
        assert throughput.of_job(db, job.id) != []
        courses.clear_plan(db, job.id)
        assert throughput.of_job(db, job.id) == []


def _mark_and_fail(db, job):
    jobs.mark(db, job.id, started_at=3.0)
    jobs.get(db, "JB-NONE")


def summed(buckets):
    return {word: sum(bucket.rows[word] for bucket in buckets) for word in jobs.OUTCOMES}
