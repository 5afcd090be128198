"""What a survey asks of the ports: what they offer, and whether this worker may use it. It changes no record."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from connector.wire import metadata
from connector.wire.reports import Check
from workers.aos import account, asking, nettcp, reaching, tableservice
from workers.aos.door import Door
from workers.aos.loading import Contract, port_name
from workers.aos.port import Port
from workers.aos.reaching import failed
from workers.errors import WorkerError

log = logging.getLogger(__name__)

#: So many services of a port are asked one by one.
MOST_SERVICES: Final = 40
#: So many are asked for one that AX lets the account use.
_MOST_FIRST: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """For what an endpoint is tested."""

    companies: Sequence[str] = ()
    partition: str | None = None
    contract_zip: bytes | None = None
    """the contract folder that was given to the endpoint: its ports are not asked for theirs"""


def read_metadata(
    door: Door,
    addresses: Sequence[str],
    *,
    contract_zip: bytes | None = None,
    company: str | None = None,
) -> metadata.Metadata:
    """The services of the ports at these addresses, read from the ports or from a zip of WSDL and XSD files.

    With a company each document service that has getKeys is asked for the fields of its EntityKey. The fingerprint is
    that of the port's contract, of several ports theirs joined with +. Raises Retry or GiveUp.
    """
    contracts = door.contracts(addresses, contract_zip=contract_zip)
    services = tuple(_known(door, contract, service, company) for contract in contracts for service in contract.services)
    return metadata.Metadata(fingerprint="+".join(sorted({contract.fingerprint for contract in contracts})), services=services)


def check(door: Door, addresses: Sequence[str], scope: Scope | None = None) -> list[Check]:
    """The connection test: one line for each thing that must work, each with what to do where it does not.

    The way to a web site is gone once; behind a step that fails, what presupposes it is left out.
    """
    found: list[Check] = []
    ways: dict[str, bool] = {}
    firsts: list[str] = []
    for address in addresses:
        site = address.partition("://")[2].partition("/")[0].casefold()
        if site not in ways:
            steps = list(reaching.checks(door.transport, address, way=_way(door, address, scope or Scope())))
            ways[site] = steps[-1].ok
            found += steps
            firsts.append(address)
        if ways[site]:
            found += _port_checks(door, address, scope or Scope())
    for address, is_open in zip(firsts, ways.values(), strict=True):  # the account is the same at all ports of an AOS
        found += _account_checks(door, address, scope or Scope()) if is_open else ()
    return found


def _way(door: Door, address: str, scope: Scope) -> nettcp.Way | None:
    """What the contract says of a logon over net.tcp. It is told elsewhere, by HTTP: if not, the port's own check says why."""
    if not nettcp.is_one(address):
        return None
    try:
        return door.contract(address, contract_zip=scope.contract_zip).way
    except WorkerError:
        return None


def _account_checks(door: Door, address: str, scope: Scope) -> Iterator[Check]:
    try:
        services: Sequence[metadata.Service] = door.contract(address, contract_zip=scope.contract_zip).services
    except WorkerError:  # told of the port already
        services = ()
    yield from account.checks(door, address, services, partition=scope.partition)


def _known(door: Door, contract: Contract, service: metadata.Service, company: str | None) -> metadata.Service:
    """The service with what only AX itself can tell of it: the fields of its key, or the tables that it may write."""
    if company is None or not tableservice.is_one(service):
        return service.model_copy(update={"key": _key(door, contract, service, company)})
    try:
        return tableservice.described(Port(door, contract, service, company=company, language="en-us", partition=None))
    except WorkerError as error:  # the other services can be used all the same
        log.warning("the table service does not tell its tables: %s", error, extra={"action": "tables_untold"})
        return service


def _key(door: Door, contract: Contract, service: metadata.Service, company: str | None) -> tuple[str, ...]:
    if company is None or service.document is None or "getKeys" not in service.operations:
        return ()
    try:
        port = Port(door, contract, service, company=company, language="en-us", partition=None)
        found = port.get_keys(page_size=1, time_limit_s=asking.LIMIT_S)
    except WorkerError:  # the key is only a help; what is wrong with the port shows where it matters
        return ()
    return tuple(found[0]) if found else ()


def _port_checks(door: Door, address: str, scope: Scope) -> Iterator[Check]:
    name = f"Port {port_name(address)}"
    door.forget(url=address)  # a test looks at the port as it is now
    try:
        contract = door.contract(address, contract_zip=scope.contract_zip)
    except WorkerError as error:
        yield failed(f"{name}, contract", error)
        return
    offered = "; ".join(f"{service.name} ({', '.join(service.operations)})" for service in contract.services)
    yield Check(name=f"{name}, contract", ok=True, detail=f"It offers {offered}.")
    services = [service for service in contract.services if asking.can_ask(service)][:MOST_SERVICES]
    if not scope.companies:
        yield Check(
            name=f"{name}, AX user", ok=True, tried=False, detail="Not tried: no company is named, and none is ever left to AX."
        )
    elif not services:
        yield Check(name=f"{name}, AX user", ok=True, tried=False, detail="Not tried: no service here reads documents.")
    else:
        yield from _ax_checks(name, door, contract, services, scope)


def _ax_checks(name: str, door: Door, contract: Contract, services: Sequence[metadata.Service], scope: Scope) -> Iterator[Check]:
    """Whether AX knows the account, lets it into each company, gives reasons, and refuses what it has seen."""

    def opened(service: metadata.Service, company: str) -> Port:
        return Port(door, contract, service, company=company, language="en-us", partition=scope.partition)

    tried = (service for service in services[:_MOST_FIRST] if asking.ask(opened(service, scope.companies[0])).listened)
    first = next(tried, services[0])  # rights are given for each service: the account may lack those of one
    heard = {company: asking.ask(opened(first, company)) for company in scope.companies}
    if not any(said.listened for said in heard.values()):
        said = next(iter(heard.values()))
        yield Check(name=f"{name}, AX user", ok=False, detail=said.detail, advice=said.advice)
        return
    yield Check(name=f"{name}, AX user", ok=True, detail="AX knows this worker's account.")
    yield Check(name=f"{name}, WS-Addressing", ok=True, detail="Not needed: AX answers calls without its headers.")
    where = f", partition {scope.partition}" if scope.partition else ""
    for company, said in heard.items():
        yield Check(name=f"{name}, company {company}{where}", ok=said.ok, detail=said.detail, advice=said.advice)
    usable = next((company for company, said in heard.items() if said.ok), None)
    if usable is None:
        return
    yield asking.reasons(opened(first, usable), name=f"{name}, reasons in faults")
    yield from _each_service(name, [opened(service, usable) for service in services])


def _each_service(name: str, ports: Iterable[Port]) -> Iterator[Check]:
    """Those that AX does not let the account use, and whether each of the others takes a message once."""
    for port in ports:
        said = asking.ask(port)
        if not said.ok:
            yield Check(name=f"{name}, {port.service.name}", ok=False, detail=said.detail, advice=said.advice)
        elif "create" in port.service.operations:
            yield asking.repetition(port, name=f"{name}, {port.service.name}, duplicate check")
