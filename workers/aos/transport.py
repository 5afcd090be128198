"""The way to an AOS: which origins may be called, one kept-alive session per thread, ceilings, deadlines.

HTTP is here; an address of net.tcp is handed to its own room. It knows nothing of SOAP. Requests' own retries and redirects
are off: a call is made once, where it was meant to go.
"""

import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from workers import tracing
from workers.aos import logon, nettcp, reading, tls
from workers.aos.values import Authentication, Credentials
from workers.errors import GiveUp, Retry, Unsettled

if TYPE_CHECKING:
    from workers.aos.negotiate import Basic, Windows

#: The largest answer that is read, in bytes.
MAX_ANSWER: Final = 64_000_000

_REDIRECTS: Final = 5
_USER: Final = re.compile(r"//[^/?#]*@")
#: How the system counts its errors.
_NUMBER: Final = re.compile(r"\(?\[(?:Errno|WinError) -?\d+\] ")
#: Where an AOS gives the contracts of its net.tcp services itself.
_OF_AOS: Final = "/DynamicsAx/Services/"
_CHECK_SITE: Final = "Check that the AOS and its web site run."
_CHECK_PORT: Final = (
    "Check that the AOS runs, and that this is its WSDL port (8101, 8102, ... by instance); "
    "name another: rapidstart endpoint add NAME --host HOST --wsdl-port PORT --replace"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, whole. Over net.tcp, which has no statuses, one that came is 200."""

    status: int
    content_type: str
    body: bytes
    challenge: str = ""
    """the WWW-Authenticate header"""
    date: str = ""
    """the Date header"""
    server: str = ""
    """the Server header"""


@dataclass(slots=True, kw_only=True)
class _Call:
    """One request of one thread, as often as a logon needs it."""

    session: requests.Session
    method: str
    url: str
    body: bytes | None
    headers: dict[str, str]
    connect_timeout_s: float
    deadline: float
    is_sent: bool = False
    """the whole request went out, or may have"""

    def send(self, *, authorization: str = "", whole: bool = True) -> requests.Response:
        """See `logon.Call`."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise requests.ReadTimeout("the time is over")
        self.is_sent = self.is_sent or whole
        return self.session.request(
            self.method,
            self.url,
            data=self.body if whole or self.body is None else b"",
            headers=self.headers | ({"Authorization": authorization} if authorization else {}),
            timeout=(min(self.connect_timeout_s, left), left),
            allow_redirects=False,
            stream=True,
        )

    def greeting(self) -> "_Call":
        """See `logon.Call`."""
        return replace(self, method="GET", body=None, headers={})


class Transport:
    """Shared by all threads of a worker process; each has its own session.

    `origins`: addresses whose origins (scheme, host, port) may be called. Empty: any HTTP address may be called, but
    none is ever shown the credentials. `credentials` None: no authentication is attempted. `max_answer` in bytes.
    """

    def __init__(
        self,
        origins: Sequence[str] = (),
        *,
        credentials: Credentials | None = None,
        connect_timeout_s: float = 10.0,
        contract_timeout_s: float = 60.0,
        ca_file: str | None = None,
        max_answer: int = MAX_ANSWER,
        refused_pause_s: float = logon.PAUSE_S,
        target_name: nettcp.TargetName = nettcp.TargetName.AUTO,
    ) -> None:
        self._origins = frozenset(place for address in origins for place in _places(address))
        self._credentials = credentials
        self._connect_timeout_s = connect_timeout_s
        self._contract_timeout_s = contract_timeout_s
        self._trust = tls.trust(ca_file)
        self._max_answer = max_answer
        self._refused_pause_s = refused_pause_s
        self._threads = threading.local()
        self._channels = nettcp.Channels(
            credentials=credentials,
            connect_timeout_s=connect_timeout_s,
            max_answer=max_answer,
            target_name=target_name,
            refused_pause_s=refused_pause_s,
        )
        self._accounts: dict[tuple[str, str, int], Basic | Windows] = {}

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

    def knock(self, url: str) -> Answer:
        """GET without showing who the worker is; redirects are not followed. Raises Retry or GiveUp."""
        return self._send("GET", url, time_limit_s=self._contract_timeout_s, is_shown=False)[0]

    def greet(self, address: str, *, way: nettcp.Way | None = None) -> str:
        """Opens a channel of net.tcp and closes it: how the AOS lets the worker in. Raises Retry or GiveUp.

        `way`: what the contract tells, where it is known.
        """
        is_shown = self.place(address) in self._origins
        return self._channels.greet(address, way=way or nettcp.Way(), is_shown=is_shown, time_limit_s=self._contract_timeout_s)

    def post(
        self, url: str, body: bytes, *, action: str, time_limit_s: float, writes: bool, way: nettcp.Way | None = None
    ) -> Answer:
        """Sends a message: SOAP 1.1 by POST, over net.tcp SOAP 1.2 the `way` that the contract tells.

        Raises Retry (nothing was sent), Unsettled (a write may have happened), Refusal (too large for net.tcp), GiveUp.
        """
        with tracing.Traced(f"AOS {action.rpartition('/')[2]}", to_aos=True, server_address=self.place(url)[1]) as call:
            if not nettcp.is_one(url):
                headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
                answer, _ = self._send("POST", url, time_limit_s=time_limit_s, body=body, headers=headers, writes=writes)
                if answer.status >= requests.codes.server_error:  # a fault: what it says is read elsewhere
                    call.failed(f"HTTP {answer.status}")
                return answer
            is_shown = self.place(url) in self._origins
            found = self._channels.post(
                url, body, way=way or nettcp.Way(), is_shown=is_shown, time_limit_s=time_limit_s, writes=writes
            )
            return Answer(status=200, content_type="application/soap+msbin1", body=found)

    def close(self) -> None:
        """Closes the calling thread's connections."""
        self._channels.close()
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
        is_shown: bool = True,
    ) -> tuple[Answer, str]:
        account = self._account(url)
        call = _Call(
            session=self._session(),
            method=method,
            url=url,
            body=body,
            headers=headers or {},
            connect_timeout_s=self._connect_timeout_s,
            deadline=time.monotonic() + time_limit_s,
        )
        try:
            with account.send(call) if account and is_shown else call.send() as response:
                return _answer(response, reading.read(response, ceiling=self._max_answer)), _location(response)
        except reading.TooLarge as error:
            raise _too_large(url, self._max_answer, writes=writes) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _translated(error, url, time_limit_s, writes=writes and call.is_sent) from error

    def _session(self) -> requests.Session:
        if not hasattr(self._threads, "session"):
            session = requests.Session()
            session.trust_env = False  # no proxy, no .netrc: the address is the whole truth
            session.headers["User-Agent"] = "RapidStart-Connector"
            session.headers["Accept-Encoding"] = "identity"  # the AOS is near; inflating costs more than the way
            session.mount("http://", tls.Adapter())
            session.mount("https://", tls.Adapter(self._trust))
            self._threads.session = session
        return self._threads.session  # type: ignore[no-any-return]

    def _account(self, url: str) -> "Basic | Windows | None":
        """Who is shown to an address."""
        place = self.place(url)
        if self._credentials is None or place not in self._origins:
            return None
        if place not in self._accounts:
            from workers.aos.negotiate import Basic, Windows  # 12 MB that only authentication needs

            kind = Basic if self._credentials.authentication is Authentication.BASIC else Windows
            # Two threads may come here at once; the first one's stays.
            self._accounts.setdefault(place, kind(logon.Account(self._credentials, pause_s=self._refused_pause_s)))
        return self._accounts[place]

    def place(self, url: str) -> tuple[str, str, int]:
        """The origin of an address that may be called, before any connection. Raises GiveUp."""
        place = nettcp.place(url) if nettcp.is_one(url) else origin(url)
        if self._origins and place not in self._origins:
            raise GiveUp(
                f"{url} is not on an origin that this worker is configured for.",
                advice="Add the origin to the worker's settings, or correct the endpoint's address.",
                code="RSC-5904",
            )
        return place


