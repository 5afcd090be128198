"""Windows credentials on a net.tcp connection [MS-NNS]: Negotiate or NTLM by pyspnego, everything after it encrypted and signed.

Kerberos needs the AOS by a name. AX tells its account as user@domain, which only Windows can take as it stands; a domain that
knows the computer takes host/<name>; where neither is set up, NTLM needs no name. Which one, is `TargetName`.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import spnego  # 12 MB that only a logon needs: this module is imported when one is made
from spnego.exceptions import SpnegoError

from workers.aos.nettcp import borrowed
from workers.aos.nettcp.naming import NotLetIn, TargetName
from workers.aos.nettcp.wire import Wire
from workers.aos.values import Authentication, Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Logon:
    """One way to log on."""

    credentials: Credentials
    target: TargetName
    host: str
    upn: str = ""

    def secured(self, wire: Wire) -> Any:
        """The stream over which the framing goes on. Raises NotLetIn, and OSError where the connection itself fails."""
        context = _Context(self._client())
        stream = borrowed.security_stream().NegotiateStream(wire, context)
        try:
            stream.handshake()
        except TimeoutError:
            raise
        except (SpnegoError, ImportError) as error:
            raise NotLetIn(f"{error}") from error
        except borrowed.errors() as error:
            raise NotLetIn("the AOS ended the logon", is_final=context.is_ntlm) from error
        return stream

    def _client(self) -> Any:
        try:
            client = spnego.client(
                self.credentials.user,
                self.credentials.password,
                hostname=self.host,
                service="host",
                protocol="ntlm" if self.target is TargetName.NTLM else "negotiate",
                context_req=_asked(),
            )
        except (SpnegoError, ImportError) as error:
            raise NotLetIn(f"{error}") from error
        if self.target is TargetName.UPN:
            client.spn = self.upn  # read by SSPI alone: elsewhere pyspnego makes host/<name> of everything
        return client


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


class _Context:
    """pyspnego's context as pynettcp's stream wants it."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @property
    def complete(self) -> bool:
        return bool(self._client.complete)

    @property
    def is_ntlm(self) -> bool:
        return bool(self._client.negotiated_protocol == "ntlm")

    def step(self, token: bytes | None = None) -> bytes | None:
        found: bytes | None = self._client.step(token)
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
