"""What is kept of jobs that ended long ago, and what is removed; on either database."""

import os
import time
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from connector.dispatch import Dispatcher, Outbox, Reconciler, control, resolving, retention
from connector.dispatch.planner import Planner
from connector.errors import Conflict, NotFound
from connector.ledger import Ledger, batches, endpoints, grants, jobs, packages, results
from connector.ledger.schema import answers, facts, intents, package_parts, problems, resolutions, staging
from connector.ledger.schema import batches as batches_table
from connector.ledger.schema import jobs as jobs_table
from connector.ledger.schema import packages as packages_table
from connector.results import write_workbook
from connector.wire.reports import Intent, Outcomes, Problem
from tests.conftest import Desk
from tests.dispatch.shop import Shop, groups

DAY = 86400.0
HOLDERS = (batches_table, intents, problems, answers, resolutions, staging)


@pytest.fixture
def shop(ledger_url, tmp_path):
    ledger, outbox = Ledger(ledger_url), Outbox("redis://127.0.0.1:1/0")
    dispatcher = Dispatcher(ledger=ledger, outbox=outbox, home=tmp_path, call_timeout_s=1, lease_s=3)
    adding = SimpleNamespace(
        add_endpoint=lambda name, **more: dispatcher.add_endpoint(
            name=name, addresses=("http://aos/p.svc",), companies=("USMF",), partition=None, contract=None
        )
    )
    empty = {"url": "", "accounts": None, "http": None, "app": None}
    yield Shop(Desk(home=tmp_path, ledger=ledger, dispatcher=dispatcher, client=adding, **empty))
    outbox.close()
    ledger.close()


def ended(shop, *names, ago_days, mapping=None):
    """A load of two rows to a batch, the first row of each failed, with an answer and a grant; it ended some days ago."""
    job = shop.load(mapping, CustGroup=groups(*names))
    problem = Problem(row=0, message="No.", advice="Correct it.", code="RSC-1", value="secret")
    for _ in range(0, len(names), 2):
        with shop.ledger.write() as db:
            (sending,) = batches.claim(db, job=job, limit=1, now=1.0)
            intent = Intent(message_id=f"m{sending.ref.batch}", operation="create", documents=(0,), digest="d", time_limit_s=1)
            assert not grants.grant(db, sending.ref, intent=intent, so_far=Outcomes(letters="." * sending.size), at=2.0)
            letters = "f" + "c" * (sending.size - 1)
            outcomes = Outcomes(letters=letters, problems=(problem,), answers={0: "AX said"})
            assert batches.done(db, sending.ref, outcomes=outcomes, calls=1, seconds=0.1, at=3.0)
    with shop.ledger.write() as db:
        assert shop.dispatcher.close_if_done(db, jobs.get(db, job))
    age(shop, job, days=ago_days)
    return job


def age(shop, job, *, days):
    at = time.time() - days * DAY
    package = sa.select(jobs_table.c.package).where(jobs_table.c.id == job).scalar_subquery()
    with shop.ledger.write() as db:
        db.execute(sa.update(jobs_table).where(jobs_table.c.id == job).values(submitted_at=at, finished_at=at))
        db.execute(sa.update(packages_table).where(packages_table.c.sha256 == package).values(received_at=at))
    os.utime(shop.dispatcher.shelf / shop.job(job).package, (at, at))


def sweep(shop, *, days=90):
    """Turns until nothing is left to do; how many it took."""
    sweeping = retention.Retention(shop.ledger, shelf=shop.dispatcher.shelf, keep_s=days * DAY, settled_s=0)
    for turns in range(1, 1000):
        sweeping.turn()
        if sweeping._next > time.monotonic() + retention._IDLE_S / 2:
            return turns
    raise AssertionError("it never ends")


def kept(shop):
    """How many entries each table holds, by its name."""
    with shop.ledger.read() as db:
        return {table.name: db.execute(sa.select(sa.func.count()).select_from(table)).scalar() for table in HOLDERS}


