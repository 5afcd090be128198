"""A results workbook whose rows were corrected is loaded as its job was."""

import openpyxl
import pytest

from connector.wire.reports import Problem


@pytest.fixture
def ended(office, groups):
    """A load of which a row failed."""
    sha256 = office.client.upload(groups, name=groups.name)["sha256"]
    job = office.client.submit(idempotency_key="k", endpoint="AOS-1", company="USMF", package=sha256)
    office.plan(job["id"])
    office.settle(job["id"], "cfc", problems=(Problem(row=1, message="No.", advice="Correct it.", code="RSC-1"),))
    return job["id"]


@pytest.fixture
def workbook(run, ended, tmp_path):
    path = tmp_path / "results.xlsx"
    ran = run("job", "results", ended, "--xlsx", str(path))
    assert (ran.code, f"Process summary: {path}" in ran.out) == (1, True)
    return path


@pytest.mark.parametrize("where", [(), ("--endpoint", "aos-1", "--company", "usmf")])
def test_load_knows_the_job_of_a_workbook(run, ended, workbook, where):
    ran = run("load", str(workbook), *where)
    assert (ran.code, f"takes up rows of {ended}" in ran.out) == (0, True)


def test_retry_takes_a_workbook(run, office, ended, workbook):
    made = run("job", "retry", ended, "--fixed", str(workbook), "--json").lines[0]
    assert made["retry_of"] == ended
    ran = run("load", str(workbook))
    assert (ran.code, f"{made['id']} is loading rows of {ended}" in ran.err) == (3, True)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--company", "DEMF"), "loads into USMF: leave out --company"),
        (("--endpoint", "AOS-2"), "loads into AOS-1: leave out --endpoint"),
        (("--strict", "--only", "1"), "leave out --strict, --only"),
        (("--dry-run",), "leave out --dry-run"),
    ],
)
def test_what_the_job_decided_is_not_decided_anew(run, office, workbook, more, said):
    ran = run("load", str(workbook), *more)
    assert (ran.code, said in ran.err) == (2, True)
    assert len(office.client.jobs()) == 1


def test_a_workbook_says_itself_which_rows_it_has(run, ended, workbook):
    ran = run("job", "retry", ended, "--fixed", str(workbook), "--rows", "failed")
    assert (ran.code, "leave out --rows" in ran.err) == (2, True)


def test_a_workbook_that_was_tampered_with_is_refused_before_it_is_sent(run, workbook):
    book = openpyxl.load_workbook(workbook)
    book["RapidStart"]["B3"].value = "0" * 64
    book.save(workbook)
    ran = run("load", str(workbook))
    assert (ran.code, "was changed" in ran.err) == (3, True)


@pytest.mark.parametrize(("form", "start"), [("html", "<!DOCTYPE html>"), ("csv", "\ufeffRapidStart place,")])
def test_results_are_written_in_other_forms(run, ended, tmp_path, form, start):
    path = tmp_path / f"results.{form}"
    ran = run("job", "results", ended, f"--{form}", str(path))
    assert (ran.code, f"Process summary: {path}" in ran.out) == (1, True)
    assert path.read_text(encoding="utf-8").startswith(start)
