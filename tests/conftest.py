"""What the tests of the API and of the command line share: a dispatcher behind a real HTTP port."""

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import uvicorn
from fastapi import FastAPI

from connector import web
from connector.access import local
from connector.accounts import Accounts
from connector.client import Client
from connector.dispatch import Dispatcher, Outbox
from connector.dispatch.planner import Planner
from connector.errors import Refused
from connector.ledger import Ledger, batches, endpoints, jobs
from connector.ledger.store import sqlite_url
from connector.wire.metadata import Document, Field, Metadata, Service, Table
from connector.wire.reports import Check, Outcomes, Problem, WorkerAlive
from tests import postgres

# Whoever runs the tests in the background of a shell has them ignore Ctrl-C, and the processes that they start would too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ADDRESS = "http://aos.test/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"


def _service(table: str, *fields: str) -> Service:
    record = Table(name=table, fields=tuple(Field(name=name) for name in fields))
    document = Document(name=f"Axd{table}", namespace="urn:d", tables=(record,))
    return Service(
        address=ADDRESS, port="RapidStart", name=f"{table}Service", namespace="urn:s", operations=("create",), document=document
    )


METADATA = Metadata(
    fingerprint="f1", services=(_service("CustGroup", "CustGroup", "Name"), _service("Currency", "CurrencyCode", "Txt"))
)


@dataclass(kw_only=True)
class Desk:
    """A dispatcher with its API, without broker, planner and workers: the test plays those, step by step."""

    home: Path
    ledger: Ledger
    dispatcher: Dispatcher
    url: str
    client: Client
    accounts: Accounts
    http: requests.Session
    """the administrator of this computer"""
    app: FastAPI

    def following(self) -> int:
        """How many read live events."""
        return self.app.state.tail.count

    def end_streams(self) -> None:
        """End all live events, as a dispatcher does that is told to stop."""
        self.app.state.tail.is_ending = lambda: True
        while self.following():
            time.sleep(0.01)
        self.app.state.tail.is_ending = lambda: False

    def know(self, name: str, *, checks: tuple[Check, ...] = ()) -> None:
        """A survey of the endpoint came home."""
        with self.ledger.write() as db:
            endpoints.surveyed(db, name.lower(), found=METADATA, checks=checks, at=time.time())

    def worker(self, name: str, *, ago_s: float = 0.0) -> None:
        """A worker was seen beside the endpoint."""
        seen = WorkerAlive(endpoint=name, worker=f"{name}.1", host="aoshost", pid=7, version="0.1.0", concurrency=4)
        with self.ledger.write() as db:
            endpoints.worker_seen(db, seen, at=time.time() - ago_s)

    def plan(self, job_id: str) -> None:
        """Plan a job as the planner's thread would."""
        with self.ledger.read() as db:
            job = jobs.get(db, job_id)
        try:
            path = self.dispatcher.package_path(job.package or "")
            Planner(ledger=self.ledger, batch_rows=1000).plan(job, path, METADATA, then=lambda db: None)
        except Refused as error:
            with self.ledger.write() as db:
                jobs.close(
                    db, job_id, jobs.JobState.FAILED, at=time.time(), reason=error.message, advice=error.advice, code=error.code
                )

    def settle(self, job_id: str, *letters: str, problems: tuple[Problem, ...] = ()) -> None:
        """Give the rows of each batch that is not settled their outcomes, and end the job."""
        for each in letters:
            with self.ledger.write() as db:
                (sending,) = batches.claim(db, job=job_id, limit=1, now=time.time())
                batches.start_step(db, job=job_id, step=sending.ref.step, at=time.time())
                outcomes = Outcomes(letters=each, problems=problems)
                assert batches.done(db, sending.ref, outcomes=outcomes, calls=1, seconds=0.1, at=time.time())
        with self.ledger.write() as db:
            self.dispatcher.close_if_done(db, jobs.get(db, job_id))

    def fail(self, job_id: str, *, reason: str, code: str = "") -> None:
        """End a job as failed."""
        with self.ledger.write() as db:
            jobs.close(db, job_id, jobs.JobState.FAILED, at=time.time(), reason=reason, code=code)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server of this test run."""
    try:
        with postgres.cluster() as started:
            yield started
    except postgres.NotInstalled as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty ledger on each of the databases that it may be kept in."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "ledger.db")
    url: str = request.getfixturevalue("postgresql").database()
    return url


@pytest.fixture
def desk(tmp_path):
    """The dispatcher's API on a free port of this computer."""
    home = tmp_path / "home"
    home.mkdir()
    ledger = Ledger(sqlite_url(home / "ledger.db"))
    outbox = Outbox("redis://127.0.0.1:1/0")  # nobody listens there
    dispatcher = Dispatcher(ledger=ledger, outbox=outbox, home=home, call_timeout_s=1, lease_s=3)
    listener = web.listen(web.Door(host="127.0.0.1", port=0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = web.create(dispatcher, max_package_bytes=1_000_000, public_url=url)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    local.ensure(ledger, home)
    client = Client(url, token=local.read(home))
    with requests.Session() as http:
        http.headers["Authorization"] = f"Bearer {local.read(home)}"
        yield Desk(
            home=home, ledger=ledger, dispatcher=dispatcher, url=url, client=client, accounts=Accounts(client), http=http, app=app
        )
    client.close()
    server.should_exit = True
    thread.join(10)
    outbox.close()
    ledger.close()
    assert not thread.is_alive()
