"""The process summary says exactly what the ledger says, and executes nothing."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import results
from connector.errors import NotFound, Refused
from connector.ledger import Ledger, batches, courses, endpoints, jobs, packages
from connector.ledger.store import sqlite_url
from connector.results import look, told, workbook
from connector.wire.codec import Row, pack_rows
from connector.wire.jobs import Layout, Mode, Target
from connector.wire.reports import BatchRef, Outcomes, Problem

SHA = "ab" * 32


def step(no: int, entity: str) -> tuple[courses.Step, courses.Course]:
    layout = Layout(step=no, entity=entity, file="book.xlsx", table=entity, columns=())
    target = Target(address="http://aos/x.svc", port="RapidStart", service=f"{entity}Service", contract="f")
    planned = courses.Step(
        no=no,
        entity=entity,
        file="book.xlsx",
        sheet=f"Sheet of {entity}",
        table=entity,
        service=target.service,
        parent=None,
        rank=no,
        reasons={"order": "as in the package"},
        mode="upsert",
        rows=0,
        counts={},
    )
    return planned, courses.Course(layout=layout, target=target, mode=Mode.UPSERT)


def load(ledger: Ledger, *, letters: str, problems: tuple[Problem, ...], reason: str = "") -> str:
    """A job of one step and one batch that ended with these outcomes; rows are numbered from 2."""
    with ledger.write() as db:
        if not endpoints.every(db):
            endpoints.add(db, endpoints.Endpoint(key="demo-01", name="DEMO-01", addresses=("http://aos",)))
        packages.add(db, packages.PackageRecord(sha256=SHA, name="book.xlsx", size=1234, received_at=1.0))
        job = jobs.Job(
            id=jobs.new_id(db), endpoint="demo-01", company="USMF", package=SHA, package_name="book.xlsx", submitted_at=1.7e9
        )
        jobs.add(db, job)
        courses.add_steps(db, job.id, [step(1, "CustGroup")])
        new = batches.NewBatch(
            step=1, no=1, rank=1, size=len(letters), places=[(1, 2, len(letters))], rows=pack_rows([Row(2, ["x"])])
        )
        batches.add_many(db, job=job.id, endpoint="demo-01", new=[new])
        courses.planned(db, job_id=job.id, rows={1: len(letters)})
        batches.claim(db, job=job.id, limit=1, now=1.7e9)
        jobs.mark(db, job.id, started_at=1.7e9)
        ref = BatchRef(job=job.id, step=1, batch=1, attempt=1)
        batches.start_step(db, job=job.id, step=1, at=1.7e9)
        assert batches.done(db, ref, outcomes=Outcomes(letters=letters, problems=problems), calls=1, seconds=1.0, at=1.7e9 + 4)
        jobs.say(db, job.id, "=cmd|' /C calc'!A0", at=1.7e9)
        jobs.close(db, job.id, jobs.JobState.PARTLY_SUCCEEDED, at=1.7e9 + 4, reason=reason)
    return job.id


def problem(index: int, *, value: str = "99", message: str = "The value does not exist.") -> Problem:
    return Problem(
        row=index, column="Group", field="CustGroup", value=value, message=message, advice="Correct it.", code="RSC-5110"
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(sqlite_url(tmp_path / "ledger.db"))
    yield opened
    opened.close()


def cells(path: Path, sheet: str) -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(path)
    return [tuple(cell.value for cell in row) for row in book[sheet].iter_rows()]


def test_it_says_what_the_ledger_says(ledger: Ledger, tmp_path: Path) -> None:
    job = load(ledger, letters="ccuf=", problems=(problem(3),), reason="1 row failed")
    path = tmp_path / "summary.xlsx"
    results.write_workbook(ledger, job, path)
    assert openpyxl.load_workbook(path).sheetnames == ["Summary", "Steps", "Failures", "Throughput", "System log"]
    summary = {row[0]: row[1] for row in cells(path, "Summary")}
    expected = {"Job": job, "State": "partly_succeeded", "Reason": "1 row failed", "Company": "USMF", "Rows": None, "Seconds": 4}
    expected |= {"Endpoint": "DEMO-01", "Package": "book.xlsx", "Package SHA-256": SHA, "Package size (bytes)": 1234}
    expected |= {"created": 2, "updated": 1, "failed": 1, "unchanged": 1, "deleted": 0, "skipped": 0, "unknown": 0}
    del expected["Rows"]  # stands there twice: the total, and the title of the outcomes' column
    assert {name: summary[name] for name in expected} == expected
    head, row = cells(path, "Steps")
    told = dict(zip(head, row, strict=True))
    assert (told["Entity"], told["Rows"], told["Created"], told["Failed"]) == ("CustGroup", 5, 2, 1)
    assert told["Why in this order"] == "order: as in the package"
    assert told["Rows per second"] == 1.2
    head, row = cells(path, "Failures")
    told = dict(zip(head, row, strict=True))
    assert (told["Sheet"], told["Row"], told["Field"], told["Value"]) == ("Sheet of CustGroup", 5, "CustGroup", "99")
    assert (told["Outcome"], told["What to do"], told["Code"]) == ("failed", "Correct it.", "RSC-5110")


def test_charts_are_drawn_from_cells_and_lists_are_filtered_and_keep_their_titles(ledger: Ledger, tmp_path: Path) -> None:
    job = load(ledger, letters="ccuf=", problems=(problem(3),))
    path = tmp_path / "summary.xlsx"
    results.write_workbook(ledger, job, path)
    book = openpyxl.load_workbook(path)
    ring, time = book["Summary"]._charts
    assert (ring.tagname, ring.series[0].val.numRef.f) == ("doughnutChart", "Summary!$B$18:$B$25")
    assert [cell.value for (cell,) in book["Summary"]["B18:B25"]] == [2, 1, 1, 0, 1, 0, 0, 0]
    assert (time.tagname, time.series[0].val.numRef.f) == ("areaChart", "Throughput!$D$2")
    assert sum(row[1] for row in cells(path, "Throughput")[1:]) == 5
    for name in ("Steps", "Failures", "Throughput", "System log"):
        sheet = book[name]
        assert (sheet.freeze_panes, sheet.print_title_rows) == ("A2", "$1:$1")
        assert sheet.auto_filter.ref
        assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)


def test_rows_lead_to_their_page(ledger: Ledger, tmp_path: Path) -> None:
    job = load(ledger, letters="cf", problems=(problem(1),))
    path = tmp_path / "summary.xlsx"
    results.write_workbook(ledger, job, path, public_url="https://rapid.example/")
    (cell,) = (row[-1] for row in openpyxl.load_workbook(path)["Failures"].iter_rows(min_row=2))
    assert cell.hyperlink.target == f"https://rapid.example/jobs/{job}/results?step=1&after=0"
    assert cell.hyperlink.location == "row-1-3"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "007", "http://example.com/", "{=A1}", "internal:Steps!A1"])
def test_text_is_text_whatever_it_begins_with(ledger: Ledger, tmp_path: Path, text: str) -> None:
    job = load(ledger, letters="f", problems=(problem(0, value=text, message=text),), reason=text)
    path = tmp_path / "summary.xlsx"
    results.write_workbook(ledger, job, path)
    _, row = cells(path, "Failures")
    assert row[7:9] == (text, text)
    with zipfile.ZipFile(path) as parts:
        sheets = [parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        assert not any("rels" in name for name in parts.namelist() if name.startswith("xl/worksheets/") and "sheet3" in name)
    assert len(sheets) == 5
    assert not any(b"<f>" in sheet for sheet in sheets)


def test_many_failures_are_written_row_by_row(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paging, the second sheet, and the frugal way of writing bring every failed row once."""
    monkeypatch.setattr(workbook, "_MANY", 5)
    monkeypatch.setattr(told, "_PAGE", 3)
    monkeypatch.setattr(look, "SHEET_ROWS", 4)
    job = load(ledger, letters="f" * 10, problems=tuple(problem(index) for index in range(10)))
    path = tmp_path / "summary.xlsx"
    results.write_workbook(ledger, job, path)
    assert openpyxl.load_workbook(path).sheetnames == [
        "Summary",
        "Steps",
        "Failures",
        "Failures 2",
        "Failures 3",
        "Throughput",
        "System log",
    ]
    rows = [row[3] for name in ("Failures", "Failures 2", "Failures 3") for row in cells(path, name)[1:]]
    assert rows == list(range(2, 12))


def test_a_job_that_has_just_been_accepted(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.write() as db:
        jobs.add(db, jobs.Job(id="JB-2222", endpoint="demo-01", submitted_at=1.0))
    path = tmp_path / "summary.xlsx"
    results.write_workbook(ledger, "jb-2222", path)
    assert len(cells(path, "Failures")) == 1


def test_unknown_job_and_unwritable_file(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        results.write_workbook(ledger, "JB-NONE", tmp_path / "x.xlsx")
    job = load(ledger, letters="c", problems=())
    with pytest.raises(Refused, match="cannot be written"):
        results.write_workbook(ledger, job, tmp_path / "nowhere" / "x.xlsx")


@pytest.fixture(scope="module")
def shared_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    opened = Ledger(sqlite_url(tmp_path_factory.mktemp("results") / "ledger.db"))
    yield opened
    opened.close()


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_any_text_gives_a_workbook_that_can_be_read(
    shared_ledger: Ledger, tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    job = load(shared_ledger, letters="f", problems=(problem(0, value=text),))
    path = tmp_path_factory.getbasetemp() / "any.xlsx"
    results.write_workbook(shared_ledger, job, path)
    assert len(cells(path, "Failures")) == 2
