"""The pretend AOS: ports, companies and a database; a SOAP call goes in, an answer comes out."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from lxml import etree

from workers.simulator import actions, envelope, faults, reading, tableservice, writing
from workers.simulator import namespaces as ns
from workers.simulator.actions import Action
from workers.simulator.calls import Call
from workers.simulator.chaos import Chaos, Fault
from workers.simulator.contract import Port
from workers.simulator.counting import Counting
from workers.simulator.envelope import CallContext
from workers.simulator.faults import AifError, Complaint
from workers.simulator.model import Document, Service, Table
from workers.simulator.store import Store
from workers.simulator.validation import Violation

_OPERATIONS: Final[Mapping[str, Callable[[Call], str]]] = {
    "create": writing.create,
    "update": writing.update,
    "delete": writing.delete,
    "read": reading.read,
    "find": reading.find,
    "findKeys": reading.find_keys,
    "getKeys": reading.get_keys,
    "getChangedKeys": reading.get_changed_keys,
}
_WRITING: Final = frozenset({"create", "update", "delete"})
_SLOW_S: Final = 2.0


class Dropped(Exception):
    """The connection is to be closed without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = "text/xml; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How the AOS behaves beyond its contract."""

    chaos: Chaos
    latency_s: float = 0.0
    count: bool = False
    """create calls are counted and forgotten"""
    fault_detail: bool = True
    """the port has "Include exceptions in fault" """
    burn_failed_ids: bool = False
    """a call that was rolled back has used its MessageId up all the same"""
    not_idempotent: frozenset[str] = frozenset()
    """operations that are carried out again under a MessageId that was seen"""


