"""The same results as CSV and as one HTML file: they say what the ledger says, and execute nothing."""

import csv
import io
import re

import pytest
from lxml import html

from connector import results
from connector.intake.package import open_package
from connector.results import document
from connector.wire.reports import Problem
from tests.dispatch.shop import Shop, groups

NASTY = ["=1+1", "+1", "-1", "-1.50", "@SUM(A1)", "'", "''-x", "-x", "\tx", "a\r\nb", '"', "<script>alert(1)</script>"]


@pytest.fixture
def shop(desk):
    return Shop(desk)


def failing(shop, values):
    """A load in which a row fails for each of the values."""
    job = shop.load(CustGroup=groups(*(f"{number:04}" for number in range(len(values)))))
    for start in range(0, len(values), 2):
        told = values[start : start + 2]
        problems = tuple(
            Problem(row=at, message=f"Says {value}", advice="Correct it.", code="RSC-1", column="Name", value=value)
            for at, value in enumerate(told)
        )
        shop.desk.settle(job, "f" * len(told), problems=problems)
    return job


def test_values_come_back_from_the_csv_as_they_were(shop, tmp_path):
    job = failing(shop, NASTY)
    path = tmp_path / "results.csv"
    shop.desk.client.workbook(job, path, form="csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    (action,) = open_package(path).actions
    at = action.columns.index("value")
    rows = list(action.rows())
    assert [row.cells[at] for row in rows] == NASTY
    assert [row.cells[action.columns.index("row")] for row in rows] == [str(n) for n in range(2, 2 + len(NASTY))]
    assert rows[0].cells[-1].startswith(f"{shop.desk.client.url}/jobs/{job}/results?step=1&after=")


def test_a_spreadsheet_computes_nothing_of_the_csv(shop):
    job = failing(shop, NASTY)
    text = "".join(results.csv_lines(shop.ledger, job)).removeprefix("\ufeff")
    for line in csv.reader(io.StringIO(text, newline="")):
        assert not [cell for cell in line if re.match(r"[=+@\t\r]|-(?![0-9.]+$)", cell)]


def test_the_page_needs_nothing_else_and_runs_nothing(shop, tmp_path):
    job = failing(shop, NASTY)
    path = tmp_path / "results.html"
    shop.desk.client.workbook(job, path, form="html")
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert not re.search(r"""(src|srcset)=|url\(|@import|<link""", text)
    assert text.count("Correct it.") == len(NASTY)
    assert re.search(r"failed</td><td class=\"n\">12<", text)
    assert '<polygon points="0,120 ' in text
    assert f"{shop.desk.client.url}/jobs/{job}/results?step=1&amp;after=" in text


def test_a_spreadsheet_that_opens_the_page_is_told_that_values_are_text(shop, tmp_path):
    job = failing(shop, NASTY)
    path = tmp_path / "results.html"
    shop.desk.client.workbook(job, path, form="html")
    page = html.fromstring(path.read_text(encoding="utf-8"))
    assert r'td { mso-number-format: "\@"; }' in page.xpath("string(//style)")
    for cell in page.xpath("//td[not(contains(@class, 'n')) and normalize-space()]"):
        if re.match(r"\s*[=+@-]", cell.text or ""):
            assert cell.get("sdnum", "").endswith(";@"), html.tostring(cell)
    values = [each.text for each in page.xpath("//h2[.='Rows that are not in']/following::table[1]//td[6]")]
    assert values[:2] == ["=1+1", "+1"]


def test_a_page_of_very_many_failures_says_where_the_others_are(shop, monkeypatch):
    monkeypatch.setattr(document, "_SHOWN", 3)
    job = failing(shop, ["a", "b", "c", "d"])
    text = "".join(results.html_parts(shop.ledger, job))
    assert text.count("Correct it.") == 3
    assert f"These are the first 3. All of them: rapidstart job results {job} --xlsx FILE" in text


def test_a_job_that_has_just_been_accepted_has_a_page_and_an_empty_table(shop):
    job = shop.dispatcher.test("A1").id
    assert "None." in "".join(results.html_parts(shop.ledger, job))
    assert len(list(results.csv_lines(shop.ledger, job))) == 1
