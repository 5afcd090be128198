"""Two tables that name each other: keys first, then the rest. A row stays one row, whatever becomes of its passes."""

import io
import zipfile

import pytest

from connector.dispatch import control
from connector.ledger import courses, dictionaries, endpoints, jobs, results, twice
from connector.wire import codec, reports, routes
from connector.wire.dictionary import DataTable, Dictionary, TableField, TableRelation
from connector.wire.metadata import Document, Field, Metadata, Service, Table
from connector.wire.reports import Outcomes, Problem

ADDRESS = "http://aos/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"


def service(name, *fields):
    table = Table(name=name, fields=tuple(Field(name=field) for field in fields))
    return Service(
        address=ADDRESS, port="RapidStart", name=f"{name}Service", namespace="urn:s", key=(fields[0],),
        operations=("create", "read", "find", "update"), document=Document(name=name, namespace="urn:d", tables=(table,)),
    )  # fmt: skip


METADATA = Metadata(
    fingerprint="f", services=(service("Calendar", "CalendarId", "SiteId"), service("Site", "SiteId", "Name", "CalendarId"))
)


def names(table, other, field):
    return DataTable(name=table, relations=(TableRelation(name=other, table=other, fields=((field, field),)),))


DICTIONARY = Dictionary(tables=(names("Calendar", "Site", "SiteId"), names("Site", "Calendar", "CalendarId")))
SITES = "SiteId,Name,CalendarId\r\nS1,One,C1\r\nS2,Two,C1\r\nS3,Three,\r\nS4,Four,\r\n"


@pytest.fixture
def loaded(ring, until):
    """A load of two calendars and four sites; the last two sites name no calendar."""
    know(ring, DICTIONARY)
    ring.alive()
    until(lambda: ring.dispatcher.leases.slots("a1") == 2)
    return ring, submit(ring)


def know(ring, dictionary):
    ring.add_endpoint()
    with ring.ledger.write() as db:
        endpoints.surveyed(db, "a1", found=METADATA, checks=(), at=1.0)
        dictionaries.keep(db, "a1", dictionary, at=1.0)


def submit(ring, kind=jobs.JobKind.LOAD):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr("Calendar.csv", "CalendarId,SiteId\r\nC1,S1\r\nC2,S2\r\n")
        package.writestr("Site.csv", SITES)
    received = ring.dispatcher.receive("p.zip", [content.getvalue()], ceiling=10**6)
    job, _ = ring.dispatcher.submit(
        endpoint="A1", company="USMF", package=received.sha256, order=jobs.Order(), idempotency_key=None, kind=kind
    )
    return job.id


def cells(message):
    columns = [column.field for column in message.layout.columns]
    return [dict(zip(columns, row.cells, strict=True)) for row in codec.unpack_rows(codec.from_text(message.rows))]


def tell(ring, message, letters, *problems):
    outcomes = Outcomes(letters=letters, problems=tuple(Problem(row=row, message="No.", advice="Do.") for row in problems))
    ring.tell(reports.BatchDone, ref=message.ref, outcomes=outcomes, calls=1, seconds=1.0)


def first_passes(ring, *, letters="cc", problems=()):
    """The sites without their calendars, then the calendars; the message of the sites' second pass."""
    taken = sorted((ring.take(), ring.take()), key=lambda message: message.ref.batch)
    for message, told in zip(taken, ((letters, *problems), ("cc",)), strict=True):
        tell(ring, message, *told)
    calendars = ring.take()
    assert calendars.layout.table == "Calendar"
    tell(ring, calendars, "cc")


def failures(ring, job):
    with ring.ledger.read() as db:
        return [(each.row, each.outcome, each.message) for each in results.failures(db, job)]


