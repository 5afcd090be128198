"""What this process counts as it happens, for a monitoring system. It begins at nought with the process, as such counters may.

All else that is told comes from the ledger. Labels are endpoints and fixed words: companies and jobs would be without number.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from cryptography import x509
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

#: Upper bounds of the histogram, in seconds: from a lookup of one record to the longest call that is waited for.
_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0)


class Meter:
    """Counts calls and the batches that came back without an outcome. Safe to use from several threads."""

    def __init__(self, *, certificates: Mapping[str, Path] | None = None) -> None:
        """`certificates`: PEM files, by what they are for; when they end is looked up whenever it is asked."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._calls = Histogram(
            "rapidstart_soap_seconds",
            "Seconds that a call to an AOS took, on average over the calls of a batch.",
            ["endpoint"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._faults = Counter(
            "rapidstart_soap_faults",
            "Batches that a worker gave back without an outcome, by the code of the reason.",
            ["endpoint", "kind"],
            registry=self.registry,
        )

        self._ends = Gauge(
            "rapidstart_certificate_expiry_timestamp_seconds",
            "When the first certificate of a file ends, in seconds since 1970; 0: it cannot be read.",
            ["certificate"],
            registry=self.registry,
        )
        for name, file in (certificates or {}).items():
            self._ends.labels(name).set_function(partial(_ends, file))

    def called(self, endpoint: str, *, calls: int, seconds: float) -> None:
        """A batch is done: its calls took so long, all together."""
        observed = self._calls.labels(endpoint)
        for _ in range(calls):
            observed.observe(seconds / calls)

    def came_back(self, endpoint: str, *, code: str) -> None:
        """A batch came back, for the reason that has this code ("" : none)."""
        self._faults.labels(endpoint, code or "none").inc()


def _ends(file: Path) -> float:
    try:
        return min(each.not_valid_after_utc.timestamp() for each in x509.load_pem_x509_certificates(file.read_bytes()))
    except (OSError, ValueError):
        return 0.0
