"""How many workers an endpoint shall have, and which computer runs how many of them.

The wish is the endpoint's total. Each worker service on an AOS computer is told its share, within the maximum that is set
there; when a computer is lost, the others take over what it ran.
"""

import time
from collections.abc import Sequence
from typing import Final

from connector.dispatch.dispatcher import Dispatcher
from connector.errors import Refused
from connector.ledger import Database, audit, crews, endpoints
from connector.ledger.crews import Crew, Scale
from connector.wire.jobs import Wish

#: A worker service that was silent for longer runs nothing any more, in seconds: its workers end with it.
SILENT_S: Final = 15.0


def scale(
    dispatcher: Dispatcher,
    name: str,
    *,
    workers: int | None = None,
    concurrency: int | None = None,
    by: str = audit.ITSELF,
) -> Scale:
    """Wish so many workers, with so many calls at once each. What is not named stays as it was wished.

    Raises NotFound, and Refused where no endpoint could have so many.
    """
    if workers is not None and workers < 0:
        raise Refused("an endpoint cannot have fewer than 0 workers.", advice="With 0 its jobs wait until it is scaled up.")
    if concurrency is not None and not 1 <= concurrency <= 64:
        raise Refused("a worker makes 1 to 64 calls at once.", advice="For more, wish more workers: --workers N")
    with dispatcher.ledger.write() as db:
        key = endpoints.get(db, name).key
        before = crews.wish(db, key)
        new = Scale(
            workers=before.workers if workers is None else workers,
            concurrency=before.concurrency if concurrency is None else concurrency,
        )
        crews.keep_wish(db, key, new)
        told = {"workers": new.workers, "concurrency": new.concurrency}
        audit.note(db, "endpoint scale", by=by, subject=key, at=time.time(), details=told)
    return new


def unscale(dispatcher: Dispatcher, name: str, *, by: str = audit.ITSELF) -> None:
    """Wish nothing any more: each worker service does what its own settings say. Raises NotFound."""
    with dispatcher.ledger.write() as db:
        key = endpoints.get(db, name).key
        crews.keep_wish(db, key, Scale())
        audit.note(db, "endpoint scale", by=by, subject=key, at=time.time(), details={"workers": "as set there"})


def share(db: Database, endpoint: str, crew: str, *, now: float, listening_since: float) -> Wish | None:
    """What is wished of one worker service. None: nothing can be said yet, and it stays as it is.

    That is so while another one is silent that may only have had nobody to speak to: whoever listens since a moment ago
    would take its computer for lost.
    """
    key = endpoint.lower()
    wished, known = crews.wish(db, key), crews.of_endpoint(db, key)
    if wished.workers is None:
        return Wish(concurrency=wished.concurrency)
    if any(now - each.seen_at > SILENT_S >= now - listening_since for each in known):
        return None
    living = [each for each in known if now - each.seen_at <= SILENT_S]
    return Wish(workers=divided(wished.workers, living).get(crew.lower(), 0), concurrency=wished.concurrency)


def divided(total: int, living: Sequence[Crew]) -> dict[str, int]:
    """Each worker service's share of `total` workers, by its name: even, none over its maximum; the rest goes to the roomiest."""
    shares: dict[str, int] = {}
    left = total
    # Those with the least room first: what they cannot take is divided among the others.
    for place, crew in enumerate(sorted(living, key=lambda each: (each.most, each.crew))):
        shares[crew.crew] = min(crew.most, left // (len(living) - place))
        left -= shares[crew.crew]
    return shares


def offline(wished: Scale, known: Sequence[Crew], *, name: str) -> str:
    """Why an endpoint has no workers, where that is wished, or a worker service runs none; else ""."""
    if wished.workers == 0:
        return f"{name} is scaled to 0 workers; for some: rapidstart endpoint scale {name} --workers N"
    living = [each for each in known if time.time() - each.seen_at <= SILENT_S]
    if living and not sum(each.most for each in living):
        return f"the worker service of {name} may run no workers; set RAPIDSTART_MAX_WORKERS there"
    return ""
