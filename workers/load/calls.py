"""A writing call: its intent is told, a grant is waited for, then the call is made. Nothing writes to AX but this."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID, uuid5

from connector.wire.jobs import Grant, Load
from connector.wire.reports import BatchRef, Before, Intent, Outcomes
from workers import aos
from workers.documents import Body
from workers.errors import GiveUp, Refusal, Replaced

Ask = Callable[[Intent, Outcomes], Grant]

_NAMESPACE: Final = UUID("6f0f8f4e-0c1d-5a3e-9f57-5d0a3d1c7b21")
_MAX_ORDINAL: Final = 9


def message_id(ref: BatchRef, operation: str, *, digest: str, ordinal: int = 0) -> str:
    """The MessageId of a call. The attempt is not in it: whoever makes the call again makes the same call.

    `ordinal` counts calls of one body that AX refused as seen before although nothing of them is there.
    """
    name = f"{ref.job}/{ref.step}/{ref.batch}/{operation}/{digest}"
    return str(uuid5(_NAMESPACE, f"{name}/{ordinal}" if ordinal else name))


class Calls:
    """The writing calls of one batch."""

    def __init__(self, message: Load, *, port: aos.Port, ask: Ask, so_far: Callable[[], Outcomes]) -> None:
        self._message = message
        self._port = port
        self._ask = ask
        self._so_far = so_far
        self.made = 0
        self.refused: list[str] = []
        """MessageIds of the calls that AX refused"""
        self.longest = (0.0, 0)
        """of the calls that write documents: seconds, and how many documents"""

    def intent(
        self, operation: str, documents: Sequence[int], body: Body, *, before: Mapping[int, Before], ordinal: int = 0
    ) -> Intent:
        """What is about to be written. The same documents, body and ordinal make the same intent again."""
        digest = hashlib.sha256(body.request).hexdigest()
        return Intent(
            message_id=message_id(self._message.ref, operation, digest=digest, ordinal=ordinal),
            operation=operation,
            documents=tuple(documents),
            digest=digest,
            before={document: before[document] for document in documents if document in before},
            time_limit_s=self._message.call_timeout_s,
        )

    def ordinal(self, intent: Intent) -> int:
        """Which ordinal an intent's MessageId was made with."""
        ref = self._message.ref
        ids = (message_id(ref, intent.operation, digest=intent.digest, ordinal=n) for n in range(_MAX_ORDINAL))
        return next((n for n, known in enumerate(ids) if known == intent.message_id), 0)

    def make(self, intent: Intent, body: Body) -> list[aos.Key]:
        """Asks leave and makes the call. The keys of created documents, in order; none for other operations.

        Raises Replaced where leave is refused (nothing was sent), Refusal, Retry, Unsettled and GiveUp as `aos.Port` does.
        """
        if self._message.preview:  # this is the one door to what writes: here a preview takes the call for made
            return [{} for _ in intent.documents]
        self._leave(intent)
        started = time.monotonic()
        try:
            return self._write(intent, body)
        except Refusal:
            self.refused.append(intent.message_id)
            raise
        finally:
            self.longest = max(self.longest, (time.monotonic() - started, len(intent.documents)))

    def _write(self, intent: Intent, body: Body) -> list[aos.Key]:
        if intent.operation == "create":
            return self._port.create(body.request, message_id=intent.message_id, time_limit_s=intent.time_limit_s)
        write = self._port.update if intent.operation == "update" else self._port.delete
        write(body.request, message_id=intent.message_id, time_limit_s=intent.time_limit_s)
        return []

    def carry_out(self, intent: Intent, request: bytes) -> str:
        """Asks leave and calls an operation that is none of a document service's own: what it answered. Raises as `make` does."""
        self._leave(intent)
        try:
            return self._port.call(intent.operation, request, message_id=intent.message_id, time_limit_s=intent.time_limit_s)
        except Refusal:
            self.refused.append(intent.message_id)
            raise

    def _leave(self, intent: Intent) -> None:
        if self._message.preview:
            raise GiveUp("A preview came to a call that writes: nothing was sent.", advice="Report it with the worker's log.")
        grant = self._ask(intent, self._so_far())
        if not grant.granted:
            raise Replaced(grant.reason or "This attempt was replaced by another one.")
        self.made += 1
