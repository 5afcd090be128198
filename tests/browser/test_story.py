"""The story of a load in a real browser: from signing in, by an endpoint that is new, to the last row that somebody corrects."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Browser, expect

from tests.browser import stage
from tests.browser.stage import Watched
from tests.journeys.driving import COMPANY, Site, eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ENDPOINT = "AOSNEW"
PASSWORD = "correct horse battery staple"
ROWS, WRONG = 20_000, (3, 700)


@pytest.fixture
def beside(site: Site, tmp_path: Path) -> Iterator[Site]:
    """A computer beside an AOS, which knows nothing but its dispatcher's address."""
    tables = site.folder / "sample" / "tables.toml"
    made = stage.computer_of_an_aos(site, tmp_path / "beside", tables=tables, latency_ms=500)
    yield made
    made.close()


@pytest.fixture
def watched(browser: Browser, site: Site) -> Iterator[Watched]:
    """A browser in which nobody is signed in yet."""
    context = browser.new_context(accept_downloads=True)
    made = Watched(context.new_page(), site)
    yield made
    context.close()
    assert made.errors == []
    assert made.foreign == []


def test_a_load_from_signing_in_to_its_last_row(watched: Watched, site: Site, beside: Site, tmp_path: Path) -> None:
    sign_in(watched, site)
    activate(watched, site, beside)
    drop(watched, stage.package(tmp_path, rows=ROWS, wrong=WRONG))
    choose(watched)
    see_what_is_wrong(watched)
    job = load(watched)
    watch_the_bar(watched)
    told = cancel(watched, site, job)
    again = load_the_rest(watched, site, job)
    assert told["created"] + again["rows"]["created"] == ROWS - len(WRONG)
    hand_in_corrected(watched, download(watched, job, tmp_path / "results.xlsx"))
    last = successor(watched, site, job)
    assert (last["state"], last["rows"]["total"], last["rows"]["created"]) == ("succeeded", 2, 2)
    assert site.job(job)["rows"]["created"] == ROWS
    names = [record["Name"] for record in beside.records("AOS", "CustGroup")]
    assert sorted(name for name in names if name.startswith("Corrected")) == ["Corrected 2", "Corrected 3"]


def sign_in(watched: Watched, site: Site) -> None:
    """By the link that an administrator makes, which asks for a password, and then by that."""
    page = watched.page
    link: Any = site.json("person", "link", "project lead", "--role", "administrator")
    page.goto(link["url"])
    page.get_by_label("A password to sign in with").fill(PASSWORD)
    page.get_by_role("button", name="Sign in as project lead").click()
    expect(page.get_by_role("heading", name="Is everything well?")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    watched.go("/load")
    page.get_by_label("Name").fill("project lead")
    page.get_by_label("Password").fill(PASSWORD)
    watched.must_be_accessible()
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="New load")).to_be_visible()


def activate(watched: Watched, site: Site, beside: Site) -> None:
    """A worker asks to be registered and shows a code; who knows the code lets it in."""
    page = watched.page
    asking, code = register(beside)
    watched.go("/activate")
    page.get_by_label("The code on the worker's screen").fill(code)
    page.get_by_role("button", name="Go on").click()
    asks = page.get_by_role("region", name="Who asks")
    expect(asks).to_contain_text(ENDPOINT)
    watched.must_be_accessible()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Endpoint updated successfully.")).to_be_visible()
    out, err = asking.communicate(timeout=120)
    assert asking.returncode == 0, out + err

    beside.start("worker", "workers", "run", "--endpoint", ENDPOINT, "--concurrency", "2")
    watched.go(f"/deployments/{ENDPOINT}")
    expect(page.locator(".title .chip")).to_have_text("online")
    page.get_by_role("button", name="Read the contracts anew").click()
    eventually(lambda: site.api(f"/endpoints/{ENDPOINT}")["fingerprint"], what="contracts that are read")
    watched.go(f"/deployments/{ENDPOINT}")
    expect(page.get_by_role("link", name="CustGroupService")).to_be_visible()


def register(beside: Site) -> tuple["subprocess.Popen[str]", str]:
    """The command on the AOS' computer, as it waits, and the code that it shows."""
    command = [sys.executable, "-m", "workers", "register", "--service-host", f"http://127.0.0.1:{beside.ports['AOS']}"]
    command += ["--dispatcher", beside.api_url, "--endpoint", ENDPOINT, "--company", COMPANY, "--json"]
    asking = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=beside.env, cwd=beside.folder
    )
    assert asking.stdout is not None
    first = asking.stdout.readline()
    assert first, asking.communicate(timeout=60)
    return asking, json.loads(first)["code"]


