"""Drives the product from outside: separate processes, commands and HTTP. Nothing of ours is imported here."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COMPANY = "USMF"


def eventually(condition: Callable[[], Any], *, within_s: float = 60.0, what: str = "the condition") -> Any:
    """The first true value of `condition`, asked again and again."""
    until = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < until, f"{what} did not come true within {within_s} s"
        time.sleep(0.05)
    return value


#: Below the ports that systems give to outgoing connections, and apart from those of embedded brokers.
_PORTS = range(10_000, 20_000)


def free_port() -> int:
    """A port that nobody has. None that the system would have chosen: that one may be somebody's before it is used here."""
    while True:
        port = random.SystemRandom().choice(_PORTS)  # whatever seed this process of the tests was given
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def get(url: str, *, token: str = "") -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def living_with(*texts: str) -> list[int]:
    """Processes whose environment or command line holds these texts; zombies do not live."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            if all(text.encode() in told for text in texts) and state not in "ZX" and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found


@dataclass
class Site:
    """A dispatcher's home, and the processes of a test."""

    folder: Path
    api_url: str
    extra: dict[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RAPIDSTART_")}
        return {
            **clean,
            "PYTHONPATH": str(ROOT),
            "RAPIDSTART_HOME": str(self.folder / "home"),
            "RAPIDSTART_API_URL": self.api_url,
            **self.extra,
        }

    def rapidstart(self, *arguments: str | Path, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "connector", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, env=self.env, cwd=self.folder, check=False
        )

    def json(self, *arguments: str | Path, code: int = 0) -> Any:
        """The last JSON line that a command prints; its exit code must be this."""
        done = self.rapidstart(*arguments, "--json")
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.logs()}"
        return json.loads(done.stdout.splitlines()[-1])

    def start(self, name: str, *command: str | Path) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.env,
                cwd=self.folder,
                start_new_session=True,
            )

    def start_dispatcher(self) -> None:
        self.start("dispatcher", "connector", "dispatcher")
        eventually(self.is_ready, what="a ready dispatcher")

    def start_aos(self, name: str, *options: str | Path) -> None:
        """A simulated AOS, registered as an endpoint of that name."""
        self.ports[name] = free_port()
        self.start(f"aos-{name}", "workers", "simulate", "--port", str(self.ports[name]), "--company", COMPANY, *options)
        self.rapidstart("endpoint", "add", name, "--url", f"http://127.0.0.1:{self.ports[name]}")
        eventually(lambda: listens(self.ports[name]), what="a listening AOS")
        assert self.running[f"aos-{name}"].poll() is None, "somebody else listens there"

    def start_worker(self, endpoint: str, *, concurrency: int = 2) -> None:
        self.start(f"worker-{endpoint}", "workers", "run", "--endpoint", endpoint, "--concurrency", str(concurrency))

    def kill(self, name: str) -> None:
        """kill -9, and nothing before it."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.api_url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def job(self, job_id: str) -> Any:
        return self.api(f"/jobs/{job_id}")

    def api(self, path: str) -> Any:
        """What the API says, asked with the token that the dispatcher has left in its home."""
        return get(f"{self.api_url}/api/v1{path}", token=self.token)

    @property
    def token(self) -> str:
        return (self.folder / "home" / "token").read_text(encoding="utf-8").strip()

    def ended(self, job_id: str, *, within_s: float = 120.0) -> Any:
        """The job once it has ended. A dispatcher that is away for a while does not matter."""

        def look() -> Any:
            with contextlib.suppress(OSError):
                job = self.job(job_id)
                return job if job["finished_at"] else None
            return None

        try:
            return eventually(look, within_s=within_s, what=f"the end of {job_id}")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.job(job_id)}\n{self.logs()}") from None

    def loads(self) -> list[dict[str, Any]]:
        """The load jobs that the dispatcher knows, the newest first."""
        return [job for job in self.api("/jobs")["items"] if job["kind"] == "load"]

    def records(self, endpoint: str, table: str) -> list[dict[str, str]]:
        """What the AOS holds, by the first field: batches of a step run side by side, so they arrive in any order."""
        query = urllib.parse.urlencode({"company": COMPANY, "table": table})
        found = get(f"http://127.0.0.1:{self.ports[endpoint]}/_sim/records?{query}")["records"]
        return sorted(found, key=lambda record: next(iter(record.values())))

    def stats(self, endpoint: str) -> Any:
        return get(f"http://127.0.0.1:{self.ports[endpoint]}/_sim/stats")

    def logs(self) -> str:
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in self.folder.glob("*.log"))

    def close(self) -> None:
        for process in reversed(self.running.values()):
            process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def write_csv(path: Path, columns: list[str], rows: list[list[str]]) -> Path:
    path.write_text("\n".join([",".join(columns), *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return path
