"""What is wrong with rows is told before anything is written; the worker is played by the test."""

import io
import zipfile

import pytest

from connector import plan
from connector.dispatch import cutting
from connector.errors import NotReachable
from connector.ledger import endpoints, jobs, results
from connector.wire import codec, routes
from connector.wire.metadata import Field, FieldType, Metadata, Table

pytestmark = pytest.mark.parametrize("ledger_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)

KEYED = b'[table.CustGroup]\nkey = ["CustGroup"]\n'


def submit(ring, name, content, *, mapping=KEYED, **order):
    received = ring.dispatcher.receive(name, [content], ceiling=10**6)
    asked = jobs.Order(mapping=mapping.decode(), mapping_name="m.toml", **order)
    job, _ = ring.dispatcher.submit(endpoint="A1", company="USMF", package=received.sha256, order=asked, idempotency_key=None)
    return job.id


def rows_of(message):
    return [row.number for row in codec.unpack_rows(codec.from_text(message.rows))]


def failures(ring, job):
    with ring.ledger.read() as db:
        return results.failures(db, job)


def test_rows_that_cannot_go_in_are_told_and_the_others_go_on_in_full_batches(ready, until):
    text = b"CustGroup,Name\r\n1,fits\r\n2,a name that is too long by far\r\n3,fits\r\n1,again\r\n,nameless\r\n6,fits\r\n"
    job = submit(ready, "CustGroup.csv", text)
    first, second = ready.take(), ready.take()
    assert [rows_of(first), rows_of(second)] == [[2, 4], [7]], "batches are cut after bad rows were taken out"
    ready.done(first)
    ready.done(second)
    until(lambda: ready.job(job).state == "partly_succeeded")
    assert ready.totals(job) == {"created": 3, "failed": 3}
    assert [(each.row, each.column, each.value, each.code) for each in failures(ready, job)] == [
        (3, "Name", "a name that is too long by far", "RSC-3102"),
        (5, "CustGroup", "1", "RSC-3109"),
        (6, "CustGroup", "", "RSC-3117"),
    ]
    with ready.ledger.read() as db:
        found = sorted((each.row, each.outcome) for each in results.every_row(db, job))
    assert [row for row, _ in found] == [2, 3, 4, 5, 6, 7]
    assert [outcome for _, outcome in found].count("failed") == 3


def test_a_load_of_which_no_row_can_go_in_sends_nothing_and_ends_as_failed(ready, until):
    job = submit(ready, "CustGroup.csv", b"CustGroup,Name\r\n1,a name that is too long by far\r\n,none\r\n")
    until(lambda: ready.job(job).state == "failed")
    assert ready.totals(job) == {"failed": 2}
    assert ready.redis.llen(routes.queue("A1")) == 0


def test_a_row_with_several_bad_cells_counts_once(ready, until):
    job = submit(ready, "CustGroup.csv", b"CustGroup,Name\r\n,a name that is too long by far\r\n2,x\r\n")
    ready.done(ready.take())
    until(lambda: ready.job(job).finished_at)
    assert ready.totals(job) == {"created": 1, "failed": 1}
    assert [each.code for each in failures(ready, job)] == ["RSC-3102", "RSC-3117"]


ORDERS = b"""[table.Lines]
target = "Line"
parent = { target = "Orders", on = { Order = "Order" } }
fields = { Order = "" }
[table.Orders]
target = "CustGroup"
key = ["CustGroup"]
fields = { Order = "CustGroup" }
"""


def test_a_document_with_a_bad_line_stays_behind_and_every_row_of_it_is_counted(ready, until):
    (service,) = ready.metadata.services
    (table,) = service.document.tables
    line = Table(name="Line", fields=(Field(name="Item"), Field(name="Qty", type=FieldType.INTEGER)))
    nested = table.model_copy(update={"children": (line,)})
    known = service.model_copy(update={"document": service.document.model_copy(update={"tables": (nested,)})})
    with ready.ledger.write() as db:
        endpoints.surveyed(db, "a1", found=Metadata(fingerprint="f", services=(known,)), checks=(), at=1.0)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr("Orders.csv", "Order,Name\r\n1,first\r\n2,second\r\n")
        package.writestr("Lines.csv", "Order,Item,Qty\r\n1,A,1\r\n2,B,many\r\n2,C,2\r\n9,D,1\r\n")
    job = submit(ready, "orders.zip", content.getvalue(), mapping=ORDERS)
    message = ready.take()
    (only,) = codec.unpack_rows(codec.from_text(message.rows))
    assert (only.number, [row.cells for row in only.children[0]]) == (2, [["A", "1"]])
    ready.done(message, letter="cc")
    until(lambda: ready.job(job).finished_at)
    assert ready.totals(job) == {"created": 2, "failed": 2, "skipped": 2}
    assert ready.job(job).rows == 6
    assert [(each.entity, each.row, each.outcome, each.code) for each in failures(ready, job)] == [
        ("Orders", 3, "skipped", "RSC-3112"),
        ("Lines", 3, "failed", "RSC-3101"),
        ("Lines", 4, "skipped", "RSC-3112"),
        ("Lines", 5, "failed", "RSC-3300"),
    ]


TWO = ORDERS.replace(b'{ Order = "Order" } }', b'{ Order = "Order", City = "Name" } }').replace(
    b'Order = ""', b'Order = "", City = ""'
)


def test_a_line_that_two_columns_tie_to_its_header_is_told_with_both(ready, until):
    (service,) = ready.metadata.services
    (table,) = service.document.tables
    nested = table.model_copy(update={"children": (Table(name="Line", fields=(Field(name="Item"),)),)})
    known = service.model_copy(update={"document": service.document.model_copy(update={"tables": (nested,)})})
    with ready.ledger.write() as db:
        endpoints.surveyed(db, "a1", found=Metadata(fingerprint="f", services=(known,)), checks=(), at=1.0)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr("Orders.csv", "Order,Name\r\n1,first\r\n2,second\r\n")
        package.writestr("Lines.csv", "Order,City,Item\r\n1,first,A\r\n1,second,B\r\n")
    job = submit(ready, "orders.zip", content.getvalue(), mapping=TWO)
    until(lambda: ready.job(job).planned)
    (failure,) = failures(ready, job)
    assert (failure.row, failure.column, failure.value) == (3, "Order, City", "1, second")
    assert failure.message == "No row of Orders has these values together in Order and Name."


def test_what_an_interrupted_planning_had_told_is_told_once(ready, until, monkeypatch):
    outages = [NotReachable("the ledger is away.")]
    real = plan.rows

    def rows(package, step):
        yield from real(package, step)
        if outages:
            raise outages.pop()

    monkeypatch.setattr(plan, "rows", rows)
    monkeypatch.setattr(cutting, "_LOOK", 1)  # what is told is written at once, as where there is much of it
    monkeypatch.setattr(cutting, "_HELD", 0)
    job = submit(ready, "CustGroup.csv", b"CustGroup,Name\r\n1,a name that is too long by far\r\n2,fits\r\n")
    ready.done(ready.take())
    until(lambda: ready.job(job).finished_at)
    assert outages == []
    assert ready.totals(job) == {"created": 1, "failed": 1}
    assert len(failures(ready, job)) == 1


def test_a_defect_of_ours_ends_the_job_that_met_it_with_nothing_sent(ready, until, monkeypatch):
    defects = [ZeroDivisionError()]
    real = plan.make

    def make(*args, **more):
        if defects:
            raise defects.pop()
        return real(*args, **more)

    monkeypatch.setattr(plan, "make", make)
    job = submit(ready, "CustGroup.csv", b"CustGroup,Name\r\n1,x\r\n")
    until(lambda: ready.job(job).state == "failed")
    found = ready.job(job)
    assert (found.code, bool(found.advice)) == ("RSC-2990", True)
    assert "could not be planned" in found.reason
    assert ready.redis.llen(routes.queue("A1")) == 0
    other = submit(ready, "CustGroup.csv", b"CustGroup,Name\r\n1,x\r\n")
    assert ready.take().ref.job == other, "others are planned"
