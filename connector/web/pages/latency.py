"""How long calls to an AOS take, from the counts that this dispatcher keeps for its metrics."""

from collections.abc import Iterable
from dataclasses import dataclass

from connector.meter import Meter

_NAME = "rapidstart_soap_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Within how many seconds 50, 95 and 99 of 100 calls were answered: upper bounds, as `0.25`, or `> 160`; of how many."""

    half_s: str
    most_s: str
    nearly_all_s: str
    calls: int


def latency(meter: Meter, endpoint: str) -> Latency | None:
    """The latency of the calls to an endpoint since this process started; None where there were none."""
    buckets = sorted(
        (float(sample.labels["le"]), sample.value)
        for family in meter.registry.collect()
        for sample in family.samples
        if sample.name == f"{_NAME}_bucket" and sample.labels["endpoint"].lower() == endpoint.lower()
    )
    if not buckets or not buckets[-1][1]:
        return None
    half, most, nearly_all = (_within(buckets, part) for part in (0.5, 0.95, 0.99))
    return Latency(half_s=half, most_s=most, nearly_all_s=nearly_all, calls=int(buckets[-1][1]))


def _within(buckets: Iterable[tuple[float, float]], part: float) -> str:
    """The bound under which so great a part of the calls stayed."""
    known = list(buckets)
    total, below = known[-1][1], 0.0
    for bound, count in known:
        if count >= part * total:
            return f"{bound:g}" if bound != float("inf") else f"> {below:g}"
        below = bound
    return f"> {below:g}"
