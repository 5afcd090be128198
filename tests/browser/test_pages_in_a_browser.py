"""What people see and do in a real browser: a story from signing in to the last row, and a dispatcher that goes away."""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser import stage
from tests.browser.stage import AXE, CHROMIUM, PATIENCE_MS, Watched
from tests.journeys.driving import COMPANY, Site, eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium: apt-get install chromium"),
]

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with stage.chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with stage.stage(tmp_path_factory.mktemp("site"), latency_ms=500) as started:
        yield started


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    made = browser.new_context(accept_downloads=True)
    stage.sign_in(made, site)
    yield made
    made.close()


@pytest.fixture
def watched(context: BrowserContext, site: Site) -> Iterator[Watched]:
    made = Watched(context.new_page(), site)
    yield made
    assert made.errors == []
    assert made.foreign == []


def hand_in(watched: Watched, package: Path) -> None:
    """Drop a package, and say where it goes."""
    page = watched.page
    watched.go("/load")
    page.get_by_label("Package").set_input_files(package)
    page.get_by_label("Deployment").select_option("AOSPROD")
    expect(page.get_by_role("heading", name="Connection")).to_be_visible()
    page.get_by_label("Company").select_option(COMPANY)
    expect(page.get_by_role("heading", name="Every row, held against this AOS")).to_be_visible()


def successor(watched: Watched, site: Site, job: str) -> dict[str, Any]:
    """The job that takes up rows of another one, once it has ended and its page says so."""
    page = watched.page
    page.wait_for_url(lambda url: bool(re.search(r"/jobs/JB-\w+$", url)) and job not in url)
    ended = site.ended(page.url.rsplit("/", 1)[1], within_s=180)
    expect(page.locator(".title .chip")).to_have_text(ended["state"].replace("_", " "))
    return dict(ended)


def correct(workbook: Path) -> int:
    """Shorten the names in a workbook of rows that are not in; how many there were."""
    book = openpyxl.load_workbook(workbook)
    sheet = book["CustGroup"]
    named = [cell.value for cell in sheet[1]].index("Name") + 1
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, named).value = f"Corrected {row}"
    book.save(workbook)
    return int(sheet.max_row) - 1


def test_a_load_from_the_file_to_its_last_row(watched: Watched, site: Site, tmp_path: Path) -> None:
    page = watched.page
    hand_in(watched, stage.package(tmp_path, rows=30_000, wrong=(3, 700)))
    wrong = page.get_by_role("region", name="Every row, held against this AOS")
    expect(wrong).to_contain_text("CustGroup.csv!4")
    expect(wrong).to_contain_text("Name")
    expect(page.get_by_text("2 rows would not go in")).to_be_visible()
    expect(page.get_by_text("The AOS answers.")).to_be_visible()

    page.get_by_role("button", name=f"Load into {COMPANY} on AOSPROD").click()
    page.wait_for_url(re.compile(r"/jobs/JB-\w+$"))
    job = page.url.rsplit("/", 1)[1]
    bar = page.locator("svg.bar.high rect.created")
    page.wait_for_function("() => Number(document.querySelector('svg.bar.high rect.created')?.getAttribute('width') || 0) > 0")
    first = float(bar.get_attribute("width") or 0)
    page.wait_for_function(f"() => Number(document.querySelector('svg.bar.high rect.created').getAttribute('width')) > {first}")

    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".title .chip")).to_have_text("cancelled")
    told = site.ended(job)["rows"]
    assert told["created"] > 0
    assert told["failed"] + told["skipped"] > 2

    page.get_by_role("button", name="See the rows that are not in").click()
    expect(page.get_by_role("heading", name="Load results")).to_be_visible()
    page.get_by_role("button", name="Load failed rows again").click()
    again = successor(watched, site, job)
    assert again["rows"]["failed"] == 2
    assert told["created"] + again["rows"]["created"] == 29_998

    watched.go(f"/jobs/{job}/results")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download Excel").click()
    workbook = tmp_path / "results.xlsx"
    download.value.save_as(workbook)
    assert correct(workbook) == 2
    page.get_by_label("Corrected workbook").set_input_files(workbook)
    last = successor(watched, site, job)
    assert (last["state"], last["rows"]["total"], last["rows"]["created"]) == ("succeeded", 2, 2)
    assert site.job(job)["rows"]["created"] == 30_000
    names = [record["Name"] for record in site.records("AOSPROD", "CustGroup")]
    assert sorted(name for name in names if name.startswith("Corrected")) == ["Corrected 2", "Corrected 3"]


def test_a_browser_recovers_from_a_dispatcher_that_was_killed(watched: Watched, site: Site, tmp_path: Path) -> None:
    page = watched.page
    package = stage.package(tmp_path, rows=3_000)
    job = stage.submit(site, package, endpoint="AOSPROD")
    watched.go(f"/jobs/{job}")
    page.wait_for_function("() => document.querySelector('svg.bar.high rect.created, svg.bar.high rect.unchanged') !== null")
    watched.is_away = True
    site.kill("dispatcher")
    expect(page.locator("#lost")).to_be_visible()
    site.start_dispatcher()
    ended = site.ended(job)
    expect(page.locator(".title .chip")).to_have_text(ended["state"].replace("_", " "))
    expect(page.locator("#lost")).to_be_hidden()
    watched.is_away = False
    told = eventually(page.locator(".legend").first.inner_text)
    assert (
        sum(int(re.sub(r"\D", "", each)) for each in re.findall(r"[\d,.\u202f\u00a0]+", told)) == ended["rows"]["total"] == 3_000
    )


@pytest.mark.parametrize("look", ["light", "dark"])
def test_every_page_is_accessible(look: str, browser: Browser, site: Site, tmp_path: Path) -> None:
    package = stage.package(tmp_path, rows=40, wrong=(3,))
    site.rapidstart("load", package, "--endpoint", "AOSPROD", "--company", COMPANY, "--watch")
    job = site.loads()[0]
    context = browser.new_context(color_scheme="dark" if look == "dark" else "light")
    watched = Watched(context.new_page(), site)
    watched.go("/signin")
    wrong = {"/signin": watched.violations()}
    stage.sign_in(context, site, f"operations-{look}")
    sha = job["package"]["sha256"]
    for path in (
        "/",
        "/deployments",
        "/deployments/AOSPROD?service=RapidStart/CustGroupService",
        "/activate",
        "/load",
        f"/load?package={sha}&endpoint=AOSPROD&company={COMPANY}&check={job['id']}",
        "/jobs",
        "/jobs?q=nothing-has-this-name",
        f"/jobs/{job['id']}",
        f"/jobs/{job['id']}/results",
        "/signin/me",
    ):
        watched.go(path)
        wrong[path] = watched.violations()
    context.close()
    assert {path: found for path, found in wrong.items() if found} == {}
    assert (watched.errors, watched.foreign) == ([], [])


def test_what_tests_borrow_is_what_the_manifest_says() -> None:
    (axe,) = tomllib.loads(AXE.with_name("manifest.toml").read_text(encoding="utf-8"))["file"]
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() == axe["sha256"]
