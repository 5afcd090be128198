"""A setup table that has no document service of its own goes in through the customer's table service."""

from pathlib import Path

from tests.journeys.driving import ROOT, Site, eventually, free_port, listens, write_csv

CONTRACT = ROOT / "deploy" / "ax" / "contract"


def totals(job):
    return {word: count for word, count in job["rows"].items() if count}


def test_any_allowed_table_is_loaded_row_by_row(site: Site, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "DlvMode.csv", ["DlvMode", "Name"], [[f"{n:03}", f"Mode {n}"] for n in range(250)])
    site.start_dispatcher()
    site.ports["AOSTEST"] = free_port()
    port = str(site.ports["AOSTEST"])
    options = ["--contract", str(CONTRACT), "--tables-from", str(file), "--company", "USMF"]
    site.start("aos", "workers", "simulate", "--port", port, *options)
    eventually(lambda: listens(site.ports["AOSTEST"]), what="a listening AOS")
    site.rapidstart(
        "endpoint", "add", "AOSTEST", "--url", f"http://127.0.0.1:{port}", "--port", "RapidStartTables", "--company", "USMF"
    )
    site.start_worker("AOSTEST")
    load = ("load", file, "--endpoint", "AOSTEST", "--company", "USMF", "--watch")

    assert totals(site.json(*load)) == {"total": 250, "created": 250}
    assert totals(site.json(*load)) == {"total": 250, "unchanged": 250}
    assert len(site.records("AOSTEST", "DlvMode")) == 250
    stats = site.stats("AOSTEST")["operations"]
    assert "create" not in stats
    assert stats["createRows"] >= 2
