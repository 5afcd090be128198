"""A browser, a dispatcher that it looks at, and somebody who is signed in there."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser import stage
from tests.browser.stage import CHROMIUM, PATIENCE_MS, Watched
from tests.journeys.driving import Site

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("no Chromium: apt-get install chromium")
    with stage.chromium() as started:
        yield started


@pytest.fixture(scope="session")
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
