"""What the dispatcher does when an AOS is silent, is set up wrong, or is at odds with one batch; against a real broker."""

import pytest

from connector.dispatch import Dispatcher, outages
from connector.ledger import endpoints, jobs, results
from connector.wire import routes
from connector.wire.reports import BatchReturned, Check, Retry, SurveyDone
from tests.dispatch.conftest import ADDRESS

pytestmark = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)


def give_back(ring, message, retry=Retry.LATER, **fields):
    ring.tell(BatchReturned, ref=message.ref, retry=retry, **({"reason": "The AOS does not answer."} | fields))


def endpoint(ring):
    with ring.ledger.read() as db:
        return endpoints.get(db, "A1")


def test_a_silent_aos_is_probed_by_one_batch_and_all_go_on_when_it_answers(ready, until):
    job = ready.load(rows=20)
    for _ in range(4):
        give_back(ready, ready.take())
    outage = until(lambda: ready.dispatcher.gate.breakers.outage("a1"))
    while ready.redis.llen(routes.queue("A1")):  # those that were on their way
        give_back(ready, ready.take())
    probe = ready.take()
    until(lambda: ready.redis.xlen(routes.report_stream("A1")) == 0)
    assert ready.redis.llen(routes.queue("A1")) == 0, "a probe is alone"
    ready.done(probe)
    until(lambda: ready.redis.llen(routes.queue("A1")) == 4)
    assert ready.dispatcher.gate.breakers.outage("a1") is None
    assert outage.reason == "The AOS does not answer."
    until(lambda: ready.totals(job) == {"created": 2})


def test_a_dispatcher_that_stands_by_tells_of_the_outage_too(ready, until):
    other = Dispatcher(
        ledger=ready.ledger, outbox=ready.dispatcher.outbox, home=ready.home, call_timeout_s=1, lease_s=3, stands_by=True
    )

    def told():
        with ready.ledger.read() as db:
            return outages.of(other, db, "a1")

    ready.load(rows=20)
    assert told() is None
    for _ in range(4):
        give_back(ready, ready.take())
    outage = until(told)
    assert (outage.reason, outage.is_open) == ("The AOS does not answer.", True)
    while ready.redis.llen(routes.queue("A1")):  # those that were on their way
        give_back(ready, ready.take())
    ready.done(ready.take())
    until(lambda: told() is None)


def test_a_restarted_dispatcher_learns_of_the_outage_again(ready, until):
    ready.load(rows=20)
    for _ in range(3):
        give_back(ready, ready.take())
    first = until(lambda: ready.dispatcher.gate.breakers.outage("a1"))
    ready.stop()
    ready.start(retry_pause_s=30)
    ready.alive()

    def again():
        if ready.redis.llen(routes.queue("A1")):
            give_back(ready, ready.take())
        outage = ready.dispatcher.gate.breakers.outage("a1")
        # The batch that was silent first may not be the first that is tried again.
        return outage is not None and outage.since == pytest.approx(first.since, abs=0.01)

    assert until(again)


def test_a_wrong_account_stops_the_endpoint_and_a_test_lets_it_go_on(ready, until):
    first, other = ready.load(rows=4), ready.load(rows=2, company="DEMF")
    until(lambda: ready.redis.llen(routes.queue("A1")) == 3)
    give_back(ready, ready.take(), Retry.NEVER, reason="AX refuses this account.", advice="Enable it.", code="RSC-5910")
    until(lambda: endpoint(ready).stopped)
    told = "waiting: A1 is stopped: AX refuses this account. Enable it. Then: rapidstart endpoint test A1"
    for message in [ready.take(), ready.take()]:  # those that were on their way
        ready.done(message)
    until(lambda: ready.job(first).reason == told)
    assert ready.job(first).state == jobs.JobState.WAITING
    ready.dispatcher.test("A1")
    survey = ready.take()
    assert survey.KIND == "survey.connection", "a test is sent all the same"
    ready.tell(SurveyDone, ref=survey.ref, checks=(Check(name="Port", ok=True, detail="fine"),))
    ready.done(ready.take())
    until(lambda: ready.job(first).state == ready.job(other).state == "succeeded")
    assert endpoint(ready).stopped is None


