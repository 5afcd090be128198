"""What a survey asks of the ports: what they offer, and whether this worker may use it."""

from collections.abc import Iterator, Sequence
from typing import Final

from connector.wire import metadata, reports
from workers.aos import faults
from workers.aos.door import Door
from workers.aos.loading import Contract, port_name
from workers.aos.port import Port
from workers.aos.values import Criterion, Operator
from workers.errors import Refusal, WorkerError

#: A key that no record has; short enough for any field.
_NOBODY: Final = "~none~"
_LIMIT_S: Final = 30.0


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
    services = tuple(
        service.model_copy(update={"key": _key(door, contract, service, company)})
        for contract in contracts
        for service in contract.services
    )
    return metadata.Metadata(fingerprint="+".join(sorted({contract.fingerprint for contract in contracts})), services=services)


def check(door: Door, addresses: Sequence[str], companies: Sequence[str] = ()) -> list[reports.Check]:
    """The connection test: is each port reachable, what does it offer, does it know each company, does it give reasons."""
    return [found for address in addresses for found in _port_checks(door, address, companies)]


def _key(door: Door, contract: Contract, service: metadata.Service, company: str | None) -> tuple[str, ...]:
    if company is None or service.document is None or "getKeys" not in service.operations:
        return ()
    try:
        found = _open(door, contract, service, company).get_keys(page_size=1, time_limit_s=_LIMIT_S)
    except WorkerError:  # the key is only a help; what is wrong with the port shows where it matters
        return ()
    return tuple(found[0]) if found else ()


def _port_checks(door: Door, address: str, companies: Sequence[str]) -> Iterator[reports.Check]:
    name = f"Port {port_name(address)}"
    door.forget(url=address)  # a test looks at the port as it is now
    try:
        contract = door.contract(address)
    except WorkerError as error:
        yield _failed(name, error)
        return
    offered = ", ".join(f"{service.name} ({', '.join(service.operations)})" for service in contract.services)
    yield reports.Check(name=name, ok=True, detail=f"It offers {offered}.")
    documents = [service for service in contract.services if service.document]
    for company in companies:
        for service in documents[:1]:
            yield from _company_checks(_open(door, contract, service, company), name, company)


def _company_checks(port: Port, name: str, company: str) -> Iterator[reports.Check]:
    """Asks for what cannot exist: an empty answer, or a refusal that gives its reason, both show that AX has listened."""
    title = f"{name}, company {company}"
    try:
        if not _ask(port):
            detail = f"{port.service.name} has no operation that reads, so the company could not be tried."
            yield reports.Check(name=title, ok=True, detail=detail)
            return
    except Refusal as error:
        if faults.is_silent(error):
            yield _silent(name)
    except WorkerError as error:
        yield _failed(title, error)
        return
    yield reports.Check(name=title, ok=True, detail=f"{port.service.name} answered.")


def _ask(port: Port) -> bool:
    """One reading call for a record that cannot exist; False where the service reads nothing."""
    operations, document = port.service.operations, port.service.document
    table = document.tables[0] if document else None
    field = _some_text(table) if table else None
    if table is None or field is None:
        return False
    if "read" in operations:  # AX refuses an unknown key, which shows whether it gives reasons
        port.read([{field: _NOBODY}], time_limit_s=_LIMIT_S)
    elif "findKeys" in operations or "find" in operations:
        find = port.find_keys if "findKeys" in operations else port.find
        find([Criterion(table.name, field, Operator.EQUAL, _NOBODY)], time_limit_s=_LIMIT_S)
    else:
        return False
    return True


def _some_text(table: metadata.Table) -> str | None:
    """A field that takes a text: one of a stated length, as keys have, before any other."""
    texts = [f for f in table.fields if f.type is metadata.FieldType.STRING and f.name not in metadata.SYSTEM_FIELDS]
    return next((field.name for field in sorted(texts, key=lambda field: field.max_length is None)), None)


def _open(door: Door, contract: Contract, service: metadata.Service, company: str) -> Port:
    return Port(door, contract, service, company=company, language="en-us", partition=None)


def _silent(name: str) -> reports.Check:
    return reports.Check(
        name=f"{name}, reasons in faults",
        ok=False,
        detail="AX refuses calls without saying why.",
        advice='Set "Include exceptions in fault" on the port (its troubleshooting options).',
    )


def _failed(name: str, error: WorkerError) -> reports.Check:
    return reports.Check(name=name, ok=False, detail=error.message, advice=error.advice)
