"""Every page in a real browser: accessible in every look, as wide as its screen, and never wrong without its dispatcher."""

import hashlib
import re
import tomllib
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import stage
from tests.browser.stage import AXE, Watched
from tests.journeys.driving import COMPANY, Site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

#: Notes every number of rows that a job's page shows as done, from now on.
_NOTE = """() => {
    window.shown = [];
    const look = () => {
        const told = Number(document.querySelector("dl.low dd data")?.value ?? 0);
        if (window.shown.at(-1) !== told) window.shown.push(told);
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    look();
}"""


#: Notes every moment that is painted as the dispatcher wrote it, in no zone of the viewer's.
_NOTE_RAW_MOMENTS = """() => {
    window.raw = [];
    const look = () => {
        for (const each of document.querySelectorAll("time")) {
            const isSeen = getComputedStyle(each).visibility === "visible";
            if (isSeen && each.textContent.includes("UTC")) window.raw.push(each.textContent);
        }
        requestAnimationFrame(look);
    };
    look();
}"""


def test_a_browser_recovers_from_a_dispatcher_that_was_killed(watched: Watched, site: Site, tmp_path: Path) -> None:
    page = watched.page
    before = site.stats("AOSPROD")["rows_created"]
    job = stage.submit(site, stage.package(tmp_path, rows=4_000, first=500_000), endpoint="AOSPROD")
    watched.go(f"/jobs/{job}")
    page.evaluate(_NOTE)
    page.wait_for_function("() => window.shown.at(-1) > 0")
    watched.is_away = True
    site.kill("dispatcher")
    expect(page.locator("#lost")).to_be_visible()
    site.start_dispatcher()
    while not no_more_than_is_true(page, site, job, before=before):
        page.wait_for_timeout(100)
    expect(page.locator(".title .chip")).to_have_text("succeeded")
    expect(page.locator("#lost")).to_be_hidden()
    watched.is_away = False
    shown = page.evaluate("() => window.shown")
    assert shown == sorted(shown), "a number went backwards"
    assert shown[-1] == 4_000
    assert len(shown) > 2, "the page went on by itself"
    told = page.locator(".legend").first.inner_text()
    assert re.sub(r"\D", "", told) == "4000"


def no_more_than_is_true(page: Page, site: Site, job: str, *, before: int) -> bool:
    """Whether the job has ended; until then the page shows no row that the AOS, which is asked after it, does not hold."""
    shown = page.evaluate("() => window.shown.at(-1)")
    assert shown <= site.stats("AOSPROD")["rows_created"] - before
    return bool(site.job(job)["finished_at"])


def test_a_chart_stays_while_a_job_goes_from_waiting_to_its_end(watched: Watched, site: Site, tmp_path: Path) -> None:
    page = watched.page
    site.rapidstart("endpoint", "pause", "AOSPROD")
    package = stage.package(tmp_path, rows=1_000, wrong=(9,), first=950_000)
    job = stage.submit(site, package, endpoint="AOSPROD")
    watched.go(f"/jobs/{job}")
    page.evaluate("() => { window.kept = document.querySelectorAll('[data-kept]'); }")
    assert page.evaluate("() => window.kept.length") == 2
    site.rapidstart("endpoint", "resume", "AOSPROD")
    expect(page.locator(".title .chip")).to_have_text("partly succeeded")
    expect(page.get_by_role("heading", name="Why rows are not in")).to_be_visible()
    assert page.evaluate("() => [...window.kept].map((each) => each.isConnected)") == [False, True]
    expect(page.locator("#chart-rows canvas")).to_have_count(1)


def test_every_page_is_accessible_and_no_wider_than_its_screen(browser: Browser, site: Site, tmp_path: Path) -> None:
    package = stage.package(tmp_path, rows=40, wrong=(3,), first=800_000)
    site.rapidstart("load", package, "--endpoint", "AOSPROD", "--company", COMPANY, "--watch")
    job = site.loads()[0]
    context = browser.new_context()
    watched = Watched(context.new_page(), site)
    wrong = {"/signin": looked_at(watched, "/signin")}
    stage.sign_in(context, site)
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
        wrong[path] = looked_at(watched, path)
    context.close()
    assert {path: found for path, found in wrong.items() if found} == {}
    assert (watched.errors, watched.foreign) == ([], [])


def looked_at(watched: Watched, path: str) -> list[str]:
    """What is wrong with a page in every look, on a wide and on a narrow screen."""
    found = []
    for width in (1360, 390):
        watched.page.set_viewport_size({"width": width, "height": 844})
        watched.go(path)
        watched.page.wait_for_function(stage.DRAWN)
        found += [f"{width}: {each}" for each in watched.violations()]
        wide = watched.page.evaluate("() => document.documentElement.scrollWidth")
        found += [f"{wide} wide on a screen of {width}"] if wide > width else []
    return found


def test_moments_and_numbers_are_the_viewers_own_from_the_first_picture_on(browser: Browser, site: Site, tmp_path: Path) -> None:
    context = browser.new_context(locale="de-DE", timezone_id="Asia/Tokyo")
    stage.sign_in(context, site)
    page = context.new_page()
    page.add_init_script(f"({_NOTE_RAW_MOMENTS})()")
    job = stage.submit(site, stage.package(tmp_path, rows=3_000, first=900_000), endpoint="AOSPROD")
    page.goto(f"{site.api_url}/jobs/{job}")
    page.wait_for_function("() => Number(document.querySelector('dl.low dd data')?.value ?? 0) > 0")
    page.locator(".title .chip").filter(has_text="succeeded").wait_for()
    assert page.evaluate("() => window.raw") == []
    expect(page.locator("dl.low dd").first).to_contain_text("3.000")
    submitted = datetime.fromisoformat(site.job(job)["submitted_at"])
    in_tokyo = submitted.astimezone(ZoneInfo("Asia/Tokyo"))
    expect(page.locator("dl.facts time").first).to_contain_text(f"{in_tokyo:%H:%M}")
    context.close()


def test_what_tests_borrow_is_what_the_manifest_says() -> None:
    (axe,) = tomllib.loads(AXE.with_name("manifest.toml").read_text(encoding="utf-8"))["file"]
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() == axe["sha256"]
