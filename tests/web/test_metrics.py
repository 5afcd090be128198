"""`/metrics`: what a monitoring system is told, by endpoint and never by company or job."""

import re
import time

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from connector import broker as embedded
from connector.dispatch import Outbox
from connector.ledger import endpoints, jobs, leading, limits, notices
from connector.meter import Meter
from connector.wire.reports import WorkerAlive
from tests.aos.test_tls import authority


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


def test_who_leads_and_how_often_that_changed(desk, waiting):
    assert read(desk)["rapidstart_lead_changes_total",] == 0
    with desk.ledger.write() as db:
        lead = leading.take(db, leading.Lead(), holder="h1")
        leading.take(db, lead, holder="h2")
    assert read(desk)["rapidstart_lead_changes_total",] == 2


def test_what_keeps_an_endpoint_from_working_is_told(desk, waiting):
    assert not [name for name in read(desk) if name[0] == "rapidstart_trouble"]
    with desk.ledger.write() as db:
        limits.stop(db, "aostest", limits.Stopped(at=time.time(), reason="the account was refused.", code="RSC-5201"))
        silent = WorkerAlive(endpoint="AOSTEST", worker="AOSTEST.1@host", concurrency=4)
        endpoints.worker_seen(db, silent, at=time.time() - 600)
    assert {name[1:] for name in read(desk) if name[0] == "rapidstart_trouble"} == {
        ("AOSTEST", "endpoint_lost"),
        ("AOSTEST", "endpoint_stopped"),
    }
    with desk.ledger.write() as db:
        endpoints.worker_stopped(db, "AOSTEST", "AOSTEST.1@host")  # whoever says that he goes is not lost
    assert {name[1:] for name in read(desk) if name[0] == "rapidstart_trouble"} == {("AOSTEST", "endpoint_stopped")}


def test_the_memory_of_a_broker_and_its_limit(tmp_path):
    started = embedded.start(tmp_path)
    outbox = Outbox(started.url)
    try:
        used, most = outbox.memory()
    finally:
        outbox.close()
        started.stop()
    assert used > 100_000
    assert most == 0


def test_when_certificates_end(tmp_path):
    meter = Meter(certificates={"dispatcher": authority(tmp_path, "ours").file, "broker": tmp_path / "none.pem"})
    told = generate_latest(meter.registry).decode()
    (ends,) = re.findall(r'expiry_timestamp_seconds{certificate="dispatcher"} (\S+)', told)
    assert time.time() < float(ends) < time.time() + 2 * 86400
    assert 'expiry_timestamp_seconds{certificate="broker"} 0.0' in told


def test_what_waits_on_the_disks_of_an_endpoint_is_added_up_by_computer(desk, waiting):
    def seen(worker, host, size):
        alive = WorkerAlive(endpoint="AOSTEST", worker=worker, host=host, concurrency=4, spool_bytes=size)
        with desk.ledger.write() as db:
            endpoints.worker_seen(db, alive, at=time.time())

    seen("AOSTEST.1@h1", "h1", 8192)
    seen("AOSTEST.2@h1", "h1", 8192)  # they share a folder
    seen("AOSTEST.3@h2", "h2", 4096)
    assert read(desk)["rapidstart_spool_bytes", "AOSTEST"] == 12288
    seen("AOSTEST.3@h2", "h2", 0)
    assert read(desk)["rapidstart_spool_bytes", "AOSTEST"] == 8192


def test_how_long_the_webhook_was_not_told(desk, waiting):
    assert read(desk)["rapidstart_notices_oldest_seconds",] == 0
    with desk.ledger.write() as db:
        notices.add(db, subject="s", body={}, at=time.time() - 100)
    assert 100 <= read(desk)["rapidstart_notices_oldest_seconds",] < 160
