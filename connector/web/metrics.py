"""`/metrics`, in Prometheus' text format: is the queue stuck, what became of rows, does everybody live."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from connector.dispatch import Dispatcher, troubles
from connector.errors import NotAllowed, NotReachable
from connector.ledger import figures
from connector.web.objects import ONLINE_WITHIN_S
from connector.web.served import Served
from connector.web.who import Viewer

routes = APIRouter()


@routes.get("/metrics", response_class=Response)
def metrics(dispatcher: Served, asking: Viewer) -> Response:
    """Every metric of this dispatcher; those of the ledger are the same at each dispatcher that shares it."""
    if asking.service_instances is not None:
        raise NotAllowed(
            "the metrics tell of every endpoint, and you see some of them only.",
            advice="Ask for a token that sees all endpoints.",
        )
    now = time.time()
    told = _Told([*_of_process(dispatcher), *_of_ledger(dispatcher, now)])
    registry = CollectorRegistry(auto_describe=False)
    registry.register(told)
    text = generate_latest(registry) + generate_latest(dispatcher.meter.registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


class _Told:
    """Families that are known already, in the form that the library collects from."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _of_process(dispatcher: Dispatcher) -> Iterator[Metric]:
    wrong = dispatcher.healthy()
    yield _gauge("up", "Whether the dispatcher can use what it rests on.", ["component"], {(k,): not wrong[k] for k in wrong})
    yield _gauge("leader", "Whether this dispatcher leads; 0 stands by.", [], {(): not dispatcher.stands_by})
    try:
        used, most = dispatcher.outbox.memory()
    except NotReachable:
        return
    yield _gauge("broker_memory_bytes", "Memory that the broker uses.", [], {(): used})
    yield _gauge("broker_memory_limit_bytes", "The most that it may use; 0: no limit is set.", [], {(): most})


def _of_ledger(dispatcher: Dispatcher, now: float) -> Iterator[Metric]:
    """Nothing where the ledger cannot be read: `rapidstart_up` says so."""
    try:
        with dispatcher.ledger.read() as db:
            found = figures.taken(db, alive_since=now - ONLINE_WITHIN_S)
            standing = troubles.found(dispatcher, db, now=now)
        yield from _counted(found, now)
        in_trouble: dict[tuple[str, ...], int] = {(trouble.endpoint, trouble.kind.value): 1 for trouble in standing}
        yield _gauge("trouble", "What keeps an endpoint from working; 1 while it does.", ["endpoint", "kind"], in_trouble)
        yield _gauge(
            "reports_waiting",
            "Reports of workers that are not recorded yet.",
            ["endpoint"],
            {(name,): dispatcher.outbox.counts(name)[0] for name in found.queued},
        )
    except NotReachable:
        return


def _counted(found: figures.Figures, now: float) -> Iterator[Metric]:
    yield _gauge("queue_depth", "Batches without an outcome, of jobs that have not ended.", ["endpoint"], _one(found.queued))
    ages = {name: now - found.waiting_since[name] if name in found.waiting_since else 0.0 for name in found.queued}
    yield _gauge("queue_oldest_seconds", "How long the oldest job waits; 0: none does.", ["endpoint"], _one(ages))
    seen = {name: now - at for name, at in found.seen_at.items()}
    yield _gauge("endpoint_last_seen_seconds", "Seconds since a worker was heard of.", ["endpoint"], _one(seen))
    yield _gauge("workers", "Workers that are online.", ["endpoint"], _one(found.workers))
    yield _gauge("jobs", "Jobs in the ledger, by state.", ["endpoint", "state"], found.jobs)
    yield _counter("rows", "Rows in the ledger, by what became of them.", ["endpoint", "outcome"], found.rows)
    yield _counter("messages_refused", "Sealed messages that were refused.", ["endpoint", "at", "why"], found.refused)
    yield _gauge("spool_bytes", "Reports that wait on the disks of an endpoint's computers.", ["endpoint"], _one(found.spooled))
    waits = now - found.noticed_at if found.noticed_at else 0.0
    yield _gauge("notices_oldest_seconds", "How long the oldest notice waits for the webhook; 0: none does.", [], {(): waits})
    yield _counter("lead_changes", "How often a dispatcher took the lead.", [], {(): found.leads})


def _one(values: Mapping[str, float]) -> dict[tuple[str, ...], float]:
    return {(name,): value for name, value in values.items()}


def _gauge(name: str, text: str, labels: list[str], values: Mapping[tuple[str, ...], Any]) -> Metric:
    family = GaugeMetricFamily(f"rapidstart_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), float(value))
    return family


def _counter(name: str, text: str, labels: list[str], values: Mapping[tuple[str, ...], int]) -> Metric:
    family = CounterMetricFamily(f"rapidstart_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), float(value))
    return family