def test_rows_go_and_counts_log_and_job_stay(shop):
    old, young = ended(shop, "A", "B", "C", ago_days=91), ended(shop, "D", "E", ago_days=89)
    totals, log = shop.totals(old), shop.log(old)
    before = kept(shop)
    sweep(shop)
    after = kept(shop)
    assert (before["batches"], before["intents"], before["problems"], before["answers"]) == (3, 3, 3, 3)
    assert (after["batches"], after["intents"], after["problems"], after["answers"]) == (1, 1, 1, 1)
    assert (
        (shop.job(old).state, shop.totals(old))
        == ("partly_succeeded", totals)
        == ("partly_succeeded", {"created": 1, "failed": 2})
    )
    assert shop.failures(old) == []
    assert [failure.value for failure in shop.failures(young)] == ["secret"]
    assert shop.log(old)[:-1] == log
    assert shop.log(old)[-1].startswith("Its rows were removed on ")
    assert shop.log(old)[-1].endswith(", 91 days after it ended.")
    assert shop.job(young).removed_at is None


def test_a_package_goes_with_the_last_job_that_needs_it(shop):
    old = ended(shop, "A", ago_days=91)
    package = shop.job(old).package
    path = shop.dispatcher.package_path(package)
    again, _ = shop.dispatcher.submit(endpoint="A1", company="USMF", package=package, order=jobs.Order(), idempotency_key=None)
    sweep(shop)
    assert shop.job(old).removed_at
    assert path.exists(), "a job that waits needs it"
    with shop.ledger.write() as db:
        jobs.close(db, again.id, jobs.JobState.FAILED, at=time.time() - 91 * DAY)
    sweep(shop)
    assert not path.exists()
    with shop.ledger.read() as db:
        assert packages.find(db, package) is None
        assert db.execute(sa.select(sa.func.count()).select_from(package_parts)).scalar() == 0
    with pytest.raises(NotFound, match="has been received"):
        shop.dispatcher.package_path(package)


def test_the_workbook_of_such_a_job_is_written_and_a_retry_refused(shop, tmp_path):
    job = ended(shop, "A", "B", ago_days=100)
    sweep(shop)
    write_workbook(shop.ledger, job, tmp_path / "r.xlsx")
    assert (tmp_path / "r.xlsx").stat().st_size > 0
    for ask in (
        lambda: control.retry(shop.dispatcher, job),
        lambda: resolving.resolve(shop.dispatcher, job, way="skip", rows=None),
    ):
        with pytest.raises(Conflict, match=rf"The rows of {job} were removed on \d{{4}}-\d\d-\d\d, 100 days after it ended"):
            ask()


def test_a_job_whose_rows_a_retry_still_takes_up_is_left_alone(shop):
    job = ended(shop, "A", "B", ago_days=100)
    retry = control.retry(shop.dispatcher, job).id
    sweep(shop)
    assert shop.job(job).removed_at is None
    shop.plan(retry)
    assert shop.travelling(retry) == [(1, 2)], "it still knows which row failed"
    with shop.ledger.write() as db:
        shop.dispatcher.end(db, shop.job(retry), jobs.JobState.CANCELLED, reason="")
    assert shop.job(retry).finished_at
    sweep(shop)
    assert shop.job(job).removed_at


def test_what_was_begun_goes_on_after_a_restart(shop, monkeypatch):
    job = ended(shop, *(f"{number}" for number in range(10)), ago_days=91)
    monkeypatch.setattr(retention, "_PIECE", 1)
    monkeypatch.setattr(retention, "_TURN_S", 0.0)
    first = retention.Retention(shop.ledger, shelf=shop.dispatcher.shelf, keep_s=90 * DAY, settled_s=0)
    first.turn()
    assert shop.job(job).removed_at
    assert kept(shop)["batches"] == 5, "only a piece has gone"
    assert sweep(shop) > 5
    assert not any(kept(shop).values())
    with shop.ledger.read() as db:
        assert endpoints.fact(db, "removing rows of") == ""
        assert db.execute(sa.select(sa.func.count()).select_from(facts)).scalar() == 1


