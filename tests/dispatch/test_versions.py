"""Reports of workers of other versions: those that can be read are recorded, the others are told where a job is named."""

import json
from pathlib import Path

import pytest

from connector.ledger import jobs
from connector.wire import codec, reports, routes

GOLDEN = Path(__file__).parents[1] / "wire" / "golden"
OLD = [path for path in sorted(GOLDEN.glob("*.json")) if json.loads(path.read_text())["kind"] in reports.REPORTS]


@pytest.fixture
def loading(ring):
    ring.add_endpoint()
    ring.know_metadata()
    ring.alive()
    job = ring.load(2)
    return job, ring.take()


def put(ring, text):
    ring.redis.xadd(routes.report_stream("A1"), {"m": text})


def lines(ring, job):
    with ring.ledger.read() as db:
        return [text for _, _, text in jobs.log_of(db, job)]


def test_reports_that_were_ever_released_do_not_hold_up_the_others(ring, loading, until):
    job, message = loading
    for path in OLD:
        put(ring, json.dumps(json.loads(path.read_text()) | {"endpoint": "A1"}))
    ring.done(message)
    until(lambda: ring.job(job).finished_at)
    assert ring.job(job).state == "succeeded"
    until(lambda: ring.redis.xlen(routes.report_stream("A1")) == 0)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"v": 99}, f"a message of version 99 cannot be read by version {codec.VERSION}: upgrade this side"),
        ({"kind": "batch.someday"}, f"has the kind 'batch.someday', which version {codec.VERSION} does not know"),
    ],
)
def test_a_report_that_cannot_be_read_is_told_in_its_jobs_log_once(ring, loading, until, changed, sentence):
    job, message = loading
    taken = reports.BatchTaken(endpoint="A1", worker="w1", ref=message.ref)
    for _ in range(3):
        put(ring, json.dumps(json.loads(codec.encode(taken)) | changed))
    ring.done(message)
    until(lambda: ring.job(job).finished_at)
    told = [line for line in lines(ring, job) if sentence in line]
    assert len(told) == 1
    assert "Bring dispatcher and worker to the same version." in told[0]


def test_one_that_names_a_job_of_nobody_is_passed_over(ring, loading, until):
    job, message = loading
    put(ring, json.dumps({"v": 99, "kind": "batch.done", "ref": {"job": "JB-0000", "step": 1, "batch": 1, "attempt": 1}}))
    put(ring, "no JSON")
    ring.done(message)
    until(lambda: ring.job(job).finished_at)
    assert ring.job(job).state == "succeeded"
