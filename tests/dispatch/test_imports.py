"""Imports of the data dictionary through a real broker; the worker is played by the test."""

import pytest

from connector.dispatch import control, importing
from connector.dispatch.importing import Wish
from connector.errors import Conflict, NotFound
from connector.ledger import dictionaries, endpoints, jobs
from connector.wire import codec, dictionary, reports, routes
from connector.wire.dictionary import DataTable, DeclaredService, Dictionary, ServiceOperation
from connector.wire.jobs import ANSWERS

OLD = Dictionary(language="de", tables=(DataTable(name="Old"),), services=(DeclaredService(name="OldService"),))
GROUP = DataTable(name="CustGroup", label="Customer group")
TERM = DataTable(name="PaymTerm")


def told(ring, ref, *tables, content=None, done=1, total=2):
    """A slice is told; the answer."""
    packed = dictionary.pack(Dictionary(language="en-us", tables=tables)) if content is None else content
    question = ring.tell(reports.DictionarySlice, ref=ref, content=packed, done=done, total=total)
    answer = ring.redis.blpop([routes.reply_key("A1", question.event_id)], timeout=10)
    assert answer, "no answer came"
    return codec.decode(answer[1], ANSWERS)


def known(ring):
    with ring.ledger.read() as db:
        return dictionaries.known(db, "a1")


def log_of(ring, job):
    with ring.ledger.read() as db:
        return [text for _, _, text in jobs.log_of(db, job)]


def ordered(ring, **wish):
    return importing.order(ring.dispatcher, "A1", Wish(**wish)).id


def keep(ring, dictionary_):
    with ring.ledger.write() as db:
        dictionaries.keep(db, "a1", dictionary_, at=1.0)


def test_an_import_takes_the_place_of_what_was_known_when_all_of_it_came(ready, until):
    keep(ready, OLD)
    job = ordered(ready, language="en-us")
    message = ready.take()
    assert (message.KIND, message.language, message.services_only, message.tables) == ("survey.dictionary", "en-us", False, ())
    assert told(ready, message.ref, GROUP, done=1200, total=7012).granted
    until(lambda: ready.job(job).reason == "1,200 of 7,012 read")
    assert ready.job(job).state == "running"
    assert known(ready) == OLD
    assert told(ready, message.ref, TERM).granted
    ready.tell(
        reports.DictionaryDone, ref=message.ref, replaced=("table", "enum", "service", "class", "map"), log=("One was skipped.",)
    )
    until(lambda: ready.job(job).state == "succeeded")
    assert known(ready) == Dictionary(language="en-us", tables=(GROUP, TERM))
    lines = log_of(ready, job)
    assert "One was skipped." in lines
    assert "The data dictionary holds 2 tables now." in lines


def test_some_tables_come_beside_what_is_known(ready, until):
    keep(ready, OLD)
    job = ordered(ready, tables=("CustGroup",))
    message = ready.take()
    assert message.tables == ("CustGroup",)
    assert told(ready, message.ref, GROUP).granted
    ready.tell(reports.DictionaryDone, ref=message.ref)
    until(lambda: ready.job(job).state == "succeeded")
    assert {table.name for table in known(ready).tables} == {"Old", "CustGroup"}
    assert known(ready).services == OLD.services


def test_a_worker_that_dies_half_way_leaves_nothing_and_another_begins_anew(ready, until):
    keep(ready, OLD)
    job = ordered(ready)
    first = ready.take()
    assert told(ready, first.ref, GROUP).granted
    second = ready.take(timeout=30)  # nothing was heard of the first: its lease has run out
    assert (second.ref.attempt, second.ref.job) == (2, job)
    late = told(ready, first.ref, DataTable(name="Late"))
    assert (late.granted, late.reason) == (False, "this attempt was replaced")
    ready.alive(second.ref)
    assert told(ready, second.ref, GROUP).granted
    assert known(ready) == OLD
    ready.tell(reports.DictionaryDone, ref=first.ref, replaced=("table",))  # of the attempt before
    ready.tell(reports.DictionaryDone, ref=second.ref, replaced=("table",))
    until(lambda: ready.job(job).state == "succeeded")
    assert known(ready).tables == (GROUP,)
    assert known(ready).services == OLD.services


