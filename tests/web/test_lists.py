"""Lists come in pages, each element once, whatever comes and goes in between."""

import hashlib
import json
import time

import pytest
import requests

from connector.client import Client
from connector.ledger import endpoints, jobs
from connector.ledger.packages import PackageRecord, listing
from connector.ledger.packages import add as add_package
from connector.wire.reports import Problem, WorkerAlive

ADDRESSES = ["http://aos.test/port.svc"]


def pages(desk, path, *, limit=2, **asked):
    """The pages of a list, as a program reads them."""
    cursor = None
    while True:
        answer = desk.http.get(f"{desk.url}/api/v1{path}", params={"limit": limit, "cursor": cursor, **asked}, timeout=10)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        yield page["items"]
        if (cursor := page["next"]) is None:
            return


def test_endpoints_come_in_pages_by_name(desk):
    names = ["A-2", "a_1", "A1", "B", "c"]
    for name in reversed(names):
        desk.client.add_endpoint(name, addresses=ADDRESSES)
    found = [[each["name"] for each in page] for page in pages(desk, "/endpoints")]
    assert found == [["A-2", "A1"], ["a_1", "B"], ["c"]]
    assert [each["name"] for each in desk.client.endpoints()] == [name for page in found for name in page]


def test_what_ends_a_page_may_be_gone_when_the_next_is_asked_for(desk):
    for name in ("A", "B", "C"):
        desk.client.add_endpoint(name, addresses=ADDRESSES)
    reading = pages(desk, "/endpoints")
    assert [each["name"] for each in next(reading)] == ["A", "B"]
    desk.client.remove_endpoint("B")
    assert [each["name"] for each in next(reading)] == ["C"]


def test_a_full_last_page_is_the_last(desk):
    for name in ("A", "B"):
        desk.client.add_endpoint(name, addresses=ADDRESSES)
    assert len(list(pages(desk, "/endpoints"))) == 1


def test_tokens_people_and_registrations_come_in_pages(desk):
    for name in ("three", "one", "two"):
        desk.accounts.create_token(name, role="viewer")
        assert requests.post(desk.accounts.link_person(name, role="viewer")["url"], timeout=10).ok
        assert desk.http.post(f"{desk.url}/api/v1/registration-tokens", json={}, timeout=10).status_code == 201
    tokens = [each["name"] for page in pages(desk, "/tokens") for each in page]
    assert [name for name in tokens if name in {"one", "two", "three"}] == ["one", "three", "two"]
    assert tokens == [each["name"] for each in desk.accounts.tokens()]
    assert [each["name"] for page in pages(desk, "/people") for each in page] == ["one", "three", "two"]
    registrations = list(pages(desk, "/registration-tokens"))
    assert [len(page) for page in registrations] == [2, 1]
    made = [each["made_at"] for page in registrations for each in page]
    assert made == sorted(made)


def upload(desk, tmp_path, name):
    file = tmp_path / name
    file.write_text(f"CustGroup,Name\n10,{name}\n")
    return desk.client.upload(file, name=name)["sha256"]


def test_packages_are_listed_the_newest_first(desk, tmp_path):
    assert list(desk.client.packages()) == []
    known = [upload(desk, tmp_path, f"{letter}.csv") for letter in "ABC"]
    found = [[each["sha256"] for each in page] for page in pages(desk, "/packages")]
    assert found == [[known[2], known[1]], [known[0]]]
    first = next(iter(desk.client.packages()))
    assert first == {name: desk.client.package(known[2])[name] for name in ("sha256", "name", "size", "received_at")}
    upload(desk, tmp_path, "A.csv")  # once more: it is the newest again
    assert [each["sha256"] for each in desk.client.packages()] == [known[0], known[2], known[1]]


def test_packages_of_one_moment_are_listed_once_each(desk):
    digests = [hashlib.sha256(bytes([n])).hexdigest() for n in range(5)]
    with desk.ledger.write() as db:
        for digest in digests:
            add_package(db, PackageRecord(sha256=digest, name="x.csv", size=1, received_at=1700000000.25))
    found = [each["sha256"] for page in pages(desk, "/packages") for each in page]
    assert found == sorted(digests, reverse=True)


