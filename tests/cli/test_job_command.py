import json
import time

import pytest

from connector.cli.job import STATES
from connector.dispatch import retention
from connector.ledger import jobs
from connector.ledger.jobs import JobState
from connector.wire.reports import Problem


@pytest.fixture
def job(office, groups):
    sha256 = office.client.upload(groups, name=groups.name)["sha256"]
    return office.client.submit(idempotency_key="k", endpoint="AOS-1", company="USMF", package=sha256)


def test_jobs_are_listed(run, office, job):
    ran = run("job", "list", "--json")
    assert [line["id"] for line in ran.lines] == [job["id"]]
    shown = run("job", "list").out
    assert job["id"] in shown
    assert "CustGroup.csv" in shown
    assert run("job", "list", "--state", "failed", "--json").out == ""


def test_a_state_that_no_job_is_in_is_a_matter_of_usage(run, office):
    assert tuple(JobState) == STATES
    ran = run("job", "list", "--state", "nonsense")
    assert ran.code == 2
    assert "'running'" in ran.err


def test_rows_that_are_not_in_are_counted_as_such_in_the_list_and_not_as_failed(run, office, job):
    office.plan(job["id"])
    office.settle(job["id"], "cf?")
    heading, line = run("job", "list").out.splitlines()
    at = heading.index("Not in")
    assert line[at : at + len("Not in")].strip() == "2"
    assert "Failed" not in heading


def test_no_jobs_are_told_so(run, office):
    assert "rapidstart load FILE" in run("job", "list").out


def test_a_job_is_shown_with_the_reasons_of_its_order(run, office, job):
    office.plan(job["id"])
    ran = run("job", "show", job["id"])

    assert ran.code == 0
    assert "CustGroupService.CustGroup" in ran.out
    (shown,) = run("job", "show", job["id"], "--json").lines
    assert all(reason in ran.out for reason in shown["steps"][0]["reasons"].values())


def test_a_job_is_steered(run, office, job):
    assert "paused" in run("job", "pause", job["id"]).out
    assert run("job", "resume", job["id"], "--json").lines[0]["state"] == "queued"
    assert "cancelled" in run("job", "cancel", job["id"].lower()).out
    again = run("job", "cancel", job["id"])
    assert (again.code, "has ended" in again.err) == (3, True)


def test_a_watch_of_a_job_that_has_ended_shows_its_end(run, office, job):
    office.plan(job["id"])
    office.settle(job["id"], "ccc")
    ran = run("job", "watch", job["id"])
    assert (ran.code, "succeeded: 3 of 3 rows" in ran.out) == (0, True)


def test_results_name_each_failed_row_and_write_the_workbook(run, office, job, tmp_path):
    office.plan(job["id"])
    told = tuple(Problem(row=n, field="Name", value=f"v{n}", message=f"No v{n}.", advice="Fix.", code="RSC-7") for n in (0, 2))
    office.settle(job["id"], "fcf", problems=told)
    file = tmp_path / "out.xlsx"
    ran = run("job", "results", job["id"], "--xlsx", file)

    assert ran.code == 1
    assert file.read_bytes().startswith(b"PK")
    assert "2 rows failed" in ran.out  # the same cause, though AX names another value in each
    assert [line["row"] for line in run("job", "results", job["id"], "--json").lines] == [2, 4]


def test_a_workbook_that_cannot_be_written_is_named_as_it_was_asked_for(run, office, job, tmp_path):
    office.plan(job["id"])
    office.settle(job["id"], "ccc")
    ran = run("job", "results", job["id"], "--xlsx", tmp_path / "nowhere" / "out.xlsx")
    assert ran.code == 2
    assert "out.xlsx: " in ran.err


def test_rows_that_were_never_sent_are_counted_and_need_no_explanation(run, office, job):
    office.plan(job["id"])
    run("job", "cancel", job["id"])
    ran = run("job", "results", job["id"])
    assert (ran.code, "3 rows skipped: the job ended before they were sent." in ran.out) == (5, True)
    assert "--xlsx" not in ran.out


def test_the_log_is_told_in_the_order_of_time(run, office, job):
    from connector.ledger import jobs

    with office.ledger.write() as db:
        jobs.say(db, job["id"], "Something\x1b[31m happened.", at=0.0)
    ran = run("job", "log", job["id"])
    assert "Something\\x1b[31m happened." in ran.out  # shown, not sent to the terminal
    first, *others = run("job", "log", job["id"], "--json").lines  # what came last was said first
    assert (first["at"], len(others) > 0) == ("1970-01-01T00:00:00.000Z", True)


