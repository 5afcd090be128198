"""Windows authentication (HTTP Negotiate or NTLM) for requests, by pyspnego.

It answers a server's challenge and volunteers nothing; the door decides which origins may be answered at all.
"""

import base64
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import spnego
from requests.auth import AuthBase
from spnego.exceptions import SpnegoError

from workers.aos.values import Credentials
from workers.errors import GiveUp

#: A handshake of more legs than this is a server that never makes up its mind.
_MAX_LEGS: Final = 4


class Negotiate(AuthBase):
    """Answers 401 on the same connection until the server is content; the last answer stands."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Asks to see the answer: only a challenge is answered, nothing is sent ahead of one."""
        request.register_hook("response", self._answer)  # type: ignore[no-untyped-call]
        return request

    def _answer(self, response: requests.Response, **options: Any) -> requests.Response:
        scheme = offered(response)
        if response.status_code != requests.codes.unauthorized or scheme is None:
            return response
        context = self._context(response.request.url or "", scheme)
        for leg in range(_MAX_LEGS):
            challenge = _challenge(response, scheme)
            if leg and challenge is None:  # no more to answer: the account is refused
                break
            token = _step(context, challenge)
            if token is None:
                break
            response = _leg(response, scheme, token, options)
            if response.status_code != requests.codes.unauthorized:
                break
        return response

    def _context(self, url: str, scheme: str) -> Any:
        host = urlsplit(url).hostname
        try:
            return spnego.client(
                self._credentials.user,
                self._credentials.password,
                hostname=host or "",
                service="HTTP",
                protocol=scheme.lower(),
            )
        except (SpnegoError, ImportError) as error:
            raise _no_account(error) from error


def offered(response: requests.Response) -> str | None:
    """The scheme to answer with, `Negotiate` before `NTLM`; None where the server offers neither."""
    schemes = {part.strip().split(" ")[0].lower() for part in response.headers.get("WWW-Authenticate", "").split(",")}
    return next((scheme for scheme in ("Negotiate", "NTLM") if scheme.lower() in schemes), None)


def _challenge(response: requests.Response, scheme: str) -> bytes | None:
    for part in response.headers.get("WWW-Authenticate", "").split(","):
        name, _, token = part.strip().partition(" ")
        if name.lower() == scheme.lower() and token:
            try:
                return base64.b64decode(token, validate=True)
            except ValueError as error:
                raise _no_account(error) from error
    return None


def _step(context: Any, challenge: bytes | None) -> bytes | None:
    try:
        return None if context.complete else context.step(challenge)
    except SpnegoError as error:
        raise _no_account(error) from error


def _leg(response: requests.Response, scheme: str, token: bytes, options: dict[str, Any]) -> requests.Response:
    """Sends the request again with a token, on the connection that the challenge came from (NTLM is bound to it)."""
    _ = response.content  # read to its end, so that the connection is free again
    response.close()
    request = response.request.copy()
    request.headers["Authorization"] = f"{scheme} {base64.b64encode(token).decode('ascii')}"
    whole = response.request.body
    if b"NTLMSSP\x00\x01" in token and whole:
        # The first leg of NTLM is always refused: its body would only be sent for nothing.
        request.body, request.headers["Content-Length"] = b"", "0"
    answer = response.connection.send(request, **options)
    answer.request.body = whole
    if whole:
        answer.request.headers["Content-Length"] = str(len(whole))
    answer.history.append(response)
    return answer


def _no_account(error: Exception) -> GiveUp:
    return GiveUp(
        f"Windows authentication towards the AOS cannot be made: {error}.",
        advice="Check the account and password that this worker is configured with.",
        code="RSC-5910",
    )
