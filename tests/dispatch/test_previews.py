"""A preview travels as a load does, asks for what the package does not bring, and is never given leave to write."""

import io
import zipfile

import pytest

from connector.errors import NotReachable
from connector.ledger import endpoints, jobs, results
from connector.wire import codec, reports, routes
from connector.wire.metadata import Document, Field, FieldType, Metadata, Service, Table

pytestmark = pytest.mark.parametrize("ledger_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)

GROUP = Field(name="CustGroup", type_name="AxdExtType_CustGroupId")
TERM = Field(name="PaymTermId", type_name="AxdExtType_PaymTermId", max_length=10)


def service(table, *fields, key, children=()):
    document = Document(name=f"{table}Doc", namespace="urn:d", tables=(Table(name=table, fields=fields, children=children),))
    address = f"http://aos/MicrosoftDynamicsAXAif60/{table}/xppservice.svc"
    return Service(
        address=address, port=table, name=f"{table}Service", namespace="urn:s", operations=("create",), document=document, key=key
    )


KNOWN = Metadata(
    fingerprint="f",
    services=(
        service("PaymTerm", TERM, Field(name="Days", type=FieldType.INTEGER), key=("PaymTermId",)),
        service("CustGroup", GROUP, Field(name="Name", max_length=20), TERM, key=("CustGroup",)),
        service(
            "CustTable",
            Field(name="AccountNum"),
            GROUP,
            key=("AccountNum",),
            children=(Table(name="Terms", fields=(Field(name="No"), TERM)),),
        ),
    ),
)


@pytest.fixture
def ready(ring, until):
    ring.add_endpoint()
    with ring.ledger.write() as db:
        endpoints.surveyed(db, "a1", found=KNOWN, checks=(), at=1.0)
    ring.alive()
    until(lambda: ring.dispatcher.leases.slots("a1") == 2)
    return ring


@pytest.fixture
def preview(ready):
    def submit(kind=jobs.JobKind.PREVIEW, mapping=None, *, batch_rows=None, offline=False, **files):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as package:
            for name, lines in files.items():
                package.writestr(f"{name}.csv", "\r\n".join(lines))
        received = ready.dispatcher.receive("p.zip", [content.getvalue()], ceiling=10**6)
        order = jobs.Order(mapping=mapping, mapping_name="m.toml" if mapping else "", batch_rows=batch_rows, offline=offline)
        job, _ = ready.dispatcher.submit(
            kind=kind, endpoint="A1", company="USMF", package=received.sha256, order=order, idempotency_key=None
        )
        return job.id

    return submit


def log_of(ring, job):
    with ring.ledger.read() as db:
        return [text for _, _, text in jobs.log_of(db, job)]


def asked(message):
    return {(each.step, each.field, each.target.service, each.table, each.key): each.ask for each in message.references}


def test_a_preview_travels_as_a_preview_and_its_job_is_one(ready, preview, until):
    job = preview(CustGroup=["CustGroup,Name", "10,Wholesale", "20,Retail"])
    message = ready.take()
    assert (message.KIND, message.preview, message.guessed, message.mode) == ("load.tables", True, False, "upsert")
    ready.done(message, letter="u")
    until(lambda: ready.job(job).state == "succeeded")
    assert (ready.job(job).kind, ready.totals(job)) == ("preview", {"updated": 2})


def test_what_the_package_does_not_bring_before_is_asked_for_batch_by_batch(ready, preview):
    preview(
        batch_rows=2,
        CustGroup=["CustGroup,Name,PaymTermId", "10,a,N030", "20,b,N060", "30,c,", "40,d,N090"],
        PaymTerm=["PaymTermId", "n060 ", "N999"],
        CustTable=["AccountNum,CustGroup", "1,10", "2,99"],
    )
    (terms,) = [ready.take()]
    assert (terms.layout.table, asked(terms)) == ("PaymTerm", {})
    ready.done(terms)
    groups = sorted([ready.take(), ready.take()], key=lambda message: message.ref.batch)
    reference = (groups[0].ref.step, "PaymTermId", "PaymTermService", "PaymTerm", "PaymTermId")
    assert [asked(message) for message in groups] == [{reference: ("N030",)}, {reference: ("N090",)}]
    for message in groups:
        ready.done(message)
    customers = ready.take()
    assert asked(customers) == {(customers.ref.step, "CustGroup", "CustGroupService", "CustGroup", "CustGroup"): ("99",)}


def test_a_row_that_stays_behind_brings_nothing(ready, preview):
    preview(PaymTerm=["PaymTermId,Days", "N030,many", "N060,60"], CustGroup=["CustGroup,PaymTermId", "10,N030", "20,N060"])
    ready.done(ready.take())
    assert list(asked(ready.take()).values()) == [("N030",)]


def test_what_no_entity_of_the_package_brings_is_asked_of_its_own_service(ready, preview):
    preview(CustGroup=["CustGroup,PaymTermId", "10,N030", "20,N030"])
    (found,) = asked(ready.take()).items()
    assert found == ((1, "PaymTermId", "PaymTermService", "PaymTerm", "PaymTermId"), ("N030",))


NESTED = """[table.Terms]
parent = { target = "CustTable", on = { AccountNum = "AccountNum" } }
fields = { AccountNum = "" }
"""


def test_nested_rows_refer_too(ready, preview):
    preview(
        mapping=NESTED,
        CustTable=["AccountNum", "1"],
        Terms=["AccountNum,No,PaymTermId", "1,1,N030", "1,2,N060", "1,3,N030"],
    )
    message = ready.take()
    assert asked(message) == {(2, "PaymTermId", "PaymTermService", "PaymTerm", "PaymTermId"): ("N030", "N060")}


def test_a_load_says_that_ax_must_hold_what_the_package_does_not_bring_and_asks_nobody(ready, preview, until):
    job = preview(
        jobs.JobKind.LOAD,
        PaymTerm=["PaymTermId", "N030"],
        CustGroup=["CustGroup,PaymTermId", "10,N030", "20,N060", "30,N060", "40,N090"],
    )
    until(lambda: ready.job(job).planned)
    (line,) = [line for line in log_of(ready, job) if "AX must hold" in line]
    assert line.startswith("2 values of CustGroup.PaymTermId are in no earlier row of the package for PaymTerm")
    message = ready.take()
    assert (message.preview, message.references) == (False, ())


def test_rows_that_cannot_go_in_are_told_without_the_aos(ready, preview, until):
    job = preview(offline=True, CustGroup=["CustGroup,Name", "10,fits", "20,a name that is too long by far", "30,fits"])
    until(lambda: ready.job(job).finished_at)
    assert (ready.job(job).state, ready.totals(job)) == ("partly_succeeded", {"failed": 1})
    assert "the AOS was not asked" in ready.job(job).reason
    with ready.ledger.read() as db:
        assert [each.row for each in results.failures(db, job)] == [3]
    assert ready.redis.llen(routes.queue("A1")) == 0


def test_a_package_that_fits_succeeds_without_the_aos(ready, preview, until):
    job = preview(offline=True, CustGroup=["CustGroup,Name", "10,fits"])
    until(lambda: ready.job(job).finished_at)
    assert ready.job(job).state == "succeeded"


def test_a_worker_that_takes_a_preview_for_a_load_gets_no_leave_and_ends_the_job(ready, preview, until):
    job = preview(CustGroup=["CustGroup,Name", "10,Wholesale"])
    message = ready.take()
    answer = ready.ask(message.ref, so_far=".")
    assert (answer.granted, answer.reason) == (False, "a preview writes nothing")
    ready.tell(reports.BatchReturned, ref=message.ref, retry=reports.Retry.SOON, reason=answer.reason)
    until(lambda: ready.job(job).state == "failed")
    assert ready.job(job).code == "RSC-2991"
    assert "w1 cannot preview" in ready.job(job).reason


def test_a_guessed_key_is_told_to_be_one(ready, preview):
    group = KNOWN.services[1].model_copy(update={"key": ()})
    with ready.ledger.write() as db:
        endpoints.surveyed(db, "a1", found=Metadata(fingerprint="g", services=(group,)), checks=(), at=2.0)
    preview(CustGroup=["CustGroup,Name", "10,Wholesale"])
    message = ready.take()
    assert (message.guessed, message.mode) == (True, "create")


def test_an_endpoint_that_was_never_surveyed_is_not_waited_for(ready, preview):
    ready.add_endpoint("B2")
    received = ready.dispatcher.receive("CustGroup.csv", [b"CustGroup\r\n1\r\n"], ceiling=100)
    with pytest.raises(NotReachable, match="nothing is known of the services of B2"):
        ready.dispatcher.submit(
            kind=jobs.JobKind.PREVIEW,
            endpoint="B2",
            company="USMF",
            package=received.sha256,
            order=jobs.Order(),
            idempotency_key=None,
        )


def test_a_preview_holds_up_no_load_and_waits_for_none(ready, preview):
    first = preview(jobs.JobKind.LOAD, CustGroup=["CustGroup,Name", "10,Wholesale"])
    second = preview(CustGroup=["CustGroup,Name", "10,Wholesale"])
    assert {ready.take().ref.job for _ in range(2)} == {first, second}


def test_a_preview_is_shown_as_one_where_the_queue_is_watched(ready, preview, monkeypatch):
    sent = []
    real = ready.dispatcher.outbox.send
    monkeypatch.setattr(ready.dispatcher.outbox, "send", lambda parcel: (sent.append(parcel), real(parcel)))
    preview(CustGroup=["CustGroup,Name", "10,Wholesale"])
    ready.take()
    assert "preview of CustGroup" in sent[0].shown
    assert codec.decode(codec.encode(sent[0].message), {"load.tables": type(sent[0].message)}).preview


def test_rows_of_which_ax_cannot_be_asked_are_told_as_such(ready, preview, until):
    mapping = '[table.Items]\nvia = "dixf"\nformats = { Since = "date" }\n'
    job = preview(
        mapping=mapping, CustGroup=["CustGroup,Name", "10,a"], Items=["No,Since", "1,2011-01-31", "2,2012-02-29", "3,x"]
    )
    ready.done(ready.take())
    until(lambda: ready.job(job).finished_at)
    assert ready.totals(job) == {"created": 1, "failed": 1}
    assert ready.job(job).reason.startswith("AX was not asked about 2 rows: ")
