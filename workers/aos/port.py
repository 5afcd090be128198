"""A port of an AOS, open for one company: the document operations, one method each, and `call` for any other.

A call is made once. Raises Refusal, Retry, Unsettled or GiveUp (workers.errors); what each means is told there.
"""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from lxml import etree

from connector.wire import metadata
from workers.aos import answers, envelope, faults, nettcp
from workers.aos.door import Door
from workers.aos.loading import Contract, Operation
from workers.aos.values import Criterion, Key, Record, SchemaProblem
from workers.errors import GiveUp, Refusal, Retry, WorkerError

#: How long a reading call may take, in seconds, where the caller does not say.
READ_LIMIT_S = 120.0


class Port:
    """One service of one port, called for one company, language and partition. Any thread may use it."""

    def __init__(
        self, door: Door, contract: Contract, service: metadata.Service, *, company: str, language: str, partition: str | None
    ) -> None:
        self.service = service
        self._door = door
        self._contract = contract
        self.company = company
        self._operations = contract.operations(service.name)
        self._context, self._halves = contract.context(company=company, language=language, partition=partition)
        self._nested = tuple(_nested(service.document.tables if service.document else ()))

    def create(self, body: bytes, *, message_id: str, time_limit_s: float) -> list[Key]:
        """Creates records, in one transaction. `body` is the complete request element. The EntityKeys of the root records."""
        return answers.keys(self._write("create", body, message_id=message_id, time_limit_s=time_limit_s))

    def update(self, body: bytes, *, message_id: str, time_limit_s: float) -> None:
        """Updates records, in one transaction. `body` is the complete request element, keys and document."""
        self._write("update", body, message_id=message_id, time_limit_s=time_limit_s)

    def delete(self, body: bytes, *, message_id: str, time_limit_s: float) -> None:
        """Deletes records, in one transaction. `body` is the complete request element with its keys."""
        self._write("delete", body, message_id=message_id, time_limit_s=time_limit_s)

    def find(self, criteria: Sequence[Criterion], *, time_limit_s: float = READ_LIMIT_S) -> list[Record]:
        """All records that meet all criteria; AX pages nothing here."""
        return self._records(self.ask("find", envelope.criteria(criteria), time_limit_s=time_limit_s))

    def find_keys(self, criteria: Sequence[Criterion], *, time_limit_s: float = READ_LIMIT_S) -> list[Key]:
        """The EntityKeys of all records that meet all criteria."""
        return answers.keys(self.ask("findKeys", envelope.criteria(criteria), time_limit_s=time_limit_s))

    def read(self, keys: Sequence[Key], *, time_limit_s: float = READ_LIMIT_S) -> list[Record]:
        """The records of these keys. A key without a record makes AX refuse the whole call."""
        return self._records(self.ask("read", envelope.key_list(keys), time_limit_s=time_limit_s))

    def get_keys(self, *, page_size: int = 100, time_limit_s: float = READ_LIMIT_S) -> list[Key]:
        """The first page of EntityKeys that the port's document filter lets through."""
        return answers.keys(self.ask("getKeys", envelope.paging(page_size), time_limit_s=time_limit_s))

    def action(self, operation: str) -> str:
        """The soapAction of an operation. Raises GiveUp where the service does not offer it."""
        return self._offered(operation).action

    def call(self, operation: str, body: bytes, *, message_id: str, time_limit_s: float) -> str:
        """Calls an operation that is none of a document service's own. `body` is the complete request element.

        What it answers as one text: a single value as it stands, nothing as "", all else as JSON (`answers.told`).
        """
        response = self._write(operation, body, message_id=message_id, time_limit_s=time_limit_s)
        known = next((one.result for one in self.service.calls if one.name == operation), ())
        return answers.told(response, known)

    def element(self, operation: str) -> tuple[str, str]:
        """Name and namespace of an operation's request element. Raises GiveUp where the service does not offer it."""
        offered = self._offered(operation)
        return offered.request, offered.namespace

    def invalid_call(self, operation: str, body: bytes) -> list[SchemaProblem]:
        """What the port's own schema finds wrong with the request element of an operation."""
        name, namespace = self.element(operation)
        return self._contract.invalid_element(f"{{{namespace}}}{name}", body)

    def invalid(self, document: bytes) -> list[SchemaProblem]:
        """What the port's own schema finds wrong with a document; `document` is the document element alone."""
        return self._contract.invalid(self.service.name, document)

    @property
    def proved(self) -> set[object]:
        """What callers noted as structures of records that the port's schema takes; kept as long as its contract."""
        return self._contract.proved(self.service.name)

    def _write(self, operation: str, body: bytes, *, message_id: str, time_limit_s: float) -> etree._Element:
        before, after = self._halves
        context = before + str(UUID(message_id)).encode() + after
        return self._call(operation, context, body, time_limit_s=time_limit_s, writes=True)

    def ask(self, operation: str, content: str, *, time_limit_s: float) -> etree._Element:
        """Makes a reading call; `content` is what the request element holds, with its namespaces. The response element."""
        offered = self._offered(operation)
        body = envelope.request(offered.request, offered.namespace, content)
        return self._call(operation, self._context, body, time_limit_s=time_limit_s, writes=False)

    def _offered(self, operation: str) -> Operation:
        if operation not in self._operations:
            raise GiveUp(
                f"{self.service.name} does not offer {operation}.",
                advice="Choose another mode or key, or add the operation to the port.",
                code="RSC-5931",
            )
        return self._operations[operation]

    def _call(self, operation: str, context: bytes, body: bytes, *, time_limit_s: float, writes: bool) -> etree._Element:
        url, offered = self.service.address, self._offered(operation)
        message = self._message(context, body, action=offered.action)
        answer = self._door.transport.post(
            url, message, action=offered.action, time_limit_s=time_limit_s, writes=writes, way=self._contract.way
        )
        element = answers.body(answer.body)
        if element is not None and answers.is_fault(element):
            raise self._refused(element, writes=writes)
        if element is None or answer.status != 200 or element.tag != (offered.response or element.tag):
            raise faults.unreadable(answer, url, writes=writes)
        return element

    def _message(self, context: bytes, body: bytes, *, action: str) -> bytes:
        """The address says which SOAP is spoken."""
        if nettcp.is_one(self.service.address):
            return envelope.addressed(context, body, action=action, to=nettcp.via(self.service.address))
        return envelope.envelope(context, body)

    def _refused(self, fault: etree._Element, *, writes: bool) -> WorkerError:
        detail = self._contract.fault_detail(fault, nested=self._nested)
        error = faults.refused_call(fault, detail, company=self.company, writes=writes)
        return self._stale(fault, error) if error.code == faults.STALE_CONTRACT else error

    def _stale(self, fault: etree._Element, error: WorkerError) -> WorkerError:
        """The port seems to have changed: it is asked. Raises Retry or GiveUp where it does not say."""
        is_current = self._door.is_current(self._contract, address=self.service.address)
        if is_current is None:
            self._door.forget(url=self.service.address)
        if not is_current:
            return error
        if _is_unknown_action(fault):  # the port is just being activated: its contract says otherwise
            return Retry(error.message, advice="Its contract is as before: the call is made again.", code=error.code)
        return Refusal(error.message, advice="The contract is as before. Compare the row with what AX says.")

    def _records(self, response: etree._Element) -> list[Record]:
        return answers.records(response, self.service.document) if self.service.document else []


def _nested(tables: Iterable[metadata.Table]) -> Iterator[str]:
    """The names of all records below some."""
    for child in (child for table in tables for child in table.children):
        yield child.name
        yield from _nested([child])


def _is_unknown_action(fault: etree._Element) -> bool:
    text = etree.tostring(fault)
    return b"ActionNotSupported" in text or b"ContractFilter mismatch" in text
