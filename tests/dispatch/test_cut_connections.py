"""The connection to the broker breaks after a commit, before what was recorded is acknowledged and answered."""

import pytest
import redis

from connector.wire import codec, reports, routes
from connector.wire.jobs import ANSWERS

pytestmark = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)


class Cut:
    """Breaks the recorder's next pipeline, once it is told to: that carries its answers and acknowledgements."""

    def __init__(self, server):
        self.is_next, self.times, self._made = False, 0, server.pipeline

    def __call__(self, **options):
        if self.is_next:
            self.is_next, self.times = False, self.times + 1
            raise redis.ConnectionError("Connection reset by peer")
        return self._made(**options)


@pytest.fixture
def cut(ring, monkeypatch):
    found = Cut(ring.recorder._redis)
    monkeypatch.setattr(ring.recorder._redis, "pipeline", found)
    return found


def at_work(ring, until):
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    until(lambda: ring.dispatcher.leases.slots("a1") == 2)
    job = ring.load(rows=2)
    message = ring.take()
    until(lambda: ring.redis.xlen(routes.report_stream("A1")) == 0)
    return job, message


def test_a_load_that_waited_for_metadata_is_planned(ring, until, cut):
    ring.add_endpoint()
    ring.alive()
    ring.load(rows=2)
    survey = ring.take()
    assert survey.KIND == "survey.metadata"
    until(lambda: ring.redis.xlen(routes.report_stream("A1")) == 0)
    cut.is_next = True
    ring.tell(reports.SurveyDone, ref=survey.ref, metadata=ring.metadata)
    assert ring.take(timeout=30).KIND == "load.tables"
    assert cut.times == 1


def test_a_grant_is_told_though_its_worker_asks_no_second_time(ring, until, cut):
    _, message = at_work(ring, until)
    cut.is_next = True
    intent = reports.Intent(message_id="m1", operation="create", documents=(0,), digest="d", time_limit_s=1)
    question = ring.tell(reports.IntentReported, ref=message.ref, intent=intent, so_far=reports.Outcomes(letters=".."))
    answer = ring.redis.blpop([routes.reply_key("A1", question.event_id)], timeout=30)
    assert answer, "no answer came"
    assert codec.decode(answer[1], ANSWERS).granted
    assert cut.times == 1


def test_an_outcome_counts_once(ring, until, cut):
    job, message = at_work(ring, until)
    cut.is_next = True
    ring.done(message)
    until(lambda: ring.job(job).finished_at and ring.redis.xlen(routes.report_stream("A1")) == 0)
    assert ring.totals(job) == {"created": 2}
    assert cut.times == 1
