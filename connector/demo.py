"""`rapidstart demo`: the whole ring on this computer, with a sample package and two simulated AOS.

It does nothing that a user could not do: processes by their commands, everything else through the HTTP API.
"""

import json
import os
import shlex
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from connector import api, broker, children, sample
from connector.access import local
from connector.accounts import Accounts
from connector.cli import front, results, watching, words
from connector.client import Client, wait_until_ready
from connector.errors import NotReachable
from connector.sample import starter
from connector.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

ENDPOINTS: Final = ("DEMO-01", "DEMO-02")
COMPANY: Final = "USMF"

#: Process summaries are left here, in the folder in which the demo was started.
RESULTS: Final = Path("rapidstart-demo")

#: Entity and row number.
Place = tuple[str, int]

#: With -P nothing in the user's folder is taken for a module of ours.
_CONNECTOR: Final = (sys.executable, "-P", "-m", "connector")
_WORKER: Final = (sys.executable, "-P", "-m", "workers")
_START_S: Final = 60.0
_POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Stage:
    """The demo's processes, in a home of their own."""

    home: Path
    api_url: str
    running: dict[str, children.Child] = field(default_factory=dict)

    def start(self, name: str, *command: str | Path) -> None:
        """Start a process; its output goes to a log in the home."""
        environment = {
            "RAPIDSTART_HOME": str(self.home),
            "RAPIDSTART_API_URL": self.api_url,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),  # the same code as this process
        }
        self.running[name] = children.start(command, env=environment, log=self._log(name))

    def check(self) -> None:
        """Raise NotReachable where a process has ended that should not."""
        for name, child in self.running.items():
            if not child.alive():
                last = self._log(name).read_text(encoding="utf-8", errors="replace").strip().splitlines()[-5:]
                raise NotReachable(f"the {name} has ended.", advice="The last that it said:\n  " + "\n  ".join(last))

    def lives(self) -> bool:
        """Whether no process has ended."""
        return all(child.alive() for child in self.running.values())

    def close(self) -> None:
        """End all processes: the last started, the workers, first, so that they can still report."""
        for name, child in self.running.items():
            if name.startswith("worker"):
                child.ask_to_end()
        while self.running:
            self.running.popitem()[1].stop()

    def _log(self, name: str) -> Path:
        return self.home / f"{name.replace(' ', '-')}.log"


def run(settings: Settings, *, once: bool | None, as_json: bool) -> int:  # noqa: ARG001 - its home and broker are its own
    """Run the demo and return 0 when both loads ended as they should; the sample's deliberate failures are expected.

    With `once` it ends when the loads have ended, which is the default where standard output is no terminal; else it
    stays until Ctrl-C. Raises NotReachable where there is no embedded broker for this system, or a process fails.
    """
    broker.binary()
    children.end_on_signals()
    console = front.console()
    console.quiet = as_json
    stays = not as_json and (console.is_terminal if once is None else not once)
    console.print("RapidStart Connector demo: nothing outside this computer is touched.")
    with tempfile.TemporaryDirectory(prefix="rapidstart-demo-") as folder, _stage(Path(folder)) as stage:
        paths = sample.write(stage.home / "sample")
        client = _set_up(stage, paths.tables, console=console)
        jobs = _load(stage, client, paths.package, console=console)
        failures = [list(client.failures(job["id"])) for job in jobs]
        _tell(client, jobs, failures, console=console)
        if as_json:
            print(json.dumps({"jobs": jobs}))
        if stays:
            _stay(stage, console=console)
    return 0 if all(map(_as_expected, jobs, failures)) else 1


@contextmanager
def _stage(folder: Path) -> Iterator[Stage]:
    home = folder / "home"
    home.mkdir()
    stage = Stage(home, f"http://127.0.0.1:{_free_port()}")
    try:
        yield stage
    finally:
        stage.close()


