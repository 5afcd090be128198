"""Who the worker is, over HTTP: Windows authentication (Negotiate, NTLM) by pyspnego, and Basic.

The transport decides which origins are shown anything at all. Windows tokens only answer a server's challenge.
"""

import base64
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from workers.aos import tls
from workers.aos.logon import REFUSED, Account, Call, Line
from workers.aos.values import Authentication, Credentials
from workers.errors import GiveUp, Retry

#: A handshake of more legs than this is a server that never makes up its mind.
_MAX_LEGS: Final = 4
#: The most that is read of an answer that is only a leg of a handshake; a longer one closes its connection.
_MAX_CHATTER: Final = 1 << 20

#: The schemes that may answer, the first that the server offers; NTLM inside Negotiate needs no scheme of its own.
_SCHEMES: Final = {Authentication.WINDOWS: ("Negotiate", "NTLM"), Authentication.NTLM: ("NTLM",)}

_UNAUTHORIZED: Final = 401
_FIRST_NTLM: Final = b"NTLMSSP\x00\x01"


class Basic:
    """User and password on every request: only over TLS, unless it was said that it may be otherwise."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._is_proved = False

    def send(self, call: Call) -> requests.Response:
        """Makes the call; the first one that carries rows is preceded by one that does not."""
        _refuse_open_basic(call.url, self._account.credentials)
        if call.body and not self._is_proved:
            drain(self._shown(call.greeting()))
        return self._shown(call)

    def _shown(self, call: Call) -> requests.Response:
        shown = self._account.credentials
        pair = base64.b64encode(f"{shown.user}:{shown.password or ''}".encode()).decode("ascii")
        with self._account.trying(call.url):
            response = call.send(authorization=f"Basic {pair}")
            _raise_for_refused(response, self._account, call)
        self._is_proved = True
        return response


class Windows:
    """Negotiate or NTLM towards one origin, shared by all threads.

    A connection is logged on once and then asks no more. Where it does ask again (authentication per request, a proxy
    that shares connections), every call brings its own handshake, with the body on the leg that can succeed.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._line = Line()
        self._scheme: str | None = None
        self._binding: GssChannelBindings | None = None
        self._each_time = False

    def send(self, call: Call) -> requests.Response:
        """Makes the call. Raises GiveUp where the account is refused."""
        if self._each_time:
            return self._log_on(call)
        if self._line.is_open or (call.body and self._greet(call)):
            response = call.send()
            if response.status_code != _UNAUTHORIZED:
                return response
            self._scheme = self._scheme or self._choose(response)
            drain(response)
            self._each_time = True
        elif call.body:
            self._each_time = True
        return self._log_on(call)

    def _greet(self, call: Call) -> bool:
        """Logs this thread's connection on with a GET; False where the server keeps no connection."""
        drain(self._log_on(call.greeting()))
        return self._line.is_open

    def _log_on(self, call: Call) -> requests.Response:
        with self._account.trying(call.url):
            response = self._handshake(call)
            _raise_for_refused(response, self._account, call)
        self._line.keep(response)
        return response

    def _handshake(self, call: Call) -> requests.Response:
        if self._scheme is None:
            response = call.send()
            if response.status_code != _UNAUTHORIZED:
                return response  # let in without a question
            self._scheme = self._choose(response)
            if self._scheme is None:
                return response
            self._binding = _binding(response)
            drain(response)
        return self._legs(call, self._scheme)

    def _legs(self, call: Call, scheme: str) -> requests.Response:
        context, leg = _context(self._account.credentials, call.url, scheme), Line()
        token, legs = _step(context, None, self._binding), 0
        while True:
            # The first leg of NTLM is always refused: a body would only be sent for nothing.
            response = call.send(authorization=f"{scheme} {_text(token)}", whole=_FIRST_NTLM not in (token or b""))
            legs += 1
            challenge = _challenge(response, scheme) if response.status_code == _UNAUTHORIZED else None
            if challenge is None or legs == _MAX_LEGS:
                return response
            leg.keep(response)
            self._binding = _binding(response)
            drain(response)
            token = _step(context, challenge, self._binding)
            if not leg.is_open:
                raise Retry(
                    f"{call.url} closed the connection in the middle of Windows authentication.",
                    advice="Whatever stands between must keep connections open, as a load balancer with affinity does.",
                )

    def _choose(self, response: requests.Response) -> str | None:
        offered = _offered(response)
        allowed = _SCHEMES[self._account.credentials.authentication]
        return next((scheme for scheme in allowed if scheme.lower() in offered), None)


def drain(response: requests.Response) -> None:
    """Reads an answer that nobody needs to its end, so that its connection is free again; a long one closes it."""
    size = 0
    for chunk in response.iter_content(1 << 16):
        size += len(chunk)
        if size > _MAX_CHATTER:
            break
    response.close()


def _refuse_open_basic(url: str, credentials: Credentials) -> None:
    if urlsplit(url).scheme != "https" and not credentials.basic_over_http:
        raise GiveUp(
            f"{url} is not https: Basic authentication would show the password to everybody on the way.",
            advice="Use an https address or Windows authentication, or set RAPIDSTART_AOS_BASIC_OVER_HTTP where the way is safe.",
            code="RSC-5911",
        )


def _raise_for_refused(response: requests.Response, account: Account, call: Call) -> None:
    if response.status_code == _UNAUTHORIZED:
        schemes = ", ".join(sorted(part.strip().split(" ")[0] for part in _header(response).split(",") if part.strip()))
        drain(response)
        raise account.refused(call.url, schemes=schemes)


def _header(response: requests.Response) -> str:
    return response.headers.get("WWW-Authenticate", "")


def _offered(response: requests.Response) -> set[str]:
    return {part.strip().split(" ")[0].lower() for part in _header(response).split(",")}


def _challenge(response: requests.Response, scheme: str) -> bytes | None:
    for part in _header(response).split(","):
        name, _, token = part.strip().partition(" ")
        if name.lower() == scheme.lower() and token:
            try:
                return base64.b64decode(token, validate=True)
            except ValueError as error:
                raise _no_account(error) from error
    return None


def _context(credentials: Credentials, url: str, scheme: str) -> Any:
    try:
        return spnego.client(
            credentials.user,
            credentials.password,
            hostname=urlsplit(url).hostname or "",
            service="HTTP",
            protocol=scheme.lower(),
        )
    except (SpnegoError, ImportError) as error:
        raise _no_account(error) from error


def _binding(response: requests.Response) -> GssChannelBindings | None:
    bound = tls.fingerprint(response)
    return GssChannelBindings(application_data=bound) if bound else None


def _step(context: Any, challenge: bytes | None, binding: GssChannelBindings | None) -> bytes | None:
    try:
        token: bytes | None = context.step(challenge, channel_bindings=binding)
    except (SpnegoError, ImportError) as error:
        raise _no_account(error) from error
    return token


def _text(token: bytes | None) -> str:
    return base64.b64encode(token or b"").decode("ascii")


def _no_account(error: Exception) -> GiveUp:
    return GiveUp(
        f"Windows authentication towards the AOS cannot be made: {error}.",
        advice="Check the account and password that this worker is configured with.",
        code=REFUSED,
    )
