"""New load in a real browser: names that AX does not know are mapped on the page, and a corrected workbook is dropped there."""

import re
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect

from tests.browser import stage
from tests.browser.stage import Watched
from tests.journeys.driving import COMPANY, Site, write_csv

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_names_that_ax_does_not_know_are_mapped_on_the_page_and_loaded(watched: Watched, site: Site, tmp_path: Path) -> None:
    page = watched.page
    lines = [[f"M{no}", f"Mapped {no}", "no use"] for no in range(1, 6)]
    package = write_csv(tmp_path / "Kunden.csv", ["Gruppe", "Bezeichnung", "Notiz"], lines)
    watched.go("/load")
    page.get_by_label("Package").set_input_files(package)
    page.get_by_label("Deployment").select_option("AOSPROD")
    page.get_by_label("Company").select_option(COMPANY)
    expect(page.get_by_role("alert")).to_contain_text("no record on this endpoint is named like 'Kunden'")
    assert page.get_by_role("button", name="Load into").count() == 0

    page.get_by_label("Becomes").fill("CustGroup")
    page.get_by_label("AX field that Gruppe fills").fill("CustGroup")
    page.get_by_label("AX field that Bezeichnung fills").fill("Name")
    page.get_by_label("Leave Notiz out").check()
    watched.must_be_accessible()
    page.get_by_role("button", name="Plan it like this").click()
    expect(page.get_by_text("A mapping that was handed in stands in the place")).to_be_visible()
    expect(page.get_by_text("Every row fits.")).to_be_visible()
    page.get_by_role("button", name=f"Load into {COMPANY} on AOSPROD").click()
    page.wait_for_url(re.compile(r"/jobs/JB-\w+$"))
    assert site.ended(page.url.rsplit("/", 1)[1])["rows"]["created"] == len(lines)
    names = {record["Name"] for record in site.records("AOSPROD", "CustGroup") if record["CustGroup"].startswith("M")}
    assert names == {f"Mapped {no}" for no in range(1, 6)}


def test_a_corrected_workbook_is_dropped_on_new_load_and_goes_on_there(watched: Watched, site: Site, tmp_path: Path) -> None:
    page = watched.page
    package = stage.package(tmp_path, rows=3, wrong=(2,), first=980_000)
    first = site.ended(stage.submit(site, package, endpoint="AOSPROD"))
    workbook = tmp_path / "results.xlsx"
    site.rapidstart("job", "results", first["id"], "--xlsx", workbook)
    book = openpyxl.load_workbook(workbook)
    book["CustGroup"].cell(2, 5).value = "Short"
    book.save(workbook)
    watched.go("/load")
    page.get_by_label("Package").set_input_files(workbook)
    expect(page.get_by_text("This workbook holds corrected rows of a load:")).to_be_visible()
    watched.must_be_accessible()
    page.get_by_role("button", name=f"Load them as rows of {first['id']}").click()
    page.wait_for_url(re.compile(r"/jobs/JB-\w+$"))
    again = site.ended(page.url.rsplit("/", 1)[1])
    assert (again["retry_of"], again["rows"]["created"]) == (first["id"], 1)
    assert site.job(first["id"])["rows"]["created"] == 3
