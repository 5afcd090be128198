"""How the origins of an AOS are shown who the worker is: what all threads share of an account, and each thread's connection.

A body that carries rows is sent once: a connection is logged on by a small GET before it. A refused account is not tried
again for a while, because a Windows domain locks accounts that fail often.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import requests

from workers.aos.values import Authentication, Credentials
from workers.errors import GiveUp

REFUSED: Final = "RSC-5910"

#: How long a refused account is left alone, in seconds: a domain counts failures over about half an hour.
PAUSE_S: Final = 900.0


class Call(Protocol):
    """A request that can be made several times, once for each leg of a logon."""

    url: str
    body: bytes | None

    def send(self, *, authorization: str = "", whole: bool = True) -> requests.Response:
        """Sends it; not `whole`: without its body. The answer's body is still to be read."""

    def greeting(self) -> "Call":
        """A GET of the same address, which says hello and carries nothing."""


class Account:
    """One account towards one origin. Until it was let in once, one thread tries and the others wait."""

    def __init__(
        self, credentials: Credentials, *, pause_s: float = PAUSE_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.credentials = credentials
        self._pause_s = pause_s
        self._clock = clock
        self._changed = threading.Condition()
        self._is_known = False
        self._is_tried = False
        self._refused_at: float | None = None

    @contextmanager
    def trying(self, url: str) -> Iterator[None]:
        """Around a logon. Raises GiveUp at once where the account was refused a short while ago."""
        first = self._claim(url)
        try:
            yield
            with self._changed:
                self._is_known = True
        finally:
            if first:
                with self._changed:
                    self._is_tried = False
                    self._changed.notify_all()

    def refused(self, url: str, *, schemes: str, how: str = "HTTP 401") -> GiveUp:
        """The error of an account that the server does not let in, and how it said so; it is remembered."""
        with self._changed:
            self._is_known, self._refused_at = False, self._clock()
        asked = f" The server asks for {schemes}." if schemes else ""
        is_kerberos = self.credentials.authentication is Authentication.WINDOWS
        other = (
            " Where Kerberos is not set up for the web site, set RAPIDSTART_AOS_AUTHENTICATION to ntlm." if is_kerberos else ""
        )
        return GiveUp(
            f"{url} refuses this worker's account {self._name()} ({how}).{asked}",
            advice="Check its password, and that it is not locked. To spare it, it is tried again only after "
            f"{self._pause_s / 60:g} minutes, or when the worker is started again.{other}",
            code=REFUSED,
        )

    def _claim(self, url: str) -> bool:
        """Whether this is the one thread that tries; the others return when it has been let in."""
        with self._changed:
            while self._is_tried and not self._is_known:
                self._changed.wait()
            if self._refused_at is not None and self._clock() < self._refused_at + self._pause_s:
                raise GiveUp(
                    f"{url} refused this worker's account {self._name()} a short while ago, so it was not shown again.",
                    advice="Correct the account, and start the worker again.",
                    code=REFUSED,
                )
            first = not self._is_known
            self._is_tried = self._is_tried or first
            return first

    def _name(self) -> str:
        return self.credentials.user or "of the process that it runs in"


class Line:
    """The connection of one thread to one origin, where the server has let it in."""

    def __init__(self) -> None:
        self._kept = threading.local()

    def keep(self, response: requests.Response) -> None:
        """Remembers the connection that an answer came on; before the answer is read."""
        connection = response.raw.connection
        self._kept.connection = connection
        self._kept.socket = connection.sock if connection is not None else None

    @property
    def is_open(self) -> bool:
        """Whether the next request travels on the connection that was let in: it is still the same, and alive."""
        connection, socket = getattr(self._kept, "connection", None), getattr(self._kept, "socket", None)
        return connection is not None and socket is not None and connection.sock is socket and bool(connection.is_connected)
