import pytest


@pytest.fixture
def job(office, groups):
    sha256 = office.client.upload(groups, name=groups.name)["sha256"]
    return office.client.submit(idempotency_key="k", endpoint="AOS-1", company="USMF", package=sha256)


def test_who_did_what_is_listed(run, office, job, monkeypatch):
    made = run("token", "create", "anna", "--role", "operator")
    monkeypatch.setenv("RAPIDSTART_TOKEN", made.out.strip())
    run("job", "pause", job["id"])
    ran = run("audit", job["id"], "--limit", "1")
    assert (ran.code, f"anna@127.0.0.1  job pause {job['id']}" in ran.out) == (0, True)
    told = [line["what"] for line in run("audit", "--json").lines]
    assert told == ["job pause", "token create", "job submit", "endpoint add"]
    assert run("audit", "--until", "2001-01-01").out == ""


def test_jobs_are_listed_by_company_and_time(run, office, job):
    assert [line["id"] for line in run("job", "list", "--company", "usmf", "--since", "2001-01-01", "--json").lines] == [
        job["id"]
    ]
    assert run("job", "list", "--company", "DEMF").out == "No such jobs.\n"
    assert run("job", "list", "--until", "2001-01-01 10:00", "--json").out == ""
    assert run("job", "list", "--since", "yesterday").code == 2
