"""A pretend AOS as a process of its own, a port opened on it, and batches to load."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connector.wire import codec
from connector.wire.codec import Row
from connector.wire.jobs import Column, Grant, Layout, LoadTables, Target
from connector.wire.reports import BatchRef, Intent, Outcomes
from workers import aos
from workers.load import tables

TABLES = Path(__file__).parent / "tables.toml"


@dataclass(kw_only=True)
class Aos:
    """A running pretend AOS."""

    url: str

    def ask(self, path: str, *, method: str = "GET") -> dict:
        request = urllib.request.Request(f"{self.url}/_sim/{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def records(self, table: str, company: str = "USMF") -> list[dict[str, str]]:
        return self.ask(f"records?company={company}&table={table}")["records"]

    def stats(self) -> dict:
        return self.ask("stats")

    def reset(self) -> None:
        self.ask("reset", method="POST")

    def open(self, table: str) -> aos.Port:
        address = f"{self.url}/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"
        door = aos.Door([self.url])
        found = aos.read_metadata(door, [address])
        target = Target(address=address, port="RapidStart", service=f"{table}Service", contract=found.fingerprint)
        return aos.open_port(door, target, company="USMF", language="en-us", partition=None)


@contextmanager
def running(*options: str) -> Iterator[Aos]:
    command = [sys.executable, "-m", "workers.simulator", "--port", "0", "--json", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield Aos(url=json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture(scope="session")
def shared_aos() -> Iterator[Aos]:
    with running("--tables", str(TABLES), "--company", "USMF") as found:
        yield found


@pytest.fixture
def ax(shared_aos: Aos) -> Aos:
    shared_aos.reset()
    return shared_aos


@pytest.fixture(scope="session")
def silent_aos() -> Iterator[Aos]:
    with running("--tables", str(TABLES), "--company", "USMF", "--no-fault-detail") as found:
        yield found


@pytest.fixture
def silent_ax(silent_aos: Aos) -> Aos:
    silent_aos.reset()
    return silent_aos


@dataclass(kw_only=True)
class Dispatcher:
    """Grants what it is asked for, until it is told not to; keeps what it heard."""

    grants: int = 1_000
    intents: list[Intent] = field(default_factory=list)
    so_far: list[Outcomes] = field(default_factory=list)

    def __call__(self, intent: Intent, outcomes: Outcomes) -> Grant:
        self.intents.append(intent)
        self.so_far.append(outcomes)
        return Grant(granted=len(self.intents) <= self.grants, reason="attempt 2 has this batch")


def layout(table: str, *fields: str, key: Sequence[str] = (), step: int = 1, **more: object) -> Layout:
    columns = tuple(Column(name=f"The {name}", field=name) for name in fields)
    known = {"step": step, "entity": table, "file": f"{table}.csv", "table": table, "columns": columns, "key": tuple(key)}
    return Layout.model_validate(known | more)


def batch(layout: Layout, rows: Sequence[Row | Sequence[str | None]], **more: object) -> LoadTables:
    numbered = [row if isinstance(row, Row) else Row(number, list(row)) for number, row in enumerate(rows, 2)]
    known = {
        "endpoint": "AOSTEST",
        "ref": BatchRef(job="j1", step=1, batch=1),
        "company": "USMF",
        "target": Target(address="", port="RapidStart", service=f"{layout.table}Service", contract=""),
        "layout": layout,
        "rows": codec.to_text(codec.pack_rows(numbered)),
        "call_timeout_s": 20.0,
    }
    return LoadTables.model_validate(known | more)


@pytest.fixture
def load(ax: Aos) -> Callable[..., tables.Result]:
    """Loads rows into the AOS: `load(layout, rows, mode=..., ...)`."""

    def run(layout: Layout, rows: Sequence[Row | Sequence[str | None]], *, ask: Dispatcher | None = None, **more: object):
        return tables.run(batch(layout, rows, **more), port=ax.open(layout.table), ask=ask or Dispatcher())

    return run
