"""The ring as processes, with a proxy on each of its links: what the faults are done to. Nothing of ours is imported."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.chaos.broker import Broker
from tests.chaos.clock import Clock
from tests.chaos.proxy import Proxy
from tests.chaos.tap import Tap
from tests.chaos.work import COMPANIES, CONTRACT, ENDPOINT, TABLES
from tests.journeys.driving import ROOT, Site, eventually, free_port, listens

LEASE_S: Final = 3.0
CALL_TIMEOUT_S: Final = 4.0
#: Two processes beside one AOS: what one holds when its connection breaks may come to the other.
WORKERS: Final = ("worker", "other-worker")
_SETTINGS: Final = {
    "RAPIDSTART_BATCH_ROWS": "8",
    "RAPIDSTART_LEASE_S": str(LEASE_S),
    "RAPIDSTART_CALL_TIMEOUT_S": str(CALL_TIMEOUT_S),
    "RAPIDSTART_RETRY_PAUSE_S": "1",
}


@dataclass
class Rig:
    """Dispatcher, broker, worker and AOS, each restartable by name."""

    folder: Path
    blocking: bool = False
    """workers run the loop that Celery runs on Windows"""
    latency_ms: int = 60
    links: dict[str, Proxy] = field(default_factory=dict)
    """`dispatcher` and `worker` to the broker, `aos` from the worker to the AOS"""

    def __post_init__(self) -> None:
        self.broker = Broker(self.folder)
        self.aos_port = free_port()
        self.clocks = {name: Clock(self.folder / f"{name}.clock") for name in ("dispatcher", "worker")}
        names = ("dispatcher", "aos", *WORKERS)
        self.sites = {name: Site(self._room(name), f"http://127.0.0.1:{free_port()}") for name in names}
        self.tap = Tap(self.broker, ENDPOINT)

    def _room(self, name: str) -> Path:
        room = self.folder / name
        room.mkdir()
        return room

    @property
    def api_url(self) -> str:
        return self.sites["dispatcher"].api_url

    @property
    def token(self) -> Path:
        return self.sites["dispatcher"].folder / "home" / "token"

    def start(self) -> None:
        """Everything up, and the endpoint registered."""
        self.broker.start()
        targets = {"dispatcher": self.broker.port, "worker": self.broker.port, "aos": self.aos_port}
        self.links |= {name: Proxy(port) for name, port in targets.items()}
        for name, end in (("dispatcher", "dispatcher"), *((name, "worker") for name in WORKERS)):
            url = f"redis://127.0.0.1:{self.links[end].port}/0"
            self.sites[name].extra |= _SETTINGS | self.clocks[end].environment | {"RAPIDSTART_BROKER_URL": url}
        (self.sites["aos"].folder / "tables.toml").write_text(TABLES, encoding="utf-8")
        for name in self.sites:
            self.run(name)
        site = self.sites["dispatcher"]
        eventually(site.is_ready, what="a ready dispatcher")
        url = f"http://127.0.0.1:{self.links['aos'].port}"
        added = site.rapidstart(
            "endpoint", "add", ENDPOINT, "--url", url, "--port", "RapidStart", "--port", "Journals", "--scope", "company"
        )
        assert added.returncode == 0, added.stderr
        self.tap.start()

    def run(self, name: str) -> None:
        """Start a process, as its service manager would; it is not waited for."""
        self.sites[name].start(name, *self._commands()[name])

    def _commands(self) -> dict[str, tuple[str | Path, ...]]:
        aos = ("simulate", "--port", self.aos_port, "--tables", "tables.toml", "--contract", CONTRACT, "--data", "data")
        companies = [word for company in COMPANIES for word in ("--company", company)]
        once = [word for operation in ("setLimit", "runClass") for word in ("--not-idempotent", operation)]
        broker_url = f"redis://127.0.0.1:{self.links['worker'].port}/0"
        windows = ("tests.chaos.windows", broker_url, ENDPOINT)
        worker = windows if self.blocking else ("workers", "run", "--endpoint", ENDPOINT, "--concurrency", "2")
        return {
            "dispatcher": ("connector", "dispatcher"),
            **dict.fromkeys(WORKERS, worker),
            "aos": ("workers", *map(str, aos), *companies, *once, "--latency", str(self.latency_ms)),
        }

    def process(self, name: str) -> subprocess.Popen[bytes]:
        if name == "broker" and self.broker.process is not None:
            return self.broker.process
        return self.sites[name].running[name]

    def kill(self, name: str) -> None:
        """kill -9."""
        self.sites[name].kill(name)

    def revive(self, name: str) -> None:
        """Start what was killed."""
        self.run(name)
        if name == "aos":
            eventually(lambda: listens(self.aos_port), what="a listening AOS")

    def freeze(self, name: str) -> None:
        self.process(name).send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self.process(name).send_signal(signal.SIGCONT)

    def limit_files(self, name: str, limit: int) -> None:
        """No file of the process may grow beyond this size, in bytes, as on a full disk; negative: any size."""
        resource.prlimit(self.process(name).pid, resource.RLIMIT_FSIZE, (limit, -1))

    def kill_broker(self) -> None:
        self.broker.kill()

    def revive_broker(self) -> None:
        """Start it, wherever it is now; who connects finds it at the address of old."""
        self.broker.start()
        for name in ("dispatcher", "worker"):
            self.links[name].target = self.broker.port

    def second_dispatcher(self) -> tuple[int | None, str]:
        """Start another dispatcher in the same home: its exit code, None where it runs on, and what it says."""
        site = self.sites["dispatcher"]
        env = site.env | {"RAPIDSTART_API_URL": f"http://127.0.0.1:{free_port()}"}
        command = [sys.executable, "-m", "connector", "dispatcher"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, cwd=ROOT, check=False)
        except subprocess.TimeoutExpired as still:
            return None, str(still.stderr or b"")
        return done.returncode, done.stderr

    def dead(self) -> list[str]:
        """Processes that have ended though nobody killed them."""
        running = {name: process for site in self.sites.values() for name, process in site.running.items()}
        return [name for name, process in running.items() if process.poll() is not None]

    def logs(self) -> str:
        return "\n".join(site.logs() for site in self.sites.values())

    def close(self) -> None:
        """End every process, frozen ones too, and every thread."""
        self.tap.stop()
        if self.broker.process is not None:
            self.broker.process.send_signal(signal.SIGCONT)
        for site in self.sites.values():
            for process in site.running.values():
                with contextlib.suppress(OSError):
                    os.kill(process.pid, signal.SIGCONT)
        for name in (*WORKERS, "dispatcher", "aos"):
            self.sites[name].close()
        self.broker.kill()
        for proxy in self.links.values():
            proxy.close()


def pause(seconds: float) -> None:
    """Let a fault last."""
    time.sleep(seconds)
