"""`/metrics`: what a monitoring system is told, by endpoint and never by company or job."""

import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from connector.ledger import endpoints, jobs
from connector.wire.reports import WorkerAlive


def read(desk, **headers):
    answer = desk.http.get(f"{desk.url}/metrics", headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def waiting(desk, tmp_path):
    """An endpoint with a worker that was seen a moment ago, and a job that waits."""
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(b"CustGroup,Name\r\n10,Wholesale\r\n")
    package = desk.client.upload(file, name=file.name)["sha256"]
    desk.client.add_endpoint("AOSTEST", addresses=["http://aos.test/p.svc"], companies=["USMF"])
    job = desk.client.submit(idempotency_key="k", endpoint="AOSTEST", company="USMF", package=package)
    with desk.ledger.write() as db:
        alive = WorkerAlive(endpoint="AOSTEST", worker="AOSTEST.1@host", concurrency=4)
        endpoints.worker_seen(db, alive, at=time.time() - 3)
        jobs.mark(db, job["id"], submitted_at=time.time() - 60)
    return job


def test_a_queue_that_does_not_move_is_seen(desk, waiting):
    told = read(desk)
    assert 60 <= told["rapidstart_queue_oldest_seconds", "AOSTEST"] < 120
    assert 3 <= told["rapidstart_endpoint_last_seen_seconds", "AOSTEST"] < 60
    assert told["rapidstart_workers", "AOSTEST"] == 1
    assert told["rapidstart_jobs", "AOSTEST", "queued"] == 1
    assert told["rapidstart_leader",] == 1
    assert (told["rapidstart_up", "ledger"], told["rapidstart_up", "broker"]) == (1, 0)


def test_calls_and_what_came_back_are_counted(desk, waiting):
    desk.dispatcher.meter.called("AOSTEST", calls=4, seconds=2.0)
    desk.dispatcher.meter.called("AOSTEST", calls=0, seconds=0.0)
    desk.dispatcher.meter.came_back("AOSTEST", code="RSC-5101")
    told = read(desk)
    assert told["rapidstart_soap_seconds_count", "AOSTEST"] == 4
    assert told["rapidstart_soap_seconds_sum", "AOSTEST"] == 2.0
    assert told["rapidstart_soap_seconds_bucket", "0.25", "AOSTEST"] == 0
    assert told["rapidstart_soap_seconds_bucket", "0.5", "AOSTEST"] == 4
    assert told["rapidstart_soap_faults_total", "AOSTEST", "RSC-5101"] == 1


def test_no_job_and_no_company_is_told(desk, waiting):
    text = desk.http.get(f"{desk.url}/metrics", timeout=10).text
    assert waiting["id"] not in text
    assert "USMF" not in text


def test_whoever_sees_some_endpoints_only_is_told_nothing_of_all(desk, waiting):
    token = desk.accounts.create_token("part", role="viewer", service_instances=["Default"])["secret"]
    login = {"Authorization": f"Bearer {token}"}
    assert desk.http.get(f"{desk.url}/metrics", headers=login, timeout=10).status_code == 403
    assert desk.http.get(f"{desk.url}/metrics", headers={"Authorization": ""}, timeout=10).status_code == 401
