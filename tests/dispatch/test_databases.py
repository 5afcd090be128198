"""An AX database that was refreshed or restored is noticed by its mark: nothing is written before a person says so."""

import pytest

from connector.ledger import endpoints, jobs, marks
from connector.wire import codec, reports, routes
from connector.wire.jobs import ANSWERS
from connector.wire.metadata import MARK, Document, Service
from connector.wire.reports import Check, SurveyDone
from tests.dispatch.conftest import METADATA

pytestmark = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)
TABLES = Service(
    address="http://aos/MicrosoftDynamicsAXAif60/RapidStartTables/xppservice.svc",
    port="RapidStartTables",
    name="RapidStartTableService",
    namespace="urn:t",
    operations=("describe", MARK),
    document=Document(name="d", namespace="urn:t"),
    generic=True,
)
WITH_MARKER = METADATA.model_copy(update={"services": (*METADATA.services, TABLES)})


@pytest.fixture
def ready(ring, until):
    ring.add_endpoint(database="shared")
    with ring.ledger.write() as db:
        endpoints.surveyed(db, "a1", found=WITH_MARKER, checks=(), at=1.0)
    ring.alive()
    until(lambda: ring.dispatcher.leases.slots("a1") == 2)
    return ring


def ask(ring, message, mark, *, message_id="m1"):
    intent = reports.Intent(message_id=message_id, operation="create", documents=(0,), digest="d", time_limit_s=1)
    so_far = reports.Outcomes(letters="..")
    question = ring.tell(reports.IntentReported, ref=message.ref, intent=intent, so_far=so_far, mark=mark)
    answer = ring.redis.blpop([routes.reply_key("A1", question.event_id)], timeout=10)
    assert answer, "no answer came"
    return codec.decode(answer[1], ANSWERS)


def endpoint(ring, name="A1"):
    with ring.ledger.read() as db:
        return endpoints.get(db, name)


def changed(ring, name="A1"):
    mark = endpoint(ring, name).mark
    return mark is not None and mark.changed


def log_of(ring, job):
    with ring.ledger.read() as db:
        return [text for _, _, text in jobs.log_of(db, job)]


def test_a_worker_is_told_who_knows_the_mark(ready):
    ready.load(rows=2)
    marker = ready.take().marker
    assert (marker.service, marker.address, marker.given) == (TABLES.name, TABLES.address, False)


def test_a_changed_mark_holds_back_what_writes_until_a_person_accepts_it(ready, until):
    job = ready.load(rows=4)
    first, second = ready.take(), ready.take()
    assert ask(ready, first, "one").granted
    ready.done(first, mark="one")
    refused = ask(ready, second, "two", message_id="m2")
    assert not refused.granted
    assert "the database of A1 changed since 20" in refused.reason
    ready.tell(reports.BatchReturned, ref=second.ref, retry=reports.Retry.SOON, reason=refused.reason)
    until(lambda: ready.job(job).reason.startswith("waiting: the database of A1 changed since 20"))
    assert ready.job(job).reason.endswith("rapidstart endpoint show A1, then rapidstart endpoint resume A1")
    assert any(line.startswith("Nothing more is written: the database of A1 changed") for line in log_of(ready, job))
    ready.dispatcher.test("A1")
    test = ready.take()
    assert test.KIND == "survey.connection", "no batch comes before it"
    ready.tell(SurveyDone, ref=test.ref, checks=(Check(name="Port", ok=True, detail="fine"),), mark="two")
    until(lambda: endpoint(ready).checks)
    assert changed(ready), "a test does not accept it"
    ready.dispatcher.resume_endpoint("A1")
    again = ready.take()
    assert again.ref == second.ref.model_copy(update={"attempt": 2})
    assert ask(ready, again, "two", message_id="m2").granted
    ready.done(again, mark="two")
    until(lambda: ready.job(job).state == "succeeded")
    assert (endpoint(ready).mark.text, changed(ready)) == ("two", False)


def test_a_call_that_may_have_been_made_is_not_repeated_into_another_database(ready, until):
    ready.load(rows=2)
    first = ready.take()
    assert ask(ready, first, "one").granted
    lost = {"retry": reports.Retry.LATER, "reason": "The AOS does not answer.", "settled": False}
    ready.tell(reports.BatchReturned, ref=first.ref, **lost)
    again = ready.take(timeout=15)
    assert again.open_intent.message_id == "m1"
    assert not ask(ready, again, "two").granted
    ready.tell(reports.BatchReturned, ref=again.ref, sent=False, **lost)
    until(lambda: changed(ready))
    ready.dispatcher.resume_endpoint("A1")
    third = ready.take(timeout=15)
    assert third.open_intent.message_id == "m1", "it is as open as before"
    assert ask(ready, third, "two").granted


def test_endpoints_of_one_database_are_held_back_together(ready, until):
    ready.add_endpoint("B1", database="shared")
    ready.add_endpoint("C1", database="other")
    ready.load(rows=2)
    message = ready.take()
    assert ask(ready, message, "one").granted
    ready.done(message, mark="two")
    until(lambda: changed(ready))
    assert changed(ready, "B1")
    assert not changed(ready, "C1")
    ready.dispatcher.resume_endpoint("B1")
    assert changed(ready)
    assert not changed(ready, "B1")


@pytest.mark.parametrize(("told", "holds"), [(None, False), ("one", False), ("", True)])
def test_a_mark_that_is_told_no_more_holds_back_one_that_was_not_asked_for_does_not(ready, until, told, holds):
    ready.load(rows=4)
    first, second = ready.take(), ready.take()
    assert ask(ready, first, "one").granted
    ready.done(first, mark="one")
    ready.done(second, mark=told)
    until(lambda: ready.redis.xlen(routes.report_stream("A1")) == 0)
    assert changed(ready) is holds


def test_what_was_loaded_before_is_listed_until_it_is_accepted(ready, until):
    done, under_way = ready.load(rows=2), ready.load(rows=4, company="DEMF")
    message = ready.take()
    assert ask(ready, message, "one").granted
    ready.done(message, mark="one")
    until(lambda: ready.job(done).finished_at)
    other = ready.take()
    assert not ask(ready, other, "two", message_id="m2").granted
    with ready.ledger.read() as db:
        found = {each.job.id: each for each in marks.to_reconcile(db, "a1", endpoint(ready).mark)}
    assert set(found) == {done, under_way}
    assert (found[done].written, found[done].left) == (2, 0)
    assert (found[under_way].written, found[under_way].left) == (0, 2)
    ready.dispatcher.resume_endpoint("A1")
    with ready.ledger.read() as db:
        assert [each.job.id for each in marks.to_reconcile(db, "a1", endpoint(ready).mark)] == [under_way]
