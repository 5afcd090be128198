"""What a connection test says of the worker's account in AX: who it is there, its partition, what it may do with tables."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from connector.wire import metadata
from connector.wire.reports import Check
from workers.aos import faults
from workers.aos.door import Door
from workers.aos.exceptions import LOG_TABLES
from workers.aos.queries import Built
from workers.aos.queryservice import query_service
from workers.aos.usersession import LIMIT_S, Session, UserSession, open_session
from workers.errors import Refusal, WorkerError

#: So many tables are asked about; a sentence names so many of one kind.
MOST_TABLES: Final = 200
_MOST_NAMED: Final = 10

_NONE, _VIEW = "NoAccess", "View"
#: Rights with which rows can be changed, and with which they can be added.
_CHANGES: Final = frozenset({"Edit", "Add", "Correction", "Delete"})
_ADDS: Final = _CHANGES - {"Edit"}
#: The table of inbound ports: who may change it may activate services.
_PORTS: Final = "AifInboundPort"


def checks(door: Door, address: str, services: Sequence[metadata.Service], *, partition: str | None) -> Iterator[Check]:
    """One line for each thing, by the AOS' UserSessionService; nothing of an AOS that has none within reach (HTTP)."""
    try:
        opened = open_session(door, address)
        if opened is None:
            return
        session = opened.session()
    except WorkerError as error:
        yield _unknown(error)
        return
    yield Check(name="AX account", ok=True, detail=_told(session))
    for step in (_administrator(session), _partition(opened, partition), _tables(opened, services), _activates(opened)):
        yield from step
    yield from _log(door, address)


def _told(session: Session) -> str:
    company = f"its default company is {session.company}" if session.company else "it has no default company"
    return (
        f"AX knows this worker's account as {session.user or 'one without a name'}; {company}, its language {session.language}."
    )


def _unknown(error: WorkerError) -> Check:
    """AX' own no is a fault of the account; that the question could not be put says nothing against it."""
    if error.code == faults.ACCOUNT or isinstance(error, Refusal):
        return Check(name="AX account", ok=False, detail=error.message, advice=error.advice or _ENABLE)
    return Check(name="AX account", ok=True, tried=False, detail=f"Not told: {error.message}")


_ENABLE: Final = "Add the worker's account to the users of AX, enable it, and give it a role that may call the services."


def _administrator(session: Session) -> Iterator[Check]:
    if session.administrator:
        said = "The account is system administrator of AX: loads need no such right. A role for the ports' services does."
    else:
        said = "The account is no system administrator of AX, and need not be: its roles must allow the services of the ports."
    yield Check(name="System administrator", ok=True, detail=said)


def _partition(opened: UserSession, wanted: str | None) -> Iterator[Check]:
    try:
        known, own, single = opened.partitions(), opened.partition(), opened.is_single_partition()
    except WorkerError as error:
        yield Check(name="Partition", ok=True, tried=False, detail=f"Not told: {error.message}")
        return
    if wanted and wanted.casefold() not in {key.casefold() for key in (*known, own) if key}:
        yield Check(
            name="Partition",
            ok=False,
            detail=f"The endpoint's partition is {wanted}; AX lets this account into {_named(known or (own,))}.",
            advice="Correct the endpoint's partition, or add the account to that partition in AX.",
        )
    elif wanted:
        yield Check(name="Partition", ok=True, detail=f"AX lets this account into {wanted}.")
    elif single:
        yield Check(name="Partition", ok=True, detail=f"The AOS has one partition: {own}.")
    else:
        said = f"The endpoint names no partition, so AX takes the account's own: {own}. It may also enter {_named(known)}."
        yield Check(name="Partition", ok=True, detail=said)


def _tables(opened: UserSession, services: Sequence[metadata.Service]) -> Iterator[Check]:
    """What rows of the ports' documents need. It never fails: a record need not have the name of its table."""
    names = list(dict.fromkeys(_names(table for one in services if one.document for table in one.document.tables)))
    if not names:
        return
    rights = _rights(opened, names[:MOST_TABLES])
    if not rights:
        yield Check(name="Rights on tables", ok=True, tried=False, detail="Not told by AX.")
        return
    kinds = {
        "add rows to": [name for name, right in rights.items() if right in _ADDS],
        "change, but not add to": [name for name, right in rights.items() if right == "Edit"],
        "only read": [name for name, right in rights.items() if right == _VIEW],
        "not see": [name for name, right in rights.items() if right == _NONE],
    }
    said = "; ".join(f"{what} {_named(tables)}" for what, tables in kinds.items() if tables)
    lacking = kinds["only read"] or kinds["not see"]
    more = (
        " Loads into the latter need a role with more rights on them, unless a service acts for the account." if lacking else ""
    )
    yield Check(name="Rights on tables", ok=True, detail=f"By its own rights the account may {said}.{more}")


def _activates(opened: UserSession) -> Iterator[Check]:
    right = _rights(opened, [_PORTS]).get(_PORTS)
    if right is None:
        yield Check(name="Activating ports", ok=True, tried=False, detail="Not told by AX.")
    elif right in _CHANGES:
        yield Check(
            name="Activating ports", ok=True, detail="The account may change and activate integration ports. Loads need it not."
        )
    else:
        said = (
            "The account may not activate integration ports: where a port is still to be published, a person with a role that "
            "may manage services does it once (System administration, Services and Application Integration Framework)."
        )
        yield Check(name="Activating ports", ok=True, detail=said)


def _log(door: Door, address: str) -> Iterator[Check]:
    """Whether AX's own exception log can be read: only what a job's log says depends on it."""
    service = query_service(door.transport, address) if door.query_service else None
    if service is None:
        return
    name = "AX's exception log"
    try:
        for table in LOG_TABLES:
            service.first(Built(table=table, fields=("RecId",)), rows=1, time_limit_s=LIMIT_S)
    except WorkerError as error:
        said = f"It cannot be read: {error.message} What AX notes of refused calls will be missing in the logs of jobs."
        yield Check(name=name, ok=True, tried=False, detail=f"{said} {error.advice}".strip())
    else:
        yield Check(name=name, ok=True, detail="It can be read: what AX notes of refused calls joins the logs of their jobs.")


def _rights(opened: UserSession, tables: Sequence[str]) -> dict[str, str]:
    try:
        return opened.rights(tables)
    except WorkerError:  # AX knows one of the names not: nothing is told of any
        return {}


def _names(tables: Iterable[metadata.Table]) -> Iterator[str]:
    for table in tables:
        yield table.name
        yield from _names(table.children)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (", ".join(name for name in names[:_MOST_NAMED] if name) or "none") + more