def _places(address: str) -> Iterator[tuple[str, str, int]]:
    """The origins that one configured address means: a service on net.tcp tells its contract by HTTP."""
    if nettcp.is_one(address):
        yield nettcp.place(address)
        yield origin(nettcp.contract_address(address))
    else:
        yield origin(address)


def origin(address: str) -> tuple[str, str, int]:
    """Scheme, host and port of an HTTP address. Raises GiveUp for anything else (file:, UNC, net.tcp)."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme == "net.tcp":
        raise GiveUp(
            f"{address} is a net.tcp address, where one of HTTP is needed.",
            advice="Correct the place in the contract; a contract is read over HTTP.",
            code="RSC-5903",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise GiveUp(
            f"{_USER.sub('//', address)!r} is not an HTTP address of a service.",
            advice="Register the endpoint with an address like http://aos:80/MicrosoftDynamicsAXAif60/Port/xppservice.svc.",
            code="RSC-5903",
        )
    return parts.scheme, parts.hostname.lower(), port or (443 if parts.scheme == "https" else 80)


def _location(response: requests.Response) -> str:
    return response.headers.get("Location", "") if response.is_redirect else ""


def _answer(response: requests.Response, body: bytes) -> Answer:
    return Answer(
        status=response.status_code,
        content_type=response.headers.get("Content-Type", ""),
        body=body,
        challenge=response.headers.get("WWW-Authenticate", ""),
        date=response.headers.get("Date", ""),
        server=response.headers.get("Server", ""),
    )


def _too_large(url: str, ceiling: int, *, writes: bool) -> Unsettled | GiveUp:
    said = f"{url} answered with over {ceiling:,} bytes."
    if writes:
        return Unsettled(said, advice="The same call is made again with the same MessageId.")
    return GiveUp(said, advice="Use smaller batches.", code="RSC-5906")


def _translated(error: Exception, url: str, time_limit_s: float, *, writes: bool) -> Retry | GiveUp:
    """What happens next after a failure below HTTP; the order matters, the classes of requests overlap."""
    if isinstance(error, requests.exceptions.SSLError):
        return tls.refused(error, url)
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema) or _is_bad_request(error):
        return GiveUp(f"{url}: {error}.", advice="Correct the endpoint's address.", code="RSC-5903")
    if isinstance(error, requests.ConnectTimeout) or _never_connected(error):
        return Retry(f"{url} cannot be reached: {_cause(error)}.", advice=_CHECK_PORT if _OF_AOS in url else _CHECK_SITE)
    is_late = isinstance(error, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError)
    what = f"did not answer within {time_limit_s:g} s" if is_late else "closed the connection"
    if writes:
        return Unsettled(
            f"{url} {what} after the request was sent.", advice="The same call is made again with the same MessageId."
        )
    return Retry(f"{url} {what}.", advice="Check the load of the AOS.")


def _is_bad_request(error: Exception) -> bool:
    """Our own header is wrong; one of the answer's comes as an error of urllib3."""
    if not isinstance(error, requests.exceptions.InvalidHeader):
        return False
    return not (error.args and isinstance(error.args[0], urllib3.exceptions.InvalidHeader))


def _never_connected(error: Exception) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)


def _cause(error: Exception) -> str:
    reason = getattr(error.args[0], "reason", error) if error.args else error
    told = _NUMBER.sub("", str(reason).rpartition(": ")[2]).rstrip(".)")
    return told[:1].lower() + told[1:]
