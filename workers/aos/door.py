"""What a worker process keeps of its AOS: the way there, and the contracts that were parsed."""

import hashlib
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from workers.aos import gathering, nettcp
from workers.aos.keeping import Shelf
from workers.aos.loading import Contract
from workers.aos.transport import Transport
from workers.aos.values import Credentials
from workers.errors import GiveUp, WorkerError

#: Contracts that are kept; an AOS computer has a handful of ports.
MAX_KEPT: Final = 32
#: A port that was asked so many seconds ago, because it had refused a call, is not asked again because of another.
FRESH_S: Final = 10.0


class Door:
    """Shared by all threads of a worker process. For `origins`, `credentials` and the limits see `Transport`.

    `keep_in`: a folder in which the contracts of this endpoint's ports outlive the process; None: they do not.
    `query_service`: loads may ask the one beside a port on net.tcp.
    """

    def __init__(
        self,
        origins: Sequence[str] = (),
        *,
        credentials: Credentials | None = None,
        connect_timeout_s: float = 10.0,
        contract_timeout_s: float = 60.0,
        ca_file: str | None = None,
        keep_in: Path | None = None,
        target_name: nettcp.TargetName = nettcp.TargetName.AUTO,
        query_service: bool = True,
    ) -> None:
        self.transport = Transport(
            origins,
            credentials=credentials,
            connect_timeout_s=connect_timeout_s,
            contract_timeout_s=contract_timeout_s,
            ca_file=ca_file,
            target_name=target_name,
        )
        self.query_service = query_service
        self._kept: dict[str, tuple[Contract, ...]] = {}
        self._doubted_at: dict[str, float] = {}
        self._under_way: dict[str, Future[Contract]] = {}
        self._lock = threading.Lock()
        self._shelf = Shelf(keep_in) if keep_in else None

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
        """The contract of this port with this fingerprint, where it was read before. `fingerprint`: see `Metadata`.

        It is looked for in this process, then on disk; nobody is asked.
        """
        wanted = set(fingerprint.split("+"))
        with self._lock:
            kept = [contract for contracts in self._kept.values() for contract in contracts]
        for contract in kept:
            if contract.is_at(address) and contract.fingerprint in wanted:
                return contract
        found = self._from_shelf(address, wanted)
        return self._keep(address, (found,))[0] if found else None

    def contracts(self, addresses: Sequence[str], *, contract_zip: bytes | None = None) -> list[Contract]:
        """The contracts of these ports as they are now, or those in the zip. Raises Retry or GiveUp."""
        if contract_zip is None:
            return [self._from_port(address) for address in addresses]
        name = f"{hashlib.sha256(contract_zip).hexdigest()} {' '.join(addresses)}"
        with self._lock:
            known = self._kept.get(name)
        return list(known or self._keep(name, _from_zip(contract_zip, addresses)))

    def is_current(self, contract: Contract, *, address: str) -> bool | None:
        """Whether the port still has this contract; None where it was given, and is not the port's word.

        The port is asked, but not again within a few seconds. Raises Retry or GiveUp.
        """
        with self._lock:
            is_given, known = address not in self._kept, self._kept.get(address, (contract,))[0]
            is_fresh = time.monotonic() < self._doubted_at.get(address, -FRESH_S) + FRESH_S
        if is_given:
            return None
        found = known if is_fresh else self._from_port(address)
        if not is_fresh:
            with self._lock:
                self._doubted_at[address] = time.monotonic()
        return found.fingerprint == contract.fingerprint

    def forget(self, *, url: str) -> None:
        """Drops the contract of a port, here and on disk: it is stale."""
        with self._lock:
            stale = [name for name, kept in self._kept.items() if any(contract.is_at(url) for contract in kept)]
            for name in stale:
                del self._kept[name]
        if self._shelf:
            self._shelf.drop(url)

    def _keep(self, name: str, contracts: tuple[Contract, ...]) -> tuple[Contract, ...]:
        """Keeps what was read; of two readings that found the same the first stays, with all that was made of it."""
        with self._lock:
            old = self._kept.pop(name, ())
            same = [contract.fingerprint for contract in old] == [contract.fingerprint for contract in contracts]
            while len(self._kept) >= MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[name] = old if same else contracts
            return self._kept[name]

    def _from_shelf(self, address: str, wanted: set[str]) -> Contract | None:
        files = self._shelf.get(address, fingerprints=wanted) if self._shelf else None
        if files is None:
            return None
        try:
            contract = Contract(files, address=address)
        except GiveUp:  # what was kept is no contract any more: the port has it
            return None
        return contract if contract.fingerprint in wanted else None

    def _from_port(self, address: str) -> Contract:
        """Threads that ask at once share one answer."""
        with self._lock:
            others = self._under_way.get(address)
            mine = self._under_way.setdefault(address, Future())
        if others is not None:
            return others.result()
        try:
            mine.set_result(self._fetched(address))
        except WorkerError as error:
            mine.set_exception(error)
        finally:
            with self._lock:
                del self._under_way[address]
            mine.cancel()  # after a defect of ours nobody waits for ever
        return mine.result()

    def _fetched(self, address: str) -> Contract:
        files = gathering.from_port(self.transport, address)
        contract = Contract(files, address=address)
        if not contract.services:
            raise GiveUp(
                f"The port at {address} offers no service over {'net.tcp' if nettcp.is_one(address) else 'HTTP'}.",
                advice="Publish the services on an enhanced port with the HTTP adapter, or name a net.tcp address of the AOS.",
                code="RSC-5927",
            )
        if self._shelf:
            self._shelf.put(address, files, fingerprint=contract.fingerprint)
        return self._keep(address, (contract,))[0]


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
