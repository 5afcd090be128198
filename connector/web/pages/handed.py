"""Packages that were handed in lately: to be loaded once more, or elsewhere."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from connector.access import scope
from connector.access.principal import Principal
from connector.dispatch import Dispatcher
from connector.ledger import packages
from connector.ledger.packages import PackageRecord
from connector.web.pages import listing, mapped
from connector.web.pages.prepared import Prepared

#: So many are looked through, and so many shown at once.
_LATELY: Final = 500
_SHOWN: Final = 20

_COLUMNS: Final[Mapping[str, Callable[[PackageRecord], Any]]] = {
    "received": lambda each: each.received_at,
    "name": lambda each: each.name.casefold(),
    "size": lambda each: each.size,
}


def lately(dispatcher: Dispatcher, asking: Principal, asked: Prepared) -> dict[str, Any]:
    """What the page tells of them: those that somebody may see, sorted and filtered as its address says."""
    with dispatcher.ledger.read() as db:
        every = packages.listing(db, among=scope.visible(db, asking), limit=_LATELY)
    every = [each for each in every if each.name != mapped.NAME]
    by = listing.order(asked.sort, tuple(_COLUMNS), otherwise="-received")
    found = listing.arranged(listing.matching(every, asked.q, lambda each: each.name), by, dict(_COLUMNS))
    return {"every": every, "by": by, "q": asked.q, "paged": listing.paged(found, skip=asked.skip, at_once=_SHOWN)}