def test_keys_go_first_and_then_what_closes_the_circle(loaded, until):
    ring, job = loaded
    first, other = sorted((ring.take(), ring.take()), key=lambda message: message.ref.batch)
    assert cells(first) == [{"SiteId": "S1", "Name": "One"}, {"SiteId": "S2", "Name": "Two"}]
    assert (first.mode, first.so_far) == ("upsert", None)
    tell(ring, first, "cu")
    tell(ring, other, "cc")
    calendars = ring.take()
    assert cells(calendars) == [{"CalendarId": "C1", "SiteId": "S1"}, {"CalendarId": "C2", "SiteId": "S2"}]
    until(lambda: ring.totals(job) == {"created": 2})  # those of the batch that goes but once
    tell(ring, calendars, "cc")
    second = ring.take()
    assert cells(second) == [{"SiteId": "S1", "CalendarId": "C1"}, {"SiteId": "S2", "CalendarId": "C1"}]
    assert (second.mode, second.so_far.letters, second.open_intent) == ("update", "..", None)
    assert (second.ref.step, second.ref.batch, second.ref.attempt) == (first.ref.step, first.ref.batch, 2)
    tell(ring, second, "u=")
    until(lambda: ring.job(job).state == "succeeded")
    assert ring.totals(job) == {"created": 5, "updated": 1}
    with ring.ledger.read() as db:
        assert any("Site goes in two passes" in text for _, _, text in jobs.log_of(db, job))
        assert "CalendarId comes second" in courses.steps_of(db, job)[0].reasons["order"]


def test_rows_that_failed_at_first_are_left_alone_and_told_at_once(loaded, until):
    ring, job = loaded
    first_passes(ring, letters="fc", problems=(0,))
    second = ring.take()
    assert second.so_far.letters == "f."
    assert ring.totals(job)["failed"] == 1
    assert failures(ring, job) == [(2, "failed", "No.")]
    ring.tell(reports.BatchDone, ref=second.ref, outcomes=second.so_far.model_copy(update={"letters": "fu"}))
    until(lambda: ring.job(job).state == "partly_succeeded")
    assert ring.totals(job) == {"created": 5, "failed": 1}
    assert failures(ring, job) == [(2, "failed", "No.")]


def test_a_row_that_fails_at_last_has_failed_and_says_what_is_in(loaded, until):
    ring, job = loaded
    first_passes(ring)
    tell(ring, ring.take(), "uf", 1)
    until(lambda: ring.job(job).state == "partly_succeeded")
    assert ring.totals(job) == {"created": 5, "failed": 1}
    half = "No. The record was created in the first pass; what the second fills is missing."
    assert failures(ring, job) == [(3, "failed", half)]


def test_where_no_row_went_in_there_is_no_second_pass(loaded, until):
    ring, job = loaded
    first_passes(ring, letters="ff", problems=(0, 1))
    until(lambda: ring.job(job).state == "partly_succeeded")
    assert ring.totals(job) == {"created": 4, "failed": 2}


def test_a_late_report_of_the_first_pass_is_none_of_the_second(loaded, until):
    ring, job = loaded
    first, other = sorted((ring.take(), ring.take()), key=lambda message: message.ref.batch)
    for message in (first, other, first):
        tell(ring, message, "cc")
    tell(ring, ring.take(), "cc")
    second = ring.take()
    tell(ring, first, "cc")
    ring.tell(reports.BatchReturned, ref=second.ref, so_far=None, retry=reports.Retry.SOON, reason="Once more.", settled=True)
    again = ring.take()
    assert (again.ref.attempt, cells(again), again.mode) == (3, cells(second), "update")
    tell(ring, again, "uu")
    until(lambda: ring.job(job).state == "succeeded")
    assert ring.totals(job) == {"created": 6}


def test_a_job_that_is_cancelled_between_the_passes_says_what_is_missing(loaded, until):
    ring, job = loaded
    first, other = sorted((ring.take(), ring.take()), key=lambda message: message.ref.batch)
    tell(ring, first, "cc")
    tell(ring, other, "cc")
    calendars = ring.take()
    control.pause(ring.dispatcher, job)
    tell(ring, calendars, "cc")
    until(lambda: ring.totals(job) == {"created": 4})
    control.cancel(ring.dispatcher, job)
    until(lambda: ring.job(job).state == "cancelled")
    assert ring.totals(job) == {"created": 4, "skipped": 2}
    missing = (
        "The second pass was not made for this row. The record was created in the first pass; what the second fills is missing."
    )
    assert failures(ring, job) == [(2, "skipped", missing), (3, "skipped", missing)]