def test_a_test_that_fails_leaves_the_endpoint_stopped_and_a_person_lets_it_go_on(ready, until):
    ready.load(rows=2)
    give_back(ready, ready.take(), Retry.NEVER, reason="AX refuses this account.", code="RSC-5910")
    until(lambda: endpoint(ready).stopped)
    ready.dispatcher.test("A1")
    ready.tell(SurveyDone, ref=ready.take().ref, reason="refused")
    until(lambda: ready.redis.xlen(routes.report_stream("A1")) == 0)
    assert endpoint(ready).stopped
    ready.dispatcher.resume_endpoint("A1")
    assert ready.take().KIND == "load.tables"
    assert endpoint(ready).stopped is None


def test_an_endpoint_that_cannot_be_surveyed_for_its_account_is_stopped_and_its_jobs_wait(ring, until):
    ring.add_endpoint()
    job = ring.load(rows=2)
    ring.alive()
    survey = ring.take()
    ring.tell(SurveyDone, ref=survey.ref, reason="AX refuses this account. Enable it.", code="RSC-5910")
    until(lambda: ring.job(job).reason.startswith("waiting: A1 is stopped: AX refuses this account. Enable it. Then:"))
    assert ring.redis.llen(routes.queue("A1")) == 0, "it is not asked again and again"
    ring.dispatcher.resume_endpoint("A1")
    again = ring.take()
    assert (again.KIND, again.ref.job != survey.ref.job) == ("survey.metadata", True)
    ring.tell(SurveyDone, ref=again.ref, metadata=ring.metadata)
    assert ring.take().ref.job == job


def test_other_endpoints_go_on(ready, until):
    ready.load(rows=2)
    ready.dispatcher.add_endpoint(name="B1", addresses=(ADDRESS,), companies=(), partition=None, contract=None)
    give_back(ready, ready.take(), Retry.NEVER, reason="AX refuses this account.", code="RSC-5910")
    until(lambda: endpoint(ready).stopped)
    with ready.ledger.read() as db:
        found = [endpoints.get(db, name) for name in ("A1", "B1")]
    assert [ready.dispatcher.gate.passage(each, on_way=0).most("load") > 0 for each in found] == [False, True]


def test_a_company_that_only_the_job_names_ends_the_job(ready, until):
    with ready.ledger.write() as db:
        endpoints.remove(db, "a1")
    ready.dispatcher.add_endpoint(name="A1", addresses=(ADDRESS,), companies=(), partition=None, contract=None)
    ready.know_metadata()
    job = ready.load(rows=2, company="NOPE")
    give_back(ready, ready.take(), Retry.NEVER, reason="There is no NOPE.", code="RSC-5940")
    until(lambda: ready.job(job).state == "failed")
    assert endpoint(ready).stopped is None


def test_an_aos_that_is_silent_for_too_long_is_given_up(ring, until):
    ring.stop()
    ring.start(patience_s=1e-6, retry_pause_s=0.1)
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    job = ring.load(rows=2)
    for _ in range(2):
        give_back(ring, ring.take())
    until(lambda: endpoint(ring).stopped)
    assert "the AOS has not answered for" in endpoint(ring).stopped.reason
    until(lambda: "A1 is stopped" in ring.job(job).reason)


def test_a_batch_that_always_meets_a_deadlock_fails_and_the_others_go_in(ready, until):
    ready.stop()
    ready.start(draw=lambda shortest, _: shortest)
    ready.alive()
    job = ready.load(rows=4)
    first, second = ready.take(), ready.take()
    ready.done(second)
    message = first
    for _ in range(7):
        give_back(ready, message, reason="AX rolled the call back.", code="RSC-5420")
        message = ready.take()
        assert (message.ref.step, message.ref.batch) == (first.ref.step, first.ref.batch)
    give_back(ready, message, reason="AX rolled the call back.", code="RSC-5420")
    until(lambda: ready.job(job).state == "partly_succeeded")
    assert ready.totals(job) == {"created": 2, "failed": 2}
    with ready.ledger.read() as db:
        assert {(found.code, "8 times" in found.message) for found in results.failures(db, job)} == {("RSC-3320", True)}


def test_an_endpoint_that_a_person_lets_go_on_has_not_answered_by_that(ready, until):
    """Else rows would be given up as those that silence an AOS which answers for others."""
    ready.stop()
    ready.start(draw=lambda least, _: least)
    ready.alive()
    job = ready.load(rows=2)
    for _ in range(11):
        message = ready.take()
        give_back(ready, message)
        until(lambda ref=message.ref: not ready.dispatcher.leases.holds(ref))
        ready.dispatcher.resume_endpoint("A1")
    ready.done(ready.take())
    until(lambda: ready.totals(job) == {"created": 2})


