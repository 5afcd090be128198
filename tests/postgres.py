"""A throw-away PostgreSQL cluster on a free loopback port. It never outlives the process that started it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

PASSWORD = "throw/away"  # its slash must survive a URL
_ADVICE = "PostgreSQL's programs are not installed (Debian: apt-get install postgresql)"


class NotInstalled(Exception):
    """There is no PostgreSQL to start."""


class Cluster:
    """A running server. Every database of it is new."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._names = (f"ledger{number}" for number in count(1))

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection of the administrator, outside of transactions."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="admin", password=PASSWORD, dbname=database, autocommit=True, connect_timeout=5
        )

    def database(self, options: str = "ENCODING 'UTF8'") -> str:
        """The URL of a new, empty database."""
        name = next(self._names)
        with self.connect() as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 {options}")
        return f"postgresql+psycopg://admin:{PASSWORD.replace('/', '%2F')}@127.0.0.1:{self.port}/{name}"


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Make a cluster, start it, and remove it at the end. Raises NotInstalled."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="rapidstart-postgresql-"))
    account = _unprivileged(folder)
    data, log, secret = folder / "data", folder / "log", folder / "password"
    try:
        secret.write_text(PASSWORD)
        make = [programs / "initdb", "-D", data, "-U", "admin", "-A", "scram-sha-256", f"--pwfile={secret}", "--locale=C", "-N"]
        subprocess.run([*account, *map(str, make)], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        port = _free_port()
        start = [
            programs / "postgres",
            "-D",
            data,
            "-F",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-k",
            "",
            "-c",
            "shared_buffers=16MB",
        ]
        with log.open("wb") as errors:
            server = subprocess.Popen([*account, *map(str, start)], cwd=folder, stdout=errors, stderr=errors)
        try:
            yield _ready(Cluster(port), server, log)
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    found = installed[-1] if installed else shutil.which("initdb")
    if found is None:
        raise NotInstalled(_ADVICE)
    return Path(found).parent


def _unprivileged(folder: Path) -> list[str]:
    """The words that start a program as one who may: PostgreSQL refuses to run as root. On Linux it ends with this process."""
    words = ["setpriv", "--pdeathsig", "QUIT"] if sys.platform == "linux" else []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        words += ["--reuid", "postgres", "--regid", "postgres", "--init-groups"]
    return words


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ready(started: Cluster, server: subprocess.Popen[bytes], log: Path) -> Cluster:
    until = time.monotonic() + 30
    while True:
        try:
            started.connect().close()
            return started
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
