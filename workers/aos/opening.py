"""Opens a service of a port for a step, by the contract that the step was planned with."""

from connector.wire import jobs
from workers.aos import faults, tableservice
from workers.aos.door import Door
from workers.aos.loading import Contract
from workers.aos.port import Port
from workers.aos.tableservice import TablePort
from workers.errors import GiveUp


def knows(door: Door, target: jobs.Target) -> bool:
    """Whether this process has the contract that a step was planned with, so that `open_port` needs none to be given."""
    return door.known(target.address, target.contract) is not None


def open_port(
    door: Door,
    target: jobs.Target,
    *,
    company: str,
    language: str,
    partition: str | None,
    contract_zip: bytes | None = None,
) -> Port:
    """Opens the service that a step goes to; of the customer's table service the table that the target names.

    Its contract is read once, from the port or from `contract_zip`, kept (see `Door`), and must have the fingerprint that the
    step was planned with. Raises GiveUp (another contract, an unknown service) or Retry (the port cannot be reached).
    """
    contract = door.known(target.address, target.contract) or _read(door, target, contract_zip)
    service = contract.service(target.service)
    if service is None:
        offered = ", ".join(found.name for found in contract.services) or "none"
        raise GiveUp(
            f"Port {target.port} has no service {target.service}; it offers {offered}.",
            advice="Add the service to the port, or correct the mapping.",
            code="RSC-5933",
        )
    if target.table and tableservice.is_one(service):
        return TablePort(door, contract, service, table=target.table, company=company, language=language, partition=partition)
    return Port(door, contract, service, company=company, language=language, partition=partition)


def _read(door: Door, target: jobs.Target, contract_zip: bytes | None) -> Contract:
    contract = door.contract(target.address, contract_zip=contract_zip)
    if contract.fingerprint not in target.contract.split("+"):
        raise GiveUp(
            f"The contract of port {target.port} has changed since this job was planned.",
            advice="Read the endpoint's metadata again (rapidstart endpoint metadata NAME --refresh) and load once more.",
            code=faults.STALE_CONTRACT,
        )
    return contract
