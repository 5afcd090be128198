"""Whom this process is at the broker: as its computer's file says, and from the next moment on where that says otherwise.

No connection ends by it. Those that are idle sign on anew at once, those in use when they are given back, and the one that
waits for work between two waits: redis-py and kombu do that, as for any source of credentials that changes.
"""

import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

import redis
from redis.auth.token import SimpleToken
from redis.credentials import StreamingCredentialProvider

from connector.wire import sentinels
from workers.errors import GiveUp

log = logging.getLogger(__name__)

_PATIENCE_S: Final = 5


class Login(StreamingCredentialProvider):
    """One per process, for all its connections. Safe to use from several threads."""

    def __init__(self, url: str, read: Callable[[], str | None], *, is_ours: Callable[[], bool] = lambda: True) -> None:
        """`url` is how the process begins; `read` says what holds now, None: nothing is known. Nothing is contacted yet.

        `is_ours`: whether the computer still has the key by which this process signs what it sends.
        """
        self._url, self._read, self._is_ours = url, read, is_ours
        self._refused = ""
        self._pools: weakref.WeakSet[redis.ConnectionPool] = weakref.WeakSet()
        self._lock = threading.Lock()

    def get_credentials(self) -> tuple[str, str]:
        """Name and password for a new connection."""
        return credentials(self._url)

    def follow(self, pool: redis.ConnectionPool) -> None:
        """Have the connections of a pool sign on anew where the login changes."""
        with self._lock:
            self._pools.add(pool)

    def on_next(self, callback: Callable[[Any], None]) -> None:
        """What a client of redis-py says of itself. kombu makes one for each command: its pool is kept, not the client."""
        for pool in callback.__self__._event.connection_pools:  # type: ignore[attr-defined]
            self.follow(pool)

    def on_error(self, callback: Callable[[Exception], None]) -> None:
        """Nothing comes in where a login cannot be read: the one before goes on."""

    def is_streaming(self) -> bool:
        """It changes while the process runs."""
        return True

    def look(self) -> None:
        """Go over to another login where the file has one that the broker takes. Never fails; the one before is kept else."""
        try:
            url = self._read()
        except GiveUp as error:
            self._warn(str(error))
            return
        if not url or url == self._url:
            return
        if without_login(url) != without_login(self._url):
            self._warn("the broker has another address: start this process anew")
        elif not self._is_ours():  # its reports would be refused, and the batches that it took be lost to others
            self._warn("this computer was registered anew with another key: start this process anew")
        elif _is_taken(url):
            self._url = url
            self._go_over()
            self._refused = ""
            log.info("this process has a new login at the broker, and uses it", extra={"action": "login_changed"})
        else:
            self._warn("the broker does not take the new login yet: the one before is used")

    def _go_over(self) -> None:
        user, password = self.get_credentials()
        token = SimpleToken(password, -1, 0, {"oid": user})
        with self._lock:
            pools = list(self._pools)
        for pool in pools:
            try:
                pool.re_auth_callback(token)
            except redis.RedisError:  # a connection that was idle for too long: the next one begins with the new login
                pool.disconnect(inuse_connections=False)

    def _warn(self, why: str) -> None:
        if why != self._refused:
            log.warning("%s", why, extra={"action": "login_not_changed"})
        self._refused = why


def connect(broker_url: str, *, login: Login | None = None, **options: Any) -> redis.Redis:
    """A client of the server that the URL names, or of the master that its sentinels name. Nothing is contacted yet.

    With a `login` it signs on as that says, else as the URL does.
    """
    watched = sentinels.parse(broker_url)
    if watched is not None:
        found = _watched(watched, login, options)
    elif login is not None:
        found = redis.Redis.from_url(without_login(broker_url), credential_provider=login, **options)
    else:
        found = redis.Redis.from_url(broker_url, **options)
    if login is not None:
        login.follow(found.connection_pool)
    return found


def credentials(url: str) -> tuple[str, str]:
    """Name and password in a broker's URL."""
    user, _, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    return unquote(user), unquote(password)


def without_login(url: str) -> str:
    """The URL with neither name nor password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _watched(watched: sentinels.Sentinels, login: Login | None, options: dict[str, Any]) -> redis.Redis:
    asking = {"socket_timeout": 5, "socket_connect_timeout": 5, **watched.tls_options}
    named: dict[str, Any] = {"credential_provider": login}
    if login is None:
        named = {"username": watched.username, "password": watched.password}
    named |= watched.tls_options
    asked = redis.Sentinel(watched.hosts, sentinel_kwargs=asking, db=watched.db, **named, **options)  # type: ignore[no-untyped-call]
    found: redis.Redis = asked.master_for(watched.master)  # type: ignore[no-untyped-call]
    return found


def _is_taken(url: str) -> bool:
    """Whether the broker lets somebody in with this."""
    try:
        with connect(url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
