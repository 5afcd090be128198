"""Asks the ports of an AOS for their contracts, to show what a registration is of. That nobody answers is no obstacle."""

import time

from workers import aos
from workers.enrol.finding import Found
from workers.errors import WorkerError
from workers.settings import Settings

_PATIENCE_S = 5.0


def services(found: Found, settings: Settings) -> str:
    """What the ports offer, in one line; or why that cannot be told from here now."""
    door = aos.Door(
        settings.aos_origins.split(),
        connect_timeout_s=_PATIENCE_S,
        contract_timeout_s=_PATIENCE_S,
        ca_file=settings.aos_ca_file,
    )
    start = time.monotonic()
    try:
        names = [service.name for service in aos.read_metadata(door, found.addresses).services]
    except WorkerError as error:
        return f"cannot be read now: {error.message}"
    took = (time.monotonic() - start) * 1000
    few = ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")
    return f"{len(names)} found in {took:.0f} ms: {few}"
