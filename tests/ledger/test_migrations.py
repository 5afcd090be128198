"""A ledger of every released schema, filled by the code of its time, is brought up to date and read."""

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from connector.ledger import Ledger, batches, courses, endpoints, jobs, limits, store
from connector.ledger.results import failures
from tests.ledger import releasing
from tests.ledger.releasing import FILES


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def released(request):
    return releasing.read(request.param)


@pytest.fixture
def upgraded(released, ledger_url):
    releasing.fill(ledger_url, released)
    ledger = Ledger(ledger_url)
    yield ledger
    ledger.close()


def test_every_schema_before_the_newest_has_its_file():
    config = Config()
    config.set_main_option("script_location", str(releasing.Path(store.__file__).parent / "migrations"))
    revisions = sorted(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())
    assert revisions[:-1] == [path.stem for path in FILES][: len(revisions) - 1]


def test_what_was_there_is_read(upgraded, released):
    with upgraded.read() as db:
        ended, paused = jobs.get(db, released.ended), jobs.get(db, released.paused)
        totals = jobs.totals(db, [ended.id, paused.id])
        assert (ended.state, paused.state, paused.paused) == ("partly_succeeded", "paused", True)
        assert {word: count for word, count in totals[ended.id].items() if count} == {
            "created": 3, "updated": 1, "unchanged": 1, "failed": 1,
        }  # fmt: skip
        assert totals[paused.id]["created"] == 2
        assert [(step.entity, step.rows) for step in courses.steps_of(db, ended.id)] == [("CustGroup", 6)]
        assert courses.course(db, paused.id, 1).layout.table == "CustGroup"
        assert [(flying.ref.batch, flying.ref.attempt) for flying in batches.in_flight(db)] == [(2, 1)]
        assert [problem.value for problem in failures(db, ended.id, after=0, limit=10)] == ["x"]
        endpoint = endpoints.get(db, "a1")
        assert (endpoint.name, endpoint.companies, endpoint.paused) == ("A1", ("USMF",), False)
        assert endpoints.metadata(db, "a1").fingerprint == "f"
        assert endpoints.contract(db, "a1") == b"PK contract"
        assert [worker.worker for worker in endpoints.workers_of(db, "a1")] == ["w1"]


def test_new_things_are_written_beside_the_old(upgraded, released):
    with upgraded.write() as db:
        made = jobs.Job(id=jobs.new_id(db), endpoint="a1", company="USMF", submitted_at=9.0)
        jobs.add(db, made)
        jobs.say(db, made.id, "Accepted.", at=9.0)
        only = batches.NewBatch(step=0, no=1, rank=0, size=0, places=(), rows=None)
        batches.add_many(db, job=made.id, endpoint="a1", new=[only])
    with upgraded.read() as db:
        assert [job.id for job in jobs.unfinished(db)] == [released.paused, made.id]
        assert db.execute(sa.text("SELECT count(*) FROM batches")).scalar() == 7


def test_where_calls_were_not_repeated_none_is_repeated_at_any_port(ledger_url):
    (before,) = (releasing.read(path) for path in FILES if path.stem == "0022")
    (row,) = before.rows["endpoints"]
    row["limits"] = '{"concurrency": 2, "idempotent": false}'
    releasing.fill(ledger_url, before)
    ledger = Ledger(ledger_url)
    with ledger.read() as db:
        found = endpoints.get(db, "a1")
    ledger.close()
    assert (found.limits, found.not_idempotent) == (limits.Limits(concurrency=2), ("*",))
