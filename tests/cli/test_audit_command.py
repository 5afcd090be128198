import pytest


@pytest.fixture
def job(office, groups):
    sha256 = office.client.upload(groups, name=groups.name)["sha256"]
    return office.client.submit(idempotency_key="k", endpoint="AOS-1", company="USMF", package=sha256)


def test_who_did_what_is_listed(run, office, job, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "anna")
    run("job", "pause", job["id"])
    ran = run("audit", job["id"], "--limit", "1")
    assert (ran.code, f"anna@127.0.0.1  job pause {job['id']}" in ran.out) == (0, True)
    assert [line["what"] for line in run("audit", "--json").lines] == ["job pause", "job submit", "endpoint add"]
    assert run("audit", "--until", "2001-01-01").out == ""


def test_a_user_without_a_name_is_told_by_the_address(run, office, job, monkeypatch):
    def nobody():
        raise OSError("no such user")

    monkeypatch.setattr("getpass.getuser", nobody)
    run("job", "pause", job["id"])
    assert run("audit", "--json").lines[0]["by"] == "127.0.0.1"


def test_jobs_are_listed_by_company_and_time(run, office, job):
    assert [line["id"] for line in run("job", "list", "--company", "usmf", "--since", "2001-01-01", "--json").lines] == [
        job["id"]
    ]
    assert run("job", "list", "--company", "DEMF").out == "No such jobs.\n"
    assert run("job", "list", "--until", "2001-01-01 10:00", "--json").out == ""
    assert run("job", "list", "--since", "yesterday").code == 2
