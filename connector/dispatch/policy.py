"""What happens next with a batch that came back, per kind of fault: the one place that says it. Pure.

Rows that AX refuses never come here: they have failed, in AX' words, and the others of their batch went on.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from connector.ledger.faults import Past
from connector.wire.reports import BatchReturned, Retry


class Fault(StrEnum):
    """Why a batch came back."""

    STOPPING = "stopping"
    """its worker ends, or was replaced: again at once"""
    ANSWER = "answer"
    """rows were handed over in files: AX' answer is looked for after a pause"""
    SILENT = "silent"
    """the AOS is down, restarts or is overloaded: again after growing pauses, while the breaker probes"""
    CONFLICT = "conflict"
    """AX rolled a call back because of another transaction: soon again, and not often"""
    ENDPOINT = "endpoint"
    """account, address or contract is wrong: nothing is sent before that was set right"""
    CONTRACT = "contract"
    """the port has another contract than the job was planned by: it is read again, and the job held against it"""
    JOB = "job"
    """this job cannot go on: the port does not offer what the job needs"""


#: AX rolled a call back because of another transaction (a deadlock, an update conflict).
_CONFLICT: Final = "RSC-5420"
#: The port has another contract than the job was planned by.
_STALE: Final = "RSC-5930"
#: The company cannot be used: the endpoint is at fault where the company is one of its own, else the job.
_COMPANY: Final = "RSC-5940"
#: What is wrong for every job of the endpoint; everything else that cannot be repeated concerns the job that met it.
_OF_THE_ENDPOINT: Final = frozenset(
    {
        "RSC-5901",  # no service at the address
        "RSC-5902",  # no such port, or IIS does not serve it
        "RSC-5903",  # no HTTP address
        "RSC-5904",  # an origin that the worker is not configured for
        "RSC-5905",  # the port redirects elsewhere
        "RSC-5907",  # TLS
        "RSC-5908",  # not SOAP 1.1 as text
        "RSC-5909",  # https only
        "RSC-5910",  # the account is refused
        "RSC-5911",  # the password would be shown to everybody
        "RSC-5912",  # no target name for net.tcp
        "RSC-5913",  # net.tcp needs a package
        "RSC-5921",  # the given contract cannot be read
        "RSC-5922",  # the contract is no contract
        "RSC-5923",  # the contract is too large
        "RSC-5924",  # the contract has no CallContext
        "RSC-5926",  # the given contract is another port's
        "RSC-5927",  # the port offers no service over HTTP
    }
)

#: The pause after a conflict doubles from the first to the second, in seconds.
_CONFLICT_S: Final = (0.5, 8.0)
#: The longest pause before a silent AOS is tried again, in seconds. One small call a minute harms no AOS.
_SILENT_MOST_S: Final = 60.0
#: So often a batch may come back in succession without having got any further; of silence, see `once_more`. A call of 200
#: rows that is halved each time is down to one row by then.
_TRIES: Final = {Fault.CONFLICT: 8, Fault.SILENT: 8, Fault.CONTRACT: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The pauses, as they are configured."""

    retry_pause_s: float = 5.0
    """the first pause after an AOS did not answer; it doubles from there"""
    patience_s: float = 86400.0
    """an AOS that was silent for so long is given up: its endpoint is stopped"""
    draw: Callable[[float, float], float] = random.uniform
    """between two bounds; jitter keeps batches from coming back all at once"""

    def pause_s(self, fault: Fault, times: int) -> float:
        """How long a batch is held back that came back for the `times`-th time: exponential, with full jitter."""
        if fault is Fault.STOPPING:
            return 0.0
        if fault is Fault.ANSWER:
            return self.retry_pause_s
        first, most = _CONFLICT_S if fault is Fault.CONFLICT else (self.retry_pause_s, self._most_s())
        return self.draw(0.0, _doubled(first, times, most))

    def probe_s(self, failed: int) -> float:
        """How long nothing is sent to a silent AOS after `failed` probes; never nearly nothing."""
        full = _doubled(self.retry_pause_s, failed + 1, self._most_s())
        return self.draw(full / 2, full)

    def _most_s(self) -> float:
        return max(_SILENT_MOST_S, self.retry_pause_s)


#: As the settings have it by default.
DEFAULT: Final = Policy()


def fault_of(report: BatchReturned, *, own_company: bool) -> Fault:
    """Which kind of fault it is. `own_company`: the job's company is one that its endpoint is registered with."""
    if report.retry is Retry.SOON:
        return Fault.STOPPING
    if report.retry is Retry.ANSWER:
        return Fault.ANSWER
    if report.retry is Retry.LATER:
        return Fault.CONFLICT if report.code == _CONFLICT and report.settled else Fault.SILENT
    if report.code == _STALE:
        return Fault.CONTRACT
    if stops_endpoint(report.code) or (report.code == _COMPANY and own_company):
        return Fault.ENDPOINT
    return Fault.JOB


def stops_endpoint(code: str) -> bool:
    """Whether what an error of this code says is wrong for every job of an endpoint."""
    return code in _OF_THE_ENDPOINT


def once_more(past: Past, fault: Fault, *, left: int | None, at: float, answered_at: float) -> Past:
    """The past of a batch that came back now. One that got further than the last time begins anew.

    Silence counts against the batch once for each time that the AOS answered others meanwhile (`answered_at`: the last
    answer; 0 for none): what is tried while it answers nobody says nothing about the batch. `since` is when this silence
    began.
    """
    got_further = None not in (left, past.left) and (left or 0) < (past.left or 0)
    if past.fault != fault or got_further or past.since is None:
        return Past(fault=fault, times=1, since=at, left=left)
    if fault is not Fault.SILENT:
        return Past(fault=fault, times=past.times + 1, since=past.since, left=left)
    if answered_at > past.since:
        return Past(fault=fault, times=past.times + 1, since=at, left=left)
    return Past(fault=fault, times=past.times, since=past.since, left=left)


def is_spent(past: Past) -> bool:
    """Whether a batch would come back for ever, and it is not the AOS."""
    return past.times >= _TRIES.get(Fault(past.fault), math.inf)


def _doubled(first: float, times: int, most: float) -> float:
    return min(first * 2.0 ** min(times - 1, 30), most)
