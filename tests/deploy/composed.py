"""Runs the services of a compose file as processes of this computer: what there is a container is here an address of its own.

Commands, environment, health checks, order and mounts are the file's. Names of services become addresses of 127.0.0.0/8, paths
inside of a container become folders of the test.
"""

import contextlib
import os
import random
import re
import shlex
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
HOME = "/var/lib/rapidstart"


def any_net() -> str:
    """One that no other test is likely to have."""
    return f"127.{random.randint(16, 254)}.{random.randint(0, 254)}"


def read(*files: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The services of the files, the later over the earlier as compose lays them, with `given` for the variables."""
    services: dict[str, Any] = {}
    for file in files:
        for name, service in yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))["services"].items():
            services[name] = _over(services.get(name, {}), service)
    return {name: _filled(service, given) for name, service in services.items() if "profiles" not in service}


def _over(under: Any, over: Any) -> Any:
    if isinstance(under, dict) and isinstance(over, dict):
        return under | {key: _over(under.get(key), value) for key, value in over.items()}
    if isinstance(under, list) and isinstance(over, list) and under and ":" in str(under[0]):  # mounts and ports add up
        return [*under, *over]
    return over


def _filled(value: Any, given: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, given) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, given) for each in value]
    if not isinstance(value, str):
        return value
    text = re.sub(r"(?<!\$)\$\{(\w+)(?::(?:\?[^}]*|-([^}]*)))?\}", lambda found: given.get(found[1]) or found[2] or "", value)
    return text.replace("$$", "$")


@contextlib.contextmanager
def published(outside: tuple[str, int], inside: tuple[str, int]) -> Iterator[None]:
    """What comes to one address goes to another, as a port that is published."""

    class Forward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(inside) as there:
                back = threading.Thread(target=_pump, args=(there, self.request), daemon=True)
                back.start()
                _pump(self.request, there)
                back.join(10)

    with socketserver.ThreadingTCPServer(outside, Forward) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Composed:
    """The services, as processes. `programs` are found before those of this computer."""

    def __init__(self, services: Mapping[str, Any], folder: Path, *, programs: Mapping[str, str], net: str) -> None:
        """Nothing is started yet. `net` is the first three numbers of the services' addresses."""
        self.services, self.folder = services, folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.addresses = {name: f"{net}.{number}" for number, name in enumerate(services, 1)}
        self._bin = folder / "bin"
        self._bin.mkdir()
        for name, script in programs.items():
            (self._bin / name).write_text(f"#!/bin/sh\n{script}\n")
            (self._bin / name).chmod(0o755)

    def up(self) -> None:
        """Start every service when what it depends on is as it should be, and wait until all that have a check are healthy."""
        left = dict(self.services)
        while left:
            ready = [name for name, service in left.items() if not set(self._needs(service)) & left.keys()]
            assert ready, f"services wait for each other: {sorted(left)}"
            for name in ready:
                for needed, condition in self._needs(left[name]).items():
                    self._await(needed, condition)
                self._start(name)
                del left[name]
        for name, service in self.services.items():
            if "healthcheck" in service:
                self._await(name, "service_healthy")

    def down(self) -> None:
        """End all, the last first."""
        for process in reversed(self.running.values()):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def run(self, name: str, command: list[str], *, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """A command in the place of a service, as `docker compose exec` does."""
        parts = [self._local(name, part) for part in command]
        return subprocess.run(
            parts,
            env=self._environment(name),
            cwd=self._own(name),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def log(self, name: str) -> str:
        """What a service has said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def _needs(self, service: Mapping[str, Any]) -> dict[str, str]:
        found = service.get("depends_on", {})
        return {name: each["condition"] for name, each in found.items() if name in self.services}

    def _await(self, name: str, condition: str) -> None:
        until = time.monotonic() + 180
        while not self._is(name, condition):
            assert time.monotonic() < until, f"{name} is not {condition}:\n{self.log(name)}"
            time.sleep(0.2)

    def _is(self, name: str, condition: str) -> bool:
        ended = self.running[name].poll()
        if condition == "service_completed_successfully":
            assert ended in {None, 0}, f"{name} ended with {ended}:\n{self.log(name)}"
            return ended == 0
        assert ended is None, f"{name} ended with {ended}:\n{self.log(name)}"
        test = self.services[name]["healthcheck"]["test"]
        command = test[1:] if test[0] == "CMD" else ["sh", "-c", test[1]]
        try:
            return self.run(name, command, timeout_s=30).returncode == 0
        except subprocess.TimeoutExpired:  # not healthy yet; 30 s are compose's own limit
            return False

    def _start(self, name: str) -> None:
        command = self.services[name]["command"]
        parts = shlex.split(command) if isinstance(command, str) else command
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                [self._local(name, part) for part in parts],
                env=self._environment(name), cwd=self._own(name), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _environment(self, name: str) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("RAPIDSTART_")}
        told = {"RAPIDSTART_HOME": HOME} | self.services[name].get("environment", {})
        path = f"{self._bin}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**clean, "PATH": path, "PYTHONPATH": str(ROOT)} | {k: self._local(name, str(v)) for k, v in told.items()}

    def _own(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def _local(self, name: str, text: str) -> str:
        """What a text of a service says here: its addresses and its paths, all put in at once."""
        for host, address in self.addresses.items():
            text = re.sub(rf"(?<=[/@]){re.escape(host)}(?=[:/]|$)", address, text)
        text = re.sub(r"0\.0\.0\.0|127\.0\.0\.1", self.addresses[name], text)
        mounts = {inside: str(outside) for inside, outside in self._mounts(name).items()}
        paths = "|".join(map(re.escape, sorted(mounts, key=len, reverse=True)))
        text = re.sub(rf"(?<![\w/.])({paths})(?!\w)", lambda found: mounts[found[1]], text)
        net = self.addresses["aos-01"].rpartition(".")[0]
        return text.replace("http://aos-$number:", f"http://{net}.$(({self._first()} + number)):")

    def _first(self) -> int:
        """aos-01 stands right after this number."""
        return int(self.addresses["aos-01"].rpartition(".")[2]) - 1

    def _mounts(self, name: str) -> dict[str, Path]:
        found = {HOME: self._own(name) / "home", "/tmp": self._own(name) / "tmp"}
        (self._own(name) / "tmp").mkdir(exist_ok=True)
        for mount in self.services[name].get("volumes", []):
            source, inside, *_ = mount.split(":")
            found[inside] = ROOT / source if source.startswith(".") else self.folder / f"volume-{source}"
            if not source.startswith("."):
                found[inside].mkdir(exist_ok=True)
        return found
