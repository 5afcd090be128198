"""What a finished batch is told as."""

from dataclasses import dataclass

from connector.wire.reports import Outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A finished batch: every row has an outcome."""

    outcomes: Outcomes
    calls: int
    """calls to AX, lookups included"""
    log: tuple[str, ...]
    call_rows: int = 0
    """root rows of the longest call that wrote something"""
    call_seconds: float = 0.0
    refused: tuple[str, ...] = ()
    """MessageIds of calls that AX refused"""
