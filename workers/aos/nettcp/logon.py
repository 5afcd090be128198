"""Windows credentials on a net.tcp connection [MS-NNS], and everything after them encrypted and signed.

Kerberos needs the AOS by a name: a domain that knows the computer takes host/<name>, AX tells its account as user@domain;
where neither is set up, NTLM needs no name. Which one, is `TargetName`. On Windows pyspnego asks Windows, which may choose
NTLM by itself; elsewhere Kerberos is in `kerberos`, and NTLM in pyspnego.
"""

import math
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import spnego  # 12 MB that only a logon needs: this module is imported when one is made
from spnego.exceptions import SpnegoError

from workers.aos.nettcp import borrowed, kerberos
from workers.aos.nettcp.naming import NotLetIn, TargetName
from workers.aos.nettcp.secured import Secured
from workers.aos.nettcp.wire import Wire
from workers.aos.values import Authentication, Credentials

#: Windows has Kerberos itself.
_HAS_SSPI: Final = sys.platform == "win32"
#: Codes of Windows with which an AOS ends a logon.
_CODES: Final = {
    0x8009030C: "the AOS does not take the account, or its password",
    0x80090322: "the AOS runs under another account than this name says",
    0x80090324: "the clocks of this computer, the domain and the AOS are more than 5 minutes apart",
    0x80090328: "the password of the account is too old",
}


class Context(Protocol):
    """A logon, as pynettcp's stream wants it, and what else is asked of it."""

    @property
    def complete(self) -> bool:
        """Whether both sides are known to each other."""

    @property
    def is_ntlm(self) -> bool:
        """Whether it came to NTLM."""

    @property
    def lasts_s(self) -> float:
        """How long it is good for, in seconds."""

    def step(self, token: bytes | None = None) -> bytes | None:
        """The answer to the peer's token. Raises NotLetIn."""

    def wrap(self, data: bytes) -> bytes:
        """A frame, encrypted and signed. Raises Garbled."""

    def unwrap(self, data: bytes) -> bytes:
        """What is in a frame. Raises Garbled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logon:
    """One way to log on."""

    credentials: Credentials
    target: TargetName
    host: str
    upn: str = ""

    def started(self) -> "Started":
        """The logon with what it says first, before anybody is connected to: a ticket was got. Raises NotLetIn."""
        context = self._context()
        return Started(context=context, token=context.step() or b"")

    def _context(self) -> Context:
        if self.target is TargetName.NTLM or _HAS_SSPI:
            return _Windows(self)
        name = self.upn if self.target is TargetName.UPN else self.host
        return kerberos.Context(self.credentials, target=self.target, name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A logon that may be made on one connection."""

    context: Context
    token: bytes

    def secured(self, wire: Wire, *, ceiling: int) -> Secured:
        """The stream over which the framing goes on. `ceiling`: see `Secured`. Raises NotLetIn, and TimeoutError."""
        stream = borrowed.security_stream().NegotiateStream(wire, self.context)
        try:
            stream.send_token(self.token)
            stream.handshake(first_token=self.token)
        except TimeoutError:
            raise
        except borrowed.errors() as error:
            raise _ended(wire.last if borrowed.is_refused(error) else b"", is_ntlm=self.context.is_ntlm) from error
        return Secured(wire, self.context, ceiling=ceiling)


def ways(credentials: Credentials, target: TargetName, *, host: str, upn: str) -> Sequence[Logon]:
    """The ways to log on, in the order in which they are tried."""
    if credentials.authentication is Authentication.NTLM:
        target = TargetName.NTLM
    full = socket.getfqdn(host)
    named = {TargetName.SPN: full, TargetName.UPN: host if upn else "", TargetName.NTLM: full}
    kinds = list(named) if target is TargetName.AUTO else [target]
    return [Logon(credentials=credentials, target=kind, host=named[kind], upn=upn) for kind in kinds if named[kind]]


def _asked() -> spnego.ContextReq:
    """What WCF asks for: the peer must know it, to the last flag, else it ends the connection without a word."""
    asked = spnego.ContextReq
    return (
        asked.mutual_auth | asked.replay_detect | asked.sequence_detect | asked.integrity | asked.confidentiality | asked.identify
    )


def _ended(code: bytes, *, is_ntlm: bool) -> NotLetIn:
    """`code`: with which the AOS ended the logon [MS-NNS 2.2.1]; Windows says much by it, .NET elsewhere little."""
    known = _CODES.get(int.from_bytes(code, "big"))
    if known:
        return NotLetIn(known, is_final=is_ntlm)
    if is_ntlm:
        return NotLetIn("the AOS ended the logon", is_final=True)
    return NotLetIn(
        "the AOS ended the logon: it runs under another account than this name says, or its clock and the domain's are "
        "more than 5 minutes apart"
    )


class _Windows:
    """pyspnego's context: NTLM, or what Windows makes of a name."""

    lasts_s: Final = math.inf

    def __init__(self, logon: Logon) -> None:
        try:
            self._client = spnego.client(
                logon.credentials.user,
                logon.credentials.password,
                hostname=logon.host,
                service="host",
                protocol="ntlm" if logon.target is TargetName.NTLM else "negotiate",
                context_req=_asked(),
            )
        except (SpnegoError, ImportError) as error:
            raise NotLetIn(f"{error}") from error
        if logon.target is TargetName.UPN:
            self._client.spn = logon.upn  # Windows takes the account as it stands

    @property
    def complete(self) -> bool:
        return bool(self._client.complete)

    @property
    def is_ntlm(self) -> bool:
        return bool(self._client.negotiated_protocol == "ntlm")

    def step(self, token: bytes | None = None) -> bytes | None:
        try:
            found: bytes | None = self._client.step(token)
        except (SpnegoError, ImportError) as error:
            raise NotLetIn(f"{error}") from error
        return found

    def wrap(self, data: bytes) -> bytes:
        found: bytes = self._client.wrap(data, encrypt=True).data
        return found

    def unwrap(self, data: bytes) -> bytes:
        try:
            found: bytes = self._client.unwrap(data).data
        except SpnegoError as error:
            raise borrowed.Garbled("a frame cannot be decrypted") from error
        return found
