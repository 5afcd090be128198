"""The AOS instances that are registered here, what surveys found of them, and the workers that were seen beside them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from connector.errors import Conflict, NotFound
from connector.ledger import crews, dictionaries, limits, machines, marks, trust
from connector.ledger.limits import Limits, Stopped
from connector.ledger.marks import Mark
from connector.ledger.schema import endpoints, facts, jobs, workers
from connector.ledger.store import Database
from connector.wire.jobs import Target
from connector.wire.metadata import Metadata
from connector.wire.reports import Check, WorkerAlive


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualCompany:
    """Companies that share the tables of some table collections: what one of them writes there, all of them see."""

    name: str
    companies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A registered AOS instance. `key` is its name in lower case; `companies` empty means: not known."""

    key: str
    name: str
    addresses: tuple[str, ...]
    companies: tuple[str, ...] = ()
    partition: str | None = None
    has_contract: bool = False
    paused: bool = False
    added_at: float = 0.0
    fingerprint: str | None = None
    surveyed_at: float | None = None
    checks: tuple[Check, ...] = ()
    limits: Limits = field(default_factory=Limits)
    stopped: Stopped | None = None
    """why nothing is sent before a person, or a test, says that it may go on"""
    mark: Mark | None = None
    """by which its database is known; None where nobody has told one"""
    marker: Target | None = None
    """the service that tells the mark"""
    database: str = ""
    """the AX database, in lower case, where other endpoints write to the same one"""
    scope: str = ""
    """how far loads reach, where mapping and metadata do not say: company, virtual company, partition, installation"""
    virtual_companies: tuple[VirtualCompany, ...] = ()
    service_instance: str = "Default"
    """the named deployment that it belongs to: who may see that may see it"""
    not_idempotent: tuple[str, ...] = ()
    """ports that carry a message out again which they have seen: a call of unknown end is never repeated there; `*`: all"""

    def may_repeat(self, port: str) -> bool:
        """Whether a call of unknown end may be made again at this port, as far as people have said."""
        return not {"*", port.casefold()} & {each.casefold() for each in self.not_idempotent}

    def sharing(self, company: str | None) -> tuple[tuple[str, str], ...]:
        """The companies that share a virtual company with this one, each with its name."""
        mine = [each for each in self.virtual_companies if _is_among(company, each.companies)]
        return tuple((other, each.name) for each in mine for other in each.companies if not _is_among(other, (company,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker process as it was last seen."""

    endpoint: str
    worker: str
    host: str
    pid: int
    version: str
    concurrency: int
    seen_at: float
    stopped: bool
    spool_bytes: int = 0
    """what waits on its computer's disk for the endpoint, as it was told last"""


_PLAIN = [column for column in endpoints.c if column.name not in {"contract", "metadata"}]
_EVERY = sa.select(*_PLAIN, endpoints.c.contract.is_not(None).label("has_contract")).order_by(endpoints.c.key)
_BY_NAME = _EVERY.where(endpoints.c.key == sa.bindparam("of_key"))
_METADATA = sa.select(endpoints.c.metadata).where(endpoints.c.key == sa.bindparam("of_key"))


def add(db: Database, endpoint: Endpoint, *, contract: bytes | None = None) -> None:
    """Register an endpoint. Raises Conflict where the name is taken."""
    if db.execute(sa.select(endpoints.c.key).where(endpoints.c.key == endpoint.key)).first():
        raise Conflict(
            f"an endpoint named {endpoint.name} is registered already.",
            advice=f"Choose another name, or change it: rapidstart endpoint add {endpoint.name} --replace",
        )
    db.execute(
        sa.insert(endpoints).values(
            key=endpoint.key,
            name=endpoint.name,
            addresses=json.dumps(endpoint.addresses),
            companies=json.dumps(endpoint.companies),
            partition=endpoint.partition,
            contract=contract,
            paused=False,
            added_at=endpoint.added_at,
            limits=limits.text(endpoint.limits),
            database=endpoint.database,
            scope=endpoint.scope,
            virtual_companies=_virtual_text(endpoint.virtual_companies),
            service_instance=endpoint.service_instance,
            not_idempotent=json.dumps(endpoint.not_idempotent),
        )
    )


def change(db: Database, endpoint: Endpoint, given: Mapping[str, object], *, contract: bytes | None = None) -> None:
    """Set what is given of a registered endpoint, by the names of its fields, and its contract where there is another one.

    What a survey found at other addresses, or by another contract, is forgotten, and the data dictionary of another computer.
    Raises Conflict while it has unfinished jobs, but for `not_idempotent` alone: while something is loaded it is found out.
    """
    if contract is not None or given.keys() - {"not_idempotent"}:
        _check_idle(db, endpoint)
    changed = replace(endpoint, **given)  # type: ignore[arg-type]  # the caller's fields are ours
    values: dict[str, Any] = {
        "addresses": json.dumps(changed.addresses),
        "companies": json.dumps(changed.companies),
        "partition": changed.partition,
        "database": changed.database,
        "scope": changed.scope,
        "virtual_companies": _virtual_text(changed.virtual_companies),
        "service_instance": changed.service_instance,
        "not_idempotent": json.dumps(changed.not_idempotent),
    }
    if contract is not None:
        values["contract"] = contract
    if contract is not None or changed.addresses != endpoint.addresses:
        values |= dict.fromkeys(("metadata", "fingerprint", "surveyed_at", "checks", "mark", "marker"))
    if _computers(changed) != _computers(endpoint):
        dictionaries.forget(db, endpoint.key)
    db.execute(sa.update(endpoints).where(endpoints.c.key == endpoint.key).values(values))


def _computers(endpoint: Endpoint) -> set[str]:
    return {(urlsplit(address).hostname or "").lower() for address in endpoint.addresses}


def _check_idle(db: Database, endpoint: Endpoint) -> None:
    """Raises Conflict while an endpoint has unfinished jobs."""
    unfinished = sa.select(jobs.c.id).where(jobs.c.endpoint == endpoint.key, jobs.c.finished_at.is_(None))
    if job := db.execute(unfinished).scalar():
        raise Conflict(f"{endpoint.name} has unfinished jobs, as {job}.", advice=f"Cancel it: rapidstart job cancel {job}")


def remove(db: Database, key: str) -> None:
    """Forget an endpoint. Raises NotFound, and Conflict while it has unfinished jobs."""
    _check_idle(db, get(db, key))
    db.execute(sa.delete(workers).where(workers.c.endpoint == key))
    limits.forget_paces(db, key)
    crews.forget_endpoint(db, key)
    trust.forget_endpoint(db, key)
    machines.forget_endpoint(db, key)
    dictionaries.forget(db, key)
    db.execute(sa.delete(endpoints).where(endpoints.c.key == key))


def get(db: Database, name: str) -> Endpoint:
    """The endpoint of this name, in any case of letters. Raises NotFound."""
    row = db.execute(_BY_NAME, {"of_key": name.lower()}).mappings().first()
    if row is None:
        known = ", ".join(db.execute(sa.select(endpoints.c.name).order_by(endpoints.c.key)).scalars()) or "none"
        raise NotFound(
            f"no endpoint is named {name} (registered: {known}).",
            advice="Register it, on its computer: rapidstart-worker register --service-host HOST --dispatcher URL",
        )
    return _endpoint(row)


def every(db: Database) -> list[Endpoint]:
    """All endpoints, by name."""
    rows = db.execute(_EVERY).mappings()
    return [_endpoint(row) for row in rows]


def contract(db: Database, key: str) -> bytes | None:
    """The zipped contract folder that was given to an endpoint."""
    blob: bytes | None = db.execute(sa.select(endpoints.c.contract).where(endpoints.c.key == key)).scalar()
    return blob


def metadata(db: Database, key: str) -> Metadata | None:
    """What the last survey read of the endpoint's contracts."""
    text = db.execute(_METADATA, {"of_key": key}).scalar()
    return Metadata.model_validate_json(text) if text else None


def surveyed(db: Database, key: str, *, found: Metadata | None, checks: Sequence[Check], at: float) -> None:
    """Store what a survey found; a mere connection test leaves the metadata as they are."""
    values: dict[str, Any] = {}
    if checks:
        values["checks"] = json.dumps([check.model_dump() for check in checks])
    if found is not None:
        values |= {"metadata": found.model_dump_json(), "fingerprint": found.fingerprint, "surveyed_at": at}
        values["marker"] = marks.teller(found)
    if values:
        db.execute(sa.update(endpoints).where(endpoints.c.key == key).values(values))


def learn_key(db: Database, key: str, *, service: str, fields: tuple[str, ...]) -> None:
    """A create told by which fields the service knows its records: later plans use them as its natural key."""
    known = metadata(db, key)
    if known is None or not any(found.name == service and not found.key for found in known.services):
        return
    services = tuple(found.model_copy(update={"key": fields}) if found.name == service else found for found in known.services)
    text = known.model_copy(update={"services": services}).model_dump_json()
    db.execute(sa.update(endpoints).where(endpoints.c.key == key).values(metadata=text))


def pause(db: Database, key: str, *, paused: bool) -> None:
    """Stop or resume sending work to an endpoint."""
    db.execute(sa.update(endpoints).where(endpoints.c.key == key).values(paused=paused))


def worker_seen(db: Database, report: WorkerAlive, *, at: float) -> None:
    """A worker told that it lives."""
    mine = (workers.c.endpoint == report.endpoint.lower()) & (workers.c.worker == report.worker)
    values = {
        "host": report.host,
        "pid": report.pid,
        "version": report.version,
        "concurrency": report.concurrency,
        "spool_bytes": report.spool_bytes,
        "seen_at": at,
        "stopped": False,
    }
    if not db.execute(sa.update(workers).where(mine).values(values)).rowcount:
        db.execute(sa.insert(workers).values(endpoint=report.endpoint.lower(), worker=report.worker, **values))


def worker_stopped(db: Database, endpoint: str, worker: str) -> None:
    """A worker ended in good order."""
    mine = (workers.c.endpoint == endpoint.lower()) & (workers.c.worker == worker)
    db.execute(sa.update(workers).where(mine).values(stopped=True))


def workers_of(db: Database, key: str) -> list[Worker]:
    """The workers that were ever seen beside an endpoint, the newest first."""
    query = sa.select(workers).where(workers.c.endpoint == key).order_by(workers.c.seen_at.desc())
    return [Worker(**row) for row in db.execute(query).mappings()]


def forget_workers(db: Database, *, before: float) -> None:
    """Drop workers, and worker services, that were last seen before this time."""
    crews.forget(db, before=before)
    db.execute(sa.delete(workers).where(workers.c.seen_at < before))


def fact(db: Database, name: str) -> str | None:
    """A single remembered value, as the broker's epoch."""
    value: str | None = db.execute(sa.select(facts.c.value).where(facts.c.name == name)).scalar()
    return value


def remember(db: Database, name: str, value: str) -> None:
    """Set a single remembered value."""
    if not db.execute(sa.update(facts).where(facts.c.name == name).values(value=value)).rowcount:
        db.execute(sa.insert(facts).values(name=name, value=value))


def _virtual_text(virtual: Sequence[VirtualCompany]) -> str:
    return json.dumps({each.name: each.companies for each in virtual})


def _is_among(company: str | None, companies: Sequence[str | None]) -> bool:
    """Whether a company is one of these, in any case of letters."""
    return company is not None and company.casefold() in {each.casefold() for each in companies if each}


def _endpoint(row: sa.RowMapping) -> Endpoint:
    values = dict(row)
    for name in ("addresses", "companies", "not_idempotent"):
        values[name] = tuple(json.loads(values[name]))
    found = json.loads(values["virtual_companies"])
    values["virtual_companies"] = tuple(VirtualCompany(name=name, companies=tuple(of)) for name, of in found.items())
    values["checks"] = tuple(Check.model_validate(check) for check in json.loads(values["checks"] or "[]"))
    values["limits"] = limits.of_text(values["limits"])
    values["stopped"] = limits.stop_of_text(values["stopped"])
    values["mark"], values["marker"] = marks.of_text(values["mark"]), marks.target_of_text(values["marker"])
    return Endpoint(**values)
