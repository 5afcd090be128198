"""The workers beside an AOS, what came back from there, and what it offers: lists of its page, each sorted by itself. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from connector import api
from connector.ledger.findings import Fault
from connector.web.pages import listing
from connector.wire.metadata import Service

#: So many faults are looked through, and so many shown at once.
LATELY: Final = 500
_SHOWN: Final = 20
_SERVICES: Final = 60

_WORKERS: Final[dict[str, Callable[[api.Worker], Any]]] = {
    "name": lambda each: each["name"].casefold(),
    "state": lambda each: each["online"],
    "host": lambda each: each["host"].casefold(),
    "calls": lambda each: each["concurrency"],
    "version": lambda each: each["version"],
    "seen": lambda each: each["seen_at"],
}
_FAULTS: Final[dict[str, Callable[[Fault], Any]]] = {
    "sent": lambda each: each.sent_at,
    "job": lambda each: each.job,
    "step": lambda each: each.entity.casefold(),
    "attempt": lambda each: each.attempt,
    "reason": lambda each: each.reason.casefold(),
}
_OFFERED: Final[dict[str, Callable[[Service], Any]]] = {
    "service": lambda each: each.name.casefold(),
    "port": lambda each: each.port.casefold(),
}


def workers(found: Sequence[api.Worker], *, sort: str) -> Mapping[str, Any]:
    """The workers, in the order that is asked for."""
    by = listing.order(sort, tuple(_WORKERS), otherwise="name")
    return {"workers": listing.arranged(found, by, _WORKERS), "workers_by": by}


def faults(found: Sequence[Fault], *, sort: str, sought: str, skip: int) -> Mapping[str, Any]:
    """Batches that came back, a page of those that are looked for; the newest first where nothing else is asked."""
    by = listing.order(sort, tuple(_FAULTS), otherwise="-sent")
    chosen = listing.matching(found, sought, lambda each: f"{each.job} {each.entity} {each.reason}")
    shown = listing.paged(listing.arranged(chosen, by, _FAULTS), skip=skip, at_once=_SHOWN)
    return {"faults": shown, "faults_by": by, "any_faults": bool(found), "fault": sought}


def services(found: Sequence[Service], *, sort: str, sought: str) -> Mapping[str, Any]:
    """The services in whose records and fields one finds what is looked for, and how many more there are."""
    by = listing.order(sort, tuple(_OFFERED), otherwise="service")
    chosen = listing.arranged(listing.matching(found, sought, _text), by, _OFFERED)
    return {"services": chosen[:_SERVICES], "services_by": by, "more": max(0, len(chosen) - _SERVICES), "q": sought}


def _text(service: Service) -> str:
    """By what people look for a service: its name, its records and their fields."""
    tables = service.document.tables if service.document else ()
    return " ".join((service.name, service.port, *(t.name for t in tables), *(f.name for t in tables for f in t.fields)))