def test_the_newest_lines_of_a_log_are_enough(run, office, job):
    from connector.ledger import jobs

    with office.ledger.write() as db:
        for number in range(5):
            jobs.say(db, job["id"], f"Line {number}.", at=4e9)
    assert [line["text"] for line in run("job", "log", job["id"], "--last", 3, "--json").lines] == [
        "Line 2.",
        "Line 3.",
        "Line 4.",
    ]
    assert [line["text"] for line in run("job", "log", job["id"], "--json").lines][-5:] == [f"Line {n}." for n in range(5)]
    assert run("job", "log", job["id"], "--last", 0).code == 2


def test_results_are_written_as_json(run, office, job, tmp_path):
    run("job", "cancel", job["id"])
    path = tmp_path / "results.json"
    ran = run("job", "results", job["id"], "--json-file", path)
    assert f"Process summary: {path}" in ran.out
    assert json.loads(path.read_text(encoding="utf-8"))["job"]["id"] == job["id"]


def test_an_unknown_job_is_refused(run, office):
    ran = run("job", "show", "JB-NONE")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "Error: there is no job JB-NONE. See them all: rapidstart job list\n"


def test_a_workbook_that_cannot_be_written_is_told_in_one_line(run, office, job, tmp_path):
    ran = run("job", "results", job["id"], "--xlsx", tmp_path / "nowhere" / "out.xlsx")
    assert ran.code == 2
    assert ran.err.startswith("Error: ")
    assert "No such file" in ran.err


def test_rows_that_failed_are_retried_by_a_new_job(run, office, job):
    office.plan(job["id"])
    early = run("job", "retry", job["id"])
    assert (early.code, "has not ended" in early.err) == (3, True)
    office.settle(job["id"], "fcf", problems=(Problem(row=0, message="No.", advice="Fix.", code="RSC-7"),))
    ran = run("job", "retry", job["id"])
    assert (ran.code, f"takes up rows of {job['id']}" in ran.out) == (0, True)
    (again,) = [each for each in office.client.jobs() if each["retry_of"]]
    assert again["id"] in ran.out
    office.plan(again["id"])
    assert office.client.job(again["id"])["rows"]["total"] == 2
    office.settle(again["id"], "cc")
    assert f"Retry of   {job['id']}" in run("job", "show", again["id"]).out
    nothing = run("job", "retry", again["id"], "--rows", "all-not-in", "--json")
    assert (nothing.code, nothing.out) == (3, "")


def test_unknown_rows_are_settled_from_the_command_line(run, office, job):
    office.plan(job["id"])
    office.settle(job["id"], "??c", problems=tuple(Problem(row=n, message="?", advice="Look.", code="RSC-3") for n in (0, 1)))
    assert "--all" in run("job", "resolve", job["id"], "--as", "done").err
    assert "names no row" in run("job", "resolve", job["id"], "--as", "done", "--row", "CustGroup.csv").err
    assert run("job", "resolve", job["id"], "--as", "done", "--row", "CustGroup.csv:77").code == 3
    one = run("job", "resolve", job["id"], "--as", "done", "--row", "CustGroup.csv::2")
    assert (one.code, one.out) == (1, f"1 row of {job['id']}: in. {job['id']} partly succeeded: 3 of 3 rows, 1 unknown\n")
    ran = run("job", "resolve", job["id"], "--as", "lookup", "--all", "--json")
    assert ran.code == 0, "it is looked up: nothing has failed"
    looked = ran.lines[0]
    assert (looked["rows"], looked["made"]["kind"], looked["made"]["retry_of"]) == (1, "preview", job["id"])
    again = run("job", "resolve", job["id"], "--as", "retry", "--row", "CustGroup.csv:3")
    assert (again.code, "takes up 1 row of" in again.out) == (0, True)
    assert [line["details"] for line in office.client.audit(subject=job["id"]) if line["what"] == "job resolve"][-1] == {
        "as": "done", "rows": 1,
    }  # fmt: skip


def test_a_job_whose_rows_were_removed_says_so(run, office, job, tmp_path):
    office.plan(job["id"])
    told = Problem(row=1, message="No.", advice="Correct it.", value="secret", code="RSC-5200")
    office.settle(job["id"], "cfc", problems=(told,))
    with office.ledger.write() as db:
        jobs.mark(db, job["id"], finished_at=time.time() - 100 * 86400)
    retention.Retention(office.ledger, shelf=office.dispatcher.shelf, keep_s=90 * 86400, settled_s=0).turn()

    said = "were removed on "
    shown, results = run("job", "show", job["id"]), run("job", "results", job["id"], "--xlsx", tmp_path / "r.xlsx")
    assert said in shown.out
    assert results.code == 1
    assert said in results.out
    assert "100 days after it ended." in results.out
    assert "CustGroup" in results.out
    assert (tmp_path / "r.xlsx").exists()
    listed = run("job", "results", job["id"], "--json")
    assert listed.lines == []
    assert said in listed.err
    assert run("job", "show", job["id"], "--json").lines[0]["removed_at"]
    again = run("job", "retry", job["id"])
    assert again.code == 3
    assert said in again.err
