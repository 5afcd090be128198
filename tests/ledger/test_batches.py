import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.ledger import batches, courses, grants, jobs, results
from connector.ledger.places import expand, runs
from connector.wire.reports import Intent, Outcomes, Problem

INTENT = Intent(message_id="m1", operation="create", documents=(0, 1), digest="d", time_limit_s=30)
ALL_IN = Outcomes(letters="ccccc")


def claim(ledger, job, now=10.0):
    with ledger.write() as db:
        return batches.claim(db, job=job.id, limit=5, now=now)[0]


def counts(ledger, job):
    with ledger.read() as db:
        return [{word: n for word, n in step.counts.items() if n} for step in courses.steps_of(db, job.id)]


def done(ledger, ref, outcomes=ALL_IN):
    with ledger.write() as db:
        return batches.done(db, ref, outcomes=outcomes, calls=1, seconds=0.1, at=20.0)


def test_outcomes_count_for_the_step_of_each_row(ledger, job):
    ref = claim(ledger, job).ref
    assert done(ledger, ref, Outcomes(letters="ccfss", problems=(Problem(row=2, message="no", advice="mend"),)))
    assert counts(ledger, job) == [{"created": 1, "failed": 1}, {"created": 1, "skipped": 2}]
    with ledger.read() as db:
        assert [(f.entity, f.row, f.outcome, f.message) for f in results.failures(db, job.id)] == [("Orders", 3, "failed", "no")]
        told = [(r.step, r.row, r.outcome) for r in results.every_row(db, job.id)]
    assert told == [(1, 2, "created"), (2, 2, "created"), (1, 3, "failed"), (2, 3, "skipped"), (2, 4, "skipped")]


def test_a_report_that_comes_twice_counts_once(ledger, job):
    ref = claim(ledger, job).ref
    assert done(ledger, ref)
    assert not done(ledger, ref)
    assert counts(ledger, job) == [{"created": 2}, {"created": 3}]


def test_a_replaced_attempt_gets_no_grant_and_counts_nothing(ledger, job):
    first = claim(ledger, job).ref
    with ledger.write() as db:
        assert batches.replace(db, first, now=11.0, reason="silent") == 0.0
    second = claim(ledger, job).ref
    assert (first.attempt, second.attempt) == (1, 2)
    with ledger.write() as db:
        assert grants.grant(db, first, intent=INTENT, so_far=Outcomes(letters="....."), at=12.0) == "this attempt was replaced"
    assert not done(ledger, first)
    assert done(ledger, second)
    assert counts(ledger, job) == [{"created": 2}, {"created": 3}]


def test_a_granted_call_without_an_end_holds_the_batch_back_and_travels_with_it(ledger, job):
    ref = claim(ledger, job).ref
    so_far = Outcomes(letters="cc...")
    with ledger.write() as db:
        assert grants.grant(db, ref, intent=INTENT, so_far=so_far, at=100.0) == ""
        assert batches.replace(db, ref, now=101.0, reason="silent") == 130.0
        assert batches.claim(db, job=job.id, limit=5, now=129.0) == []
    again = claim(ledger, job, now=130.5)
    assert again.open_intent == INTENT
    assert again.so_far == so_far


def test_the_same_intent_is_granted_again_also_to_a_job_that_ends(ledger, job):
    ref = claim(ledger, job).ref
    other = INTENT.model_copy(update={"message_id": "m2"})
    with ledger.write() as db:
        assert grants.grant(db, ref, intent=INTENT, so_far=Outcomes(letters="....."), at=1.0) == ""
        jobs.mark(db, job.id, ending=jobs.JobState.CANCELLED)
        assert grants.grant(db, ref, intent=INTENT, so_far=Outcomes(letters="....."), at=1.0) == ""
        assert grants.grant(db, ref, intent=other, so_far=Outcomes(letters="....."), at=1.0) == "the job was ended"


@pytest.mark.parametrize("paused", [False, True])
def test_an_intent_of_old_that_comes_again_changes_nothing(ledger, job, paused):
    """An old append-only file can bring it back: what was granted since must still be known when the worker dies."""
    ref = claim(ledger, job).ref
    later = INTENT.model_copy(update={"message_id": "m2", "documents": (1,)})
    so_far = Outcomes(letters="cc...")
    with ledger.write() as db:
        assert grants.grant(db, ref, intent=INTENT, so_far=Outcomes(letters="....."), at=1.0) == ""
        assert grants.grant(db, ref, intent=later, so_far=so_far, at=2.0) == ""
        jobs.mark(db, job.id, paused=paused)
        assert grants.grant(db, ref, intent=INTENT, so_far=Outcomes(letters="....."), at=3.0) == "this call was granted before"
        jobs.mark(db, job.id, paused=False)
        batches.replace(db, ref, now=4.0, reason="silent")
    again = claim(ledger, job, now=100.0)
    assert (again.open_intent, again.so_far) == (later, so_far)


