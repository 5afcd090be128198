"""Starts the ring's processes by their commands, for benchmarks: dispatcher, one simulated AOS, one worker; and watches them."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ENDPOINT = "BENCH"
COLUMNS = ("AccountNum", "Name", "CustGroup", "CreditMax", "Currency", "Notes")


def write_csv(path: Path, rows: int, *, first: int = 0) -> None:
    """A file of customers, six columns wide."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(COLUMNS) + "\r\n")
        for n in range(first, first + rows):
            file.write(f"C{n:08d},Customer number {n},{n % 90:02d},{n % 100_000}.50,EUR,Some words about {n}\r\n")


def write_tables(path: Path) -> None:
    """The table of those customers, for the simulated AOS."""
    fields = "\n".join(f"{name} = {{ length = 60 }}" for name in COLUMNS)
    head = 'port = "RapidStart"\n[[table]]\nname = "Customers"\nkey = ["AccountNum"]\n[table.fields]\n'
    path.write_text(f"{head}{fields}\n", encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A running ring. `processes` are named: dispatcher, worker, broker, aos."""

    api: str
    aos: str
    home: Path
    processes: dict[str, int]
    relay: Any = None
    """what stands between worker and AOS"""

    @property
    def login(self) -> dict[str, str]:
        """The token that the dispatcher has left for its own computer."""
        return {"Authorization": f"Bearer {(self.home / 'token').read_text(encoding='utf-8').strip()}"}

    def upload(self, path: Path) -> str:
        """Hand in a package; its SHA-256."""
        with path.open("rb") as file:
            answer = requests.post(f"{self.api}/packages", headers=self.login, params={"name": path.name}, data=file, timeout=600)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["sha256"])

    def submit(self, package: str, mode: str = "create", *, batch_rows: int = 200) -> dict[str, object]:
        """A job, accepted."""
        body = {"endpoint": ENDPOINT, "company": "USMF", "package": package, "mode": mode, "batch_rows": batch_rows}
        answer = requests.post(
            f"{self.api}/jobs", json=body, headers={"Idempotency-Key": os.urandom(8).hex()} | self.login, timeout=60
        )
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def finish(self, job_id: object, *, timeout_s: float = 1800) -> dict[str, object]:
        """The job when it has ended."""
        deadline = time.monotonic() + timeout_s
        with requests.Session() as session:
            while True:
                job = session.get(f"{self.api}/jobs/{job_id}", headers=self.login, timeout=60).json()
                if job["finished_at"]:
                    return dict(job)
                assert time.monotonic() < deadline, job
                time.sleep(0.25)  # the ledger's own times are what counts; asking often would slow the dispatcher

    def peak_mb(self, name: str) -> float:
        """The most memory that a process has had, in MB (Linux)."""
        status = Path(f"/proc/{self.processes[name]}/status").read_text(encoding="utf-8")
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024

    def cpu_s(self) -> dict[str, float]:
        """The CPU time that each process has taken, in seconds (Linux); those of several workers together."""
        ticks = os.sysconf("SC_CLK_TCK")
        found = dict.fromkeys(("dispatcher", "worker", "broker", "aos"), 0.0)
        for name, pid in self.processes.items():
            told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            found[name.partition(" ")[0]] += (int(told[11]) + int(told[12])) / ticks
        return found


@contextmanager
def ring(
    folder: Path,
    *,
    concurrency: int = 4,
    workers: int = 1,
    aos_options: tuple[str, ...] = ("--count",),
    through: Any = None,
    dispatcher: tuple[str, ...] = ("connector", "dispatcher"),
) -> Iterator[Rig]:
    """Everything up, the endpoint registered, its metadata read. `concurrency` is that of all workers together."""
    home, tables = folder / "home", folder / "tables.toml"
    home.mkdir(parents=True)
    write_tables(tables)
    env = os.environ | {"RAPIDSTART_HOME": str(home), "RAPIDSTART_API_URL": f"http://127.0.0.1:{_free_port()}"}
    with ExitStack() as stack:
        simulate = ["workers.simulator", "--port", "0", "--tables", str(tables), "--company", "USMF", *aos_options]
        aos = stack.enter_context(_process(simulate, folder / "aos.log", env, pipe=True))
        assert aos.stdout
        url = aos.stdout.readline().split()[-1]
        serving = stack.enter_context(_process([*dispatcher], folder / "dispatcher.log", env))
        _await(f"{env['RAPIDSTART_API_URL']}/readyz")
        run = ["workers", "run", "--endpoint", ENDPOINT, "--concurrency", str(-(-concurrency // workers))]
        names = ["worker", *(f"worker {number}" for number in range(2, workers + 1))]
        started = {name: stack.enter_context(_process(run, folder / f"{name}.log", env)).pid for name in names}
        broker = json.loads((home / "broker.json").read_text(encoding="utf-8"))["pid"]
        processes = {"dispatcher": serving.pid, "broker": broker, "aos": aos.pid} | started
        relay = through(url) if through else None
        rig = Rig(api=f"{env['RAPIDSTART_API_URL']}/api/v1", aos=url, home=home, processes=processes, relay=relay)
        address = f"{relay.url if relay else url}/MicrosoftDynamicsAXAif60/RapidStart/xppservice.svc"
        body = {"name": ENDPOINT, "addresses": [address], "companies": ["USMF"]}
        answer = requests.post(f"{rig.api}/endpoints", headers=rig.login, json=body, timeout=10)
        assert answer.status_code == 201, answer.text
        _warm(rig, folder)
        yield rig


def _warm(rig: Rig, folder: Path) -> None:
    """One small load: afterwards the metadata are known and every process has imported what it needs."""
    first = folder / "Customers.csv"
    write_csv(first, 10)
    assert rig.finish(rig.submit(rig.upload(first))["id"])["state"] == "succeeded"


@contextmanager
def _process(module: list[str], log: Path, env: dict[str, str], *, pipe: bool = False) -> Iterator[subprocess.Popen[str]]:
    with log.open("w") as file:
        out = subprocess.PIPE if pipe else file
        process = subprocess.Popen([sys.executable, "-m", *module], env=env, stdout=out, stderr=file, text=True)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.ConnectionError:
            pass
        assert time.monotonic() < deadline, f"{url} does not answer"
        time.sleep(0.05)
