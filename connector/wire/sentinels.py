"""A broker that Redis Sentinel watches, as one URL: `sentinel://USER:PASSWORD@HOST:26379,HOST:26379/MASTER/0`. Pure.

The login is the server's, not the sentinels'. By `sentinels://` servers and sentinels speak TLS, all by the files that the URL
names as `rediss://` does. Celery takes its sentinels as a list of URLs, `Sentinels.celery_url`.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

SCHEME: Final = "sentinel"
SCHEME_TLS: Final = "sentinels"
_PORT: Final = 26379
_FILES: Final = {"ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinels:
    """Whom to ask which server is the master of a name, and how to log on there."""

    hosts: tuple[tuple[str, int], ...]
    master: str
    db: int
    username: str | None
    password: str | None
    tls: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    """authority, certificate and key, by redis-py's names for them"""

    @property
    def celery_tls(self) -> dict[str, Any] | None:
        """What Celery calls `broker_use_ssl`; None: no TLS."""
        return {"ssl_cert_reqs": ssl.CERT_REQUIRED, **self.files} if self.tls else None

    @property
    def tls_options(self) -> dict[str, Any]:
        """The same for a client of redis-py, of a sentinel or of a server."""
        return {"ssl": True, **self.celery_tls} if self.celery_tls else {}

    @property
    def celery_url(self) -> str:
        """The same for Celery, which is told the master's name by `master_name` in its transport options."""
        user, password = (quote(word or "", safe="") for word in (self.username, self.password))
        login = f"{user}:{password}@" if user or password else ""
        return ";".join(f"{SCHEME}://{login}{host}:{port}/{self.db}" for host, port in self.hosts)


def parse(url: str) -> Sentinels | None:
    """What the URL says; None for one that names a server. Raises ValueError with a sentence that does not repeat it."""
    parts = urlsplit(url)
    if parts.scheme not in {SCHEME, SCHEME_TLS}:
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
        tls=parts.scheme == SCHEME_TLS,
        files={name: value for name, value in parse_qsl(parts.query) if name in _FILES},
    )


def _host(place: str) -> tuple[str, int]:
    host, _, port = place.partition(":")
    if not host or not (port or "0").isdigit():
        raise ValueError("a sentinel is named as HOST:26379; an address of IPv6 needs a name")
    return host, int(port or _PORT)
