"""What keeps endpoints from working, in fixed words: for whoever watches. It is read from the ledger and changes nothing."""

import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from connector.dispatch import outages
from connector.dispatch.dispatcher import Dispatcher
from connector.ledger import Database, endpoints

#: Workers that were silent for so long, all of an endpoint, are lost. A restart takes less.
LOST_AFTER_S: Final = 60.0


class Kind(StrEnum):
    """What is wrong."""

    ENDPOINT_LOST = "endpoint_lost"
    """all its workers fell silent, and none of them said that it ends"""
    BREAKER_OPEN = "breaker_open"
    """its AOS does not answer: it is probed"""
    ENDPOINT_STOPPED = "endpoint_stopped"
    """its account, address or contract was refused: nothing is sent before a person says so"""
    BROKER_UNREACHABLE = "broker_unreachable"
    """of no endpoint: nothing comes and goes"""


class Trouble(NamedTuple):
    """A kind of trouble, and the name of the endpoint that has it; "" where it is of none."""

    kind: Kind
    endpoint: str


def found(dispatcher: Dispatcher, db: Database, *, now: float, listening_since: float = 0.0) -> Mapping[Trouble, str]:
    """Every trouble as it stands, with its sentence.

    Workers are not held to be lost because of the time before `listening_since`, nor while the broker is away.
    """
    sentences: dict[Trouble, str] = {}
    if dispatcher.trouble:
        sentences[Trouble(Kind.BROKER_UNREACHABLE, "")] = dispatcher.trouble
    for endpoint in endpoints.every(db):
        if endpoint.stopped:
            stopped = endpoint.stopped
            sentences[Trouble(Kind.ENDPOINT_STOPPED, endpoint.name)] = f"{stopped.reason} {stopped.advice}".strip()
        if outage := outages.of(dispatcher, db, endpoint.key):
            sentences[Trouble(Kind.BREAKER_OPEN, endpoint.name)] = outage.reason
        if lost := None if dispatcher.trouble else _lost(db, endpoint, now - LOST_AFTER_S, listening_since):
            sentences[Trouble(Kind.ENDPOINT_LOST, endpoint.name)] = lost
    return sentences


def _lost(db: Database, endpoint: endpoints.Endpoint, alive_since: float, listening_since: float) -> str:
    """Why an endpoint is lost; "" where it is not: its workers ended in good order, or one was heard of."""
    silent = [worker for worker in endpoints.workers_of(db, endpoint.key) if not worker.stopped]
    if not silent or max(silent[0].seen_at, listening_since) > alive_since:
        return ""
    since = time.strftime("%Y-%m-%d %H:%M", time.gmtime(silent[0].seen_at))
    return f"no worker of {endpoint.name} was heard of since {since} UTC. Look whether its computer and its worker run."
