"""Rows that cannot go in are downloaded, corrected in a spreadsheet and handed in again, until all are in and none is twice."""

from pathlib import Path
from typing import Any

import openpyxl

from tests.journeys.driving import Site, write_csv

COLUMNS = ["CustGroup", "Name"]
#: Twenty customer groups, and three rows that say a key once more.
ROWS = [[f"{number:02}", f"-{number}.50"] for number in range(1, 21)] + [["03", "=A"], ["04", "'quoted"], ["05", "-x"]]


def totals(job: dict[str, Any]) -> dict[str, int]:
    return {word: count for word, count in job["rows"].items() if count}


def correct(path: Path, keys: dict[str, str]) -> None:
    """Give rows of the workbook other keys, by the names that they have; the others are removed from it."""
    book = openpyxl.load_workbook(path)
    sheet = book["CustGroup"]
    for row in range(sheet.max_row, 1, -1):
        name = sheet.cell(row, 5).value
        if name in keys:
            sheet.cell(row, 4).value = keys[name]
        else:
            sheet.delete_rows(row)
    book.save(path)


def test_corrected_rows_go_in_and_nothing_is_loaded_twice(site: Site, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    tables = write_csv(tmp_path / "tables" / "CustGroup.csv", COLUMNS, ROWS[:3])
    site.start_dispatcher()
    site.start_aos("A1", "--tables-from", tables)
    site.start_worker("A1")
    file = write_csv(tmp_path / "CustGroup.csv", COLUMNS, ROWS)
    key = tmp_path / "mapping.toml"
    key.write_text('[table.CustGroup]\nkey = ["CustGroup"]\n')
    first = site.json("load", file, "--endpoint", "A1", "--company", "USMF", "--mapping", key, "--watch", code=1)
    assert totals(first) == {"total": 23, "created": 20, "failed": 3}
    workbook = tmp_path / "results.xlsx"
    assert site.rapidstart("job", "results", first["id"], "--xlsx", workbook).returncode == 1

    # Two of the three are corrected, one of them not well enough.
    correct(workbook, {"=A": "21", "'quoted": "20"})
    second = site.json("load", workbook, "--watch", code=1)
    assert (second["retry_of"], totals(second)) == (first["id"], {"total": 2, "created": 1, "failed": 1})
    told = site.job(first["id"])
    assert (told["state"], totals(told)) == ("partly_succeeded", {"total": 23, "created": 21, "failed": 2})

    assert site.rapidstart("job", "results", first["id"], "--xlsx", workbook).returncode == 1
    correct(workbook, {"'quoted": "22", "-x": "23"})
    third = site.json("job", "retry", first["id"], "--fixed", workbook, "--watch")
    assert totals(third) == {"total": 2, "created": 2}
    for job in (first, second, third):
        assert site.job(job["id"])["state"] == "succeeded"
    assert totals(site.job(first["id"])) == {"total": 23, "created": 23}
    again = site.rapidstart("load", workbook)
    assert (again.returncode, "they are in by now" in again.stderr) == (3, True), again.stderr

    found = {record["CustGroup"]: record["Name"] for record in site.records("A1", "CustGroup")}
    assert len(site.records("A1", "CustGroup")) == 23
    assert {key: found[key] for key in ("21", "22", "23")} == {"21": "=A", "22": "'quoted", "23": "-x"}
    assert found["03"] == "-3.50"
    assert site.stats("A1")["rows_created"] == 23
    assert site.stats("A1")["rows_updated"] == 0
