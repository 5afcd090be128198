"""What a worker finds out about its AOS when it is asked: can it be reached, and what does it let this account do."""

from collections.abc import Sequence

from connector.wire.reports import Check
from workers import aos


def connection(door: aos.Door, addresses: Sequence[str], scope: aos.Scope) -> list[Check]:
    """One check per thing that must work, in the order in which they depend on each other."""
    return aos.check(door, addresses, scope)
