"""AX's own logs of what it was sent, by MessageId: its exceptions, and its message log. Read through the QueryService.

A port without "Include exceptions in fault" says nothing in the fault, and all of it here. Two tables of AX hold it:
AifExceptionMap (MessageId, ExceptionId, PortName) and SysExceptionTable (RecId, Description, CreatedDateTime).
The message log is AifMessageLog (MessageId).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar
from uuid import UUID

from connector.wire import jobs
from workers.aos.dataset import Row
from workers.aos.door import Door
from workers.aos.queries import Built, Range
from workers.aos.queryservice import QueryService, beside_port

V = TypeVar("V")

#: What the account must be allowed to view for it.
LOG_TABLES: Final = ("AifExceptionMap", "SysExceptionTable")
#: How long one question may take, in seconds: nobody waits for the answer, but a thread of the worker does.
LIMIT_S: Final = 20.0
#: So many values stand in one condition: how long one may be is not documented.
_AT_ONCE: Final = 10
#: So many exceptions of one batch are told; a call that failed for many reasons has one for each line of its infolog.
MOST: Final = 50
#: So many characters of one are kept.
_MOST_TEXT: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """An exception that AX noted."""

    message_id: str
    text: str
    port: str
    """the integration port; "" where AX does not tell"""
    at: datetime | None
    """by the clock of the database"""


def exceptions(door: Door, target: jobs.Target, message_ids: Sequence[str]) -> list[Logged]:
    """What AX noted of these calls to a service, the oldest first; nothing where the service is not called over net.tcp.

    Raises Refusal, Retry or GiveUp (workers.errors).
    """
    service = beside_port(door, target)
    if service is None:
        return []
    found: list[Logged] = []
    for some in _parted(message_ids):
        found += _of(service, some)
        if len(found) >= MOST:
            break
    return sorted(found, key=lambda one: one.at or datetime.min.replace(tzinfo=UTC))[:MOST]


def messages_kept(door: Door, target: jobs.Target, message_ids: Sequence[str]) -> frozenset[str] | None:
    """Those of these messages that stand in AX's message log (AifMessageLog); None where the service is not on net.tcp.

    The newest ones that took effect are missing there together where the database was restored from an earlier day, or another
    one was put in its place. One that is missing alone proves nothing: people clear that log. Raises as `exceptions` does.
    """
    service = beside_port(door, target)
    if service is None:
        return None
    wanted = {UUID(one): one for one in message_ids}
    asked = (Range(field="MessageId", values=_braced(some)) for some in _parted(list(wanted)))
    found = (_guid(row.get("MessageId")) for each in asked for row in _rows(service, "AifMessageLog", each, "MessageId"))
    return frozenset(wanted[one] for one in found if one in wanted)


def _of(service: QueryService, message_ids: Sequence[str]) -> Iterator[Logged]:
    """The exceptions of a few messages. Whatever AX makes of the conditions: what was not asked for is left out here."""
    wanted = {UUID(one): one for one in message_ids}
    asked = Range(field="MessageId", values=_braced(list(wanted)))
    maps = {row.get("ExceptionId") or "": row for row in _rows(service, LOG_TABLES[0], asked, "MessageId ExceptionId PortName")}
    for some in _parted([number for number in maps if number]):
        asked = Range(field="RecId", values=some)
        for row in _rows(service, LOG_TABLES[1], asked, "RecId Description CreatedDateTime"):
            mapped = maps.get(row.get("RecId") or "", {})
            message_id = wanted.get(_guid(mapped.get("MessageId")))
            if message_id:
                text = " ".join((row.get("Description") or "").split())
                yield Logged(
                    message_id=message_id,
                    text=text[:_MOST_TEXT],
                    port=mapped.get("PortName") or "",
                    at=_moment(row.get("CreatedDateTime")),
                )


def _rows(service: QueryService, table: str, asked: Range, fields: str) -> list[Row]:
    query = Built(table=table, fields=fields.split(), ranges=(asked,))
    return service.first(query, rows=MOST, time_limit_s=LIMIT_S)


def _braced(ids: Sequence[UUID]) -> list[str]:
    """GUIDs as AX writes them."""
    return [f"{{{str(one).upper()}}}" for one in ids]


def _parted(values: Sequence[V]) -> Iterator[Sequence[V]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _guid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        return UUID(int=0)


def _moment(text: str | None) -> datetime | None:
    """AX keeps times in UTC, and hands them out as they are kept."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
