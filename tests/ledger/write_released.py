"""Writes today's schema, filled by today's code, to `released/`: `python -m tests.ledger.write_released`, before a migration."""

import json
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from connector.dispatch import Dispatcher, Outbox, control
from connector.dispatch.planner import Planner
from connector.ledger import Ledger, batches, endpoints, grants, jobs
from connector.ledger.store import sqlite_url
from connector.wire.metadata import Document, Field, Metadata, Service, Table
from connector.wire.reports import Intent, Outcomes, Problem, WorkerAlive

FOLDER = Path(__file__).with_name("released")
ADDRESS = "http://aos.test/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"
PACKAGE = "CustGroup,Name\r\n" + "".join(f"{number:03d},Group {number}\r\n" for number in range(6))
TABLE = Table(name="CustGroup", fields=(Field(name="CustGroup"), Field(name="Name", max_length=20)))
DOCUMENT = Document(name="CustGroupDoc", namespace="urn:d", tables=(TABLE,))
SERVICE = Service(
    address=ADDRESS, port="RapidStart", name="CustGroupService", namespace="urn:s", operations=("create",), document=DOCUMENT
)
METADATA = Metadata(fingerprint="f", services=(SERVICE,))
PROBLEM = Problem(
    row=1,
    message="The value 'x' is not in the table.",
    advice="Correct it.",
    field="Name",
    column="Name",
    value="x",
    code="RSC-5200",
)


class Writing:
    """A dispatcher without broker and workers: what those would do is written here."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ledger = Ledger(sqlite_url(home / "ledger.db"))
        self.dispatcher = Dispatcher(
            ledger=self.ledger, outbox=Outbox("redis://127.0.0.1:1/0"), home=home, call_timeout_s=1, lease_s=3
        )
        self.dispatcher.add_endpoint(
            name="A1", addresses=(ADDRESS,), companies=("USMF",), partition=None, contract=b"PK contract"
        )
        seen = WorkerAlive(endpoint="A1", worker="w1", host="h", pid=7, version="0.1.0", concurrency=4)
        with self.ledger.write() as db:
            endpoints.surveyed(db, "a1", found=METADATA, checks=(), at=1.0)
            endpoints.worker_seen(db, seen, at=1.0)
            endpoints.remember(db, "epoch", "0123456789abcdef")

    def submit(self) -> str:
        package = self.dispatcher.receive("CustGroup.csv", [PACKAGE.encode()], ceiling=10**6)
        order = jobs.Order()
        job, _ = self.dispatcher.submit(endpoint="A1", company="USMF", package=package.sha256, order=order, idempotency_key=None)
        path = self.dispatcher.package_path(package.sha256)
        Planner(ledger=self.ledger, batch_rows=2).plan(job, path, METADATA, then=lambda db: None)
        return job.id

    def send(self, job: str) -> batches.Sending:
        with self.ledger.write() as db:
            (sending,) = batches.claim(db, job=job, limit=1, now=time.time())
            batches.start_step(db, job=job, step=sending.ref.step, at=2.0)
            jobs.mark(db, job, started_at=2.0)
        return sending

    def done(self, job: str, letters: str, *problems: Problem) -> None:
        sending = self.send(job)
        outcomes = Outcomes(letters=letters, problems=problems)
        with self.ledger.write() as db:
            assert batches.done(db, sending.ref, outcomes=outcomes, calls=1, seconds=0.5, at=3.0)

    def end(self) -> str:
        job = self.submit()
        self.done(job, "cc")
        self.done(job, "uf", PROBLEM)
        self.done(job, "=c")
        with self.ledger.write() as db:
            assert self.dispatcher.close_if_done(db, jobs.get(db, job))
        return job

    def pause(self) -> str:
        job = self.submit()
        self.done(job, "cc")
        sending = self.send(job)
        intent = Intent(message_id="m1", operation="create", documents=(0, 1), digest="d", time_limit_s=1)
        with self.ledger.write() as db:
            assert not grants.grant(db, sending.ref, intent=intent, so_far=Outcomes(letters=".."), at=4.0)
        control.pause(self.dispatcher, job)
        return job


def rows(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that has some."""
    with sqlite3.connect(file) as db:
        db.row_factory = sqlite3.Row
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: [dict(row) for row in db.execute(f'SELECT * FROM "{name}"')] for name in tables}
    return {name: values for name, values in found.items() if values and not name.startswith("sqlite_")}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        writing = Writing(Path(folder))
        told: dict[str, Any] = {"ended": writing.end(), "paused": writing.pause(), "package": PACKAGE}
        writing.ledger.close()
        writing.dispatcher.outbox.close()
        found = rows(Path(folder) / "ledger.db")
    (version,) = found.pop("alembic_version")
    told = {"revision": version["version_num"], **told, "rows": found}
    with (FOLDER / f"{version['version_num']}.json").open("x", encoding="utf-8") as file:
        json.dump(told, file, indent=1, default=lambda value: {"hex": value.hex()})
        file.write("\n")


if __name__ == "__main__":
    main()