def test_a_call_that_ax_rolled_back_is_granted_to_the_next_attempt(ledger, job):
    """Its MessageId is the same: the attempt is not in it."""
    ref = claim(ledger, job).ref
    with ledger.write() as db:
        assert grants.grant(db, ref, intent=INTENT, so_far=Outcomes(letters="....."), at=1.0) == ""
        batches.returned(db, ref, so_far=None, settled=True, not_before=0.0, reason="deadlock")
    second = claim(ledger, job).ref
    with ledger.write() as db:
        assert grants.grant(db, second, intent=INTENT, so_far=Outcomes(letters="....."), at=2.0) == ""


@pytest.mark.parametrize(("sent", "due"), [(True, 1.0 + INTENT.time_limit_s), (False, 5.0)])
def test_a_call_of_unknown_end_is_waited_for_unless_nothing_was_sent(ledger, job, sent, due):
    """An attempt that could not send the call again had waited for the first one's time to pass."""
    ref = claim(ledger, job).ref
    with ledger.write() as db:
        assert grants.grant(db, ref, intent=INTENT, so_far=Outcomes(letters="....."), at=1.0) == ""
        batches.returned(db, ref, so_far=None, settled=False, not_before=5.0, reason="silent", sent=sent)
        assert batches.next_due(db, job=job.id) == (due, "silent")
    assert claim(ledger, job, now=due).open_intent == INTENT


def test_cancelling_says_what_is_skipped_and_what_nobody_knows(ledger, job):
    ref = claim(ledger, job).ref
    with ledger.write() as db:
        grants.grant(db, ref, intent=INTENT, so_far=Outcomes(letters="cc..."), at=1.0)
        batches.cancel_waiting(db, job.id, held=lambda held: held == ref, at=2.0)
        assert batches.any_unfinished(db, job.id), "a worker holds it"
        batches.replace(db, ref, now=3.0, reason="silent")
        batches.cancel_waiting(db, job.id, held=lambda _: False, at=4.0)
        assert not batches.any_unfinished(db, job.id)
    assert counts(ledger, job) == [{"created": 1, "unknown": 1}, {"created": 1, "unknown": 2}]
    with ledger.read() as db:
        told = results.failures(db, job.id)
    assert [(row.entity, row.row, row.outcome) for row in told] == [
        ("Orders", 3, "unknown"),
        ("Lines", 3, "unknown"),
        ("Lines", 4, "unknown"),
    ]
    assert all("load" in row.advice for row in told), "who settles a row is told how"


def test_of_calls_only_the_one_under_way_is_unknown_when_the_job_is_cancelled(ledger, job):
    """An operation is called for one row at a time: nothing of the others was sent."""
    ref = claim(ledger, job).ref
    intent = Intent(message_id="m1", operation="postJournal", documents=(1,), digest="d", time_limit_s=30)
    with ledger.write() as db:
        assert grants.grant(db, ref, intent=intent, so_far=Outcomes(letters="uu..."), at=11.0) == ""
        assert batches.end_early(db, ref, at=12.0, so_far=None, settled=False)
    assert counts(ledger, job) == [{"updated": 1, "unknown": 1}, {"updated": 1, "unknown": 2}]
    with ledger.read() as db:
        assert {found.code for found in results.failures(db, job.id)} == {"RSC-3121"}
        assert all("call has taken effect" in found.advice for found in results.failures(db, job.id))


def test_a_call_that_has_not_come_to_a_row_leaves_it_skipped(ledger, job):
    ref = claim(ledger, job).ref
    intent = Intent(message_id="m1", operation="postJournal", documents=(0,), digest="d", time_limit_s=30)
    with ledger.write() as db:
        assert grants.grant(db, ref, intent=intent, so_far=Outcomes(letters="....."), at=11.0) == ""
        assert batches.end_early(db, ref, at=12.0, so_far=None, settled=False)
    assert counts(ledger, job) == [{"skipped": 1, "unknown": 1}, {"skipped": 2, "unknown": 1}]


def test_a_batch_that_was_never_sent_is_skipped_when_its_job_ends(ledger, job):
    with ledger.write() as db:
        batches.cancel_waiting(db, job.id, held=lambda _: False, at=4.0)
    assert counts(ledger, job) == [{"skipped": 2}, {"skipped": 3}]


def test_a_later_rank_waits_for_the_end_of_the_earlier_one(ledger, job):
    with ledger.write() as db:
        later = batches.NewBatch(step=2, no=9, rank=2, size=0, places=(), rows=b"")
        batches.add_many(db, job=job.id, endpoint="a", new=[later])
        first = batches.claim(db, job=job.id, limit=5, now=1.0)
        assert [s.ref.batch for s in first] == [1]
        assert batches.claim(db, job=job.id, limit=5, now=1.0) == []
        batches.done(db, first[0].ref, outcomes=ALL_IN, calls=1, seconds=0, at=2.0)
        assert [s.ref.batch for s in batches.claim(db, job=job.id, limit=5, now=1.0)] == [9]


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 50))))
def test_runs_are_the_same_places(places):
    import json

    assert expand(json.dumps(runs(places))) == places