def drop(watched: Watched, package: Path) -> None:
    """Let a file fall on the page, as from a folder."""
    page = watched.page
    watched.go("/load")
    made = "([name, text]) => { const held = new DataTransfer(); held.items.add(new File([text], name)); return held; }"
    held = page.evaluate_handle(made, [package.name, package.read_text(encoding="utf-8")])
    page.dispatch_event("form[data-drop]", "drop", {"dataTransfer": held})
    expect(page.get_by_role("heading", name=package.name)).to_be_visible()


def choose(watched: Watched) -> None:
    """Say where it goes: the connection is tested at once, and the company is one of a list."""
    page = watched.page
    page.get_by_label("Deployment").select_option(ENDPOINT)
    expect(page.get_by_role("heading", name="Connection")).to_be_visible()
    page.get_by_label("Company").select_option(COMPANY)
    expect(page.get_by_text("The AOS answers.")).to_be_visible()


def see_what_is_wrong(watched: Watched) -> None:
    """Cell by cell, before anything is written."""
    page = watched.page
    wrong = page.get_by_role("region", name="Every row, held against this AOS")
    expect(wrong).to_contain_text("CustGroup.csv!4")
    expect(wrong).to_contain_text("CustGroup.csv!701")
    expect(page.get_by_text("2 rows would not go in")).to_be_visible()
    watched.must_be_accessible()


def load(watched: Watched) -> str:
    page = watched.page
    page.get_by_role("button", name=f"Load into {COMPANY} on {ENDPOINT}").click()
    page.wait_for_url(re.compile(r"/jobs/JB-\w+$"))
    return page.url.rsplit("/", 1)[1]


def watch_the_bar(watched: Watched) -> None:
    """It grows twice without a reload, rows a second and the time left beside it, and a chart is drawn."""
    page = watched.page
    width = "Number(document.querySelector('svg.bar.high rect.created')?.getAttribute('width') || 0)"
    page.evaluate("() => { window.wasNotReloaded = true; }")
    page.wait_for_function(f"() => {width} > 0")
    first = page.evaluate(f"() => {width}")
    page.wait_for_function(f"() => {width} > {first}")
    expect(page.get_by_text("Time left, about")).to_be_visible()
    expect(page.locator("#chart-rows canvas")).to_be_visible()
    assert page.evaluate("() => window.wasNotReloaded")


def cancel(watched: Watched, site: Site, job: str) -> dict[str, int]:
    """Pause it first, so that it does not end while one looks."""
    page = watched.page
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".title .chip")).to_have_text("paused")
    watched.must_be_accessible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".title .chip")).to_have_text("cancelled")
    told = dict(site.ended(job)["rows"])
    assert told["created"] > 0
    assert told["failed"] + told["skipped"] > len(WRONG)
    return told


def load_the_rest(watched: Watched, site: Site, job: str) -> dict[str, Any]:
    """Open the results, and take up what is not in."""
    page = watched.page
    page.get_by_role("button", name="See the rows that are not in").click()
    expect(page.get_by_role("heading", name="Load results")).to_be_visible()
    watched.must_be_accessible()
    page.get_by_role("button", name="Load failed rows again").click()
    again = successor(watched, site, job)
    assert again["rows"]["failed"] == len(WRONG)
    return again


def download(watched: Watched, job: str, to: Path) -> Path:
    """The workbook of what is not in, its rows corrected."""
    watched.go(f"/jobs/{job}/results")
    with watched.page.expect_download() as download:
        watched.page.get_by_role("button", name="Download Excel").click()
    download.value.save_as(to)
    book = openpyxl.load_workbook(to)
    sheet = book["CustGroup"]
    named = [cell.value for cell in sheet[1]].index("Name") + 1
    assert sheet.max_row == 1 + len(WRONG)
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, named).value = f"Corrected {row}"
    book.save(to)
    return to


def hand_in_corrected(watched: Watched, workbook: Path) -> None:
    watched.page.get_by_label("Corrected workbook").set_input_files(workbook)


def successor(watched: Watched, site: Site, job: str) -> dict[str, Any]:
    """The job that takes up rows of another one, once it has ended and its page says so."""
    page = watched.page
    page.wait_for_url(lambda url: bool(re.search(r"/jobs/JB-\w+$", url)) and job not in url)
    ended = site.ended(page.url.rsplit("/", 1)[1], within_s=300)
    expect(page.locator(".title .chip")).to_have_text(ended["state"].replace("_", " "))
    return dict(ended)
