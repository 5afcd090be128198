"""What becomes of a package and of an order before anything of them is sent."""

import io
import zipfile

import pytest

from connector.dispatch.planner import Planner
from connector.errors import Conflict, NotFound, NotReachable, PackageRefused, Refused
from connector.ledger import endpoints, jobs, results
from connector.wire import routes
from connector.wire.metadata import Field, Metadata, Table

#: The ring does the same on either database; the one that has to be started is left to the slow tests.
pytestmark = pytest.mark.parametrize("ledger_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)


def test_a_package_that_does_not_fit_ends_the_job_with_nothing_sent(ready, until):
    package = ready.dispatcher.receive("Colours.csv", [b"Colour\r\nred\r\n"], ceiling=100)
    job, _ = ready.dispatcher.submit(
        endpoint="A1", company="USMF", package=package.sha256, order=jobs.Order(), idempotency_key=None
    )
    until(lambda: ready.job(job.id).state == "failed")
    assert "Colours" in ready.job(job.id).reason
    assert ready.redis.llen(routes.queue("A1")) == 0


def test_a_strict_load_with_rows_that_do_not_fit_sends_nothing_and_names_the_cells(ready, until):
    text = b"CustGroup,Name\r\n1,fits\r\n2,a name that is too long by far\r\n3,fits\r\n"
    package = ready.dispatcher.receive("CustGroup.csv", [text], ceiling=1000)
    job, _ = ready.dispatcher.submit(
        endpoint="A1", company="USMF", package=package.sha256, order=jobs.Order(strict=True), idempotency_key=None
    )
    until(lambda: ready.job(job.id).state == "failed")
    assert ready.job(job.id).reason == "1 row does not fit; nothing was written, because the load is strict."
    assert ready.totals(job.id) == {"failed": 1, "skipped": 2}
    with ready.ledger.read() as db:
        (failure,) = results.failures(db, job.id)
    assert (failure.row, failure.column, failure.value) == (3, "Name", "a name that is too long by far")
    assert "takes 20" in failure.message
    assert ready.redis.llen(routes.queue("A1")) == 0


ORDERS = b"""[table.Lines]
target = "Line"
parent = { target = "Orders", on = { Order = "Order" } }
[table.Orders]
target = "CustGroup"
key = ["CustGroup"]
fields = { Order = "CustGroup" }
"""


@pytest.mark.parametrize(
    ("strict", "state", "totals"),
    [(False, "queued", {"failed": 1}), (True, "failed", {"failed": 1, "skipped": 2})],
)
def test_a_line_without_its_header_fails_and_ends_a_strict_load(ready, until, strict, state, totals):
    (service,) = ready.metadata.services
    (table,) = service.document.tables
    nested = table.model_copy(update={"children": (Table(name="Line", fields=(Field(name="Order"), Field(name="Item"))),)})
    known = service.model_copy(update={"document": service.document.model_copy(update={"tables": (nested,)})})
    with ready.ledger.write() as db:
        endpoints.surveyed(db, "a1", found=Metadata(fingerprint="f", services=(known,)), checks=(), at=1.0)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr("Orders.csv", "Order,Name\r\n1,first\r\n")
        package.writestr("Lines.csv", "Order,Item\r\n1,A\r\n2,B\r\n")
    received = ready.dispatcher.receive("orders.zip", [content.getvalue()], ceiling=10**5)
    order = jobs.Order(strict=strict, mapping=ORDERS.decode(), mapping_name="m.toml")
    job, _ = ready.dispatcher.submit(endpoint="A1", company="USMF", package=received.sha256, order=order, idempotency_key=None)
    until(lambda: ready.job(job.id).planned)
    assert (ready.job(job.id).state, ready.totals(job.id)) == (state, totals)
    with ready.ledger.read() as db:
        (failure,) = results.failures(db, job.id)
    assert (failure.entity, failure.row, failure.value, failure.code) == ("Lines", 3, "2", "RSC-3300")


def test_a_plan_that_was_interrupted_is_made_again(ready, monkeypatch):
    outages = [NotReachable("the ledger is away.")]
    real = Planner.plan

    def plan(self, *args, **kwargs):
        if outages:
            raise outages.pop()
        real(self, *args, **kwargs)

    monkeypatch.setattr(Planner, "plan", plan)
    ready.load(rows=2)
    assert ready.take().KIND == "load.tables"


def test_the_same_idempotency_key_gives_the_same_job(ready):
    package = ready.dispatcher.receive("CustGroup.csv", [b"CustGroup,Name\r\n1,x\r\n"], ceiling=100)

    def submit(company="USMF"):
        return ready.dispatcher.submit(
            endpoint="A1", company=company, package=package.sha256, order=jobs.Order(), idempotency_key="k"
        )

    first, replayed = submit()
    assert not replayed
    assert submit() == (ready.job(first.id), True)
    with pytest.raises(Conflict, match=first.id):
        submit("DEMF")


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"endpoint": "B2"}, NotFound, "no endpoint is named B2"),
        ({"company": "XXXX"}, Refused, "has no company XXXX"),
        ({"company": "TOOLONG"}, Refused, "cannot be a company"),
        ({"company": None}, Refused, "no company is named"),
        ({"package": "0" * 64}, NotFound, "no package"),
    ],
)
def test_a_job_that_cannot_be_is_refused_with_a_sentence(ready, change, error, sentence):
    package = ready.dispatcher.receive("CustGroup.csv", [b"CustGroup,Name\r\n1,x\r\n"], ceiling=100)
    asked = {"endpoint": "A1", "company": "USMF", "package": package.sha256} | change
    with pytest.raises(error, match=sentence):
        ready.dispatcher.submit(**asked, order=jobs.Order(), idempotency_key=None)


def test_a_package_that_cannot_be_read_leaves_nothing_behind(ring):
    with pytest.raises(PackageRefused):
        ring.dispatcher.receive("x.zip", [b"PK\x03\x04 this is no zip"], ceiling=100)
    with pytest.raises(PackageRefused, match="over"):
        ring.dispatcher.receive("x.csv", [b"a" * 60, b"b" * 60], ceiling=100)
    assert list((ring.home / "packages").iterdir()) == []
