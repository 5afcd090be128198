"""What calls answered, as it comes home: through the API in pages, on the command line, and as a sheet of the workbook."""

import time

import openpyxl
import pytest

from connector.ledger import batches, jobs
from connector.wire.reports import Outcomes
from tests.cli.conftest import run

__all__ = ["run"]


@pytest.fixture
def job(desk, tmp_path) -> str:
    """A job of three rows, of which two were answered."""
    desk.client.add_endpoint("AOS-Test", addresses=["http://aos.test/port.svc"], companies=["USMF"])
    file = tmp_path / "CustGroup.csv"
    file.write_bytes(b"CustGroup,Name\r\n10,Wholesale\r\n20,Retail\r\n30,Export\r\n")
    package = desk.client.upload(file, name=file.name)
    order = {"endpoint": "AOS-Test", "company": "USMF", "package": package["sha256"]}
    job_id = desk.client.submit(idempotency_key="k", **order)["id"]
    desk.plan(job_id)
    with desk.ledger.write() as db:
        (sending,) = batches.claim(db, job=job_id, limit=1, now=time.time())
        outcomes = Outcomes(letters="u=u", answers={0: "=1+1", 2: '{"JournalId":"J1"}'})
        assert batches.done(db, sending.ref, outcomes=outcomes, calls=3, seconds=0.1, at=time.time())
        desk.dispatcher.close_if_done(db, jobs.get(db, job_id))
    return job_id


def test_the_api_tells_them_in_pages(desk, job: str) -> None:
    told = list(desk.client.answers(job, page=1))
    assert [(each["entity"], each["file"], each["row"], each["answer"]) for each in told] == [
        ("CustGroup", "CustGroup.csv", 2, "=1+1"),
        ("CustGroup", "CustGroup.csv", 4, '{"JournalId":"J1"}'),
    ]
    first = desk.client.first_answers(job, limit=1)
    assert (first["total"], len(first["items"])) == (2, 1)


def test_the_command_line_shows_the_first_and_tells_how_many(desk, job: str, run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPIDSTART_API_URL", desk.url)
    monkeypatch.setenv("RAPIDSTART_TOKEN_FILE", str(desk.home / "token"))
    shown = run("job", "results", job)
    assert "2 answers of AX" in shown.out
    assert 'CustGroup, row 4: {"JournalId":"J1"}' in shown.out
    assert [line["answer"] for line in run("job", "results", job, "--json").lines] == ["=1+1", '{"JournalId":"J1"}']


def test_the_workbook_has_a_sheet_of_them_as_text(desk, job: str, tmp_path) -> None:
    desk.client.workbook(job, tmp_path / "summary.xlsx")
    book = openpyxl.load_workbook(tmp_path / "summary.xlsx")
    assert book.sheetnames == ["Summary", "Steps", "Failures", "Answers", "Throughput", "System log"]
    head, first, _ = book["Answers"].iter_rows()
    assert [cell.value for cell in head] == ["Entity", "File", "Sheet", "Row", "Answer"]
    assert (first[4].value, first[4].data_type) == ("=1+1", "s")