def test_nothing_is_removed_unless_it_is_wished_nor_before_the_clock_is_trusted(shop):
    job = ended(shop, "A", ago_days=10_000)
    retention.Retention(shop.ledger, shelf=shop.dispatcher.shelf, keep_s=None, settled_s=0).turn()
    careful = retention.Retention(shop.ledger, shelf=shop.dispatcher.shelf, keep_s=DAY)
    careful.turn()
    assert shop.job(job).removed_at is None
    hurried = retention.Retention(shop.ledger, shelf=shop.dispatcher.shelf, keep_s=DAY, settled_s=0)
    hurried.turn()
    assert shop.job(job).removed_at


def test_what_lies_on_the_shelf_by_mistake_goes_after_a_day(shop):
    folder = shop.dispatcher.shelf
    for name, hours in (("incoming-old", 25), ("incoming-now", 1)):
        (folder / name).write_bytes(b"x")
        at = time.time() - hours * 3600
        os.utime(folder / name, (at, at))
    young = ended(shop, "A", ago_days=3)
    sweep(shop)
    assert sorted(path.name for path in folder.iterdir()) == sorted(["incoming-now", shop.job(young).package])


def test_a_package_that_comes_again_is_not_too_old(shop):
    job = ended(shop, "A", ago_days=91)
    content = shop.dispatcher.package_path(shop.job(job).package).read_bytes()
    record = shop.dispatcher.receive("p.zip", [content], ceiling=10**6)
    sweep(shop)
    assert shop.job(job).removed_at
    assert shop.dispatcher.package_path(record.sha256).read_bytes() == content


def test_every_row_of_such_a_job_is_told_by_nobody(shop):
    job = ended(shop, "A", "B", ago_days=91)
    sweep(shop)
    with shop.ledger.read() as db:
        assert list(results.every_row(db, job)) == []


@pytest.fixture
def failed(ring):
    """A ring with a load whose rows have all failed."""
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    job = ring.load(rows=2)
    ring.done(ring.take(), letter="f", calls=1)
    return ring, job


def test_a_dispatcher_that_runs_removes_what_is_too_old(failed, until):
    ring, job = failed
    until(lambda: ring.job(job).finished_at)
    ring.reconciler.stop()
    keeper = Reconciler(ring.dispatcher, Planner(ledger=ring.ledger, batch_rows=2), keep_s=DAY)
    with ring.ledger.write() as db:
        jobs.mark(db, job, finished_at=time.time() - 2 * DAY)
    keeper._retention._next = 0.0
    keeper.start()
    try:
        until(lambda: ring.job(job).removed_at)
        until(lambda: _is_empty(ring.ledger))
    finally:
        keeper.stop()


@pytest.mark.parametrize("is_noticed", [True, False])
def test_a_clock_that_was_set_removes_nothing(shop, monkeypatch, is_noticed):
    job = ended(shop, "A", ago_days=1)
    real = time.time
    keeper = Reconciler(shop.dispatcher, Planner(ledger=shop.ledger, batch_rows=2), keep_s=90 * DAY)
    keeper._retention._next = 0.0
    keeper._lost.is_first_look = False
    monkeypatch.setattr(time, "time", lambda: real() + 1000 * DAY)
    if is_noticed:  # else the removal is the first that writes
        keeper._follow_clock()
    keeper._retention.turn()
    assert shop.job(job).removed_at is None
    assert keeper._retention._next > time.monotonic() + 60, "nothing is removed for some time"


def _is_empty(ledger):
    with ledger.read() as db:
        return not any(db.execute(sa.select(sa.func.count()).select_from(table)).scalar() for table in HOLDERS)