def test_an_import_that_ends_for_a_reason_changes_nothing(ready, until):
    keep(ready, OLD)
    job = ordered(ready)
    message = ready.take()
    assert told(ready, message.ref, GROUP).granted
    why = {"reason": "AX has no labels in fr.", "advice": "Choose another.", "code": "RSC-5935"}
    ready.tell(reports.DictionaryDone, ref=message.ref, replaced=(), **why)
    until(lambda: ready.job(job).state == "failed")
    assert (ready.job(job).reason, ready.job(job).advice, ready.job(job).code) == tuple(why.values())
    assert known(ready) == OLD
    with ready.ledger.write() as db:
        dictionaries.adopt(db, "a1", job=job, replaced=())  # as if: nothing is left of it
    assert known(ready) == OLD


def test_a_cancelled_import_goes_no_further(ready, until):
    job = ordered(ready)
    message = ready.take()
    assert told(ready, message.ref, GROUP).granted
    control.cancel(ready.dispatcher, job)
    refused = told(ready, message.ref, TERM)
    assert (refused.granted, refused.reason) == (False, "the job was ended")
    ready.tell(reports.BatchReturned, ref=message.ref, retry=reports.Retry.SOON, reason="it goes no further", sent=False)
    until(lambda: ready.job(job).state == "cancelled")
    with ready.ledger.write() as db:
        dictionaries.adopt(db, "a1", job=job, replaced=())  # as if: nothing is left of it
    assert known(ready) is None


def test_a_slice_that_cannot_be_read_ends_the_import(ready, until):
    job = ordered(ready)
    message = ready.take()
    assert not told(ready, message.ref, content="AAAA").granted
    ready.tell(reports.BatchReturned, ref=message.ref, retry=reports.Retry.SOON, reason="it goes no further", sent=False)
    until(lambda: ready.job(job).state == "failed")
    assert "cannot be read" in ready.job(job).reason
    assert ready.load()  # and the recorder goes on
    assert ready.take().KIND == "load.tables"


def test_one_import_at_a_time_and_the_same_is_asked_once(ready, until):
    job = ordered(ready, language="de")
    assert ordered(ready, language="de") == job
    with pytest.raises(Conflict, match=f"already, by {job}"):
        ordered(ready, language="en-us")
    with pytest.raises(NotFound):
        importing.order(ready.dispatcher, "Nowhere", Wish())
    assert ready.dispatcher.survey("A1").id != job  # contracts are another matter
    kinds = sorted(ready.take().KIND for _ in range(2))
    assert kinds == ["survey.dictionary", "survey.metadata"]


def test_an_import_may_go_to_another_address_than_loads(ready):
    there = "net.tcp://aos:8201/DynamicsAx/Services/MetadataService"
    ordered(ready, address=there)
    message = ready.take()
    assert message.addresses == (there,)


def test_what_is_known_goes_with_its_endpoint(ready):
    keep(ready, OLD)
    ready.dispatcher.remove_endpoint("A1")
    assert known(ready) is None
    with ready.ledger.read() as db:
        assert endpoints.every(db) == []


def test_a_write_that_ax_would_carry_out_again_is_never_repeated(ready, until):
    ready.load(rows=2)
    first = ready.take()
    assert first.idempotent
    ready.done(first)
    operation = ServiceOperation(name="create", kind="Create", idempotent=False)
    keep(ready, Dictionary(services=(DeclaredService(name="CustGroupService", operations=(operation,)),)))
    ready.load(rows=2)
    assert not ready.take().idempotent
