"""Rows whose outcome nobody could prove wait for a person, and the ledger's counts follow what the person says."""

import pytest

from connector.dispatch import control, resolving
from connector.errors import Conflict, NotFound, Place, Refused
from connector.ledger import jobs, results
from tests.dispatch.shop import LINES, Shop, groups


@pytest.fixture
def shop(desk):
    return Shop(desk)


@pytest.fixture
def unknown(shop):
    """A load of four rows: one is in, two are unknown, one failed."""
    job = shop.load(CustGroup=groups("A", "B", "C", "D"))
    shop.settle(job, "c?", "?f")
    return job


def place(row, file="CustGroup.csv"):
    return Place(file=file, row=row)


def every_row(shop, job):
    with shop.ledger.read() as db:
        return {row.row: row.outcome for row in results.every_row(db, job)}


def test_rows_that_are_in_are_counted_as_what_was_meant_and_have_no_problem_any_more(shop, unknown):
    done = resolving.resolve(shop.dispatcher, unknown, way="done", rows=[place(3)], by="anna")
    assert (done.rows, done.made) == (1, None)
    assert shop.totals(unknown) == {"created": 1, "updated": 1, "unknown": 1, "failed": 1}
    assert every_row(shop, unknown) == {2: "created", 3: "updated", 4: "unknown", 5: "failed"}
    assert [failure.row for failure in shop.failures(unknown)] == [4, 5]
    assert "1 row settled by anna: done." in shop.log(unknown)


def test_a_job_with_all_its_rows_settled_as_in_has_succeeded(shop):
    job = shop.load(CustGroup=groups("A", "B"))
    shop.settle(job, "c?")
    assert shop.job(job).state == "partly_succeeded"
    resolving.resolve(shop.dispatcher, job, way="done", rows=None)
    assert shop.job(job).state == "succeeded"
    with pytest.raises(Conflict, match="has no rows that are unknown or handed over"):
        resolving.resolve(shop.dispatcher, job, way="done", rows=None)


def test_rows_that_shall_not_be_written_are_skipped_and_no_retry_takes_them_up(shop, unknown):
    resolving.resolve(shop.dispatcher, unknown, way="skip", rows=None)
    assert shop.totals(unknown) == {"created": 1, "skipped": 2, "failed": 1}
    assert {failure.code for failure in shop.failures(unknown) if failure.outcome == "skipped"} == {"RSC-3140"}
    assert shop.travelling(shop.retry(unknown)) == [(1, 5)]


def test_rows_are_loaded_again_by_a_job_of_their_own(shop, unknown):
    done = resolving.resolve(shop.dispatcher, unknown, way="retry", rows=[place(4)])
    shop.plan(done.made)
    assert shop.travelling(done.made) == [(1, 4)]
    assert shop.totals(unknown) == {"created": 1, "unknown": 1, "skipped": 1, "failed": 1}
    shop.settle(done.made, "=")
    assert shop.totals(done.made) == {"unchanged": 1}
    assert shop.travelling(shop.retry(unknown, rows="all-not-in")) == [(1, 3), (1, 5)]  # each row is somewhere, and only once


@pytest.mark.parametrize(
    ("letter", "code", "outcome", "told"),
    [
        ("=", "", "updated", None),
        ("u", "", "failed", "RSC-3143"),
        ("f", "RSC-3111", "failed", "RSC-3142"),
        ("f", "RSC-9", "unknown", "RSC-1"),
        ("?", "RSC-9", "unknown", "RSC-1"),
    ],
)
def test_a_lookup_writes_nothing_and_settles_what_it_proves(shop, letter, code, outcome, told):
    job = shop.load(CustGroup=groups("A", "B"))
    shop.settle(job, "?c")
    done = resolving.resolve(shop.dispatcher, job, way="lookup", rows=None)
    assert shop.totals(job) == {"created": 1, "unknown": 1}  # nothing is proved yet
    lookup = shop.job(done.made)
    assert (lookup.kind, lookup.order.mode) == ("preview", "update")
    shop.plan(lookup.id)
    assert shop.travelling(lookup.id) == [(1, 2)]
    shop.settle(lookup.id, letter, code=code)
    assert every_row(shop, job) == {2: outcome, 3: "created"}
    assert [failure.code for failure in shop.failures(job)] == ([told] if told else [])
    assert shop.job(job).state == ("succeeded" if told is None else "partly_succeeded")


def test_rows_that_a_lookup_did_not_find_are_retried(shop):
    job = shop.load(CustGroup=groups("A", "B"))
    shop.settle(job, "?c")
    lookup = resolving.resolve(shop.dispatcher, job, way="lookup", rows=None).made
    shop.plan(lookup)
    shop.settle(lookup, "f", code="RSC-3111")
    assert shop.travelling(shop.retry(job)) == [(1, 2)]


