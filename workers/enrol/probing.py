"""Asks an AOS what a registration is of: services, companies, partition. That nobody answers is no obstacle."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from workers import aos, doors
from workers.enrol.finding import Found
from workers.errors import WorkerError
from workers.settings import Settings

_PATIENCE_S: Final = 5.0
#: So many names stand in a line.
_FEW: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an AOS told of itself, and in words how far it did."""

    services: str
    companies: Sequence[str] = ()
    of_companies: str
    partition: str = ""
    of_partition: str


def ask(found: Found, settings: Settings) -> Told:
    """What the AOS tells. Its own address, which a person has named, is shown the account in the settings."""
    try:
        door = doors.opened(settings, origins=tuple(found.addresses), patience_s=_PATIENCE_S)
    except WorkerError as error:
        silent = _silent(error)
        return Told(services=silent, of_companies=silent, of_partition=silent)
    try:
        services = _services(door, found.addresses)
        companies, of_companies, partition, of_partition = _tenancy(door, found.addresses[0])
    finally:
        door.transport.close()
    return Told(services=services, companies=companies, of_companies=of_companies, partition=partition, of_partition=of_partition)


def _services(door: aos.Door, addresses: Sequence[str]) -> str:
    start = time.monotonic()
    try:
        names = [service.name for service in aos.read_metadata(door, addresses).services]
    except WorkerError as error:
        return _silent(error)
    took = (time.monotonic() - start) * 1000
    return f"{len(names)} found in {took:.0f} ms: {_named(names)}"


def _tenancy(door: aos.Door, address: str) -> tuple[Sequence[str], str, str, str]:
    try:
        found = aos.tenancy(door, address)
    except WorkerError as error:
        return (), _silent(error), "", _silent(error)
    if found is None:
        silent = "could not be asked: AX tells it over net.tcp alone"
        return (), silent, "", silent
    if found.is_whole:
        of_companies = f"{len(found.companies)}, as AX lists them"
    elif found.companies:
        of_companies = "that of the account; AX does not let it list the others"
    else:
        of_companies = "AX told none"
    others = [each for each in found.partitions if each.casefold() != found.partition.casefold()]
    of_partition = f"that of the account, which may enter {_named(others)} too" if others else "the only one for the account"
    return found.companies, of_companies, found.partition, of_partition


def _silent(error: WorkerError) -> str:
    return f"could not be asked: {error.message}"


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:_FEW]) + (" ..." if len(names) > _FEW else "")
