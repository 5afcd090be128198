"""A port whose contract changes under its jobs: they wait, it is read again, and they go on, are planned anew, or end."""

import pytest

from connector.dispatch import control
from connector.ledger import endpoints, jobs
from connector.wire import routes
from connector.wire.codec import from_text, unpack_rows
from connector.wire.metadata import Field
from connector.wire.reports import BatchReturned, Retry, SurveyDone
from tests.dispatch.conftest import METADATA

pytestmark = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)

WAITS = "waiting: the contract of A1 changed and is being read again"


def contract(fingerprint, *names, service="CustGroupService"):
    """The contract of tests.dispatch.conftest with other fields."""
    (known,) = METADATA.services
    (table,) = known.document.tables
    fields = tuple(Field(name=name) for name in names)
    document = known.document.model_copy(update={"tables": (table.model_copy(update={"fields": fields}),)})
    changed = known.model_copy(update={"document": document, "name": service})
    return METADATA.model_copy(update={"fingerprint": fingerprint, "services": (changed,)})


def refuse(ring, message):
    reason = "The contract of port RapidStart has changed since this job was planned."
    ring.tell(BatchReturned, ref=message.ref, retry=Retry.NEVER, reason=reason, code="RSC-5930")


def meet_another(ring, until, *, count=1):
    """Batches are refused; the survey that follows."""
    for _ in range(count):
        message = ring.take()
        assert message.KIND == "load.tables"
        refuse(ring, message)
    survey = ring.take()
    assert survey.KIND == "survey.metadata"
    return survey


def log(ring, job):
    with ring.ledger.read() as db:
        return [text for _, _, text in jobs.log_of(db, job)]


def stopped(ring):
    with ring.ledger.read() as db:
        return endpoints.get(db, "A1").stopped


def test_a_job_that_meets_another_contract_waits_and_says_for_what(ready, until):
    job = ready.load(rows=2)
    meet_another(ready, until)
    until(lambda: ready.job(job).reason == WAITS)
    assert ready.job(job).state == jobs.JobState.WAITING
    assert any(line.startswith("It waits: the contract of A1 changed") for line in log(ready, job))
    assert ready.redis.llen(routes.queue("A1")) == 0, "nothing is sent by the old contract"
    assert stopped(ready) is None


def test_it_goes_on_by_the_new_contract_where_its_columns_still_fit(ready, until):
    job = ready.load(rows=4)
    ready.done(ready.take())
    survey = meet_another(ready, until)
    ready.tell(SurveyDone, ref=survey.ref, metadata=contract("g", "CustGroup", "Name", "PaymTermId"))
    message = ready.take()
    assert (message.ref.job, message.ref.batch, message.ref.attempt, message.target.contract) == (job, 2, 2, "g")
    ready.done(message)
    until(lambda: ready.job(job).state == "succeeded")
    assert ready.totals(job) == {"created": 4}
    assert any("the plan fits it as it is" in line for line in log(ready, job))


def test_one_of_which_nothing_was_written_is_planned_from_the_beginning(ready, until):
    """Its rows are now matched with a field by another name; attempts are numbered on, for a worker may know the first."""
    job = ready.load(rows=2)
    survey = meet_another(ready, until)
    ready.tell(SurveyDone, ref=survey.ref, metadata=contract("g", "CustGroup", "NAME_"))
    message = ready.take()
    assert (message.ref.job, message.ref.attempt, message.target.contract) == (job, 2, "g")
    assert [column.field for column in message.layout.columns] == ["CustGroup", "NAME_"]
    ready.done(message)
    until(lambda: ready.job(job).state == "succeeded")
    assert ready.totals(job) == {"created": 2}


def test_one_that_was_begun_in_another_way_ends_and_the_rest_is_loaded_by_a_retry(ready, until):
    job = ready.load(rows=4)
    ready.done(ready.take())
    survey = meet_another(ready, until)
    ready.tell(SurveyDone, ref=survey.ref, metadata=contract("g", "CustGroup", "NAME_"))
    until(lambda: ready.job(job).finished_at)
    ended = ready.job(job)
    assert (ended.state, ended.code) == ("failed", "RSC-2260")
    assert ended.reason == "the contract of A1 changed, and CustGroup would go in by other columns than were begun with"
    assert ended.advice == f"Load the others by the new contract: rapidstart job retry {job}"
    assert ready.totals(job) == {"created": 2, "skipped": 2}
    again = control.retry(ready.dispatcher, job)
    message = ready.take()
    assert (message.ref.job, len(unpack_rows(from_text(message.rows)))) == (again.id, 2)
    assert [column.field for column in message.layout.columns] == ["CustGroup", "NAME_"]


