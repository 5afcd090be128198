"""What a worker process keeps of its AOS: the way there, and the contracts that were parsed."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from workers.aos import gathering
from workers.aos.loading import Contract
from workers.aos.transport import Transport
from workers.aos.values import Credentials
from workers.errors import GiveUp

#: Contracts that are kept; an AOS computer has a handful of ports.
MAX_KEPT: Final = 32


class Door:
    """Shared by all threads of a worker process. For `origins`, `credentials` and the limits see `Transport`."""

    def __init__(
        self,
        origins: Sequence[str] = (),
        *,
        credentials: Credentials | None = None,
        connect_timeout_s: float = 10.0,
        contract_timeout_s: float = 60.0,
        ca_file: str | None = None,
    ) -> None:
        self.transport = Transport(
            origins,
            credentials=credentials,
            connect_timeout_s=connect_timeout_s,
            contract_timeout_s=contract_timeout_s,
            ca_file=ca_file,
        )
        self._kept: dict[str, tuple[Contract, ...]] = {}
        self._lock = threading.Lock()

    def contract(self, address: str, *, contract_zip: bytes | None = None) -> Contract:
        """The contract of the port at this address. Raises Retry or GiveUp."""
        found = self.contracts([address], contract_zip=contract_zip)
        for contract in found:
            if contract.is_at(address):
                return contract
        raise GiveUp(
            f"The contract that was given with the endpoint has no port at {address}.",
            advice="Give the contract folder of this port.",
            code="RSC-5926",
        )

    def known(self, address: str, fingerprint: str) -> Contract | None:
        """The contract of this port with this fingerprint, where it was read before. `fingerprint`: see `Metadata`."""
        with self._lock:
            kept = [contract for contracts in self._kept.values() for contract in contracts]
        wanted = fingerprint.split("+")
        return next((contract for contract in kept if contract.is_at(address) and contract.fingerprint in wanted), None)

    def contracts(self, addresses: Sequence[str], *, contract_zip: bytes | None = None) -> list[Contract]:
        """The contracts of these ports, or those in the zip. Raises Retry or GiveUp."""
        if contract_zip is None:
            return [contract for address in addresses for contract in self._keep(address, partial(self._from_port, address))]
        name = f"{hashlib.sha256(contract_zip).hexdigest()} {' '.join(addresses)}"
        return list(self._keep(name, lambda: _from_zip(contract_zip, addresses)))

    def forget(self, *, url: str) -> None:
        """Drops the parsed contract of a port: it is stale."""
        with self._lock:
            stale = [name for name, kept in self._kept.items() if any(contract.is_at(url) for contract in kept)]
            for name in stale:
                del self._kept[name]

    def _keep(self, name: str, load: Callable[[], tuple[Contract, ...]]) -> tuple[Contract, ...]:
        with self._lock:
            if name in self._kept:
                return self._kept[name]
        loaded = load()  # outside the lock: it talks to the network; two threads may load, one result stays
        with self._lock:
            while len(self._kept) >= MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            return self._kept.setdefault(name, loaded)

    def _from_port(self, address: str) -> tuple[Contract, ...]:
        contract = Contract(gathering.from_port(self.transport, address), address=address)
        if not contract.services:
            raise GiveUp(
                f"The port at {address} offers no service over HTTP.",
                advice="Publish the services on an enhanced port with the HTTP adapter.",
                code="RSC-5927",
            )
        return (contract,)


def _from_zip(contract_zip: bytes, addresses: Sequence[str]) -> tuple[Contract, ...]:
    found = gathering.from_zip(contract_zip)
    places = [_placed(gathering.own_address(files), addresses, alone=len(found) == 1) for files in found]
    contracts = tuple(
        contract for files, place in zip(found, places, strict=True) if (contract := Contract(files, address=place)).services
    )
    if not contracts:
        raise GiveUp(
            "The contract folder describes no service over HTTP.",
            advice="Give the contract of an enhanced port with the HTTP adapter.",
            code="RSC-5927",
        )
    return contracts


def _placed(own: str, addresses: Sequence[str], *, alone: bool) -> str:
    """Where a port of a contract folder is called.

    One contract and one address belong together; of several, the contract names the port and an address the computer.
    """
    if alone and len(addresses) == 1:
        return addresses[0]
    path = urlsplit(own).path
    for address in addresses:
        if urlsplit(address).path.casefold() == path.casefold():
            return address
    if not addresses:
        return own
    computer = urlsplit(addresses[0])
    return urlunsplit((computer.scheme, computer.netloc, path, "", ""))
