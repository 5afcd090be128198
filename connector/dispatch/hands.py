"""In whose hands the batches of a running job are, where that is worth a word. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from connector.dispatch.leases import Leases
from connector.ledger.batches import InFlight

#: Workers tell every second that they live; nothing is said of one that misses a few, in seconds.
_QUIET_S: Final = 4.0
#: Nor of a batch that lies on the queue for a moment, in seconds.
_UNTAKEN_S: Final = 5.0


def told(flying: Sequence[InFlight], leases: Leases, *, endpoint: str, now: float) -> str:
    """Why a running job does not get on: its worker is silent, or none has taken its next batch. "" where it does."""
    held = [batch.ref for batch in flying if leases.holds(batch.ref)]
    if held:
        quiet, left = leases.quiet(held)
        if quiet < _QUIET_S:
            return ""
        again = clock(now + max(left, 0.0))
        return f"running: nothing was heard of its worker since {clock(now - quiet)}; what it holds is sent again at {again}"
    late = any(batch.sent_at < now - _UNTAKEN_S for batch in flying)
    return f"running: no worker of {endpoint} has taken its next batch yet" if late else ""


def clock(at: float) -> str:
    """A moment on this computer's clock, to the minute."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M")
