"""Speaks with the dispatcher while this computer is registered: asks for codes, waits, and is given its credentials once."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from workers.errors import GiveUp, Retry

_PREFIX: Final = "/api/v1"
_TIMEOUT_S: Final = 60.0
#: Words by which the dispatcher says that it has not been decided yet.
_WAITS: Final = {"authorization_pending", "slow_down"}
#: So much longer each time that it says so (RFC 8628, 3.5), in seconds.
_SLOWER_S: Final = 5.0
#: The dispatcher may be started anew while a person decides: so often it may fail to answer in a row.
_PATIENCE: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A registration under way."""

    device_code: str = field(repr=False)
    user_code: str
    url: str
    """where it is activated"""
    url_complete: str
    expires_in_s: float
    interval_s: float
    endpoint: str
    means: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What this machine is given, once."""

    endpoint: str
    service_instance: str
    letter: str = field(repr=False)
    """its login, sealed for its key"""
    dispatcher_key: str
    trouble: str


class Dispatcher:
    """The dispatcher's API, as far as it is open to machines."""

    def __init__(self, url: str, *, ca_file: str | None = None, allow_plain_http: bool = False) -> None:
        """Nothing is contacted yet. Raises GiveUp for an address on the way to which credentials could be read."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise GiveUp(f"{url!r} is no address of a dispatcher.", advice="Say it as https://HOST.", code="RSC-5985")
        if parts.scheme == "http" and not (allow_plain_http or _is_loopback(parts.hostname)):
            raise GiveUp(
                "over http everybody on the way could read this computer's credentials.",
                advice="Use the dispatcher's https address, or say --allow-plain-http.",
                code="RSC-5985",
            )
        self.url = url.rstrip("/")
        self._verify: str | bool = ca_file or True

    def begin(self, told: Mapping[str, str | Sequence[str]], *, token: str = "") -> Begun:
        """Ask to be registered. Raises GiveUp where it is refused, Retry where nobody answers."""
        form = dict(told) | ({"registration_token": token} if token else {})
        answer = self._post("/device/code", {"client_id": "rapidstart-worker", **form})
        if answer.status_code != requests.codes.ok:
            raise _refused(answer)
        found = _json(answer)
        return Begun(
            device_code=str(found["device_code"]),
            user_code=str(found["user_code"]),
            url=str(found["verification_uri"]),
            url_complete=str(found["verification_uri_complete"]),
            expires_in_s=float(found["expires_in"]),
            interval_s=float(found["interval"]),
            endpoint=str(found["endpoint"]),
            means=str(found["means"]),
        )

    def wait(self, begun: Begun, *, pause: Callable[[float], None] = time.sleep) -> Given:
        """Ask until an administrator has decided. Raises GiveUp where it was denied or the code has expired, Retry."""
        interval, silent = begun.interval_s, 0
        while True:
            try:
                answer = self._post("/device/token", {"device_code": begun.device_code})
                silent = 0
            except Retry:
                silent += 1
                if silent >= _PATIENCE:
                    raise
            else:
                if answer.status_code == requests.codes.ok:
                    return _given(_json(answer))
                word = "slow_down" if answer.status_code == requests.codes.too_many_requests else _word(answer)
                if word not in _WAITS:
                    raise _ended(word, answer)
                interval += _SLOWER_S if word == "slow_down" else 0.0
            pause(interval)

    def tell(self, letter: str, *, endpoint: str) -> str:
        """Hand in a sealed letter of this machine; the sealed answer, or "". Raises GiveUp where it is refused, Retry."""
        answer = self._post("/machines/letters", {"endpoint": endpoint, "letter": letter})
        if answer.status_code not in {requests.codes.ok, requests.codes.no_content}:
            raise _refused(answer)
        return str(_json(answer).get("letter", "")) if answer.content else ""

    def _post(self, path: str, form: Mapping[str, Any]) -> requests.Response:
        with _translated(self.url):
            return requests.post(
                f"{self.url}{_PREFIX}{path}", data=form, timeout=_TIMEOUT_S, verify=self._verify, allow_redirects=False
            )


def _given(found: Mapping[str, Any]) -> Given:
    return Given(
        endpoint=str(found["endpoint"]),
        service_instance=str(found["service_instance"]),
        letter=str(found["letter"]),
        dispatcher_key=str(found["dispatcher_key"]),
        trouble=str(found["trouble"]),
    )


def _word(answer: requests.Response) -> str:
    return str(_json(answer).get("error", ""))


def _ended(word: str, answer: requests.Response) -> GiveUp:
    told = str(_json(answer).get("error_description", "")) or str(_json(answer).get("detail", "the registration was refused."))
    return GiveUp(told, advice="Register again: rapidstart-worker register", code="RSC-5986" if word else "RSC-5985")


def _refused(answer: requests.Response) -> GiveUp | Retry:
    found = _json(answer)
    told, advice = str(found.get("detail", "the dispatcher refuses.")), str(found.get("advice", ""))
    if answer.status_code >= requests.codes.internal_server_error:
        return Retry(told, advice=advice, code="RSC-5480")
    return GiveUp(told, advice=advice, code="RSC-5985")


def _json(answer: requests.Response) -> dict[str, Any]:
    """What it says. Raises GiveUp for what no dispatcher says."""
    try:
        found = answer.json()
    except requests.exceptions.JSONDecodeError:
        found = None
    if isinstance(found, dict):
        return found
    raise GiveUp("what answers there is no dispatcher.", advice="Check --dispatcher.", code="RSC-5985")


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise GiveUp(
            f"the certificate of {url} is not accepted.", advice="Name the authority that gave it: --ca-file.", code="RSC-5985"
        ) from error
    except requests.exceptions.RequestException as error:
        raise Retry(
            f"the dispatcher at {url} does not answer.", advice="Check --dispatcher, and the way there.", code="RSC-5480"
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
