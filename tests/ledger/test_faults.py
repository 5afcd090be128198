"""How often a batch came back, the end of one that is given up, and what is kept of an endpoint's limits."""

import pytest

from connector.ledger import batches, endpoints, faults, grants, limits, results
from connector.ledger.faults import Because, Past
from connector.ledger.limits import NONE, Limits, Stopped
from connector.wire.reports import Intent, Outcomes

BECAUSE = Because(message="It came back 10 times: no answer.", advice="Load it again.", code="RSC-3321")


def claim(ledger, job, now=10.0):
    with ledger.write() as db:
        return batches.claim(db, job=job.id, limit=5, now=now)[0].ref


def told(ledger, job):
    with ledger.read() as db:
        return {(found.outcome, found.code) for found in results.failures(db, job.id)}


def test_the_past_of_a_batch_is_kept_while_it_comes_back(ledger, job):
    ref = claim(ledger, job)
    found = Past(fault="silent", times=2, since=3.0, left=5)
    with ledger.write() as db:
        assert faults.past(db, ref) == Past()
        faults.note(db, ref, found)
        batches.returned(db, ref, so_far=None, settled=True, not_before=99.0, reason="down.")
        assert faults.past(db, ref) is None, "it is on no way now"
    assert claim(ledger, job, now=100.0).attempt == 2
    with ledger.read() as db:
        assert faults.past(db, ref.model_copy(update={"attempt": 2})) == found


def test_what_waits_for_one_reason_is_woken_but_not_where_a_call_may_be_at_work(ledger, job):
    ref = claim(ledger, job)
    with ledger.write() as db:
        faults.note(db, ref, Past(fault="silent", times=1, since=1.0))
        batches.returned(db, ref, so_far=None, settled=True, not_before=99.0, reason="down.")
        faults.wake(db, "a", fault="conflict")
        assert batches.next_due(db, job=job.id) == (99.0, "down.")
        faults.wake(db, "a", fault="silent")
        assert batches.next_due(db, job=job.id) is None
    again = claim(ledger, job)
    intent = Intent(message_id="m", operation="create", documents=(0, 1), digest="d", time_limit_s=30)
    with ledger.write() as db:
        assert grants.grant(db, again, intent=intent, so_far=Outcomes(letters="....."), at=20.0) == ""
        assert faults.past(db, again).open_rows == 2
        batches.returned(db, again, so_far=None, settled=False, not_before=0.0, reason="no end.")
        faults.wake(db, "a", fault="silent")
        assert batches.next_due(db, job=job.id) == (50.0, "no end.")


def test_rows_of_a_batch_that_is_given_up_have_failed(ledger, job):
    ref = claim(ledger, job)
    with ledger.write() as db:
        assert faults.give_up(db, ref, so_far=Outcomes(letters="cc..."), settled=True, because=BECAUSE, at=9.0)
        assert not faults.give_up(db, ref, so_far=None, settled=True, because=BECAUSE, at=9.0), "once is enough"
        assert not batches.any_unfinished(db, job.id)
    assert told(ledger, job) == {("failed", "RSC-3321")}


def test_rows_of_a_call_that_told_no_end_are_unknown_when_their_batch_is_given_up(ledger, job):
    ref = claim(ledger, job)
    intent = Intent(message_id="m", operation="postJournal", documents=(1,), digest="d", time_limit_s=30)
    with ledger.write() as db:
        grants.grant(db, ref, intent=intent, so_far=Outcomes(letters="....."), at=9.0)
        assert faults.give_up(db, ref, so_far=None, settled=False, because=BECAUSE, at=10.0)
    assert told(ledger, job) == {("failed", "RSC-3321"), ("unknown", "RSC-3121")}
    with ledger.read() as db:
        unknown = [found for found in results.failures(db, job.id) if found.outcome == "unknown"]
    assert all(found.message.startswith(BECAUSE.message) for found in unknown)


@pytest.mark.parametrize(
    "allowed",
    [NONE, Limits(concurrency=3), Limits(rows_per_second=0.5, hours="daily 01:00-02:00 UTC", call_seconds=(1.0, 9.5))],
)
def test_limits_come_back_as_they_were_set(ledger, job, allowed):
    with ledger.write() as db:
        limits.limit(db, "a", allowed)
        assert endpoints.get(db, "A").limits == allowed


def test_an_endpoint_is_stopped_for_its_first_reason_until_it_goes_on(ledger, job):
    first = Stopped(at=1.0, reason="refused.", advice="Look.", code="RSC-5910")
    with ledger.write() as db:
        assert limits.stop(db, "a", first)
        assert not limits.stop(db, "a", Stopped(at=2.0, reason="another."))
        assert endpoints.get(db, "a").stopped == first
        assert limits.go_on(db, "a")
        assert not limits.go_on(db, "a")
        assert endpoints.get(db, "a").stopped is None


def test_the_size_of_calls_is_kept_per_service_and_forgotten_with_its_endpoint(ledger):
    with ledger.write() as db:
        endpoints.add(db, endpoints.Endpoint(key="b", name="B", addresses=("http://b",)))
        limits.keep_call_rows(db, "b", service="S/T", rows=40)
        limits.keep_call_rows(db, "b", service="S/T", rows=20)
        assert [limits.call_rows(db, "b", service=name) for name in ("S/T", "S/U")] == [20, 0]
        endpoints.remove(db, "b")
        assert limits.call_rows(db, "b", service="S/T") == 0