@pytest.mark.parametrize("cursor", ["x", "1", "1_2", "nan_" + 64 * "0", "1" * 300])
def test_a_cursor_that_no_page_gave_is_refused(desk, cursor):
    answer = desk.http.get(f"{desk.url}/api/v1/packages", params={"cursor": cursor}, timeout=10)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


def test_who_sees_some_endpoints_sees_the_packages_that_were_loaded_there(desk, tmp_path):
    desk.client.add_endpoint("North", addresses=ADDRESSES, companies=["USMF"], service_instance="North")
    desk.client.add_endpoint("South", addresses=ADDRESSES, companies=["USMF"], service_instance="South")
    north, south = upload(desk, tmp_path, "N.csv"), upload(desk, tmp_path, "S.csv")
    for endpoint, package in (("North", north), ("South", south)):
        desk.client.submit(idempotency_key=endpoint, endpoint=endpoint, company="USMF", package=package)
    made = desk.accounts.create_token("northern", role="viewer", service_instances=["North"])
    theirs = Client(desk.url, token=made["secret"])
    assert [each["name"] for each in theirs.packages()] == ["N.csv"]
    theirs.close()
    with desk.ledger.read() as db:
        assert listing(db, among=[]) == []


def a_job(desk, tmp_path, name="CustGroup.csv"):
    desk.client.add_endpoint("A1", addresses=ADDRESSES, companies=["USMF"])
    return desk.client.submit(
        idempotency_key=name, endpoint="A1", company="USMF", package=upload(desk, tmp_path, name)
    )["id"]  # fmt: skip


def test_a_log_is_read_from_both_ends(desk, tmp_path):
    job = a_job(desk, tmp_path)
    with desk.ledger.write() as db:
        for number in range(7):
            jobs.say(db, job, f"line {number}", at=time.time())
    every = [line["text"] for line in desk.client.log(job)]
    assert every[-7:] == [f"line {number}" for number in range(7)]
    assert [line["text"] for line in desk.client.log(job, newest=True)] == every[::-1]
    by_pages = [line["text"] for page in pages(desk, f"/jobs/{job}/log", limit=3, order="newest") for line in page]
    assert by_pages == every[::-1]
    answer = desk.http.get(f"{desk.url}/api/v1/jobs/{job}/log?order=sideways", timeout=10)
    assert answer.status_code == 422


def test_results_are_one_json_file(desk, tmp_path):
    job = a_job(desk, tmp_path)
    desk.plan(job)
    wrong = Problem(row=0, column="Name", field="Name", value='a "b"\n', message="No.", advice="Correct it.", code="RSC-1")
    desk.settle(job, "f", problems=(wrong,))
    path = tmp_path / "results.json"
    desk.client.workbook(job, path, form="json")
    found = json.loads(path.read_text())

    assert found["job"] == desk.client.job(job)
    assert found["failures"] == list(desk.client.failures(job))
    assert found["failures"][0]["value"] == 'a "b"\n'
    assert found["throughput"] == desk.client.throughput(job)
    assert found["answers"] == []
    assert found["log"] == sorted(desk.client.log(job), key=lambda line: line["at"])
    assert desk.http.get(f"{desk.url}/api/v1/jobs/JB-NONE/results.json", timeout=10).status_code == 404


def test_workers_that_ended_are_counted(desk):
    desk.client.add_endpoint("A1", addresses=ADDRESSES)
    assert desk.client.endpoint("A1")["gone"] == {"count": 0, "seen_at": None}

    def seen(name, *, ago_s, stopped=False):
        alive = WorkerAlive(endpoint="A1", worker=name, host="h", pid=1, version="0.1.0", concurrency=1)
        with desk.ledger.write() as db:
            endpoints.worker_seen(db, alive, at=time.time() - ago_s)
            if stopped:
                endpoints.worker_stopped(db, "A1", name)

    seen("runs", ago_s=0)
    seen("silent", ago_s=600)
    seen("stopped", ago_s=60, stopped=True)
    seen("forgotten", ago_s=7200)
    found = desk.client.endpoint("A1")
    assert [(each["name"], each["online"]) for each in found["workers"]] == [("runs", True), ("silent", False)]
    assert found["gone"]["count"] == 2
    assert found["gone"]["seen_at"] < min(each["seen_at"] for each in found["workers"] if each["online"])
