"""The mark of the database behind an AOS: a text that changes when that is refreshed, restored or exchanged.

The customer's table service tells it (deploy/ax/CONTRACT.md, databaseMark); no service of AX' own does. It is asked often enough
that no database can be put in another's place between two questions: the AOS must be stopped and started for that.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from connector.wire import jobs
from connector.wire.metadata import MARK, Service
from workers.aos import situations, tableservice
from workers.aos.door import Door
from workers.aos.loading import Contract
from workers.aos.port import Port
from workers.errors import Refusal, Retry, WorkerError

log = logging.getLogger(__name__)

_FRESH_S: Final = 2.0
_LIMIT_S: Final = 30.0
#: What is wrong with this worker, or with the job's company, says nothing of the database.
_OF_THE_CALLER: Final = frozenset(
    {situations.ACCOUNT, situations.COMPANY, "RSC-5904", "RSC-5907", "RSC-5911", "RSC-5912", "RSC-5913"}
)


class Marks:
    """What this process was told lately, by address. Shared by its threads; two may ask at once, which does no harm."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is known yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[str, tuple[str, float]] = {}

    def told(self, address: str, ask: Callable[[], str]) -> str:
        """The mark that was told at an address a moment ago, else the answer of `ask`. Raises what that raises."""
        with self._lock:
            mark, until = self._told.get(address, ("", 0.0))
        if self._clock() < until:
            return mark
        asked_at = self._clock()
        mark = ask()
        with self._lock:
            self._told[address] = mark, asked_at + _FRESH_S
        return mark

    def forget(self, address: str) -> None:
        """Ask anew before the next call: the AOS behind an address was silent, and may have come back with another database."""
        with self._lock:
            self._told.pop(address, None)


def database_mark(door: Door, target: jobs.Target, *, company: str, partition: str | None, contract_zip: bytes | None) -> str:
    """The mark as the service of `target` tells it now; "" where it tells it no more: its port is gone, or refuses the question.

    Raises Retry where the AOS does not answer, and GiveUp where this worker's account or configuration is refused.
    """
    try:
        contract = door.known(target.address, target.contract) or door.contract(target.address, contract_zip=contract_zip)
        service = contract.service(target.service)
        return _ask(door, contract, service, company=company, partition=partition) if service else ""
    except Retry:
        raise
    except WorkerError as error:
        if error.code in _OF_THE_CALLER:
            raise
        if isinstance(error, Refusal) and error.transient:
            raise Retry(error.message, advice=error.advice, code=error.code) from error
        log.warning("the mark of the database is told no more: %s", error, extra={"action": "mark_untold"})
        door.forget(url=target.address)  # it is read anew before it is asked again
        return ""


def surveyed_mark(
    door: Door, addresses: Sequence[str], *, company: str | None, partition: str | None, contract_zip: bytes | None
) -> str | None:
    """The mark that one of these ports tells; "" where none offers to; None where that could not be found out."""
    if company is None:
        return None
    try:
        for contract in door.contracts(addresses, contract_zip=contract_zip):
            for service in filter(_tells, contract.services):
                return _ask(door, contract, service, company=company, partition=partition)
    except WorkerError as error:
        log.warning("the mark of the database was not told: %s", error, extra={"action": "mark_untold"})
        return None
    return ""


def _tells(service: Service) -> bool:
    return tableservice.is_one(service) and MARK in service.operations


def _ask(door: Door, contract: Contract, service: Service, *, company: str, partition: str | None) -> str:
    port = Port(door, contract, service, company=company, language="en-us", partition=partition)
    return port.ask(MARK, "", time_limit_s=_LIMIT_S).findtext("{*}response") or ""
