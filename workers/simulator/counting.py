"""Create calls that are counted and forgotten: what a benchmark of a loader measures itself against.

Documents are not parsed. MessageIds are checked, as in every other call.
"""

import re
import threading
from typing import Final

from workers.simulator import envelope
from workers.simulator.envelope import CallContext
from workers.simulator.model import Service

#: The call context stands in the header, before any record.
_HEAD: Final = 4096
_COMPANY: Final = re.compile(rb"<(?:[\w.-]+:)?Company(?:\s[^>]*)?>([^<]*)<")
_MESSAGE_ID: Final = re.compile(rb"<(?:[\w.-]+:)?MessageId(?:\s[^>]*)?>([^<]*)<")


class Counting:
    """Remembers MessageIds, and answers that were given before. May be used by several threads."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._answers: dict[tuple[str, int], bytes] = {}
        self._lock = threading.Lock()

    def context(self, body: bytes) -> CallContext:
        """The call context, without a parser. Raises AifError where the MessageId is no GUID."""
        head = body[:_HEAD]
        company, message_id = _COMPANY.search(head), _MESSAGE_ID.search(head)
        return CallContext(
            company=company[1].decode() or None if company else None,
            message_id=envelope.normal_message_id(message_id[1].decode()) if message_id and message_id[1] else None,
        )

    def is_new(self, message_id: str) -> bool:
        """Note a MessageId; False where it was seen before."""
        with self._lock:
            before = len(self._seen)
            self._seen.add(message_id)
            return len(self._seen) > before

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._seen.clear()

    def create(self, service: Service, body: bytes) -> tuple[bytes, int]:
        """The answer to a create call: a key per root record; and how many records there were, nested ones included."""
        rows = body.count(b'class="entity"')
        roots = rows if not service.root.children else len(re.findall(rb"<(?:[\w.-]+:)?%b\s" % service.root.name.encode(), body))
        kept = self._answers.get((service.name, roots))
        if kept is None:
            keys = [tuple((name, str(number)) for name in service.root.key) for number in range(1, roots + 1)]
            kept = envelope.answer(service.name, service.namespace, "create", envelope.key_list(keys))
            self._answers[service.name, roots] = kept
        return kept, rows
