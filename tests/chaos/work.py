"""The loads of a run: what is handed in, and what must come of every row of it, whatever happens meanwhile."""

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.journeys.driving import ROOT

ENDPOINT: Final = "CHAOS"
#: Tables are loaded into the first, calls go to the second, so that both are under way at once.
COMPANIES: Final = ("USMF", "DEMF")
CONTRACT: Final = ROOT / "tests" / "actions" / "contract"

TABLES: Final = """port = "RapidStart"

[[table]]
name = "PaymTerm"
key = ["PaymTermId"]
[table.fields]
PaymTermId = { length = 10, mandatory = true }

[[table]]
name = "CustGroup"
key = ["CustGroup"]
[table.fields]
CustGroup = { length = 10, mandatory = true }
Name = { length = 30 }
PaymTermId = { length = 10, references = "PaymTerm" }

[[table]]
name = "SalesOrder"
key = ["SalesId"]
[table.fields]
Customer = { length = 20 }
SalesId = { length = 10, mandatory = true }

[[table.lines]]
name = "SalesLine"
key = ["LineNum"]
[table.lines.fields]
ItemId = { length = 10 }
LineNum = { type = "integer", mandatory = true }
"""
GROUPS: Final = '[table.CustGroup]\nkey = ["CustGroup"]\n'
ORDERS: Final = """
[table.SalesOrder]
key = ["SalesId"]
[table.SalesLine]
parent = { target = "SalesOrder", on = { SalesId = "SalesId" } }
"""
CALLS: Final = (ROOT / "tests" / "actions" / "calls.toml").read_text(encoding="utf-8")
#: Steps whose calls AX carries out again when they are made again: a row may be told as unknown.
ONCE: Final = frozenset({"3 Limits", "4 Post"})

Record = dict[str, Any]


