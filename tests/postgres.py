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
    """A server that listens from `start` to `stop`, any number of times. Every database of it is new."""

    def __init__(self, command: list[str], *, port: int, folder: Path) -> None:
        self.port = port
        self._command, self._folder = command, folder
        self._names = (f"ledger{number}" for number in count(1))

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(self._command, cwd=self._folder, stdout=log, stderr=log)
        until = time.monotonic() + 30
        while not self._answers():
            assert self._server.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < until, (self._folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """At once, as a server whose power fails."""
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(30)

    @contextmanager
    def away(self) -> Iterator[None]:
        """The server is down meanwhile."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

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

    def cut(self) -> int:
        """End every connection to the ledgers, as a server that restarts does; how many there were."""
        with self.connect() as admin:
            query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname LIKE 'ledger%'"
            return len(admin.execute(query).fetchall())


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Make a cluster, start it, and remove it at the end. Raises NotInstalled."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="rapidstart-postgresql-"))
    account = _unprivileged(folder)
    data, secret, port = folder / "data", folder / "password", str(_free_port())
    secret.write_text(PASSWORD)
    make = [programs / "initdb", "-D", data, "-U", "admin", "-A", "scram-sha-256", f"--pwfile={secret}", "--locale=C", "-N"]
    run = [programs / "postgres", "-D", data, "-F", "-h", "127.0.0.1", "-p", port, "-k", ""]
    try:
        subprocess.run([*account, *map(str, make)], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        made = Cluster([*account, *map(str, run)], port=int(port), folder=folder)
        try:
            made.start()
            yield made
        finally:
            made.stop()
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
