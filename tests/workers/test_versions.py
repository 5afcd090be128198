"""Work that a worker cannot read comes back with a sentence: held on to, it would look as if somebody worked on it."""

import json

import pytest

from connector import __version__
from connector.wire import codec, reports
from connector.wire.jobs import SurveyConnection
from connector.wire.reports import ref_of

REF = reports.BatchRef(job="JB-2222", step=1, batch=1)


def sent(bench, name, **changed):
    """A message as another version of the dispatcher sends it."""
    work = SurveyConnection(endpoint=bench.endpoint, ref=REF, addresses=("http://127.0.0.1:1/p/xppservice.svc",))
    text = json.dumps(json.loads(codec.encode(work)) | {"kind": name} | changed)
    bench.outbox._app.send_task(name, args=(text,), task_id="JB-2222.1.1.1", queue=f"aos.{bench.endpoint.lower()}")


def returned(bench):
    (report,) = bench.await_reports(reports.BatchReturned, 1)
    for alive in bench.await_reports(reports.WorkerAlive, 2):
        assert alive.held == (), "who holds it renews its lease for ever"
    assert (report.ref, report.retry, report.settled) == (REF, reports.Retry.NEVER, False)
    assert "same version" in report.advice
    return report.reason


@pytest.mark.slow
def test_a_newer_message_comes_back_with_both_versions(bench):
    worker = bench("V1", "forced")
    sent(worker, "survey.connection", v=99)
    assert f"a message of version 99 cannot be read by version {codec.VERSION}" in returned(worker)


@pytest.mark.slow
def test_work_of_an_unknown_kind_comes_back_with_the_workers_version(bench):
    worker = bench("V2", "forced")
    sent(worker, "load.someday")
    assert f"version {__version__} does not know the work 'load.someday'" in returned(worker)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ref": 1}', '{"ref": {"job": "J"}}', "null"])
def test_what_names_no_batch_names_none(text):
    assert ref_of(text) is None


def test_what_names_a_batch_names_it_whatever_else_it_holds():
    assert ref_of(json.dumps({"v": 99, "ref": REF.model_dump() | {"more": 1}})) == REF
