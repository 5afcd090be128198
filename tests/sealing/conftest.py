"""A dispatcher and sealed endpoints as processes, over a broker that the test owns: it may read and write all of it."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from connector import broker as embedded
from connector.ledger import Ledger, trust
from connector.ledger.store import sqlite_url
from connector.wire import keys, routes
from tests.journeys.driving import Site, eventually, free_port, write_csv
from workers import letters

SECRET = "Kronjuwelen"


class Scene:
    """What an attacker who has the whole broker can see and do; and the honest parties."""

    def __init__(self, folder: Path, broker_url: str) -> None:
        self.site = Site(folder, f"http://127.0.0.1:{free_port()}", extra={"RAPIDSTART_BROKER_URL": broker_url})
        self.redis = redis.Redis.from_url(broker_url)
        self.home = folder / "home"
        self.reports: list[dict[bytes, bytes]] = []
        self._ending = threading.Event()
        self._tap = threading.Thread(target=self._listen, daemon=True)
        self._tap.start()

    def endpoint(self, name: str, *, sealed: bool = True) -> None:
        offered = write_csv(self.site.folder / "CustGroup.csv", ["CustGroup", "Name"], [["G0000", "a"], ["G0001", "b"]])
        self.site.start_aos(name, "--tables-from", offered)
        if sealed:
            dispatcher = keys.load(self.home / "dispatcher.key")[-1].public
            machine = letters.trust(self.home / "endpoints" / name.lower(), dispatcher=dispatcher.text)
            self.admit(name, machine)
            (self.home / "endpoints" / name.lower() / "policy.toml").write_text(
                f'addresses = ["http://127.0.0.1:{self.site.ports[name]}/*"]\ncompanies = ["USMF"]\noperations = ["*"]\n'
            )

    def admit(self, name: str, machine: keys.Public) -> None:
        ledger = Ledger(sqlite_url(self.home / "ledger.db"))
        with ledger.write() as db:
            trust.admit(db, name, machine, machine="AOS01", at=time.time())
        ledger.close()

    def submit(self, endpoint: str, *, rows: int = 40, start: int = 0) -> str:
        """A load of customer groups whose names nobody but its parties may read."""
        path = self.site.folder / "CustGroup.csv"
        cells = [[f"G{number:04d}", f"{SECRET} {number}"] for number in range(start, start + rows)]
        write_csv(path, ["CustGroup", "Name"], cells)
        found = self.site.json("load", path, "--endpoint", endpoint, "--company", "USMF")
        return str(found["id"])

    def ended(self, job: str) -> dict[str, object]:
        found: dict[str, object] = self.site.ended(job)
        return found

    def queued(self, endpoint: str) -> list[bytes]:
        """The orders on the queue of an endpoint that no worker has taken."""
        found = self.redis.lrange(routes.queue(endpoint), 0, -1)
        return list(found)

    def push(self, endpoint: str, message: bytes) -> None:
        self.redis.lpush(routes.queue(endpoint), message)

    def refused(self, endpoint: str) -> dict[tuple[str, str], int]:
        """What the product says of refused messages: by where, and why."""
        shown = self.site.json("endpoint", "show", endpoint)
        return {(each["at"], each["why"]): each["count"] for each in shown["sealing"]["refused"]}

    def await_refused(self, endpoint: str, **counts: int) -> dict[tuple[str, str], int]:
        """Wait until so many are counted, by why."""

        def look() -> dict[tuple[str, str], int] | None:
            found = self.refused(endpoint)
            seen = {why: sum(count for (_, reason), count in found.items() if reason == why) for why in counts}
            return found if all(seen[why] >= count for why, count in counts.items()) else None

        found: dict[tuple[str, str], int] = eventually(look, what=f"refusals {counts}, there are {self.refused(endpoint)}")
        return found

    def close(self) -> None:
        self._ending.set()
        self._tap.join(10)
        self.site.close()

    def _listen(self) -> None:
        """Keep a copy of every report."""
        last: dict[str, str] = {}
        while not self._ending.is_set():
            streams = {routes.report_stream(name): last.get(routes.report_stream(name), "0") for name in ("A1", "A2")}
            answer = self.redis.xread(streams, block=200)
            for stream, entries in answer.items() if isinstance(answer, dict) else answer or []:
                for entry, fields in entries[0] if entries and isinstance(entries[0], list) else entries:
                    last[stream.decode()] = entry
                    self.reports.append({b"stream": stream, **fields})


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    started = embedded.start(tmp_path / "broker")
    made = Scene(tmp_path, started.url)
    try:
        made.site.start_dispatcher()
        yield made
    finally:
        made.close()
        started.stop()


def envelope(message: bytes) -> dict[str, object]:
    """A task on the queue, as JSON."""
    found: dict[str, object] = json.loads(message)
    return found