@dataclass(kw_only=True)
class Work:
    """One load. `counts` and `failed` are what must be told; `told` is what was."""

    name: str
    company: str
    mode: str
    mapping: str
    files: Mapping[str, Sequence[Sequence[str]]]
    """columns first, by entity"""
    counts: dict[str, Counter[str]]
    """by entity: how many rows have which outcome"""
    failed: set[tuple[str, int]] = field(default_factory=set)
    """entity and row number in its file"""
    writes: dict[str, dict[str, Record]] = field(default_factory=dict)
    """by table: the records that are created or changed, by key"""
    updated: Counter[str] = field(default_factory=Counter)
    """how often a record of CustGroup was changed"""
    calls: dict[str, list[str]] = field(default_factory=dict)
    """by operation: what marks each of its calls, in the order of the rows"""
    job: str = ""
    told: dict[str, Any] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)

    @property
    def package(self) -> bytes:
        """The files as an archive."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, rows in self.files.items():
                text = io.StringIO()
                csv.writer(text).writerows(rows)
                archive.writestr(f"{name}.csv", text.getvalue())
        return content.getvalue()

    @property
    def rows(self) -> int:
        return sum(len(rows) - 1 for rows in self.files.values())


def first_of_all() -> Work:
    """What the others rest on."""
    files = {"PaymTerm": [["PaymTermId"], ["N030"]]}
    counts = {"PaymTerm": Counter(created=1)}
    writes = {"PaymTerm": {"N030": {"PaymTermId": "N030"}}}
    return Work(name="terms", company=COMPANIES[0], mode="upsert", mapping="", files=files, counts=counts, writes=writes)


def loads() -> Iterator[Work]:
    """Loads of tables without an end: new groups and orders, then changes of them, then creations some of which are in."""
    number = 0
    while True:
        number += 1
        yield _upsert(number)
        yield _update(number)
        yield _create(number)


def calls() -> Iterator[Work]:
    """Loads of calls without an end."""
    number = 0
    while True:
        number += 1
        yield _calls(number)


_GROUPS: Final = 40
_ORDERS: Final = 12


def _group(number: int, index: int) -> list[str]:
    return [f"G{number:03}{index:03}", f"Group {index} of {number}", "N030"]


def _upsert(number: int) -> Work:
    """New groups, of which two cannot be: one by its contract, one by AX; and orders with two lines each."""
    groups = [_group(number, index) for index in range(_GROUPS)]
    groups[7][1] = "a name that is longer than the field that takes it"
    groups[21][2] = "N999"
    good = {row[0]: dict(zip(_COLUMNS, row, strict=True)) for row in groups if row not in (groups[7], groups[21])}
    orders = [[f"S{number:03}{index:03}", f"Customer {index}"] for index in range(_ORDERS)]
    lines = [[order[0], str(line), f"I{line}"] for order in orders for line in (1, 2)]
    records = {
        order[0]: {"SalesId": order[0], "Customer": order[1], "lines": {(str(line), f"I{line}") for line in (1, 2)}}
        for order in orders
    }
    return Work(
        name=f"new {number}",
        company=COMPANIES[0],
        mode="upsert",
        mapping=GROUPS + ORDERS,
        files={
            "CustGroup": [_COLUMNS, *groups],
            "SalesOrder": [["SalesId", "Customer"], *orders],
            "SalesLine": [["SalesId", "LineNum", "ItemId"], *lines],
        },
        counts={
            "CustGroup": Counter(created=_GROUPS - 2, failed=2),
            "SalesOrder": Counter(created=_ORDERS),
            "SalesLine": Counter(created=2 * _ORDERS),
        },
        failed={("CustGroup", 9), ("CustGroup", 23)},
        writes={"CustGroup": good, "SalesOrder": records},
    )


def _update(number: int) -> Work:
    """Half of the groups get another name, half keep theirs, and one is not there."""
    groups = [row for index in range(_GROUPS) if index not in (7, 21) for row in [_group(number, index)]]
    for row in groups[::2]:
        row[1] = f"{row[1]}, changed"
    changed = {row[0]: dict(zip(_COLUMNS, row, strict=True)) for row in groups[::2]}
    rows = [*groups, [f"X{number:03}", "nobody", "N030"]]
    return Work(
        name=f"changes {number}",
        company=COMPANIES[0],
        mode="update",
        mapping=GROUPS,
        files={"CustGroup": [_COLUMNS, *rows]},
        counts={"CustGroup": Counter(updated=len(changed), unchanged=len(groups) - len(changed), failed=1)},
        failed={("CustGroup", len(rows) + 1)},
        writes={"CustGroup": changed},
        updated=Counter(dict.fromkeys(changed, 1)),
    )


def _create(number: int) -> Work:
    """New groups, and three that are in already."""
    new = [[f"C{number:03}{index:03}", f"Created {index}", "N030"] for index in range(_GROUPS // 2)]
    there = [_group(number, index) for index in (1, 11, 30)]
    rows = [*new[:10], *there, *new[10:]]
    return Work(
        name=f"creations {number}",
        company=COMPANIES[0],
        mode="create",
        mapping=GROUPS,
        files={"CustGroup": [_COLUMNS, *rows]},
        counts={"CustGroup": Counter(created=len(new), failed=len(there))},
        failed={("CustGroup", 12), ("CustGroup", 13), ("CustGroup", 14)},
        writes={"CustGroup": {row[0]: dict(zip(_COLUMNS, row, strict=True)) for row in new}},
    )


def _calls(number: int) -> Work:
    """Journals with lines, which may be repeated, and calls of a service and a class, which may not."""
    marks = [f"{number:03}{index:03}" for index in range(_ORDERS)]
    customers = [f"C{mark}" for mark in marks]
    limits = [*customers[:5], f"fail{number:03}", *customers[5:]]
    return Work(
        name=f"calls {number}",
        company=COMPANIES[1],
        mode="upsert",
        mapping=CALLS,
        files={
            "1 Journals": [["Journal name", "Total"], *([f"J{mark}", "1.50"] for mark in marks)],
            "2 Lines": [["Journal", "Account", "Amount"], *([f"J{mark}", a, "1"] for mark in marks for a in ("11", "12"))],
            "3 Limits": [["Cust account", "Limit"], *([customer, "10"] for customer in limits)],
            "4 Post": [["Customer", "Days"], *([customer, "30"] for customer in customers)],
        },
        counts={
            "1 Journals": Counter(created=_ORDERS),
            "2 Lines": Counter(created=2 * _ORDERS),
            "3 Limits": Counter(updated=_ORDERS, failed=1),
            "4 Post": Counter(updated=_ORDERS),
        },
        failed={("3 Limits", 7)},
        calls={"1 Journals": [f"J{mark}" for mark in marks], "3 Limits": limits, "4 Post": customers},
    )


_COLUMNS: Final = ["CustGroup", "Name", "PaymTermId"]
