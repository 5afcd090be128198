"""Holds what the AOS has against the packages, and what the ledger tells against what the AOS did: row by row."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.chaos.work import COMPANIES, ONCE, Record, Work

#: By entity: the operation behind it, and the parameter that marks a call.
_CALLS: Final = {
    "1 Journals": ("postJournal", "_contract.parmJournalName"),
    "3 Limits": ("setLimit", "_custAccount"),
    "4 Post": ("runClass", "_arguments.MethodArgument[1].Text"),
}
_KEYS: Final = {"PaymTerm": "PaymTermId", "CustGroup": "CustGroup", "SalesOrder": "SalesId"}


@dataclass
class Verdict:
    """What was found wrong, as sentences; all of them must be empty."""

    rows: int = 0
    unknown: int = 0
    """rows that are told as unknown, of calls that are not made twice"""
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """on the broker, though nothing is under way"""

    @property
    def faultless(self) -> bool:
        return not (self.lost or self.doubled or self.false or self.unfinished or self.left)

    def __str__(self) -> str:
        named = (
            ("lost", self.lost),
            ("doubled", self.doubled),
            ("false", self.false),
            ("unfinished", self.unfinished),
            ("left on the broker", self.left),
        )
        return "\n".join(f"{word}: {sentence}" for word, sentences in named for sentence in sentences)


@dataclass(frozen=True)
class Kept:
    """A record as it lies in the pretend AOS' database: its version grows by one with each change."""

    rec_id: int
    parent: int
    version: int
    body: dict[str, str]


def judge(works: Iterable[Work], data: Path) -> Verdict:
    """`data` is the folder in which the AOS keeps its rows; nothing may be under way any more."""
    works = list(works)
    verdict = Verdict(rows=sum(work.rows for work in works))
    aos = _read(data)
    _judge_tables(verdict, works, aos)
    _judge_calls(verdict, works, aos)
    for work in works:
        _judge_report(verdict, work)
    return verdict


def _read(data: Path) -> Mapping[tuple[str, str], list[Kept]]:
    """Every record, by company and table."""
    found: dict[tuple[str, str], list[Kept]] = defaultdict(list)
    connection = sqlite3.connect(data / "simulator.sqlite3")
    for company, name, *rest, body in connection.execute("SELECT company, name, rec_id, parent, version, body FROM record"):
        found[company, name].append(Kept(*rest, json.loads(body)))
    connection.close()
    return found


def _judge_tables(verdict: Verdict, works: list[Work], aos: Mapping[tuple[str, str], list[Kept]]) -> None:
    lines: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for line in aos.get((COMPANIES[0], "SalesLine"), []):
        lines[line.parent].append((line.body.get("LineNum", ""), line.body.get("ItemId", "")))
    for table, key in _KEYS.items():
        wanted: dict[str, Record] = {}
        for work in works:
            wanted |= work.writes.get(table, {})
        found = defaultdict(list)
        for record in aos.get((COMPANIES[0], table), []):
            found[record.body.get(key, "")].append(record)
        for name in wanted.keys() | found.keys():
            _judge_record(verdict, f"{table} {name}", wanted.get(name), found.get(name, []), lines)
    _judge_versions(verdict, works, aos.get((COMPANIES[0], "CustGroup"), []))


def _judge_record(
    verdict: Verdict, name: str, wanted: Record | None, found: list[Kept], lines: Mapping[int, list[tuple[str, str]]]
) -> None:
    if len(found) > 1:
        verdict.doubled.append(f"{name} is there {len(found)} times")
    if wanted is None:
        verdict.false.append(f"{name} is there, and should not be")
        return
    if not found:
        verdict.lost.append(f"{name} is not there")
        return
    fields = {field: value for field, value in wanted.items() if field != "lines"}
    if differing := {field: found[0].body.get(field) for field, value in fields.items() if found[0].body.get(field) != value}:
        verdict.lost.append(f"{name} holds {differing}")
    if "lines" in wanted:
        there = lines.get(found[0].rec_id, [])
        if missing := wanted["lines"] - set(there):
            verdict.lost.append(f"{name} has no line {sorted(missing)}")
        if len(there) > len(wanted["lines"]):
            verdict.doubled.append(f"{name} has {len(there)} lines")


def _judge_versions(verdict: Verdict, works: list[Work], groups: list[Kept]) -> None:
    updates: Counter[str] = Counter()
    for work in works:
        updates += work.updated
    for record in groups:
        name = record.body.get("CustGroup", "")
        if record.version > 1 + updates[name]:
            verdict.doubled.append(f"CustGroup {name} was changed {record.version - 1} times instead of {updates[name]}")


def _judge_calls(verdict: Verdict, works: list[Work], aos: Mapping[tuple[str, str], list[Kept]]) -> None:
    made = {
        entity: Counter(_mark(call.body, mark) for call in aos.get((COMPANIES[1], operation), []))
        for entity, (operation, mark) in _CALLS.items()
    }
    for work in works:
        doubtful = {(told["entity"], told["row"]) for told in work.results if told["outcome"] == "unknown"}
        for entity, marks in work.calls.items():
            for row, mark in enumerate(marks, start=2):
                times = made[entity][mark]
                if times > 1:
                    verdict.doubled.append(f"{entity} {mark} was called {times} times")
                if (entity, row) in work.failed and times:
                    verdict.false.append(f"{entity} {mark} was called, and is told as failed")
                if not times and (entity, row) not in doubtful | work.failed:
                    verdict.lost.append(f"{entity} {mark} was never called")


def _mark(body: Mapping[str, str], name: str) -> str:
    return body.get(name, "")


def _judge_report(verdict: Verdict, work: Work) -> None:
    """The counts of each step, and every row that is told."""
    told: dict[str, Counter[str]] = {step["entity"]: _counts(step) for step in work.told["steps"]}
    # What cannot be proved is told so, and stands for a row that was called, was not, or would have failed.
    doubtful = {(each["entity"], each["row"]) for each in work.results if each["outcome"] == "unknown" and each["entity"] in ONCE}
    for entity, counts in work.counts.items():
        doubt = told.get(entity, Counter())["unknown"] if entity in ONCE else 0
        of_failed = sum(row in doubtful for row in work.failed if row[0] == entity)
        verdict.unknown += doubt
        wanted = counts + Counter(unknown=doubt) - Counter(updated=doubt - of_failed, failed=of_failed)
        if told.get(entity) != +wanted:
            verdict.false.append(f"{work.name}, {entity}: told {dict(told.get(entity, {}))} instead of {dict(+wanted)}")
    failed = {(each["entity"], each["row"]) for each in work.results if each["outcome"] == "failed"}
    if failed != work.failed - doubtful:
        verdict.false.append(f"{work.name}: told as failed {sorted(failed)} instead of {sorted(work.failed - doubtful)}")
    state = "partly_succeeded" if work.failed else "succeeded"
    if work.told["state"] != state:
        verdict.false.append(f"{work.name}: {work.told['state']} ({work.told['reason']}) instead of {state}")


def _counts(step: Mapping[str, Any]) -> Counter[str]:
    rows = step.get("rows", step)
    words = ("created", "updated", "unchanged", "deleted", "failed", "skipped", "unknown")
    return +Counter({word: rows[word] for word in words})
