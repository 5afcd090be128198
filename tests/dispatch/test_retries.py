"""A retry takes up the rows of an ended load that are not in, and leaves alone those that are."""

import pytest

from connector.dispatch import control
from connector.errors import Conflict, Refused
from connector.ledger import courses, jobs, results
from connector.wire.metadata import Field
from tests.dispatch.shop import LINES, METADATA, Shop, groups, service


@pytest.fixture
def shop(desk):
    return Shop(desk)


def test_rows_that_failed_or_were_skipped_travel_again_and_no_others(shop):
    first = shop.load(CustGroup=groups("A", "B", "C", "D"))
    shop.settle(first, "cf", "s=")
    again = shop.retry(first)
    assert shop.travelling(again) == [(1, 3), (1, 4)]
    shop.settle(again, "cu")
    assert (shop.job(again).state, shop.totals(again)) == ("succeeded", {"created": 1, "updated": 1})
    assert (shop.job(first).state, shop.totals(first)) == (
        "succeeded",
        {"created": 2, "updated": 1, "unchanged": 1},
    )
    assert shop.job(again).rows == 2


def test_rows_that_were_refused_before_they_were_sent_are_looked_at_again(shop):
    first = shop.load(CustGroup=groups("A", "TOO LONG", "C"))
    shop.settle(first, "cc")
    wider = METADATA.model_copy(
        update={"services": (service("CustGroup", Field(name="CustGroup"), Field(name="Name"), key=("CustGroup",)),)}
    )
    made = control.retry(shop.dispatcher, first)
    assert shop.travelling(shop.plan(made.id, wider)) == [(1, 3)]


def test_a_row_that_repeats_one_that_is_in_is_refused_again(shop):
    first = shop.load(CustGroup=groups("A", "B", "A"))
    shop.settle(first, "cc")
    again = shop.retry(first)
    assert shop.travelling(again) == []
    assert (shop.job(again).state, shop.job(again).rows, shop.totals(again)) == ("failed", 1, {"failed": 1})


def test_rows_that_were_never_sent_because_the_job_was_cancelled_travel(shop):
    first = shop.load(CustGroup=groups("A", "B", "C", "D", "E"))
    shop.settle(first, "cf")
    control.cancel(shop.dispatcher, first)
    assert shop.totals(first) == {"created": 1, "failed": 1, "skipped": 3}
    assert shop.travelling(shop.retry(first, rows="skipped")) == [(1, 4), (1, 5), (1, 6)]
    assert shop.travelling(shop.retry(first)) == [(1, 3)]  # the others are the first retry's affair


def test_a_strict_load_of_which_nothing_was_written_travels_whole(shop):
    first = shop.load(CustGroup=groups("A", "TOO LONG", "C"), strict=True)
    assert (shop.job(first).state, shop.totals(first)) == ("failed", {"failed": 1, "skipped": 2})
    again = control.retry(shop.dispatcher, first)
    assert again.order.strict
    shop.plan(again.id)
    assert shop.totals(again.id) == {"failed": 1, "skipped": 2}  # the row has not become better
    assert shop.job(again.id).rows == 3


def test_a_document_travels_with_all_of_its_lines(shop):
    first = shop.load(
        LINES,
        PurchTable=["PurchId,Name", "P1,one", "P2,two", "P3,three"],
        PurchLine=["PurchId,ItemId,Qty", "P1,a,1", "P2,b,1", "P2,c,1", "P3,d,1"],
    )
    shop.settle(first, "ccssf", "cc")
    again = shop.retry(first)
    assert shop.travelling(again) == [(1, 3), (2, 3), (2, 4)]
    with shop.ledger.read() as db:
        assert [(step.entity, step.rows) for step in courses.steps_of(db, again)] == [("PurchTable", 1), ("PurchLine", 2)]


def test_a_line_without_its_header_is_told_again_and_counted_once(shop):
    first = shop.load(LINES, PurchTable=["PurchId,Name", "P1,one"], PurchLine=["PurchId,ItemId,Qty", "P1,a,1", "P9,b,1"])
    shop.settle(first, "cc")
    again = shop.retry(first)
    assert (shop.travelling(again), shop.totals(again), shop.job(again).rows) == ([], {"failed": 1}, 1)
    with shop.ledger.read() as db:
        assert [row.row for row in results.every_row(db, again)] == [3]


def test_unknown_rows_are_taken_up_only_where_that_is_said(shop):
    first = shop.load(CustGroup=groups("A", "B", "C", "D"))
    shop.settle(first, "c?", "fc")
    assert shop.travelling(shop.retry(first)) == [(1, 4)]
    assert shop.travelling(shop.retry(first, rows="all-not-in")) == [(1, 3)]


def test_what_a_retry_did_not_bring_in_is_retried_there(shop):
    first = shop.load(CustGroup=groups("A", "B"))
    shop.settle(first, "ff")
    second = shop.retry(first)
    with pytest.raises(Conflict, match=f"were taken up by {second} already"):
        control.retry(shop.dispatcher, first)
    with pytest.raises(Conflict, match="has not ended"):
        control.retry(shop.dispatcher, second)
    shop.settle(second, "cf")
    third = shop.retry(second)
    assert shop.travelling(third) == [(1, 3)]


def test_a_load_that_could_not_be_planned_is_planned_again_whole(shop):
    with pytest.raises(Refused):
        shop.load(Strange=["CustGroup,Name", "A,one"])
    (first,) = (job["id"] for job in shop.desk.client.jobs())
    shop.desk.fail(first, reason="no table is named Strange")
    made = control.retry(shop.dispatcher, first)
    strange = service("Strange", Field(name="CustGroup"), Field(name="Name"), key=("CustGroup",))
    assert shop.travelling(shop.plan(made.id, METADATA.model_copy(update={"services": (strange,)}))) == [(1, 2)]


def test_a_load_with_all_its_rows_in_has_nothing_to_retry(shop):
    first = shop.load(CustGroup=groups("A"))
    shop.settle(first, "c")
    with pytest.raises(Conflict, match="has no failed or skipped rows"):
        control.retry(shop.dispatcher, first)


def test_a_job_that_wrote_nothing_of_its_own_is_not_retried(shop):
    job = shop.dispatcher.test("A1")
    with pytest.raises(Conflict, match="is no load"):
        control.retry(shop.dispatcher, job.id)


def test_both_logs_tell_of_the_retry(shop):
    first = shop.load(CustGroup=groups("A", "B"))
    shop.settle(first, "cf")
    again = shop.retry(first)
    with shop.ledger.read() as db:
        assert f"{again} takes up failed rows." in [text for _, _, text in jobs.log_of(db, first)]
        assert f"Accepted: failed rows of {first}, once more." in [text for _, _, text in jobs.log_of(db, again)]
