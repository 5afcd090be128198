"""Every command that changes something leaves a line that says who, what and on what."""

import getpass

import pytest

from connector.client import Client
from connector.errors import Refused


@pytest.fixture
def anna(desk):
    client = Client(desk.url, token=desk.accounts.create_token("Änna Öst", role="administrator")["secret"])
    yield client
    client.close()


@pytest.fixture
def job(desk, anna, tmp_path):
    anna.add_endpoint("A1", addresses=["http://aos/p.svc"], companies=["USMF", "DEMF"])
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(b"CustGroup,Name\r\n10,Wholesale\r\n20,Retail\r\n")
    sha256 = anna.upload(file, name=file.name)["sha256"]
    return anna.submit(idempotency_key="k", endpoint="A1", company="USMF", package=sha256)


def told(client, **wanted):
    lines = [(line["what"], line["subject"]) for line in reversed(client.audit(**wanted))]
    return [line for line in lines if line[0] != "token create"]


def test_commands_on_a_job_are_noted_with_who_asked(desk, anna, job):
    anna.pause(job["id"])
    anna.resume(job["id"])
    anna.cancel(job["id"])
    commands = [("job submit", job["id"]), ("job pause", job["id"]), ("job resume", job["id"]), ("job cancel", job["id"])]
    assert told(desk.client, subject=job["id"].lower()) == commands
    (submitted,) = [line for line in desk.client.audit() if line["what"] == "job submit"]
    assert submitted["by"] == "Änna Öst@127.0.0.1"
    assert submitted["details"] == {
        "kind": "load", "package": job["package"]["sha256"], "mode": "upsert", "endpoint": "a1", "company": "USMF",
    }  # fmt: skip
    assert "Paused by Änna Öst@127.0.0.1." in [line["text"] for line in desk.client.log(job["id"])]


def test_commands_on_an_endpoint_are_noted(desk, anna, job):
    anna.cancel(job["id"])
    anna.pause_endpoint("a1")
    anna.resume_endpoint("A1")
    test = anna.test_endpoint("A1")
    anna.cancel(test["id"])
    anna.remove_endpoint("A1")
    wanted = ["endpoint add", "endpoint pause", "endpoint resume", "endpoint test", "endpoint remove"]
    assert told(desk.client, subject="A1") == [(what, "a1") for what in wanted]


def test_a_retry_is_noted_at_the_job_that_it_takes_rows_of(desk, anna, job):
    desk.plan(job["id"])
    desk.settle(job["id"], "cf")
    again = anna.retry(job["id"])
    (line,) = [line for line in desk.client.audit(subject=job["id"]) if line["what"] == "job retry"]
    assert line["details"] == {"rows": "failed", "job": again["id"]}


def test_a_command_that_was_refused_or_repeated_leaves_no_line(desk, anna, job):
    before = told(desk.client)
    anna.submit(idempotency_key="k", endpoint="A1", company="USMF", package=job["package"]["sha256"])
    with pytest.raises(Refused):
        anna.resume("JB-NONE")
    with pytest.raises(Refused):
        anna.add_endpoint("A1", addresses=["http://aos/p.svc"])
    assert told(desk.client) == before


def test_the_user_of_this_computer_is_noted_by_name(desk, job):
    desk.client.pause(job["id"])
    assert desk.client.audit(limit=1)[0]["by"] == f"{getpass.getuser()}@127.0.0.1"


def test_who_asks_cannot_call_itself_somebody_else(desk, job):
    url = f"{desk.url}/api/v1/jobs/{job['id']}/pause"
    desk.http.post(url, headers={"RapidStart-User": "somebody"}, timeout=10).raise_for_status()
    assert "somebody" not in desk.client.audit(limit=1)[0]["by"]
    with pytest.raises(Refused):
        desk.accounts.create_token("x\r\nroot", role="viewer")


def test_lines_come_in_pages_and_by_time(desk, anna, job):
    anna.pause(job["id"])
    page = desk.http.get(f"{desk.url}/api/v1/audit", params={"limit": 2}, timeout=10).json()
    rest = desk.http.get(f"{desk.url}/api/v1/audit", params={"cursor": page["next"]}, timeout=10).json()
    assert [line["what"] for line in page["items"] + rest["items"]] == ["job pause", "job submit", "endpoint add", "token create"]
    assert told(desk.client, until="2001-01-01T00:00:00Z") == []
    assert len(told(desk.client, since="2001-01-01T00:00:00Z")) == 3
    with pytest.raises(Refused, match="since"):
        desk.client.audit(since="yesterday")


def test_jobs_are_listed_by_company_and_time(desk, anna, job):
    other = anna.submit(idempotency_key="k2", endpoint="A1", company="DEMF", package=job["package"]["sha256"])
    assert [each["id"] for each in desk.client.jobs(company="demf")] == [other["id"]]
    assert [each["id"] for each in desk.client.jobs(endpoint="a1", state="queued", company="USMF")] == [job["id"]]
    assert len(desk.client.jobs(since=job["submitted_at"])) == 2
    assert desk.client.jobs(until=job["submitted_at"]) == []
