"""How long calls to an AOS take, from the counts that this dispatcher keeps for its metrics."""

from collections.abc import Iterable
from dataclasses import dataclass

from connector.meter import Meter

_NAME = "rapidstart_soap_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Within how many seconds half of the calls were answered, and 95 of 100: upper bounds, as `0.25`, or `more than 160`."""

    half_s: str
    most_s: str


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
    return Latency(half_s=_within(buckets, 0.5), most_s=_within(buckets, 0.95))


def _within(buckets: Iterable[tuple[float, float]], part: float) -> str:
    """The bound under which so great a part of the calls stayed."""
    known = list(buckets)
    total, below = known[-1][1], 0.0
    for bound, count in known:
        if count >= part * total:
            return f"{bound:g}" if bound != float("inf") else f"> {below:g}"
        below = bound
    return f"> {below:g}"
