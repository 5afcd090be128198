"""Names and cells come from users, files and AX: any length, any character."""

import random
from dataclasses import replace

import pytest

from connector.errors import NotFound, Refused
from connector.ledger import batches, courses, endpoints, jobs, packages, problems, results, staging
from connector.wire.codec import Row
from connector.wire.reports import Outcome, Outcomes, Problem, WorkerAlive

LONG = "Überlänge " * 400


def test_names_may_be_long(ledger, job):
    package = packages.PackageRecord(sha256="1" * 64, name=LONG, size=5_000_000_000, received_at=1.0)
    worker = WorkerAlive(endpoint="A", worker="w" * 250, host="h" * 250, pid=4_000_000, version="1" * 99, concurrency=1)
    with ledger.write() as db:
        packages.add(db, package)
        packages.add(db, package)
        endpoints.worker_seen(db, worker, at=1.0)
        endpoints.worker_seen(db, worker, at=2.0)
        course = courses.course(db, job.id, 1)
        step = replace(courses.steps_of(db, job.id)[0], no=3, entity=LONG, file=LONG, sheet=LONG, table=LONG, service=LONG)
        courses.add_steps(db, job.id, [(step, course)])
        jobs.add(db, replace(job, id="JB-2", package_name=LONG, partition=LONG, number=0))
        problem = Problem(row=0, column=LONG, field=LONG, value=LONG, message=LONG, advice=LONG, code="RSC-3100")
        problems.refuse(db, job=job.id, rows=[(3, 7, Outcome.FAILED, problem)])
    with ledger.read() as db:
        assert packages.get(db, package.sha256) == package
        assert [(found.worker, found.seen_at) for found in endpoints.workers_of(db, "a")] == [(worker.worker, 2.0)]
        assert jobs.get(db, "jb-2").package_name == LONG
        (failure,) = results.failures(db, job.id)
    assert {failure.entity, failure.file, failure.sheet, failure.column, failure.field, failure.value, failure.message} == {LONG}


def test_the_character_nul_is_kept_as_its_picture_and_found_again(ledger, job):
    worker = WorkerAlive(endpoint="A", worker="w\0", host="h", pid=1, version="1", concurrency=1)
    told = Outcomes(letters="cfccc", problems=(Problem(row=1, value="a\0b", message="no\0", advice="Remove it."),))
    with ledger.write() as db:
        endpoints.worker_seen(db, worker, at=1.0)
        endpoints.worker_seen(db, worker, at=2.0)
        jobs.say(db, job.id, "AX says \0", at=1.0)
        jobs.add(db, replace(job, id="JB-2", idempotency_key="k\0", number=0))
        ref = batches.claim(db, job=job.id, limit=1, now=1.0)[0].ref
        assert batches.done(db, ref, outcomes=told, calls=1, seconds=0.1, at=2.0)
    with ledger.read() as db:
        assert [found.worker for found in endpoints.workers_of(db, "a")] == ["w␀"]
        assert jobs.log_of(db, job.id)[0][2] == "AX says ␀"
        assert jobs.by_idempotency_key(db, "k\0").id == "JB-2"
        assert [(failure.value, failure.message) for failure in results.failures(db, job.id)] == [("a␀b", "no␀")]


@pytest.mark.parametrize("name", ["\0", "JB-\0", "\N{GRINNING FACE}", "'; --", "%s", "%(x)s", ":x"])
def test_a_strange_name_is_just_not_found(ledger, name):
    with ledger.read() as db:
        with pytest.raises(NotFound):
            jobs.get(db, name)
        with pytest.raises(NotFound):
            endpoints.get(db, name)
        with pytest.raises(NotFound):
            packages.get(db, name)


def test_nested_rows_are_found_by_any_link(ledger, job):
    links = ["", "A", "a", "a ", "a\0", "a␀", "ä", "a\u0308", "\ud800", LONG, LONG + "x", "1\x1f2"]
    rows = [(link, Row(number, [link])) for number, link in enumerate(links)]
    with ledger.write() as db:
        staging.stage(db, job=job.id, step=2, linked=[(link, row) for link, row in rows if link != "\ud800"])
        staging.stage(db, job=job.id, step=2, linked=[("\ud800", Row(8, ["?"]))])
    with ledger.write() as db:
        taken = staging.staged(db, job=job.id, step=2, links=links[1:])
        assert {link: [row.number for row in found] for link, found in taken.items()} == {
            link: [number] for number, link in enumerate(links) if number
        }
        assert [row.number for row in staging.orphans(db, job=job.id, step=2, limit=9)] == [0]
        assert staging.orphans(db, job=job.id, step=2, limit=9) == []


@pytest.mark.parametrize(
    "wild",
    [{"pid": 2**31}, {"pid": 2**63}, {"pid": 10**30}, {"worker": random.Random(7).randbytes(5000).hex()}],
    ids=["over 32 bits", "over 64 bits", "over all bits", "a name that fits no index"],
)
def test_what_no_column_holds_is_refused_and_never_taken_for_an_outage(ledger, wild):
    """SQLite holds some that PostgreSQL does not: then it is there."""
    worker = WorkerAlive(**{"endpoint": "A", "worker": "w", "host": "h", "pid": 1, "version": "1", "concurrency": 1} | wild)
    kept = [(worker.worker, worker.pid)]
    try:
        with ledger.write() as db:
            endpoints.worker_seen(db, worker, at=1.0)
    except Refused:
        kept = []
    with ledger.read() as db:
        assert [(found.worker, found.pid) for found in endpoints.workers_of(db, "a")] == kept
