"""AX's UserSessionService: whom AX takes this worker's account for, and what it lets it do. It lies beside ports on net.tcp.

An X++ service with CallContext and AifFault as any custom service, so its contract is read from the AOS and it is called as a
port is. Its questions name no company: what AX takes by itself is what is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from workers.aos.door import Door
from workers.aos.port import Port
from workers.aos.systemservice import beside
from workers.errors import GiveUp

LIMIT_S: Final = 30.0
NAME: Final = "UserSessionService"

_DATA: Final = "http://schemas.datacontract.org/2004/07/Dynamics.Ax.Application"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Whom AX takes the account for."""

    user: str
    """its UserId in AX"""
    company: str
    """the company that AX takes where none is named"""
    language: str
    administrator: bool
    """system administrator"""


class UserSession:
    """The account at one AOS. All raise Refusal, Retry or GiveUp (workers.errors)."""

    def __init__(self, port: Port) -> None:
        self._port = port

    def session(self) -> Session:
        """Whom AX takes the account for."""
        found = self._ask("GetUserSessionInfo")
        return Session(
            user=_one(found, "UserId"),
            company=_one(found, "Company"),
            language=_one(found, "AXLanguage"),
            administrator=_one(found, "IsSysAdmin") in ("true", "1"),
        )

    def partition(self) -> str:
        """The partition that AX takes where none is named."""
        return _one(self._ask("GetPartitionKey"), "response")

    def partitions(self) -> tuple[str, ...]:
        """Those that the account may enter."""
        return _texts(self._ask("GetPartitionKeysForUser"))

    def is_single_partition(self) -> bool:
        """Whether the AOS has one partition only."""
        return _one(self._ask("IsSinglePartitionSystem"), "response") in ("true", "1")

    def rights(self, tables: Sequence[str]) -> dict[str, str]:
        """What the account may do with tables: NoAccess, View, Edit, Add, Correction or Delete, each with those before.

        Their order alone tells which answer is of which table; {} where there are not as many.
        """
        keys = "".join(
            f'<AccessControlledItemKey xmlns="{_DATA}"><ItemName>{escape(name)}</ItemName><ItemType>Table</ItemType>'
            "</AccessControlledItemKey>"
            for name in tables
        )
        found = _texts(self._ask("GetAccessRights", f"<_keys>{keys}</_keys>"))
        return dict(zip(tables, found, strict=True)) if len(found) == len(tables) else {}

    def _ask(self, operation: str, content: str = "") -> etree._Element:
        return self._port.ask(operation, content, time_limit_s=LIMIT_S)


def open_session(door: Door, address: str) -> UserSession | None:
    """The account at the AOS of a port; None where the port is not on net.tcp. Raises Retry or GiveUp."""
    place = beside(address, NAME)
    if place is None:
        return None
    contract = door.contract(place)
    service = contract.service(NAME)
    if service is None:
        raise GiveUp(f"{place} tells of no {NAME}.", advice="Check the endpoint's address.", code="RSC-5933")
    return UserSession(Port(door, contract, service, company="", language="en-us", partition=None))


def _one(response: etree._Element, name: str) -> str:
    found = response.find(f".//{{*}}{name}")
    return (found.text or "").strip() if found is not None else ""


def _texts(response: etree._Element) -> tuple[str, ...]:
    """The texts of a list, which is all that a response holds."""
    return tuple((item.text or "").strip() for held in response for item in held.iterchildren(etree.Element))
