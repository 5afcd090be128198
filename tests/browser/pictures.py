"""The pictures of the README, of a dispatcher at work: `python -m tests.browser.pictures --out deploy/pictures`."""

import tempfile
from pathlib import Path

import click
from playwright.sync_api import Page

from connector import sample
from tests.browser.stage import DRAWN, chromium, package, sign_in, stage, submit
from tests.journeys.driving import Site, eventually

#: As wide as a page shows all columns, and as high as a screen.
SIZE = (1280, 900)


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder for the pictures.")
def main(out: Path) -> None:
    """Take them one after the other: a load that runs, how everything does, and which rows are not in."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, stage(Path(folder), latency_ms=1500) as site:
        context = browser.new_context(viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme="light")
        sign_in(context, site)
        page = context.new_page()
        submit(site, package(Path(folder) / "groups", rows=9_000, wrong=(70, 900, 4001)), endpoint="AOSPROD")
        eventually(lambda: site.loads()[0]["finished_at"], within_s=300, what="the end of the first load")
        job = submit(site, sample.write(Path(folder) / "sample").package, endpoint="AOSPROD")
        waits = submit(site, package(Path(folder) / "few", rows=40), endpoint="AOSPROD")
        eventually(lambda: site.job(waits)["reason"], what="a reason to wait")
        eventually(lambda: site.job(job)["rows"]["created"] > 1_200, within_s=300, what="rows that are in")
        _take(page, site, "/", out / "home.png")
        _take(page, site, f"/jobs/{job}", out / "job.png")
        site.ended(job, within_s=300)
        _take(page, site, f"/jobs/{job}/results", out / "results.png")


def _take(page: Page, site: Site, path: str, to: Path) -> None:
    page.goto(f"{site.api_url}{path}")
    page.wait_for_function(DRAWN)
    page.screenshot(path=to)


if __name__ == "__main__":
    main()
