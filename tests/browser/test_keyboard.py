"""The pages without a mouse: everything can be reached, seen, and done by keys alone."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser import stage
from tests.browser.stage import Watched
from tests.journeys.driving import COMPANY, Site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

#: No page has more to tab through before its end.
_MOST_TABS = 80
_IS_SEEN = """each => {
    const drawn = getComputedStyle(each), place = each.getBoundingClientRect();
    return (drawn.outlineStyle !== "none" && parseFloat(drawn.outlineWidth) >= 2 || drawn.boxShadow !== "none")
        && place.bottom > 0 && place.top < innerHeight;
}"""


def tab_to(watched: Watched, wanted: Locator) -> None:
    """Press Tab until it has the focus, and see that it shows so."""
    for _ in range(_MOST_TABS):
        watched.page.keyboard.press("Tab")
        if wanted.evaluate("each => each === document.activeElement"):
            assert wanted.evaluate(_IS_SEEN), f"nobody sees that {wanted} has the focus"
            return
    raise AssertionError(f"{wanted} cannot be reached by Tab")


def past_the_menu(watched: Watched) -> None:
    """By the link that is the first thing to tab to."""
    page = watched.page
    skip = page.get_by_role("link", name="Skip to the content")
    tab_to(watched, skip)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.closest('main') !== null")
    page.keyboard.press("Shift+Tab")


def pick(watched: Watched, label: str, option: str) -> None:
    """Choose of a list by the arrow keys, passing what stands before."""
    page = watched.page
    wanted = page.get_by_label(label)
    past_the_menu(watched)
    tab_to(watched, wanted)
    for _ in range(wanted.locator("option").count()):
        page.keyboard.press("ArrowDown")
        if wanted.evaluate("each => each.value") == option:
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"={option}(&|$)"))


def test_a_load_by_keys_alone(watched: Watched, site: Site, tmp_path: Path) -> None:
    page = watched.page
    package = stage.package(tmp_path, rows=60, first=600_000)
    page.on("filechooser", lambda chooser: chooser.set_files(package))  # from now on: a browser is told late
    watched.go("/")
    tab_to(watched, page.get_by_role("link", name="New load"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="New load")).to_be_visible()
    past_the_menu(watched)
    tab_to(watched, page.get_by_label("Package"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=package.name)).to_be_visible()

    pick(watched, "Deployment", "AOSPROD")
    pick(watched, "Company", COMPANY)
    for told in ("The AOS answers.", "Every row fits."):  # nothing moves any more what one looks at
        expect(page.get_by_text(told)).to_be_visible()
    past_the_menu(watched)
    tab_to(watched, page.get_by_role("button", name=f"Load into {COMPANY} on AOSPROD"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/jobs/JB-\w+$"))
    ended = site.ended(page.url.rsplit("/", 1)[1])
    expect(page.locator(".title .chip")).to_have_text(ended["state"].replace("_", " "))
    assert ended["rows"]["total"] == 60
    tab_to(watched, page.get_by_role("button", name="Load results"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Load results")).to_be_visible()


def test_who_is_at_a_button_of_a_live_page_stays_there(watched: Watched, site: Site, tmp_path: Path) -> None:
    page = watched.page
    job = stage.submit(site, stage.package(tmp_path, rows=20_000, first=700_000), endpoint="AOSPROD")
    watched.go(f"/jobs/{job}")
    button = page.get_by_role("button", name="Cancel")
    tab_to(watched, button)
    done = "Number(document.querySelector('dl.low dd data')?.value || 0)"
    first = page.evaluate(f"() => {done}")
    page.wait_for_function(f"() => {done} > {first}")
    assert button.evaluate("each => each === document.activeElement")
    page.once("dialog", lambda dialog: dialog.accept())
    page.keyboard.press("Enter")
    expect(page.locator(".title .chip")).to_have_text("cancelled")