def _set_up(stage: Stage, tables: Path, *, console: "Console") -> Client:
    """Start everything, the slow starters side by side, and register the endpoints."""
    ports = {name: _free_port() for name in ENDPOINTS}
    stage.start("dispatcher", *_CONNECTOR, "dispatcher")
    for name, port in ports.items():
        stage.start(
            f"simulated AOS of {name}", *_WORKER, "simulate", "--port", str(port), "--tables", tables, "--company", COMPANY
        )
    _await_broker(stage)
    for name in ENDPOINTS:
        stage.start(f"worker of {name}", *_WORKER, "run", "--endpoint", name, "--concurrency", "2")
    wait_until_ready(
        Client(stage.api_url), timeout_s=_START_S, alive=lambda: all(child.alive() for child in stage.running.values())
    )
    stage.check()
    client = Client(stage.api_url, token=local.read(stage.home))
    console.print(f"  dispatcher  {stage.api_url}, embedded Valkey, SQLite")
    for name, port in ports.items():
        client.add_endpoint(name, addresses=[f"http://127.0.0.1:{port}/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"])
        console.print(f"  {name}     simulated AOS at http://127.0.0.1:{port}, and its worker")
    return client


def _await_broker(stage: Stage) -> None:
    """Workers need its address, which stands in the home as soon as it answers."""
    until = time.monotonic() + _START_S
    while broker.address(stage.home) is None and time.monotonic() < until:
        stage.check()
        time.sleep(_POLL_S)


def _load(stage: Stage, client: Client, package: Path, *, console: "Console") -> list[api.Job]:
    """Load the package into each endpoint, and follow both loads to their end."""
    received = client.upload(package, name=package.name)
    console.print(f"\nLoading {package.name} into company {COMPANY} of {' and '.join(ENDPOINTS)} ...")
    submitted = [
        client.submit(idempotency_key=uuid4().hex, endpoint=name, company=COMPANY, package=received["sha256"])
        for name in ENDPOINTS
    ]
    with watching.display(console) as show:

        def look(jobs: list[api.Job]) -> None:
            stage.check()
            if not console.quiet:
                show(jobs)

        return watching.follow(client, [job["id"] for job in submitted], show=look)


def _tell(client: Client, jobs: list[api.Job], failures: list[list[api.Failure]], *, console: "Console") -> None:
    """Each load as a table; what went wrong in both of them is explained once."""
    RESULTS.mkdir(exist_ok=True)
    for job in jobs:
        console.print(f"\n{job['endpoint']}: {words.headline(job)}", style="bold")
        console.print(results.steps_table(job["steps"]))
        path = RESULTS / f"{job['id']}-summary.xlsx"
        client.workbook(job["id"], path)
        console.print(f"Process summary, to read in Excel: {path}")
    told: list[set[Place]] = []
    for job, rows in zip(jobs, failures, strict=True):
        if _places(rows) not in told:
            told.append(_places(rows))
            console.print(f"\nWhat did not go into {job['endpoint']}, and why:", style="bold")
            results.explain(console, rows)
    console.print(f"\nThe sample has {words.plural(len(starter.FAULTS), 'row')} that are wrong on purpose.")


def _stay(stage: Stage, *, console: "Console") -> None:
    """Let people look around until Ctrl-C."""
    prefix = f"RAPIDSTART_HOME={stage.home} RAPIDSTART_API_URL={stage.api_url}"
    seen = Accounts(Client(stage.api_url, token=local.read(stage.home))).link_person("demo", role="administrator")
    console.print(f"\nEverything still runs. See it in a browser, by a link that is good once:\n  {seen['url']}", soft_wrap=True)
    console.print("Or look around from another terminal:")
    for command in ("job list", "endpoint list", "flower"):
        console.print(f"  {prefix} {_program()}{command}", soft_wrap=True)
    console.print(f"The API describes itself at {stage.api_url}{api.PREFIX}/openapi.json.")
    console.print(f"Ctrl-C ends the demo; what is in {RESULTS} stays.")
    try:
        while True:
            stage.check()
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("\nThe demo has ended.")


def _program() -> str:
    """As the user called it: in a virtual environment that is not active no shell finds `rapidstart`."""
    called = Path(sys.argv[0])
    return f"{shlex.quote(str(called))} " if called.name == "rapidstart" else f"{shlex.quote(sys.executable)} -m connector "


def _as_expected(job: api.Job, failures: list[api.Failure]) -> bool:
    """Every row that is wrong on purpose has failed, and no other; what hangs on one of them in a document is skipped."""
    failed = _places([failure for failure in failures if failure["outcome"] == "failed"])
    return job["state"] == "partly_succeeded" and failed == {(entity, row) for entity, row, _ in starter.FAULTS}


def _places(failures: list[api.Failure]) -> set[Place]:
    return {(failure["entity"], failure["row"]) for failure in failures}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
