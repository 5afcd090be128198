"""Misbehaviour on request: which of a call's ways to fail happens, by chance, the same for the same seed."""

import random
import threading
from collections.abc import Mapping
from enum import StrEnum


class Fault(StrEnum):
    """A way in which an AOS misbehaves."""

    HTTP503 = "http503"
    """IIS answers for an AOS that is not there; nothing is done"""
    RESET = "reset"
    """the connection is closed before anything is done"""
    TIMEOUT_AFTER = "timeout_after"
    """the call is carried out, the connection closed without an answer"""
    DEADLOCK = "deadlock"
    """a writing call is rolled back"""
    SLOW = "slow"
    """the answer takes two seconds longer"""


class Chaos:
    """Draws faults, call after call. May be used by several threads."""

    def __init__(self, rates: Mapping[Fault, float], *, seed: int) -> None:
        self._rates = dict(rates)
        self._random = random.Random(seed)  # noqa: S311
        self._lock = threading.Lock()

    def draw(self) -> frozenset[Fault]:
        """What goes wrong with the next call."""
        if not self._rates:
            return frozenset()
        with self._lock:
            return frozenset(fault for fault, rate in self._rates.items() if self._random.random() < rate)
