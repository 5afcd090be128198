"""Slows down who guesses: so many tries a minute from one address, and so many from all together."""

import ipaddress
from dataclasses import dataclass, field
from typing import Final

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from connector.errors import TooOften

#: One household or server has as many IPv6 addresses as it likes, all of one network of this size.
_V6_NETWORK: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """Counts tries in this process, each for a minute."""

    what: str
    per_address: RateLimitItem
    in_total: RateLimitItem
    _counts: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()))

    def count(self, address: str) -> None:
        """Note a try. Raises TooOften where there were too many of this address, or of all."""
        if self._counts.hit(self.per_address, self.what, network(address)) and self._counts.hit(self.in_total, self.what):
            return
        raise TooOften(f"too many tries ({self.what}).", advice="Wait a minute.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttles:
    """What is slowed down: signing in, tokens that are not known, registrations, and what machines show that is not known.

    These are too long to be guessed: counting them in this process saves work. Short codes: see `enrolment.guessing`.
    """

    sign_in: Throttle = field(default_factory=lambda: _throttle("signing in", 10, 60))
    tokens: Throttle = field(default_factory=lambda: _throttle("unknown tokens", 30, 300))
    registrations: Throttle = field(default_factory=lambda: _throttle("registrations", 20, 120))
    machines: Throttle = field(default_factory=lambda: _throttle("codes and letters of machines", 10, 60))


def _throttle(what: str, per_address: int, in_total: int) -> Throttle:
    return Throttle(what=what, per_address=parse(f"{per_address}/minute"), in_total=parse(f"{in_total}/minute"))


def network(address: str) -> str:
    """What counts as one guesser: the address, of IPv6 its network."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(ipaddress.ip_network((found, _V6_NETWORK), strict=False))
