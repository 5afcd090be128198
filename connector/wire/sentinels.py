"""A broker that Redis Sentinel watches, as one URL: `sentinel://USER:PASSWORD@HOST:26379,HOST:26379/MASTER/0`. Pure.

The login is the server's, not the sentinels'. Celery takes its sentinels as a list of URLs, `Sentinels.celery_url`.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

SCHEME: Final = "sentinel"
_PORT: Final = 26379


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinels:
    """Whom to ask which server is the master of a name, and how to log on there."""

    hosts: tuple[tuple[str, int], ...]
    master: str
    db: int
    username: str | None
    password: str | None

    @property
    def celery_url(self) -> str:
        """The same for Celery, which is told the master's name by `master_name` in its transport options."""
        user, password = (quote(word or "", safe="") for word in (self.username, self.password))
        login = f"{user}:{password}@" if user or password else ""
        return ";".join(f"{SCHEME}://{login}{host}:{port}/{self.db}" for host, port in self.hosts)


def parse(url: str) -> Sentinels | None:
    """What the URL says; None for one that names a server. Raises ValueError with a sentence that does not repeat it."""
    parts = urlsplit(url)
    if parts.scheme != SCHEME:
        return None
    login, _, places = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    master, _, db = parts.path.strip("/").partition("/")
    hosts = tuple(_host(place) for place in places.split(",") if place)
    if not hosts or not master or not (db or "0").isdigit():
        raise ValueError("sentinels are named as sentinel://USER:PASSWORD@HOST:26379,HOST:26379/MASTER/0")
    return Sentinels(
        hosts=hosts,
        master=unquote(master),
        db=int(db or 0),
        username=unquote(username) or None,
        password=unquote(password) or None,
    )


def _host(place: str) -> tuple[str, int]:
    host, _, port = place.partition(":")
    if not host or not (port or "0").isdigit():
        raise ValueError("a sentinel is named as HOST:26379; an address of IPv6 needs a name")
    return host, int(port or _PORT)
