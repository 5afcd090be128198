"""Which companies an AOS has, and which partition the account is in: asked once, when a computer is registered.

AX has no operation that lists companies. Over net.tcp its query service reads the table of legal entities; an account that
may not see that table is told of its own company alone. Over HTTP there is nobody to ask.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from workers.aos.door import Door
from workers.aos.queries import Built
from workers.aos.queryservice import query_service
from workers.aos.usersession import LIMIT_S, open_session
from workers.errors import WorkerError

log = logging.getLogger(__name__)

#: The table of legal entities, and the field that holds what a call names as Company.
_TABLE: Final = "CompanyInfo"
_FIELD: Final = "DataArea"
_MOST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """What AX lets the account into."""

    companies: Sequence[str]
    is_whole: bool
    """whether these are all companies of the partition; else it is the account's own alone"""
    partition: str
    """the account's own"""
    partitions: Sequence[str]
    """those that it may enter"""


def tenancy(door: Door, address: str) -> Tenancy | None:
    """What the AOS of a port tells of its companies; None where the port is not on net.tcp.

    Raises Refusal, Retry or GiveUp (workers.errors).
    """
    opened = open_session(door, address)
    if opened is None:
        return None
    own, partition = opened.session().company, opened.partition()
    companies = _companies(door, address)
    return Tenancy(
        companies=companies or tuple(filter(None, (own.upper(),))),
        is_whole=bool(companies),
        partition=partition,
        partitions=opened.partitions() or (partition,),
    )


def _companies(door: Door, address: str) -> tuple[str, ...]:
    service = query_service(door.transport, address) if door.query_service else None
    if service is None:
        return ()
    try:
        rows = service.first(Built(table=_TABLE, fields=(_FIELD,)), rows=_MOST, time_limit_s=LIMIT_S)
    except WorkerError as error:
        log.info("AX does not list its companies: %s", error, extra={"action": "companies_untold"})
        return ()
    return tuple(sorted({name.strip().upper() for row in rows if (name := row.get(_FIELD)) and name.strip()}))