def test_a_retry_takes_up_what_is_half_in_and_makes_both_passes_again(loaded, until):
    ring, job = loaded
    first_passes(ring)
    tell(ring, ring.take(), "uf", 1)
    until(lambda: ring.job(job).state == "partly_succeeded")
    retry = control.retry(ring.dispatcher, job)
    for letters in ("=", "u"):
        message = ring.take()
        assert [row["SiteId"] for row in cells(message)] == ["S2"]
        tell(ring, message, letters)
    until(lambda: ring.job(retry.id).state == "succeeded")
    assert ring.totals(retry.id) == {"updated": 1}


def test_a_preview_looks_at_whole_rows_once(ring, until):
    know(ring, DICTIONARY)
    ring.alive()
    until(lambda: ring.dispatcher.leases.slots("a1") == 2)
    job = submit(ring, jobs.JobKind.PREVIEW)
    taken = sorted((ring.take(), ring.take()), key=lambda message: message.ref.batch)
    assert all(message.preview for message in taken)
    fields = [column.field for column in taken[0].layout.columns]
    assert fields == ["SiteId", "Name", "CalendarId"]
    for message in taken:
        tell(ring, message, "cc")
    tell(ring, ring.take(), "cc")
    until(lambda: ring.job(job).state == "succeeded")
    assert ring.totals(job) == {"created": 6}


@pytest.mark.parametrize("kind", [jobs.JobKind.LOAD, jobs.JobKind.PREVIEW])
def test_what_a_second_pass_names_and_no_row_brings_is_told(ring, until, kind):
    know(ring, DICTIONARY)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr("Calendar.csv", "CalendarId,SiteId\r\nC1,S1\r\nC2,S1\r\n")
        package.writestr("Site.csv", "SiteId,CalendarId\r\nS1,c2\r\nS2,C3\r\nS3,\r\n")
    received = ring.dispatcher.receive("p.zip", [content.getvalue()], ceiling=10**6)
    job, _ = ring.dispatcher.submit(
        endpoint="A1", company="USMF", package=received.sha256, order=jobs.Order(), idempotency_key=None, kind=kind
    )
    until(lambda: ring.job(job.id).planned)
    with ring.ledger.read() as db:
        (told,) = [text for _, _, text in jobs.log_of(db, job.id) if "AX must hold" in text]
    assert told == "1 value of Site.CalendarId is in no row of the package for Calendar: AX must hold them."


def test_rows_that_name_others_of_their_table_and_cannot_wait_go_in_turn(ring, until):
    above = names("Calendar", "Calendar", "SiteId").model_copy(update={"fields": (TableField(name="SiteId", mandatory=True),)})
    know(ring, Dictionary(tables=(above,)))
    ring.alive()
    content = b"CalendarId,SiteId\r\n" + b"".join(b"C%d,C%d\r\n" % (no, max(0, no - 1)) for no in range(5))
    received = ring.dispatcher.receive("Calendar.csv", [content], ceiling=10**6)
    job, _ = ring.dispatcher.submit(
        endpoint="A1", company="USMF", package=received.sha256, order=jobs.Order(), idempotency_key=None
    )
    for no in (1, 2, 3):
        message = ring.take()
        assert (message.ref.batch, ring.redis.llen(routes.queue("A1"))) == (no, 0)
        ring.done(message)
    until(lambda: ring.job(job.id).state == "succeeded")


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [("c=", "u=", "c="), ("=u", "u=", "uu"), ("cc", "fs", "fs"), ("f?", "f?", "f?"), ("cu", "?u", "?u")],
)
def test_the_worse_of_both_passes_counts(first, second, both):
    assert twice.together(first, Outcomes(letters=second)).letters == both
