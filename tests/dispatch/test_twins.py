"""One attempt in two processes: a message that a broken connection, or an old append-only file, brought twice."""

import pytest

from connector.wire import codec, reports, routes
from connector.wire.jobs import ANSWERS


@pytest.fixture
def loading(ring):
    """A job of one batch of two rows, its message taken."""
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    job = ring.load(rows=2)
    return ring, job, ring.take().ref


def tell(ring, worker, kind, **fields):
    report = kind(endpoint="A1", worker=worker, **fields)
    ring.redis.xadd(routes.report_stream("A1"), {"m": codec.encode(report)})
    return report


def ask(ring, worker, ref, *, message_id="m1", so_far=".."):
    intent = reports.Intent(message_id=message_id, operation="create", documents=(0,), digest="d", time_limit_s=1)
    question = tell(ring, worker, reports.IntentReported, ref=ref, intent=intent, so_far=reports.Outcomes(letters=so_far))
    answer = ring.redis.blpop([routes.reply_key("A1", question.event_id)], timeout=10)
    assert answer, "no answer came"
    return codec.decode(answer[1], ANSWERS)


def test_only_the_first_process_is_given_leave(loading):
    """The other would call a class a second time: only document services know a MessageId again."""
    ring, _, ref = loading
    assert ask(ring, "w1", ref).granted
    assert not ask(ring, "w2", ref).granted
    assert not ask(ring, "w2", ref, message_id="m2").granted
    assert ask(ring, "w1", ref, message_id="m2", so_far="c.").granted


def test_what_the_other_tells_of_the_batch_does_not_count(loading, until):
    """It found what the first one had created, or gave the batch back because it was refused."""
    ring, job, ref = loading
    assert ask(ring, "w1", ref).granted
    found = reports.Outcomes(letters="==")
    tell(ring, "w2", reports.BatchDone, ref=ref, outcomes=found)
    tell(ring, "w2", reports.BatchReturned, ref=ref, so_far=None, retry=reports.Retry.SOON, reason="replaced", settled=True)
    assert ask(ring, "w1", ref, message_id="m2", so_far="c.").granted
    tell(ring, "w1", reports.BatchDone, ref=ref, outcomes=reports.Outcomes(letters="cc"))
    until(lambda: ring.job(job).finished_at)
    assert ring.totals(job) == {"created": 2}


def test_the_next_attempt_may_go_to_another_process(loading):
    ring, _, ref = loading
    assert ask(ring, "w1", ref).granted
    tell(ring, "w1", reports.BatchReturned, ref=ref, so_far=None, retry=reports.Retry.SOON, reason="stopping", settled=True)
    second = ring.take().ref
    assert second.attempt == 2
    assert ask(ring, "w2", second).granted
    assert not ask(ring, "w1", second).granted
