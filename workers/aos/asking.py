"""Harmless calls that show what AX lets a worker do: questions for what cannot exist, and a create of nothing.

Every call names a company: without one AX would take the account's own.
"""

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from connector.wire import metadata
from connector.wire.reports import Check
from workers.aos import envelope, faults, tableservice
from workers.aos.port import Port
from workers.aos.values import Criterion, Operator
from workers.errors import Refusal, WorkerError

LIMIT_S: Final = 30.0

#: A key that no record has; short enough for any field.
_NOBODY: Final = "~none~"
#: A field that no table has.
_NO_FIELD: Final = "RapidStartNoSuchField"
_SEARCHES: Final = frozenset({"find", "findKeys"})
_READS: Final = _SEARCHES | {"read"}
_WRITE_OFF: Final = (
    "By hand: load one new row twice in mode create; the second time it must be told as existing, and be there once."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What AX said to a question."""

    ok: bool
    detail: str
    advice: str = ""
    listened: bool = False
    """AX itself answered or refused: it knows the account"""


def can_ask(service: metadata.Service) -> bool:
    """Whether a service reads documents by a field that takes a text, or is the table service."""
    if tableservice.is_one(service):
        return True
    return not _READS.isdisjoint(service.operations) and _place(service) is not None


def ask(port: Port) -> Said:
    """Asks for what cannot exist; `port` is open for the company that is tried."""
    if tableservice.is_one(port.service):
        return _ask_tables(port)
    name, searches = port.service.name, not _SEARCHES.isdisjoint(port.service.operations)
    try:
        if searches:
            _search(port)
        else:
            _read(port)
    except Refusal as refusal:
        if searches or faults.is_silent(refusal):  # a search that finds nothing is no error, so the question was refused
            return Said(ok=False, detail=f"{name} refuses: {refusal.message}", advice=refusal.advice, listened=True)
        return Said(ok=True, detail=f"{name} said that there is no such record.", listened=True)
    except WorkerError as error:
        return Said(ok=False, detail=error.message, advice=error.advice, listened=error.code == faults.COMPANY)
    return Said(ok=True, detail=f"{name} answered.", listened=True)


def _ask_tables(port: Port) -> Said:
    """The table service knows which companies the account may enter."""
    try:
        names = tableservice.companies(port)
    except WorkerError as error:
        return Said(ok=False, detail=error.message, advice=error.advice, listened=isinstance(error, Refusal))
    if port.company.casefold() not in {name.casefold() for name in names}:
        advice = "Give the account a role in that company, or name another: endpoint add --company."
        return Said(
            ok=False, detail=f"AX lets this account into {', '.join(names) or 'no company'}.", advice=advice, listened=True
        )
    return Said(ok=True, detail=f"AX lets this account into {', '.join(names)}.", listened=True)


def reasons(port: Port, *, name: str) -> Check:
    """Whether AX says why it refuses: a question is asked that it must refuse."""
    try:
        if tableservice.is_one(port.service):
            tableservice.tables(port, [_NOBODY])
        elif "read" in port.service.operations:
            _read(port)
        else:
            _search(port, field=_NO_FIELD)
    except WorkerError as error:
        if not faults.is_silent(error):
            return Check(name=name, ok=True, detail=f"AX says why it refuses: {error.message}")
        return Check(
            name=name,
            ok=False,
            detail="AX refuses calls without saying why: bad rows are found by halving, and without their reasons.",
            advice='Set "Include exceptions in fault" on the port (its troubleshooting options).',
        )
    return Check(name=name, ok=True, tried=False, detail=f"Not told: {port.service.name} refused nothing.")


def repetition(port: Port, *, name: str) -> Check:
    """Whether AX refuses a MessageId that it has seen: a document without records is created twice. It writes nothing."""
    document = port.service.document
    empty = f'<{document.name} xmlns="{document.namespace}"/>' if document else ""
    if not document or port.invalid(empty.encode()):
        return _untold(name, f"a document of {port.service.name} must have records.")
    body, message_id = envelope.request(*port.element("create"), empty), str(uuid4())
    first, second = (_created(port, body, message_id) for _ in range(2))
    if isinstance(second, Refusal) and (second.duplicate or first is None):
        return Check(name=name, ok=True, detail="AX refuses a message that it has seen: a call takes effect once.")
    if first is None and second is None:
        return Check(
            name=name,
            ok=False,
            detail="AX carries a message out again that it has seen: a call of which the end was not heard could count twice.",
            advice="Set EnableIdempotence of the service's create, update and delete in the AOT, and activate the port anew.",
        )
    why = first.message if first else second.message if second else ""
    return _untold(name, f"a document without records brings: {why}")


def _created(port: Port, body: bytes, message_id: str) -> WorkerError | None:
    try:
        port.create(body, message_id=message_id, time_limit_s=LIMIT_S)
    except WorkerError as error:
        return error
    return None


def _untold(name: str, why: str) -> Check:
    return Check(name=name, ok=True, tried=False, detail=f"It cannot be told without writing: {why} {_WRITE_OFF}")


def _read(port: Port) -> None:
    _, field = _placed(port)
    port.read([{field: _NOBODY}], time_limit_s=LIMIT_S)


def _search(port: Port, *, field: str = "") -> None:
    table, known = _placed(port)
    find = port.find_keys if "findKeys" in port.service.operations else port.find
    find([Criterion(table, field or known, Operator.EQUAL, _NOBODY)], time_limit_s=LIMIT_S)


def _placed(port: Port) -> tuple[str, str]:
    return _place(port.service) or ("", "")


def _place(service: metadata.Service) -> tuple[str, str] | None:
    """The first root table with a field that takes a text: one of a stated length, as keys have, before any other."""
    for table in service.document.tables if service.document else ():
        texts = [field for field in table.fields if field.type is metadata.FieldType.STRING and not field.symbols]
        texts = [field for field in texts if field.name not in metadata.SYSTEM_FIELDS]
        if texts:
            return table.name, min(texts, key=lambda field: field.max_length is None).name
    return None
