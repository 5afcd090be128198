"""Find the record that an entity means: by the mapping, or by name."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from connector.errors import PlanRefused
from connector.plan import names
from connector.wire.jobs import Target
from connector.wire.metadata import Document, Metadata, Service, Table, normalized

_WRITES = frozenset({"create", "update", "delete"})
#: So many names are told where none is close.
_FEW = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A table in a document, and the tables that it is nested in."""

    service: Service
    document: Document
    table: Table
    path: tuple[str, ...] = ()
    """names of the tables around it, outermost first"""
    operation: str = ""
    """the operation whose parameters it is made of, where it is no record of a document"""

    def __str__(self) -> str:
        names = (*self.path, self.table.name) if self.operation else (self.table.name,)
        return f"{self.service.port}/{self.service.name}.{'.'.join(names)}"

    def target(self, fingerprint: str) -> Target:
        """Where its rows go, under the contract that is known now."""
        service = self.service
        return Target(
            address=service.address,
            port=service.port,
            service=service.name,
            operation=self.operation,
            table=self.table.name if service.generic and not self.operation else "",
            contract=fingerprint,
        )

    def holds(self, other: "Record") -> bool:
        """Whether the other is nested in this one, directly."""
        mine = (self.service, self.operation, (*self.path, self.table.name))
        return (other.service, other.operation, other.path) == mine


def records(metadata: Metadata) -> list[Record]:
    """Every record of every document service."""
    return [
        record
        for service in metadata.services
        if service.document is not None
        for table in service.document.tables
        for record in _nested(service, service.document, table, ())
    ]


def _nested(service: Service, document: Document, table: Table, path: tuple[str, ...]) -> Iterator[Record]:
    yield Record(service=service, document=document, table=table, path=path)
    derived = (child for kind in table.derived for child in kind.children)
    for child in {child.name: child for child in (*derived, *table.children)}.values():
        yield from _nested(service, document, child, (*path, table.name))


def by_name(entity: str, among: Sequence[Record]) -> tuple[Record, str] | None:
    """The record that the entity's name means, and why; None when no name fits.

    A number in front of a file's name ("01 Currencies") is looked past if need be. Raises PlanRefused when several fit.
    """
    for name in dict.fromkeys((entity, entity.lstrip("0123456789 ._-"))):
        for fits, reason in _rules(name):
            found = [record for record in among if fits(record)]
            if found:
                return _only(found, entity), reason
    return None


def _rules(name: str) -> list[tuple[Callable[[Record], bool], str]]:
    form = normalized(name)
    services = {form, f"{form}service"}
    return [
        (lambda record: record.table.name == name, f"the record {name} has this very name"),
        (lambda record: normalized(record.table.name) == form, "its name is a record's, case and punctuation aside"),
        (lambda record: _alone(record) and normalized(record.document.name) == form, "its name is the document's"),
        (lambda record: _alone(record) and normalized(record.service.name) in services, "its name is the service's"),
    ]


def _alone(record: Record) -> bool:
    return not record.path and len(record.document.tables) == 1


def by_target(target: str, entity: str, among: Sequence[Record]) -> tuple[Record, str]:
    """The record that the mapping names: "Table", "Service.Table", "Port/Service.Table", or "Service.create".

    Raises PlanRefused when there is none, or more than one.
    """
    port, _, rest = target.rpartition("/")
    service, _, name = rest.rpartition(".")
    near = [record for record in among if same(port, record.service.port) and of_service(service, record.service)]
    found = [record for record in near if same(name, record.table.name)]
    if not found and service and name in _WRITES:
        found = [record for record in near if _alone(record) and name in record.service.operations]
    if not found:
        raise PlanRefused(
            f"the mapping's target {target!r} of {entity!r} is no record of a document service on this endpoint, "
            "and no operation that can be called for a row.",
            advice=_offered(name, near if service else among) or "See what it has: rapidstart endpoint metadata NAME",
        )
    return _only(found, entity), f"the mapping says {target}"


def _offered(name: str, among: Sequence[Record]) -> str:
    """The records that are named alike, else all of a few; "" where that tells nothing."""
    known = list(dict.fromkeys(record.table.name for record in among))
    all_of_them = f"There are the records {', '.join(known)}." if 0 < len(known) <= _FEW else ""
    return names.meant(name, known) or all_of_them


def of_service(name: str, service: Service) -> bool:
    """Whether a name, "" for any, is the service's: with or without the word at its end."""
    return not name or normalized(service.name) in {normalized(name), f"{normalized(name)}service"}


def same(wanted: str, name: str) -> bool:
    """Whether two names are the same, case and punctuation aside; "" is any."""
    return not wanted or normalized(wanted) == normalized(name)


def _only(found: list[Record], entity: str) -> Record:
    """The one record; a document service, with its business logic, goes before the table service."""
    found = [record for record in found if not record.service.generic] or found
    if len(found) == 1:
        return found[0]
    candidates = ", ".join(map(str, found))
    raise PlanRefused(
        f"{entity!r} may mean {candidates}.",
        advice=f'Write into the mapping: [table."{entity}"] target = "{found[0]}" (or another of them).',
    )


def unknown(entities: Sequence[str], among: Sequence[Record]) -> PlanRefused:
    """The refusal that tells all entities without a record, with the names that are close to theirs."""
    known = [name for record in among for name in (record.table.name, record.document.name, record.service.name)]
    close = {entity: names.nearest(entity, known) for entity in entities}
    told = "; ".join(f"{entity!r}" + (f" (near: {', '.join(near)})" if near else "") for entity, near in close.items())
    first, near = next(iter(close.items()))
    example = near[0] if near else "CustGroup"
    return PlanRefused(
        f"no record on this endpoint is named like {told}.",
        advice=f'Name it in the mapping, as [table."{first}"] target = "{example}", or publish its service on the port.',
    )
