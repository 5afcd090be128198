"""Writes documents to one service: creates, updates, deletes; narrowed down to the bad ones where AX refuses.

It never decides what a row needs: that is `tables`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from connector.wire.jobs import LoadTables, Mode
from connector.wire.reports import Before, Intent, Outcome
from workers import aos, documents
from workers.documents import Body, TableWriter, Writer
from workers.errors import Complaint, GiveUp, Refusal, Reject, Unsettled
from workers.load import compare, explain, verdict
from workers.load.board import Board
from workers.load.calls import Ask, Calls
from workers.load.lookup import Lookup
from workers.load.narrow import narrowed
from workers.load.present import Present
from workers.load.proof import Proof

#: The code of a refusal because the record was changed after it was read.
STALE: Final = "RSC-5120"
#: The code of a fault in which the AOS says nothing, not even whether it has carried the call out.
UNEXPLAINED: Final = "RSC-5430"
#: The code of a refusal because the record is there already.
EXISTS: Final = "RSC-5116"
#: After so many calls that AX calls duplicates while nothing of them is there, a person must look.
_MAX_DUPLICATES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A document that stood alone as bad, and why."""

    refusal: Refusal
    complaints: tuple[Complaint, ...]


class Writing:
    """The writing side of one batch. Every outcome it learns goes to the board."""

    def __init__(self, message: LoadTables, *, port: aos.Port, ask: Ask, board: Board, writer: Writer | TableWriter) -> None:
        self.calls = Calls(message, port=port, ask=ask, so_far=board.outcomes)
        self.lookup = Lookup(port, writer.shape, time_limit_s=message.call_timeout_s)
        self.log: list[str] = []
        self.is_open = False
        """a call was granted of which it is not known whether AX has carried it out"""
        self.present = Present(self.lookup, board.rows, keyed=lambda row: compare.row_key(writer.shape, row) is not None)
        self._is_idempotent = message.idempotent
        self._looks_first = message.mode is not Mode.CREATE
        self._port = port
        self._board = board
        self._writer = writer
        self._shape = writer.shape
        self._proof = Proof(port, writer)
        self._records: dict[int, str] = {}
        self._created: tuple[Sequence[int], Body] | None = None
        """the last create body: it is checked, then sent"""

    def check(self, group: Sequence[int]) -> list[int]:
        """Those documents of which every cell can be written down; the others have failed."""
        self._write_down(group)
        return list(filter(self._board.is_pending, group))

    def _write_down(self, group: Sequence[int]) -> None:
        """All at once; where that fails, in halves, until the bad ones stand alone."""
        rows = self._board.rows
        try:
            written = self._writer.written([rows[document] for document in group])
        except Reject as error:
            if len(group) == 1:
                (document,) = group
                problems = explain.by_cell(self._shape, rows[document], error, index=self._board.first[document])
                self._board.fail(document, problems)
                return
            half = len(group) // 2
            self._write_down(group[:half])
            self._write_down(group[half:])
            return
        self._proof.add(written)
        self._records.update(zip(group, written.records, strict=True))

    def create(self, group: Sequence[int], *, ordinal: int = 0) -> dict[int, Refused]:
        """Creates the documents (they were checked). Returns those that AX refuses, which have no outcome yet."""
        if len(group) > 1 and not self._shape.table.repeats:  # a document of this service holds one record
            return {d: why for document in group for d, why in self.create([document], ordinal=ordinal).items()}
        fit = list(filter(self._board.is_pending, group))
        if not self._proof.holds():
            fit = self._fitting(fit, self._create_body, None)
        return self._send("create", fit, self._create_body, {}, ordinal=ordinal)

    def update(self, changes: Mapping[int, Before], *, ordinal: int = 0) -> dict[int, Refused]:
        """Updates the documents under what was read of them. Returns those that AX refuses, which have no outcome yet."""
        if len(changes) > 1 and not self._shape.table.repeats:
            return {d: why for one in changes for d, why in self.update({one: changes[one]}, ordinal=ordinal).items()}
        fit = [d for d in changes if self._board.is_pending(d) and self._can_update(d, changes[d])]
        build = self._update_body(changes)
        fit = self._fitting(fit, build, changes)
        return self._send("update", fit, build, changes, ordinal=ordinal)

    def delete(self, changes: Mapping[int, Before], *, ordinal: int = 0) -> dict[int, Refused]:
        """Deletes the documents. Returns those that AX refuses, which have no outcome yet."""
        return self._send("delete", list(changes), self._delete_body(changes), changes, ordinal=ordinal)

    def refuse(self, refused: Mapping[int, Refused], *, changes: Mapping[int, Before] | None = None) -> None:
        """The refused documents have failed, in AX's words."""
        for document, why in refused.items():
            row, index = self._board.rows[document], self._board.first[document]
            lines = self._lines(document, (changes or {}).get(document))
            problems = explain.by_ax(self._shape, row, why.refusal, why.complaints, lines=lines, index=index)
            self._board.fail(document, problems)

    def resume(self, intent: Intent) -> dict[int, Refused]:
        """Makes the granted call of an earlier attempt again, byte for byte, and narrows it down where AX refuses it."""
        group = list(intent.documents)
        self.is_open = True
        if not self._is_idempotent:
            self._look_up(intent)
            return {}
        body = self._rebuilt(intent)
        if body is None:
            for document in filter(self._board.is_pending, group):
                self._doubt(document, "A call that may have been carried out cannot be made again: its bytes have changed.")
            self.is_open = False
            return {}
        build = self._builder(intent)
        return self._send(intent.operation, group, build, intent.before, ordinal=self.calls.ordinal(intent))

    def _look_up(self, intent: Intent) -> None:
        """A port that would carry the call out twice is not asked to: what AX holds says what became of it.

        Of what is not there the call was rolled back, for its time limit has passed; it stays pending.
        """
        rows = {document: self._board.rows[document] for document in intent.documents if self._board.is_pending(document)}
        found = verdict.of(intent, rows, shape=self._shape, lookup=self.lookup)
        self.is_open = False
        for document, key in found.done.items():
            if intent.operation == "create" and not self._looks_first:
                self._doubt(document, "The record is there; whether this call wrote it, or it was there before, is not told.")
            else:
                self._settle_one(intent, document, key=key)
        for document, why in found.doubtful.items():
            self._doubt(document, why)

    def _rebuilt(self, intent: Intent) -> Body | None:
        """The call's bytes again; None where rows, contract or writer have changed since."""
        known = range(len(self._board.rows))
        if not all(document in known and self._board.is_pending(document) for document in intent.documents):
            return None
        try:
            written = self._writer.written([self._board.rows[document] for document in intent.documents])
            self._records.update(zip(intent.documents, written.records, strict=True))
            body = self._builder(intent)(intent.documents)
        except Reject:
            return None
        again = self.calls.intent(
            intent.operation, intent.documents, body, before=intent.before, ordinal=self.calls.ordinal(intent)
        )
        return body if (again.digest, again.message_id) == (intent.digest, intent.message_id) else None

    def _builder(self, intent: Intent) -> Callable[[Sequence[int]], Body]:
        if intent.operation == "create":
            return self._create_body
        return self._update_body(intent.before) if intent.operation == "update" else self._delete_body(intent.before)

    def _create_body(self, group: Sequence[int]) -> Body:
        if self._created is None or self._created[0] != group:
            self._created = group, self._writer.create(self._records[document] for document in group)
        return self._created[1]

    def _update_body(self, changes: Mapping[int, Before]) -> Callable[[Sequence[int]], Body]:
        rows = self._board.rows
        records: dict[int, str] = {}

        def build(group: Sequence[int]) -> Body:
            for document in group:
                if document not in records:
                    records[document] = self._writer.changed(rows[document], changes[document])
            keys = [self._writer.key(rows[document], changes[document]) for document in group]
            return self._writer.update(keys, [records[document] for document in group])

        return build

    def _delete_body(self, changes: Mapping[int, Before]) -> Callable[[Sequence[int]], Body]:
        rows = self._board.rows
        return lambda group: self._writer.delete(self._writer.key(rows[d], changes[d]) for d in group)

    def _lines(self, document: int, before: Before | None) -> list[int]:
        row = self._board.rows[document]
        if before is None:
            return list(documents.create_lines(self._shape, row))
        return list(documents.update_lines(self._shape, row, before))

    def _can_update(self, document: int, before: Before) -> bool:
        row = self._board.rows[document]
        try:
            self._writer.changed(row, before)
        except Reject as error:
            self._board.fail(document, explain.by_cell(self._shape, row, error, index=self._board.first[document]))
            return False
        return True

    def _fitting(
        self, group: Sequence[int], build: Callable[[Sequence[int]], Body], changes: Mapping[int, Before] | None
    ) -> list[int]:
        """Those documents that suit the port's own schema; the others have failed."""
        fit = list(filter(self._board.is_pending, group))
        while fit and (found := self._port.invalid(build(fit).document)):
            places = [(document, offset) for document in fit for offset in self._lines(document, (changes or {}).get(document))]
            wrong: dict[int, list[tuple[int, aos.SchemaProblem]]] = {}
            for problem in found:
                if not 0 <= problem.line - 2 < len(places):  # line 1 is the document's own element
                    raise _contract_differs(problem)
                document, offset = places[problem.line - 2]
                wrong.setdefault(document, []).append((offset, problem))
            for document, problems in wrong.items():
                row, index = self._board.rows[document], self._board.first[document]
                self._board.fail(document, explain.by_schema(self._shape, row, problems, index=index, creating=changes is None))
            fit = list(filter(self._board.is_pending, fit))
        return fit

    def _send(
        self,
        operation: str,
        group: Sequence[int],
        build: Callable[[Sequence[int]], Body],
        changes: Mapping[int, Before],
        *,
        ordinal: int,
    ) -> dict[int, Refused]:
        refused: dict[int, Refused] = {}
        unsent: set[int] = set()
        unit = self._board.unit.__getitem__

        def attempt(part: Sequence[int]) -> None:
            # A part of the group is another body: its MessageId was never used.
            number = ordinal if len(part) == len(group) else 0
            try:
                refused.update(self._attempt(operation, part, build, changes, ordinal=number))
            except Refusal as refusal:
                if not refusal.transient:
                    raise
                refused.update(self._attempt(operation, part, build, changes, ordinal=number + 1))

        def bad(document: int, refusal: Refusal, complaints: tuple[Complaint, ...]) -> None:
            refused[document] = Refused(refusal=refusal, complaints=complaints)
            if operation == "create" and not refusal.too_large:
                rest = [other for other in group if other not in refused and self._board.is_pending(other)]
                there = self.present.met(document, rest)
                refused.update((other, _exists(refused.get(other))) for other in there)
                unsent.update(map(unit, there))

        narrowed(group, attempt=attempt, refused=bad, unit=unit, skip=lambda document: unit(document) in unsent)
        return refused

    def _attempt(
        self,
        operation: str,
        part: Sequence[int],
        build: Callable[[Sequence[int]], Body],
        changes: Mapping[int, Before],
        *,
        ordinal: int,
    ) -> dict[int, Refused]:
        """One call. Returns what was refused of it where it had been made before; raises Refusal where it never was."""
        body = build(part)
        intent = self.calls.intent(operation, part, body, before=changes, ordinal=ordinal)
        try:
            keys = self.calls.make(intent, body)
        except Refusal as refusal:
            # A port that gives no reasons does not even say that it knows the MessageId.
            self.is_open = refusal.duplicate or (self.is_open and not any(c.record for c in refusal.complaints))
            if not self.is_open:
                signs = f" ({refusal.signs})" if refusal.signs else ""
                self.log.append(f"AX refused to {operation} {len(part)} documents{signs}: {refusal.message}")
                raise
            return self._seen_before(intent, refusal, ordinal=ordinal)
        except Unsettled as error:
            rows = (self._board.rows[document] for document in part)
            if error.code != UNEXPLAINED or not self.lookup.possible or not all(map(self.present.keyed, rows)):
                raise
            # The AOS has ended the call. If it lets itself be asked, it is up, and what the call brought is seen.
            self.is_open = True
            return self._seen_before(intent, Refusal(error.message, advice=error.advice, code=error.code), ordinal=ordinal)
        self.is_open = False
        self._settle(intent, keys)
        return {}

    def _settle(self, intent: Intent, keys: Sequence[aos.Key]) -> None:
        """The call was carried out."""
        if intent.operation == "create" and len(keys) != len(intent.documents):
            self._settle_by_lookup(intent, answered=len(keys))
            return
        for place, document in enumerate(intent.documents):
            self._settle_one(intent, document, key=keys[place] if keys else None)

    def _settle_by_lookup(self, intent: Intent, *, answered: int) -> None:
        """AX answered for another number of records than it was sent: what is there was created, of the rest nothing is known."""
        self.is_open = True
        rows = {document: self._board.rows[document] for document in intent.documents}
        found = verdict.of(intent, rows, shape=self._shape, lookup=self.lookup)
        self.is_open = False
        for document in intent.documents:
            if document in found.done:
                self._settle_one(intent, document, key=found.done[document])
            else:
                self._doubt(document, f"AX gave {answered} keys for {len(rows)} records, and no proof that this one is in.")

    def _settle_one(self, intent: Intent, document: int, *, key: aos.Key | None = None) -> None:
        if intent.operation == "create":
            self._board.settle(document, Outcome.CREATED, key=key)
        elif intent.operation == "delete":
            self._board.settle(document, Outcome.DELETED)
        else:
            row, before = self._board.rows[document], intent.before[document]
            self._board.settle_each(document, compare.outcomes_of(self._shape, row, before), key=key)

    def _seen_before(self, intent: Intent, refusal: Refusal, *, ordinal: int) -> dict[int, Refused]:
        """The call was perhaps carried out before: the keys are looked up to be sure. Raises the refusal where it was not."""
        rows = {document: self._board.rows[document] for document in intent.documents}
        found = verdict.of(intent, rows, shape=self._shape, lookup=self.lookup)
        self.is_open = False
        if not refusal.duplicate and not found.done and not found.doubtful:
            raise refusal
        self.log.append(
            f"A call to {intent.operation} {len(rows)} documents was made before: {len(found.done)} are as it left them"
        )
        for document, key in found.done.items():
            self._settle_one(intent, document, key=key)
        for document, why in found.doubtful.items():
            self._doubt(document, why)
        if ordinal >= _MAX_DUPLICATES:
            for document in found.left:
                self._doubt(document, "AX calls this a duplicate again and again, and nothing of it is there.")
            return {}
        if intent.operation == "create":
            return self.create(list(found.left), ordinal=ordinal + 1)
        write = self.update if intent.operation == "update" else self.delete
        return write(found.left, ordinal=ordinal + 1)

    def _doubt(self, document: int, message: str) -> None:
        self._board.leave(
            document,
            Outcome.UNKNOWN,
            message=message,
            advice="Have it looked up (rapidstart job resolve JOB --all --as lookup), or load the file again: what is in stays.",
            code="RSC-3120",
        )


def _exists(why: Refused | None) -> Refused:
    """A document that is there already: in AX' words, where it said any."""
    refusal = Refusal(
        why.refusal.message if why else "A record with this key exists in AX already.",
        advice="Load it in mode upsert or update to change the record, or take the row out.",
        code=EXISTS,
    )
    return Refused(refusal=refusal, complaints=why.complaints if why else ())


def _contract_differs(problem: aos.SchemaProblem) -> GiveUp:
    return GiveUp(
        f"The port's schema refuses every document: {problem.message}",
        advice="Read the endpoint's metadata again (rapidstart endpoint metadata NAME --refresh) and load again.",
        code="RSC-5953",
    )