def test_one_that_the_new_contract_has_no_place_for_ends_with_the_planners_sentence(ready, until):
    job = ready.load(rows=4)
    ready.done(ready.take())
    survey = meet_another(ready, until)
    ready.tell(SurveyDone, ref=survey.ref, metadata=contract("g", "CustGroup"))
    until(lambda: ready.job(job).finished_at)
    assert ready.job(job).state == "failed"
    assert ready.job(job).reason.startswith("the contract of A1 changed, and the package does not fit it any more: ")
    assert "Name" in ready.job(job).reason
    assert ready.totals(job) == {"created": 2, "skipped": 2}, "what was written stays told"


def test_others_that_were_planned_by_the_old_contract_do_not_have_to_meet_the_new_one(ready, until):
    first, other = ready.load(rows=2), ready.load(rows=2, company="DEMF")
    control.pause(ready.dispatcher, other)
    until(lambda: ready.job(other).planned or ready.redis.llen(routes.queue("A1")))
    survey = meet_another(ready, until)
    ready.tell(SurveyDone, ref=survey.ref, metadata=contract("g", "CustGroup", "Name"))
    message = ready.take()
    assert (message.ref.job, message.target.contract) == (first, "g")
    ready.done(message)
    control.resume(ready.dispatcher, other)
    message = ready.take()
    assert (message.ref.job, message.target.contract) == (other, "g")


def test_a_batch_that_is_at_work_is_waited_for(ready, until):
    job = ready.load(rows=4)
    first, second = ready.take(), ready.take()
    refuse(ready, first)
    survey = ready.take()
    ready.tell(SurveyDone, ref=survey.ref, metadata=contract("g", "CustGroup", "NAME_"))
    until(lambda: ready.redis.xlen(routes.report_stream("A1")) == 0)
    ready.alive(second.ref)
    assert ready.job(job).finished_at is None
    ready.done(second)
    until(lambda: ready.job(job).finished_at)
    assert ready.totals(job) == {"created": 2, "skipped": 2}


def test_a_survey_that_is_refused_stops_the_endpoint_and_no_job(ready, until):
    job = ready.load(rows=2)
    survey = meet_another(ready, until)
    ready.tell(SurveyDone, ref=survey.ref, reason="The contract is no contract.", code="RSC-5922")
    until(lambda: stopped(ready))
    until(lambda: ready.job(job).reason.startswith("waiting: A1 is stopped: The contract is no contract."))
    assert ready.job(job).finished_at is None
    ready.dispatcher.resume_endpoint("A1")
    again = ready.take()
    assert (again.KIND, again.ref.job != survey.ref.job) == ("survey.metadata", True), "it is read before anything is sent"
    ready.tell(SurveyDone, ref=again.ref, metadata=contract("g", "CustGroup", "Name"))
    ready.done(ready.take())
    until(lambda: ready.job(job).state == "succeeded")


def test_a_port_that_goes_on_refusing_what_its_contract_says_stops_the_endpoint(ready, until):
    job = ready.load(rows=2)
    for _ in range(2):
        survey = meet_another(ready, until)
        ready.tell(SurveyDone, ref=survey.ref, metadata=METADATA)
    refuse(ready, ready.take())
    until(lambda: stopped(ready))
    assert "reading it again changes nothing" in stopped(ready).reason
    assert ready.job(job).finished_at is None


def test_a_dispatcher_that_starts_again_meanwhile_goes_on_from_there(ready, until):
    job = ready.load(rows=2)
    survey = meet_another(ready, until)
    until(lambda: ready.job(job).reason == WAITS)
    ready.stop()
    ready.start()
    ready.alive()
    ready.tell(SurveyDone, ref=survey.ref, metadata=contract("g", "CustGroup", "Name"))
    message = ready.take()
    assert (message.ref.job, message.target.contract) == (job, "g")
    ready.done(message)
    until(lambda: ready.job(job).state == "succeeded")