class Aos:
    """Ports by path, companies, and what they hold. May be used by several threads."""

    def __init__(self, ports: Sequence[Port], *, companies: Sequence[str], store: Store, manners: Manners) -> None:
        self.ports = {port.path.lower(): port for port in ports}
        self.companies = tuple(companies)
        self.store = store
        self.services = tuple({s.name: s for port in ports for s in port.services.values()}.values())
        self._setup_tables = {table.name: table for service in self.services for table in _with_children(service.root)}
        self.tables = dict(self._setup_tables)
        if any(port.table_operations for port in ports):
            self.tables[tableservice.POSTINGS.name] = tableservice.POSTINGS
        for action in (action for port in ports for action in port.actions.values()):
            self.tables.setdefault(action.operation, action.table)
        self._manners = manners
        self._counting = Counting()
        self._stats: Counter[str] = Counter()
        self._lock = threading.Lock()

    def stats(self) -> dict[str, int]:
        """Counts since the start or the last reset."""
        with self._lock:
            return dict(self._stats)

    def reset(self) -> None:
        """Forget rows, MessageIds and counts."""
        with self.store.transaction():
            self.store.clear()
        self._counting.forget()
        with self._lock:
            self._stats.clear()

    def company(self, name: str | None) -> str | None:
        """A company in its own spelling, the default company for None, or None where there is no such company."""
        if name is None:
            return self.companies[0]
        return next((company for company in self.companies if company.casefold() == name.strip().casefold()), None)

    def post(self, port: Port, action: str, body: bytes) -> Answer:
        """Carry one call out, or misbehave. Raises Dropped."""
        wrong = self._manners.chaos.draw()
        self._count("calls", *(f"injected_{fault}" for fault in wrong))
        if Fault.HTTP503 in wrong:
            return Answer(status=503, body=b"<html><body><h1>Service Unavailable</h1></body></html>", content_type="text/html")
        if Fault.RESET in wrong:
            raise Dropped
        delay = self._manners.latency_s + (_SLOW_S if Fault.SLOW in wrong else 0.0)
        if delay:
            time.sleep(delay)
        answer = self._answer(port, action, body, deadlock=Fault.DEADLOCK in wrong)
        if Fault.TIMEOUT_AFTER in wrong:
            raise Dropped
        return answer

    def _answer(self, port: Port, action: str, body: bytes, *, deadlock: bool) -> Answer:
        if action in port.table_operations:
            return self._refusable(
                lambda: self._serve_tables(port, port.table_operations[action], body, deadlock=deadlock),
                service=tableservice.NAME,
                operation=port.table_operations[action],
            )
        if action in port.actions:
            found = port.actions[action]
            return self._refusable(
                lambda: self._act(port, found, body, deadlock=deadlock), service=found.service, operation=found.operation
            )
        service = port.services.get(action)
        operation = service.operations[action] if service else ""
        if service is None or operation not in _OPERATIONS:
            self._count("faults")
            return Answer(status=500, body=faults.action_not_supported(action))
        return self._refusable(
            lambda: self._serve(port, service, operation, body, deadlock=deadlock),
            service=service.name,
            operation=operation,
            document=service.document.name,
        )

    def _refusable(self, serve: Callable[[], Answer], *, service: str, operation: str, document: str = "") -> Answer:
        self._count(f"calls_{operation}")
        try:
            return serve()
        except envelope.Malformed:
            return Answer(status=400, body=b"")
        except AifError as error:
            self._count("faults")
            detail = self._manners.fault_detail
            body = faults.render(error, service=service, operation=operation, document=document, detail=detail)
            return Answer(status=500, body=body)

    def _serve(self, port: Port, service: Service, operation: str, body: bytes, *, deadlock: bool) -> Answer:
        if self._manners.count and operation == "create" and not deadlock:
            return self._swallow(service, body)
        return self._carry_out(port, service, operation, body, deadlock=deadlock)

    def _swallow(self, service: Service, body: bytes) -> Answer:
        context = self._counting.context(body)
        self._known_company(context)
        if context.message_id and not self._counting.is_new(context.message_id):
            self._count("duplicates_refused")
            raise faults.duplicate_message()
        answer, rows = self._counting.create(service, body)
        self._count(rows_created=rows)
        return Answer(status=200, body=answer)

    def _carry_out(self, port: Port, service: Service, operation: str, body: bytes, *, deadlock: bool) -> Answer:
        context, request = envelope.parse(body)
        call = Call(
            store=self.store,
            service=service,
            tables=self.tables,
            company=self._known_company(context),
            request=request,
        )
        writes = operation in _WRITING
        with self._transaction(context.message_id if writes else None, deadlock=deadlock and writes):
            _check_schema(port, service, operation, request)
            content = _OPERATIONS[operation](call)
        self._count(**call.tally)
        return Answer(status=200, body=envelope.answer(service.name, service.namespace, operation, content))

    def _serve_tables(self, port: Port, operation: str, body: bytes, *, deadlock: bool) -> Answer:
        context, request = envelope.parse(body)
        company = self._known_company(context)
        call = tableservice.TableCall(
            store=self.store, tables=self._setup_tables, companies=self.companies, company=company, request=request
        )
        writes = operation in tableservice.WRITING
        once = writes and operation not in self._manners.not_idempotent
        with self._transaction(context.message_id if once else None, deadlock=deadlock and writes):
            tableservice.check(port.validator, operation, request)
            content = tableservice.OPERATIONS[operation](call)
        self._count(**call.tally)
        return Answer(status=200, body=envelope.answer(tableservice.NAME, ns.TABLE_SERVICES, operation, content))

    def _act(self, port: Port, action: Action, body: bytes, *, deadlock: bool) -> Answer:
        context, request = envelope.parse(body)
        company = self._known_company(context)
        once = action.operation not in self._manners.not_idempotent
        with self._transaction(context.message_id if once else None, deadlock=deadlock):
            content = actions.carry_out(action, request, store=self.store, company=company, validator=port.validator)
        self._count(f"invoked_{action.service}.{action.operation}")
        return Answer(status=200, body=envelope.answer(action.service, action.namespace, action.operation, content))

    @contextmanager
    def _transaction(self, message_id: str | None, *, deadlock: bool) -> Iterator[None]:
        """All or nothing, once for each MessageId; rolled back at its end where there is a deadlock."""
        try:
            with self.store.transaction():
                self._refuse_duplicate(message_id)
                yield
                if deadlock:
                    raise AifError(Complaint(message="Deadlock."), exception_type=faults.DEADLOCK)
        except AifError:
            self._burn(message_id)
            raise

    def _known_company(self, context: CallContext) -> str:
        company = self.company(context.company)
        if company is None:
            raise faults.refused(f"The company '{context.company}' does not exist.")
        return company

    def _refuse_duplicate(self, message_id: str | None) -> None:
        if message_id and not self.store.remember(message_id):
            self._count("duplicates_refused")
            raise faults.duplicate_message()

    def _burn(self, message_id: str | None) -> None:
        if message_id and self._manners.burn_failed_ids:
            with self.store.transaction():
                self.store.remember(message_id)

    def _count(self, *names: str, **amounts: int) -> None:
        with self._lock:
            self._stats.update(names)
            self._stats.update(amounts)


def _with_children(table: Table) -> list[Table]:
    return [table, *(nested for child in table.nested.values() for nested in _with_children(child))]


def _check_schema(port: Port, service: Service, operation: str, request: etree._Element) -> None:
    """Refuse what the port's XSD does not allow, with the complaints about the first bad record."""
    expected = etree.QName(service.namespace, envelope.wrapper(service.name, operation, "Request"))
    if request.tag != expected.text:
        raise faults.refused(f"The message body holds '{etree.QName(request).localname}', not '{expected.localname}'.")
    try:
        port.validator.check(request)
    except Violation as violation:
        complaints = (_complaint(element, message, service.document) for element, message in violation.complaints())
        first = next(complaints)
        raise AifError(first, *takewhile(lambda other: other.xpath == first.xpath, complaints)) from violation


def _complaint(element: etree._Element, message: str, document: Document) -> Complaint:
    """A schema's complaint about an element, placed at the record that holds it."""
    chain = [element, *element.iterancestors()]
    chain.reverse()
    names = [etree.QName(item).localname for item in chain]
    if document.name not in names:
        return Complaint(message=message)
    start = names.index(document.name)
    xpath, tables, field = f"/{document.name}", document.tables, ""
    for item, name in zip(chain[start + 1 :], names[start + 1 :], strict=True):
        if name not in tables:
            field = name
            break
        position = 1 + sum(1 for _ in item.itersiblings(str(item.tag), preceding=True))
        xpath, tables = f"{xpath}/{name}[{position}]", tables[name].nested
    return Complaint(message=message, xpath=xpath, field=field)
