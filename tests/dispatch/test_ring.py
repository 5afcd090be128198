"""The dispatcher against a real broker; the worker is played by the test, over the wire contract alone."""

import pytest

from connector.dispatch import control
from connector.errors import Conflict, NotReachable
from connector.ledger import endpoints, jobs, results
from connector.wire import codec, reports, routes
from connector.wire.codec import Row

#: The ring does the same on either database; the one that has to be started is left to the slow tests.
pytestmark = pytest.mark.parametrize("ledger_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)


def test_rows_travel_in_order_and_every_outcome_comes_back(ready, until):
    job = ready.load(rows=3)
    first, second = ready.take(), ready.take()
    assert codec.unpack_rows(codec.from_text(first.rows)) == [Row(2, ["000", "Group 0"]), Row(3, ["001", "Group 1"])]
    assert [c.field for c in first.layout.columns] == ["CustGroup", "Name"]
    until(lambda: ready.job(job).state == "running")
    ready.done(second)
    ready.done(first)
    until(lambda: ready.job(job).state == "succeeded")
    assert ready.totals(job) == {"created": 3}
    with ready.ledger.read() as db:
        assert [r.row for r in results.every_row(db, job)] == [2, 3, 4]


def test_a_job_asks_its_first_worker_for_metadata_and_goes_on(ring, until):
    ring.add_endpoint()
    job = ring.load()
    until(lambda: "no worker of A1 has been seen yet" in ring.job(job).reason)
    ring.alive()
    survey = ring.take()
    assert (survey.KIND, survey.company) == ("survey.metadata", "USMF")
    until(lambda: ring.job(job).reason == "waiting: metadata of A1")
    ring.know_metadata()
    with ring.ledger.read() as db:
        known = endpoints.metadata(db, "a1")
    ring.tell(reports.SurveyDone, ref=survey.ref, metadata=known)
    assert ring.take().KIND == "load.tables"


def test_a_survey_is_made_once_however_many_jobs_wait_for_it(ring):
    ring.add_endpoint()
    ring.alive()
    for company in ("USMF", "DEMF"):
        ring.load(company=company)
    ring.tell(reports.SurveyDone, ref=ring.take().ref, metadata=ring.metadata)
    assert {ring.take().KIND for _ in range(4)} == {"load.tables"}


def test_a_job_that_waits_for_metadata_says_why_there_is_none_yet(ring, until):
    ring.stop()
    ring.start(retry_pause_s=30)
    ring.add_endpoint()
    job = ring.load()
    ring.alive()
    ring.tell(reports.BatchReturned, ref=ring.take().ref, retry=reports.Retry.LATER, reason="The AOS does not answer.")
    until(lambda: "waiting: metadata of A1: The AOS does not answer; next try" in ring.job(job).reason)


def test_a_contract_that_cannot_be_read_ends_the_jobs_that_wait_for_it(ring, until):
    ring.add_endpoint()
    job = ring.load()
    ring.alive()
    ring.tell(reports.SurveyDone, ref=ring.take().ref, reason="the port answers 404.")
    until(lambda: ring.job(job).state == "failed")
    assert ring.job(job).reason == "the port answers 404."


def test_redis_holds_a_window_whatever_the_size_of_the_package(ready, until):
    ready.load(rows=100)
    until(lambda: ready.redis.llen(routes.queue("A1")) == 4)
    message = ready.take()
    ready.done(message)
    until(lambda: ready.redis.llen(routes.queue("A1")) == 4)


def test_a_message_that_was_lost_on_the_broker_is_sent_again(ready, until):
    job = ready.load(rows=2)
    until(lambda: ready.redis.llen(routes.queue("A1")) == 1)
    ready.redis.flushall()
    again = ready.take(timeout=15)
    assert again.ref.attempt == 2
    ready.done(again)
    until(lambda: ready.job(job).state == "succeeded")
    assert ready.redis.get(routes.EPOCH_KEY), "the broker is marked anew"


def test_a_batch_of_a_silent_worker_is_sent_again_and_the_old_attempt_gets_no_grant(ready, until):
    job = ready.load(rows=2)
    lost = ready.take()
    again = ready.take(timeout=15)
    assert (lost.ref.attempt, again.ref.attempt) == (1, 2)
    assert not ready.ask(lost.ref).granted
    assert ready.ask(again.ref).granted
    ready.done(lost)
    ready.done(again, letter="u")
    until(lambda: ready.job(job).state == "succeeded")
    assert ready.totals(job) == {"updated": 2}


def test_a_call_that_told_no_end_is_repeated_with_its_intent(ready, until):
    ready.load(rows=2)
    lost = ready.take()
    assert ready.ask(lost.ref, "m7").granted
    again = ready.take(timeout=15)
    assert again.open_intent.message_id == "m7"
    assert again.so_far.letters == ".."


def test_a_question_that_comes_twice_is_answered_twice_and_recorded_once(ready):
    ready.load(rows=2)
    ref = ready.take().ref
    assert ready.ask(ref).granted
    assert ready.ask(ref).granted


def test_after_a_restart_the_job_goes_on_where_it_was(ready, until):
    job = ready.load(rows=4)
    first, second = ready.take(), ready.take()
    ready.stop()
    ready.done(first)
    ready.start()
    ready.alive(second.ref)
    ready.done(second)
    until(lambda: ready.job(job).state == "succeeded")
    assert ready.totals(job) == {"created": 4}


def test_a_batch_that_comes_back_goes_out_again_after_a_pause(ready, until):
    job = ready.load(rows=2)
    ref = ready.take().ref
    ready.tell(reports.BatchReturned, ref=ref, retry=reports.Retry.LATER, reason="the AOS does not answer.")
    until(lambda: "the AOS does not answer." in ready.job(job).reason or ready.redis.llen(routes.queue("A1")))
    assert ready.take().ref.attempt == 2


def test_while_an_aos_is_down_only_a_window_of_batches_is_tried(ring, until):
    ring.stop()
    ring.start(retry_pause_s=30)
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    until(lambda: ring.dispatcher.leases.slots("a1") == 2)
    job = ring.load(rows=100)
    returned = 0
    while ring.dispatcher.gate.breakers.outage("a1") is None or ring.redis.llen(routes.queue("A1")):
        if found := ring.redis.llen(routes.queue("A1")):
            returned += found
            for _ in range(found):
                ring.tell(
                    reports.BatchReturned, ref=ring.take().ref, retry=reports.Retry.LATER, reason="The AOS does not answer."
                )
        until(lambda: ring.redis.xlen(routes.report_stream("A1")) == 0)
    assert returned <= 6, "the others are not sent against a wall"
    until(lambda: ring.job(job).reason.startswith("waiting: the AOS of A1 has not answered since"))
    assert ": The AOS does not answer; next try at" in ring.job(job).reason


def test_wrong_configuration_ends_the_job_and_says_what_was_not_written(ready, until):
    job = ready.load(rows=100)
    ref = ready.take().ref
    ready.tell(
        reports.BatchReturned, ref=ref, retry=reports.Retry.NEVER, reason="AX does not know this account.", advice="Add it."
    )
    until(lambda: ready.job(job).state == "failed")
    found = ready.job(job)
    assert (found.reason, found.advice) == ("AX does not know this account.", "Add it.")
    assert ready.totals(job) == {"skipped": 100}


def test_cancel_takes_effect_at_the_next_call(ready, until):
    job = ready.load(rows=100)
    ref = ready.take().ref
    assert ready.ask(ref, "m1").granted
    control.cancel(ready.dispatcher, job)
    refused = ready.ask(ref, "m2", so_far="c.")
    assert (refused.granted, refused.reason) == (False, "the job was ended")
    ready.tell(reports.BatchReturned, ref=ref, retry=reports.Retry.SOON, reason="the job was ended")
    until(lambda: ready.job(job).state == "cancelled")
    assert ready.totals(job) == {"created": 1, "skipped": 99}
    with pytest.raises(Conflict, match="has ended: cancelled"):
        control.cancel(ready.dispatcher, job)


def test_two_loads_of_one_company_take_turns_and_say_so(ready, until):
    first, second, other = ready.load(rows=2), ready.load(rows=2), ready.load(rows=2, company="DEMF")
    taken = [ready.take(), ready.take()]
    assert {message.ref.job for message in taken} == {first, other}
    until(lambda: ready.job(second).reason == f"waiting: {first} is loading USMF")
    for message in taken:
        ready.done(message)
    assert ready.take().ref.job == second


def test_a_job_at_work_says_that_the_broker_is_away(ready, until, monkeypatch):
    def away():
        raise NotReachable("the broker cannot be reached.")

    job = ready.load(rows=2)
    ready.take()
    until(lambda: ready.job(job).state == "running")
    monkeypatch.setattr(ready.dispatcher.outbox, "epoch", away)
    until(lambda: ready.job(job).reason == "waiting: the broker cannot be reached.")


def test_who_waits_for_a_paused_load_is_told_that_it_is_paused(ready, until):
    first, second = ready.load(rows=2), ready.load(rows=2)
    control.pause(ready.dispatcher, first)
    until(lambda: ready.job(second).reason == f"waiting: {first}, which loads USMF, is paused")


def test_loads_that_say_how_far_they_reach_do_not_wait_for_those_of_another_partition(ready):
    for partition in ("one", "two"):
        ready.load(rows=2, partition=partition, mapping='scope = "partition"', mapping_name="m.toml")
    assert len({ready.take().ref.job for _ in range(2)}) == 2


def test_loads_of_which_nobody_says_how_far_they_reach_wait_for_any_other(ring, until):
    ring.add_endpoint(scope="")
    ring.know_metadata()
    ring.alive()
    first, second = ring.load(rows=2), ring.load(rows=2, company="DEMF")
    message = ring.take()
    why = f"waiting: {first} is loading USMF, and nobody says that its tables are per company"
    until(lambda: ring.job(second).reason == why)
    ring.done(message)
    assert ring.take().ref.job == second


def test_the_log_of_a_job_tells_its_life(ready, until):
    job = ready.load(rows=2)
    message = ready.take()
    control.pause(ready.dispatcher, job)
    control.resume(ready.dispatcher, job)
    ready.done(message)
    until(lambda: ready.job(job).state == "succeeded")
    with ready.ledger.read() as db:
        told = [text for _, _, text in jobs.log_of(db, job)]
    assert told == ["Accepted: CustGroup.csv.", "Planned: 2 rows in 1 step.", "Paused.", "Resumed.", "Ended: succeeded."]


def test_a_paused_job_sends_nothing_until_it_is_resumed(ready, until):
    job = ready.load(rows=100)
    until(lambda: ready.redis.llen(routes.queue("A1")) == 4)
    control.pause(ready.dispatcher, job)
    assert ready.job(job).state == "paused"
    for message in [ready.take() for _ in range(4)]:
        ready.done(message)
    until(lambda: ready.totals(job) == {"created": 8})
    until(lambda: ready.redis.xlen(routes.report_stream("A1")) == 0)
    assert ready.redis.llen(routes.queue("A1")) == 0
    control.resume(ready.dispatcher, job)
    assert ready.take().ref.batch == 5


def test_the_first_create_teaches_by_which_fields_a_service_knows_its_records(ready, until):
    job = ready.load(rows=2)
    message = ready.take()
    assert message.layout.key == ("CustGroup",), "a guess"
    outcomes = reports.Outcomes(letters="cc", keys={0: "Name=Group 0"}, key_fields=("Name",))
    ready.tell(reports.BatchDone, ref=message.ref, outcomes=outcomes)
    until(lambda: ready.job(job).state == "succeeded")
    ready.load(rows=2)
    again = ready.take()
    assert (again.layout.key, again.mode) == (("Name",), "upsert")


def test_a_report_that_makes_no_sense_holds_up_nothing(ready, until):
    job = ready.load(rows=2)
    message = ready.take()
    ready.redis.xadd(routes.report_stream("A1"), {"m": "{}"})
    nobody = reports.BatchRef(job="JB-0000", step=1, batch=1)
    ready.tell(reports.BatchReturned, ref=nobody, retry=reports.Retry.NEVER, reason="")
    ready.tell(reports.BatchDone, ref=message.ref, outcomes=reports.Outcomes(letters="ccccccc"))
    ready.tell(reports.WorkerAlive, host="h", pid=10**30, concurrency=1, version="1")
    ready.done(message)
    until(lambda: ready.job(job).state == "succeeded")