def test_a_document_that_is_not_there_is_missing_with_its_lines(shop):
    job = shop.load(LINES, PurchTable=["PurchId,Name", "P1,one"], PurchLine=["PurchId,ItemId,Qty", "P1,a,1", "P1,b,1"])
    shop.settle(job, "???")
    lookup = resolving.resolve(shop.dispatcher, job, way="lookup", rows=None).made
    shop.plan(lookup)
    shop.settle(lookup, "fff", code="RSC-3111")
    assert shop.totals(job) == {"failed": 3}
    assert shop.job(job).state == "failed"


def test_a_lookup_that_cannot_be_made_leaves_rows_unknown(shop):
    job = shop.load(CustGroup=groups("A", "B"))
    shop.settle(job, "?c")
    lookup = resolving.resolve(shop.dispatcher, job, way="lookup", rows=None).made
    control.cancel(shop.dispatcher, lookup)
    assert shop.totals(job) == {"created": 1, "unknown": 1}
    assert f"{lookup} has looked up 1 row: 0 rows settled. 1 row could not be proved, and stay as they are." in shop.log(job)


def test_what_a_call_has_done_cannot_be_looked_up(shop, unknown):
    with shop.ledger.write() as db:
        import sqlalchemy as sa

        from connector.ledger.schema import steps

        db.execute(sa.update(steps).values(kind="load.classes", options='{"outcome": "c"}'))
    with pytest.raises(Refused, match="leaves no record"):
        resolving.resolve(shop.dispatcher, unknown, way="lookup", rows=None)
    assert len(shop.desk.client.jobs()) == 1
    resolving.resolve(shop.dispatcher, unknown, way="done", rows=None)
    assert shop.totals(unknown) == {"created": 3, "failed": 1}


@pytest.mark.parametrize("row", [place(2), place(99), place(3, file="Other.csv")])
def test_a_row_that_waits_for_nobody_is_refused_and_nothing_is_settled(shop, unknown, row):
    with pytest.raises(NotFound, match=f"row {row.row} is no row of"):
        resolving.resolve(shop.dispatcher, unknown, way="done", rows=[place(3), row])
    assert shop.totals(unknown)["unknown"] == 2


def test_rows_of_a_load_under_way_are_not_settled(shop):
    job = shop.load(CustGroup=groups("A", "B", "C", "D"))
    with pytest.raises(Conflict, match="has not ended"):
        resolving.resolve(shop.dispatcher, job, way="done", rows=None)


def test_a_cancelled_job_stays_cancelled(shop):
    job = shop.load(CustGroup=groups("A", "B", "C"))
    shop.settle(job, "c?")
    control.cancel(shop.dispatcher, job)
    assert shop.job(job).reason == "cancelled: 1 row was written before, 1 row unknown"
    resolving.resolve(shop.dispatcher, job, way="done", rows=None)
    assert (shop.job(job).state, shop.totals(job)) == ("cancelled", {"created": 1, "updated": 1, "skipped": 1})
    assert shop.job(job).reason == "cancelled: 2 rows were written before"


def test_handed_over_rows_are_settled_too(shop):
    job = shop.load(CustGroup=groups("A", "B"))
    shop.settle(job, "hh")
    resolving.resolve(shop.dispatcher, job, way="done", rows=None)
    assert (shop.job(job).state, shop.totals(job)) == ("succeeded", {"updated": 2})


def test_a_retry_of_what_was_settled_finds_nothing(shop):
    job = shop.load(CustGroup=groups("A"))
    shop.settle(job, "?")
    resolving.resolve(shop.dispatcher, job, way="skip", rows=None)
    with pytest.raises(Conflict, match="has no failed or skipped or unknown rows"):
        control.retry(shop.dispatcher, job, rows="all-not-in")
    with shop.ledger.read() as db:
        assert jobs.get(db, job).state == "failed"


def test_a_row_is_settled_with_its_document(shop):
    lines = ["PurchId,ItemId,Qty", "P1,a,1", "P1,b,1", "P2,c,1"]
    job = shop.load(LINES, PurchTable=["PurchId,Name", "P1,one", "P2,two"], PurchLine=lines)
    shop.settle(job, "?????")
    made = resolving.resolve(shop.dispatcher, job, way="retry", rows=[place(3, file="PurchLine.csv")]).made
    assert shop.travelling(shop.plan(made)) == [(1, 2), (2, 2), (2, 3)]
    assert shop.totals(job) == {"unknown": 2, "skipped": 3}


def test_rows_that_a_retry_has_taken_up_are_not_loaded_a_second_time(shop, unknown):
    second = shop.retry(unknown, rows="unknown")
    with pytest.raises(Conflict, match=f"were taken up by {second} already"):
        resolving.resolve(shop.dispatcher, unknown, way="retry", rows=[place(3)])
    assert len(shop.desk.client.jobs()) == 2
    assert shop.totals(unknown)["unknown"] == 2
    resolving.resolve(shop.dispatcher, unknown, way="done", rows=None)  # a person may still say what is so
    assert shop.totals(unknown) == {"created": 1, "updated": 2, "failed": 1}
