"""Outages as every dispatcher of a ledger tells them: breakers are in the memory of the one that leads."""

import json
from dataclasses import asdict

from connector.dispatch.breaker import Outage
from connector.dispatch.dispatcher import Dispatcher
from connector.ledger import Database, endpoints


class Told:
    """What the one that leads has written down, so that it writes only what has changed."""

    def __init__(self) -> None:
        """Nothing is known of what an earlier leader wrote."""
        self._last: dict[str, Outage | None] = {}
        self._is_clean = False

    def clean(self, db: Database) -> None:
        """Forget, once, what an earlier leader wrote of endpoints that have nothing to do now."""
        for endpoint in [] if self._is_clean else endpoints.every(db):
            self.tell(db, endpoint.key, self._last.get(endpoint.key))
        self._is_clean = True

    def tell(self, db: Database, endpoint: str, outage: Outage | None) -> None:
        """Write an endpoint's outage down, or that it has none."""
        if endpoint not in self._last or self._last[endpoint] != outage:
            endpoints.remember(db, _name(endpoint), json.dumps(asdict(outage)) if outage else "")
            self._last[endpoint] = outage


def of(dispatcher: Dispatcher, db: Database, endpoint: str) -> Outage | None:
    """The outage of an endpoint, as it stands, or as the one that leads wrote it down."""
    if not dispatcher.stands_by:
        return dispatcher.gate.breakers.outage(endpoint)
    text = endpoints.fact(db, _name(endpoint))
    return Outage(**json.loads(text)) if text else None


def _name(endpoint: str) -> str:
    return f"outage {endpoint}"