def impatient(ring):
    """No pauses to speak of, so that many tries take no time."""
    ring.stop()
    ring.start(draw=lambda *_: 0.0)
    ring.alive()


def numbers(message):
    return (message.ref.step, message.ref.batch)


def test_a_batch_that_silences_the_aos_is_given_up_while_others_go_in(ready, until):
    impatient(ready)
    job = ready.load(rows=40)
    poison = (1, 1)
    while ready.job(job).finished_at is None:
        message = ready.take(timeout=20)
        if message.kind == "survey.connection":  # the AOS is probed, where nothing else is on its way
            ready.tell(SurveyDone, ref=message.ref, checks=(Check(name="Port", ok=True, detail="fine"),))
        elif numbers(message) == poison:
            give_back(ready, message)
        else:
            ready.done(message)
        until(lambda: ready.redis.llen(routes.queue("A1")) or ready.job(job).finished_at, timeout=20)
    assert ready.totals(job) == {"created": 38, "failed": 2}
    with ready.ledger.read() as db:
        assert {found.code for found in results.failures(db, job)} == {"RSC-3321"}
    assert endpoint(ready).stopped is None


def test_a_silent_aos_is_probed_by_one_batch_after_the_other(ready, until):
    impatient(ready)
    ready.load(rows=20)
    tried = []
    for _ in range(12):
        message = ready.take(timeout=20)
        tried.append(numbers(message))
        give_back(ready, message)
    assert len(set(tried)) == 10, "each of the ten was tried"


def test_other_jobs_are_tried_while_the_aos_is_silent_to_one(ready, until):
    impatient(ready)
    poison = ready.load(rows=2)
    until(lambda: ready.redis.llen(routes.queue("A1")))
    other = ready.load(rows=2, company="DEMF")
    for _ in range(20):
        message = ready.take(timeout=20)
        if message.ref.job == other:
            break
        give_back(ready, message)
    assert message.ref.job == other
    ready.done(message)
    until(lambda: ready.job(other).state == "succeeded")
    assert ready.job(poison).finished_at is None


def test_where_one_batch_is_left_the_connection_is_tested_to_tell_its_rows_from_the_aos(ready, until):
    impatient(ready)
    job = ready.load(rows=2)
    tests = 0
    while ready.job(job).finished_at is None:
        message = ready.take(timeout=20)
        if message.KIND == "survey.connection":
            tests += 1
            ready.tell(SurveyDone, ref=message.ref, checks=(Check(name="Port", ok=True, detail="fine"),))
        else:
            give_back(ready, message)
        until(lambda: ready.redis.llen(routes.queue("A1")) or ready.job(job).finished_at, timeout=20)
    assert ready.totals(job) == {"failed": 2}
    assert tests >= 7


def test_a_test_that_fails_too_says_that_it_is_the_aos(ready, until):
    impatient(ready)
    job = ready.load(rows=2)
    tests = 0
    for _ in range(40):
        message = ready.take(timeout=20)
        if message.KIND == "survey.connection":
            tests += 1
            ready.tell(SurveyDone, ref=message.ref, reason="Port: it does not answer.")
        else:
            give_back(ready, message)
    assert 2 <= tests <= 5, "fewer and fewer, the longer it lasts"
    assert ready.job(job).finished_at is None
    ready.done(ready.take(timeout=20))
    until(lambda: ready.totals(job) == {"created": 2})


def test_a_blip_in_a_long_outage_gives_no_batch_up(ready, until):
    impatient(ready)
    job = ready.load(rows=4)
    for _ in range(30):
        give_back(ready, ready.take(timeout=20))
    answered = ready.take(timeout=20)
    ready.done(answered)
    until(lambda: ready.totals(job) == {"created": 2})
    silent = 0
    while silent < 20:
        message = ready.take(timeout=20)
        if message.KIND == "survey.connection":
            ready.tell(SurveyDone, ref=message.ref, reason="Port: it does not answer.")
        else:
            silent += 1
            give_back(ready, message)
    assert ready.job(job).finished_at is None
    ready.done(ready.take(timeout=20))
    until(lambda: ready.job(job).state == "succeeded")
