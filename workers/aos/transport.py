"""HTTP towards an AOS: which origins may be called, one kept-alive session per thread, ceilings, deadlines.

It knows nothing of SOAP. Requests' own retries and redirects are off: a call is made once, where it was meant to go.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from workers.aos.values import Credentials
from workers.errors import GiveUp, Retry, Unsettled

#: The largest answer that is read, in bytes.
MAX_ANSWER: Final = 256_000_000

_REDIRECTS: Final = 5
_CHUNK: Final = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer, whole."""

    status: int
    content_type: str
    body: bytes
    challenge: str = ""
    """the WWW-Authenticate header"""


class Transport:
    """Shared by all threads of a worker process; each has its own session.

    `origins`: addresses whose origins (scheme, host, port) may be called. Empty: any HTTP address may be called, but
    none is ever shown the credentials. `credentials` None: no authentication is attempted.
    """

    def __init__(
        self,
        origins: Sequence[str] = (),
        *,
        credentials: Credentials | None = None,
        connect_timeout_s: float = 10.0,
        contract_timeout_s: float = 60.0,
        ca_file: str | None = None,
    ) -> None:
        self._origins = frozenset(origin(address) for address in origins)
        self._credentials = credentials
        self._connect_timeout_s = connect_timeout_s
        self._contract_timeout_s = contract_timeout_s
        self._ca_file = ca_file
        self._threads = threading.local()

    def get(self, url: str) -> Answer:
        """GET, following redirects within the same origin only. Raises Retry or GiveUp."""
        for _ in range(_REDIRECTS):
            answer, location = self._send("GET", url, time_limit_s=self._contract_timeout_s)
            if not location:
                return answer
            if origin(urljoin(url, location)) != origin(url):
                raise GiveUp(
                    f"{url} redirects to {location}, which is another origin.",
                    advice="Register the endpoint with the address that answers.",
                    code="RSC-5905",
                )
            url = urljoin(url, location)
        raise GiveUp(f"{url} redirects in a circle.", advice="Check the web site of the port.", code="RSC-5905")

    def post(self, url: str, body: bytes, *, action: str, time_limit_s: float, writes: bool) -> Answer:
        """POST of a SOAP 1.1 message. Raises Retry (nothing was sent), Unsettled (a write may have happened), GiveUp."""
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
        answer, _ = self._send("POST", url, time_limit_s=time_limit_s, body=body, headers=headers, writes=writes)
        return answer

    def close(self) -> None:
        """Closes the calling thread's connections."""
        session = getattr(self._threads, "session", None)
        if session is not None:
            session.close()
            del self._threads.session

    def _send(
        self,
        method: str,
        url: str,
        *,
        time_limit_s: float,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        writes: bool = False,
    ) -> tuple[Answer, str]:
        session, deadline = self._session(), time.monotonic() + time_limit_s
        try:
            with session.request(
                method,
                url,
                data=body,
                headers=headers,
                auth=self._auth(url),
                timeout=(self._connect_timeout_s, time_limit_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                return _answer(response, _read(response, deadline)), _location(response)
        except requests.RequestException as error:
            raise _translated(error, url, time_limit_s, writes=writes) from error

    def _session(self) -> requests.Session:
        if not hasattr(self._threads, "session"):
            session = requests.Session()
            session.trust_env = False  # no proxy, no .netrc: the address is the whole truth
            session.verify = self._ca_file or True
            session.headers["User-Agent"] = "RapidStart-Connector"
            adapter = HTTPAdapter(pool_connections=4, pool_maxsize=1, max_retries=0)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            self._threads.session = session
        return self._threads.session  # type: ignore[no-any-return]

    def _auth(self, url: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
        """Refuses an address that may not be called, before any connection."""
        if self._origins and origin(url) not in self._origins:
            raise GiveUp(
                f"{url} is not on an origin that this worker is configured for.",
                advice="Add the origin to the worker's settings, or correct the endpoint's address.",
                code="RSC-5904",
            )
        if self._credentials is None or origin(url) not in self._origins:
            return _anonymous
        from workers.aos.negotiate import Negotiate  # 12 MB that only Windows authentication needs

        return Negotiate(self._credentials)


def origin(address: str) -> tuple[str, str, int]:
    """Scheme, host and port of an HTTP address. Raises GiveUp for anything else (file:, UNC, net.tcp)."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme == "net.tcp":
        raise GiveUp(
            f"{address} is a net.tcp port, which this version does not speak.",
            advice="Publish the services on an enhanced port with the HTTP adapter.",
            code="RSC-5903",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise GiveUp(
            f"{address!r} is not an HTTP address of a service.",
            advice="Register the endpoint with an address like http://aos:80/MicrosoftDynamicsAXAif60/Port/xppservice.svc.",
            code="RSC-5903",
        )
    return parts.scheme, parts.hostname.lower(), port or (443 if parts.scheme == "https" else 80)


def _anonymous(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _location(response: requests.Response) -> str:
    return response.headers.get("Location", "") if response.is_redirect else ""


def _read(response: requests.Response, deadline: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_content(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER:
            raise GiveUp(
                f"{response.url} answered with over {MAX_ANSWER:,} bytes.", advice="Use smaller batches.", code="RSC-5906"
            )
        if time.monotonic() > deadline:
            raise requests.ReadTimeout("the answer did not end in time")
    return b"".join(chunks)


def _answer(response: requests.Response, body: bytes) -> Answer:
    return Answer(
        status=response.status_code,
        content_type=response.headers.get("Content-Type", ""),
        body=body,
        challenge=response.headers.get("WWW-Authenticate", ""),
    )


def _translated(error: requests.RequestException, url: str, time_limit_s: float, *, writes: bool) -> Retry | GiveUp:
    """What happens next after a failure below HTTP; the order matters, the classes of requests overlap."""
    if isinstance(error, requests.exceptions.SSLError):
        return GiveUp(
            f"{url}: TLS failed: {error}.",
            advice="Check the certificate, or name its authority in the settings.",
            code="RSC-5907",
        )
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | requests.exceptions.InvalidHeader):
        return GiveUp(f"{url}: {error}.", advice="Correct the endpoint's address.", code="RSC-5903")
    if isinstance(error, requests.ConnectTimeout) or _never_connected(error):
        return Retry(f"{url} cannot be reached: {_cause(error)}.", advice="Check that the AOS and its web site run.")
    what = f"did not answer within {time_limit_s:g} s" if isinstance(error, requests.ReadTimeout) else "closed the connection"
    if writes:
        return Unsettled(
            f"{url} {what} after the request was sent.", advice="The same call is made again with the same MessageId."
        )
    return Retry(f"{url} {what}.", advice="Check the load of the AOS.")


def _never_connected(error: requests.RequestException) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)


def _cause(error: requests.RequestException) -> str:
    reason = getattr(error.args[0], "reason", error) if error.args else error
    return str(reason).rpartition(": ")[2].rstrip(".")
