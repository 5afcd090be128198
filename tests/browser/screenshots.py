"""All pages as pictures, light and dark, wide and narrow: `python -m tests.browser.screenshots --out DIR`."""

import tempfile
from pathlib import Path

import click
from playwright.sync_api import Browser

from connector import sample
from tests.browser.stage import DRAWN, chromium, package, sign_in, stage, submit
from tests.journeys.driving import COMPANY, Site, eventually

SIZES = {"wide": (1360, 900), "narrow": (390, 844)}


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder for the pictures.")
@click.option("--only", default="", help="Only pages whose name holds this.")
def main(out: Path, only: str) -> None:
    """Draw every page of a dispatcher that is at work."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, stage(Path(folder), latency_ms=400) as site:
        pages = {name: path for name, path in _busy(site, Path(folder)).items() if only in name}
        for look in ("light", "dark"):
            for size in SIZES:
                _draw(browser, site, pages, out, look=look, size=size)


def _busy(site: Site, folder: Path) -> dict[str, str]:
    """Load the sample, which has rows that are wrong on purpose, and begin with more."""
    starter = sample.write(folder / "sample").package
    site.rapidstart("load", starter, "--endpoint", "AOSPROD", "--company", COMPANY, "--watch")
    done = site.loads()[0]["id"]
    checked = site.json("package", "validate", starter, "--endpoint", "AOSPROD", "--company", COMPANY, code=1)["id"]
    site.rapidstart("endpoint", "test", "AOSPROD")
    site.start_aos("AOSTEST", "--tables", folder / "sample" / "tables.toml")
    many = package(folder / "many", rows=40_000, wrong=(7, 90, 4001))
    runs = submit(site, many, endpoint="AOSPROD")
    waits = submit(site, package(folder / "few", rows=40), endpoint="AOSTEST")
    eventually(lambda: site.job(runs)["rows"]["created"], what="rows that are in")
    sha = site.job(done)["package"]["sha256"]
    return {
        "home": "/",
        "deployments": "/deployments",
        "aos": "/deployments/AOSPROD?q=group&service=RapidStart/CustGroupService",
        "activation": "/activate",
        "load": "/load",
        "load-checked": f"/load?package={sha}&endpoint=AOSPROD&company={COMPANY}&check={checked}",
        "jobs": "/jobs",
        "job-running": f"/jobs/{runs}",
        "job": f"/jobs/{done}",
        "results": f"/jobs/{done}/results",
        "job-waiting": f"/jobs/{waits}",
        "signed-in": "/signin/me",
    }


def _draw(browser: Browser, site: Site, pages: dict[str, str], out: Path, *, look: str, size: str) -> None:
    width, height = SIZES[size]
    scheme = "dark" if look == "dark" else "light"
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{site.api_url}/signin")
    page.screenshot(path=out / f"signin-{look}-{size}.png", full_page=True)
    sign_in(context, site, f"operations-{look}-{size}")
    for name, path in pages.items():
        page.goto(f"{site.api_url}{path}")
        page.wait_for_function(DRAWN)
        page.screenshot(path=out / f"{name}-{look}-{size}.png", full_page=True)
    context.close()


if __name__ == "__main__":
    main()
