"""The channels of a worker process: one per thread and service, opened when needed, replaced after an error or a rest.

What goes wrong becomes one of the workers' errors here: before a message went out nothing was done, afterwards nobody knows.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from workers.aos.logon import PAUSE_S, Account
from workers.aos.nettcp import borrowed, failing
from workers.aos.nettcp.channel import Channel
from workers.aos.nettcp.naming import NotLetIn, TargetName
from workers.aos.nettcp.place import place, via
from workers.aos.nettcp.way import Way
from workers.aos.nettcp.wire import Wire
from workers.aos.values import Authentication, Credentials
from workers.errors import GiveUp

if TYPE_CHECKING:
    from workers.aos.nettcp.logon import Logon, Started

#: A channel that rested longer is replaced, in seconds. WCF closes one after ten minutes.
IDLE_S: Final = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _LetIn:
    """How a service let the worker in, the first time."""

    target: TargetName
    told: str

    @classmethod
    def by(cls, target: TargetName, channel: Channel, reasons: Sequence[str]) -> "_LetIn":
        """`reasons`: why names that were tried before did not do."""
        kind = "NTLM" if channel.logon and channel.logon.is_ntlm else "Kerberos"
        others = f" Before: {'; '.join(reasons)}." if reasons else ""
        return cls(target=target, told=f"it lets this worker's account in by {kind} (target name: {target}).{others}")


class Channels:
    """Shared by all threads of a worker process; each has its own channels. `credentials` None: nobody is shown."""

    def __init__(
        self,
        *,
        credentials: Credentials | None,
        connect_timeout_s: float,
        max_answer: int,
        target_name: TargetName = TargetName.AUTO,
        refused_pause_s: float = PAUSE_S,
        idle_s: float = IDLE_S,
    ) -> None:
        self._credentials = credentials
        self._connect_timeout_s = connect_timeout_s
        self._max_answer = max_answer
        self._target_name = target_name
        self._refused_pause_s = refused_pause_s
        self._idle_s = idle_s
        self._threads = threading.local()
        self._lock = threading.Lock()
        self._accounts: dict[str, Account] = {}
        self._worked: dict[str, _LetIn] = {}

    def post(self, address: str, message: bytes, *, way: Way, is_shown: bool, time_limit_s: float, writes: bool) -> bytes:
        """Sends a SOAP 1.2 message and reads the answer, both as XML.

        `is_shown`: the peer may see who the worker is. Raises Retry (nothing was done), Unsettled (a write may have
        happened), Refusal (the message is too large), GiveUp.
        """
        deadline, kept = time.monotonic() + time_limit_s, self._kept()
        channel = kept.pop(address, None)
        if channel and not channel.is_usable(idle_s=self._idle_s):
            channel.close()
            channel = None
        try:
            channel = channel or self._opened(address, way, deadline, is_shown=is_shown)
            channel.is_sent = False
            answer = channel.exchange(message, deadline=deadline)
        except borrowed.errors() as error:
            is_sent = channel is not None and channel.is_sent
            if channel:
                channel.close()
            raise failing.translated(error, via(address), time_limit_s, writes=writes and is_sent) from error
        self._keep(address, channel)
        return answer

    def greet(self, address: str, *, way: Way, is_shown: bool, time_limit_s: float) -> str:
        """Opens a channel and closes it. How the worker was let in, in words. Raises Retry or GiveUp.

        The contract, which says whether messages are streamed, may not be known yet: a port takes one of the two.
        """
        deadline = time.monotonic() + time_limit_s
        try:
            try:
                self._opened(address, way, deadline, is_shown=is_shown).close()
            except borrowed.errors():
                self._opened(address, replace(way, streamed=not way.streamed), deadline, is_shown=is_shown).close()
        except borrowed.errors() as error:
            raise failing.translated(error, via(address), time_limit_s, writes=False) from error
        if self._credentials is None or not is_shown:
            return "it asks nobody who they are"
        return self._worked[address].told

    def close(self) -> None:
        """Closes the calling thread's channels."""
        for channel in self._kept().values():
            channel.close()
        self._kept().clear()

    def _kept(self) -> dict[str, Channel]:
        if not hasattr(self._threads, "channels"):
            self._threads.channels = {}
        return self._threads.channels  # type: ignore[no-any-return]

    def _keep(self, address: str, channel: Channel) -> None:
        if channel.is_usable(idle_s=self._idle_s):
            self._kept()[address] = channel
        else:
            channel.close()

    def _opened(self, address: str, way: Way, deadline: float, *, is_shown: bool) -> Channel:
        if self._credentials is None or not is_shown:
            return self._connected(address, way, deadline, None)
        account = self._account(address, self._credentials)
        with account.trying(address):
            return self._logged_on(address, way, deadline, account)

    def _logged_on(self, address: str, way: Way, deadline: float, account: Account) -> Channel:
        """A channel by the first name that the AOS takes; it is remembered."""
        reasons: list[str] = []
        for logon in self._ways(address, account.credentials, way):
            try:
                channel = self._connected(address, way, deadline, logon.started())
            except NotLetIn as error:
                reasons.append(f"{logon.target}: {error}")
                if error.is_final:
                    break
            else:
                self._worked.setdefault(address, _LetIn.by(logon.target, channel, reasons))
                return channel
        raise account.refused(via(address), schemes="", how="net.tcp; " + "; ".join(reasons))

    def _ways(self, address: str, credentials: Credentials, way: Way) -> "Sequence[Logon]":
        from workers.aos.nettcp.logon import ways

        known = self._worked.get(address)
        target = known.target if known else self._target_name
        found = ways(credentials, target, host=place(address)[1], upn=way.upn)
        if not found:
            raise GiveUp(
                f"{via(address)}: its contract names no account, so there is no target name upn.",
                advice="Set RAPIDSTART_AOS_TARGET_NAME to auto, spn or ntlm.",
                code="RSC-5912",
            )
        return found

    def _connected(self, address: str, way: Way, deadline: float, logon: "Started | None") -> Channel:
        _, host, port = place(address)
        wire = Wire(host, port, deadline=deadline, connect_timeout_s=self._connect_timeout_s, ceiling=self._max_answer)
        try:
            return Channel(wire, via(address), streamed=way.streamed, logon=logon, ceiling=self._max_answer)
        except BaseException:
            wire.close()
            raise

    def _account(self, address: str, credentials: Credentials) -> Account:
        if credentials.authentication is Authentication.BASIC:
            raise GiveUp(
                f"{via(address)}: net.tcp knows Windows accounts only.",
                advice="Set RAPIDSTART_AOS_AUTHENTICATION to windows or ntlm.",
                code="RSC-5903",
            )
        with self._lock:
            return self._accounts.setdefault(address, Account(credentials, pause_s=self._refused_pause_s))
