"""Rows and waiting over time, and why rows are not in."""

import time

import pytest

from connector.ledger import jobs, retention, throughput
from connector.wire.reports import Problem

GROUPS = b"CustGroup,Name\r\n10,Wholesale\r\n20,Retail\r\n30,Export\r\n40,Other\r\n"


@pytest.fixture
def job(desk, tmp_path):
    desk.client.add_endpoint("AOS-Test", addresses=["http://aos.test/port.svc"], companies=["USMF"])
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(GROUPS)
    package = desk.client.upload(file, name=file.name)["sha256"]
    made = desk.client.submit(idempotency_key="k", endpoint="AOS-Test", company="USMF", package=package, batch_rows=2)["id"]
    desk.plan(made)
    return made


def wrong(row, message="The value is wrong.", value="x"):
    return Problem(row=row, message=message, advice="Correct it.", field="Name", value=value)


def total(buckets):
    sums = {}
    for bucket in buckets["items"]:
        for word, count in bucket["rows"].items():
            sums[word] = sums.get(word, 0) + count
    return {word: count for word, count in sums.items() if count}


def test_the_sum_of_the_buckets_is_what_the_job_says(desk, job):
    desk.settle(job, "cf", problems=(wrong(1),))
    desk.settle(job, "cu")
    counts = {word: count for word, count in desk.client.job(job)["rows"].items() if count and word != "total"}
    assert total(desk.client.throughput(job)) == counts == {"created": 2, "updated": 1, "failed": 1}
    assert total(desk.client.throughput(job, bucket_seconds=60)) == counts
    everything = desk.http.get(f"{desk.url}/api/v1/throughput", timeout=10).json()
    assert (total(everything), everything["bucket_seconds"]) == (counts, 60)


def test_buckets_are_of_whole_steps_of_five_seconds(desk, job):
    assert desk.http.get(f"{desk.url}/api/v1/jobs/{job}/throughput?bucket_seconds=7", timeout=10).status_code == 422
    desk.settle(job, "cc")
    for bucket in desk.client.throughput(job, bucket_seconds=10)["items"]:
        assert int(bucket["at"][17:19]) % 10 == 0


def test_what_is_removed_with_a_job_is_gone(desk, job):
    desk.settle(job, "cc", "cc")
    with desk.ledger.write() as db:
        assert retention.begun(db, before=time.time() + 1, at=time.time()) == job
    assert desk.client.throughput(job)["items"] == []


def test_the_age_of_the_queue_is_noted_once_a_minute(desk, job):
    with desk.ledger.write() as db:
        submitted = jobs.get(db, job).submitted_at
        minute = submitted // 60 * 60 + 120
        for at in (minute, minute + 10, minute + 70):
            throughput.note_ages(db, at=at)
    answer = desk.http.get(f"{desk.url}/api/v1/queue-age?hours=1", timeout=10).json()
    assert [round(age["oldest_seconds"]) for age in answer["items"]] == [
        round(minute - submitted),
        round(minute + 70 - submitted),
    ]
    assert {(age["endpoint"], age["jobs"]) for age in answer["items"]} == {("aos-test", 1)}
    assert desk.http.get(f"{desk.url}/api/v1/queue-age?endpoint=other", timeout=10).json()["items"] == []


def test_failures_are_chosen_and_grouped_by_their_message(desk, job):
    desk.settle(job, "ff", problems=(wrong(0), wrong(1, value="y")))
    desk.settle(job, "fc", problems=(wrong(0, message="It is not there."),))
    assert [(group["message"], group["rows"]) for group in desk.client.failure_groups(job)] == [
        ("The value is wrong.", 2),
        ("It is not there.", 1),
    ]

    def rows(**params):
        answer = desk.http.get(f"{desk.url}/api/v1/jobs/{job}/results", params=params, timeout=10).json()
        return [failure["row"] for failure in answer["items"]]

    assert rows(message="It is not there.") == [4]
    assert rows(outcome="failed", step=1) == [2, 3, 4]
    assert rows(outcome="unknown") == rows(step=2) == []
    assert rows(q="y") == [3]


def test_an_endpoint_says_what_it_has_to_do(desk, job):
    desk.settle(job, "ff", problems=(wrong(0), wrong(1)))
    work = desk.client.endpoint("AOS-Test")["work"]
    assert (work["queued"], work["running"], work["failed_24h"]) == (1, 0, 2)
    assert work["waiting_since"] == desk.client.job(job)["submitted_at"]
    desk.settle(job, "cc")
    assert desk.client.endpoints()[0]["work"] == {"queued": 0, "running": 0, "waiting_since": None, "failed_24h": 2}
