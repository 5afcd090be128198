"""Files as they occur in the world, loaded into an AOS that takes them as they are: what it holds is what the file says."""

import csv
import json
import os
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import openpyxl
import pytest

from tests.journeys.driving import COMPANY, ROOT, Site, get

SAMPLES = Path(os.environ.get("RAPIDSTART_SHARED", ROOT.parent / "shared")) / "packages" / "samples"
FILES = sorted([*SAMPLES.glob("*.csv"), *SAMPLES.glob("*.xlsx")])

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FILES, reason="the shared sample packages are not beside this checkout"),
]


def text(value: object) -> str:
    """A cell of a workbook as its reader sees it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat().removesuffix("T00:00:00")
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a file, by a reader that is not ours."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            grid = list(csv.reader(file))
    else:
        sheet = openpyxl.load_workbook(path, data_only=True).worksheets[0]  # of a formula, the value that Excel left
        grid = [[text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    head, *rows = grid
    return [dict(zip(head, row, strict=True)) for row in rows if any(row)]


def tables(site: Site, path: Path) -> list[str]:
    told = site.rapidstart("package", "tables", path, "--json").stdout
    return [json.loads(line)["table"] for line in told.splitlines()]


def held(site: Site, table: str) -> list[dict[str, str]]:
    url = f"http://127.0.0.1:{site.ports['A1']}/_sim/records?company={COMPANY}&table={quote(table)}"
    found = get(url)["records"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_sample_arrives_cell_by_cell(site: Site, path: Path) -> None:
    expected = read(path)
    assert expected
    site.extra["RAPIDSTART_BATCH_ROWS"] = "5000"  # one batch: what the AOS holds stands in the file's order
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", path)
    site.start_worker("A1")
    job = site.json("load", path, "--endpoint", "A1", "--company", COMPANY, "--watch")
    assert job["rows"]["created"] == job["rows"]["total"] == len(expected)
    (table,) = tables(site, path)
    assert held(site, table) == expected


def test_a_data_package_without_rows_is_loaded_without_a_word(site: Site) -> None:
    """The template that is handed out with the manifests: every entity is there, and no row."""
    path = SAMPLES / "PackageTemplate.zip"
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", path)
    site.start_worker("A1")
    job = site.json("load", path, "--endpoint", "A1", "--company", COMPANY, "--watch")
    rows = sum(len(held(site, table)) for table in tables(site, path))
    assert job["rows"]["created"] == job["rows"]["total"] == rows
