"""A dispatcher with an AOS that is simulated, a worker, and a browser that notes whatever is not as it should be."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import uuid4

import requests
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from connector import sample
from tests.journeys.driving import COMPANY, Site, eventually, free_port, listens, write_csv

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parent / "vendored" / "axe.min.js"
#: A loaded machine draws slowly; what is waited for is exact.
PATIENCE_MS = 60_000.0

LOOKS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
#: True in a page whose charts are drawn, or have nothing to draw.
DRAWN = "() => [...document.querySelectorAll('[data-chart]')].every((each) => each.dataset.drawn)"


@dataclass
class Watched:
    """A page of a browser, and what it did that no page of ours may do."""

    page: Page
    site: Site
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    is_away: bool = False
    """the dispatcher is away on purpose: that requests fail is no error"""

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", lambda told: self._said(told.type, told.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))

    def go(self, path: str) -> None:
        self.page.goto(f"{self.site.api_url}{path}")

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page as it is drawn now, in light and in dark."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = []
        for look in LOOKS:
            self.page.emulate_media(color_scheme=look, reduced_motion="reduce")
            told = self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")["violations"]
            found += [f"{look}: {each['id']}: {each['help']}: {node['html']}" for each in told for node in each["nodes"]]
        return found

    def must_be_accessible(self) -> None:
        """Raise AssertionError with what axe-core finds wrong."""
        assert self.violations() == []

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not self.is_away:
            self.errors.append(text)

    def _asked(self, url: str) -> None:
        if urlsplit(url).netloc != urlsplit(self.site.api_url).netloc and not url.startswith(("data:", "blob:")):
            self.foreign.append(url)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def stage(folder: Path, *, latency_ms: int = 0) -> Iterator[Site]:
    """Everything that the pages tell of: an AOS with a worker that has read its contracts."""
    site = Site(folder, f"http://127.0.0.1:{free_port()}")
    try:
        site.start_dispatcher()
        site.start_aos("AOSPROD", "--tables", sample.write(folder / "sample").tables, "--latency", str(latency_ms))
        site.start_worker("AOSPROD")
        eventually(lambda: site.api("/endpoints/AOSPROD")["state"] == "online", what="a worker that is online")
        site.json("endpoint", "add", "AOSPROD", "--replace", "--company", "USMF")
        site.json("endpoint", "metadata", "AOSPROD", "--refresh")
        yield site
    finally:
        site.close()


def computer_of_an_aos(site: Site, folder: Path, *, tables: Path, latency_ms: int) -> Site:
    """A computer that knows nothing but where the dispatcher is; its AOS runs."""
    folder.mkdir(parents=True)
    made = Site(folder, site.api_url, ports={"AOS": free_port()})
    port = str(made.ports["AOS"])
    made.start(
        "aos", "workers", "simulate", "--port", port, "--company", COMPANY, "--tables", tables, "--latency", str(latency_ms)
    )
    eventually(lambda: listens(made.ports["AOS"]), what="a listening AOS")
    return made


def package(folder: Path, *, rows: int, wrong: tuple[int, ...] = (), first: int = 1) -> Path:
    """Customer groups, whose keys count from `first`; the names of some rows are longer than AX takes."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [[f"G{first + row - 1}", "N" * 200 if row in wrong else f"Group {row}"] for row in range(1, rows + 1)]
    return write_csv(folder / "CustGroup.csv", ["CustGroup", "Name"], lines)


def submit(site: Site, file: Path, *, endpoint: str) -> str:
    """Hand a package in and load it, as a program would, without waiting for anything."""
    headers = {"Authorization": f"Bearer {site.token}"}
    url = f"{site.api_url}/api/v1"
    received = requests.post(f"{url}/packages", params={"name": file.name}, data=file.read_bytes(), headers=headers, timeout=60)
    order = {"endpoint": endpoint, "company": COMPANY, "package": received.json()["sha256"]}
    told = requests.post(f"{url}/jobs", json=order, headers={**headers, "Idempotency-Key": uuid4().hex}, timeout=60)
    return str(told.json()["id"])


def sign_in(context: BrowserContext, site: Site, name: str = "operations", *, role: str = "administrator") -> None:
    """Let somebody in by a one-time link, as an administrator makes it."""
    link: Any = site.json("person", "link", name, "--role", role)
    page = context.new_page()
    page.goto(link["url"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site.api_url}/")
    page.close()
