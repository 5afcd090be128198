"""The load of one batch of table rows: what is there, what differs, what must be written, what became of every row.

A row is told as written only when AX has answered for it. What cannot be proved is `unknown`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from connector.wire import codec
from connector.wire.codec import Row
from connector.wire.jobs import LoadTables, Mode
from connector.wire.reports import Before, Outcome
from workers import aos, documents
from workers.errors import GiveUp, Refusal, Reject, Retry, Unfinished, Unsettled
from workers.load import compare, explain
from workers.load.board import Board
from workers.load.calls import Ask
from workers.load.lookup import Found
from workers.load.narrow import divided
from workers.load.result import Result
from workers.load.standing import Standing
from workers.load.verdict import keyed
from workers.load.writing import STALE, Refused, Writing

#: What is told of a row that may have been created by a call which nobody remembers.
_MAYBE: Final = "The row may have been created by a call that the restored ledger does not know of."
_LOOK: Final = "Look in AX whether it is in, then settle it: rapidstart job resolve JOB --as done, skip or retry."
#: Lines that one batch may add to its job's log.
_MOST_LINES: Final = 20


def run(message: LoadTables, *, port: aos.Port, ask: Ask, standing: Standing | None = None) -> Result:
    """Carries one batch out on an open port. `ask` reports an intent with the outcomes so far and waits for its grant.

    `standing` tells rows that need nothing at a lower price than a lookup, where it can.
    Raises Unfinished (around Retry, Unsettled or GiveUp) with what is proved so far, and Replaced where a grant is refused.
    """
    rows = codec.unpack_rows(codec.from_text(message.rows))
    board = Board(message.layout, rows, so_far=message.so_far)
    is_open = message.open_intent is not None
    try:
        load = _Load(message, port=port, ask=ask, board=board, standing=standing)
        try:
            load.run()
        finally:
            is_open = load.is_open
    except (Retry, GiveUp, Reject) as error:  # a Reject of rows was told as their outcome; one of the batch ends it
        settled = not (is_open or isinstance(error, Unsettled))
        raise Unfinished(error, outcomes=board.outcomes(), settled=settled) from error
    if board.pending():
        defect = GiveUp(
            "rows of the batch were left without an outcome.", advice="Report it with the worker's log.", code="RSC-5960"
        )
        raise Unfinished(defect, outcomes=board.outcomes())
    seconds, documents_of_it = load.longest
    return Result(
        outcomes=board.outcomes(),
        calls=load.calls,
        log=load.log,
        call_rows=documents_of_it,
        call_seconds=round(seconds, 3),
        refused=load.refused,
    )


class _Load:
    def __init__(self, message: LoadTables, *, port: aos.Port, ask: Ask, board: Board, standing: Standing | None) -> None:
        writer = documents.writer(port.service, message.layout)
        self._message = message
        self._mode = message.mode
        self._board = board
        self._shape = writer.shape
        self._operations = port.service.operations
        self._is_generic = port.service.generic
        self._writing = Writing(message, port=port, ask=ask, board=board, writer=writer)
        self._standing = standing

    @property
    def calls(self) -> int:
        asked = self._standing.calls if self._standing else 0
        return self._writing.calls.made + self._writing.lookup.calls + asked

    @property
    def refused(self) -> tuple[str, ...]:
        """MessageIds of the calls that AX refused."""
        return tuple(self._writing.calls.refused)

    @property
    def longest(self) -> tuple[float, int]:
        """The longest writing call: its seconds and its documents."""
        return self._writing.calls.longest

    @property
    def is_open(self) -> bool:
        """Whether the end of a granted call is not known."""
        return self._writing.is_open

    @property
    def log(self) -> tuple[str, ...]:
        told = tuple(dict.fromkeys(self._writing.log))
        more = len(told) - _MOST_LINES
        return told if more <= 0 else (*told[:_MOST_LINES], f"{more} more calls were refused; their rows say why.")

    def run(self) -> None:
        try:
            self._carry_out()
        except Retry as error:
            # Sure as it is that this very call did nothing: the one that it repeats may have been carried out.
            if self._writing.is_open and not isinstance(error, Unsettled):
                raise Unsettled(error.message, advice=error.advice, code=error.code, sent=False) from error
            raise

    def _carry_out(self) -> None:
        if self._message.open_intent:
            refused = self._writing.resume(self._message.open_intent)
            bad = {document: why for document, why in refused.items() if why.refusal.code != STALE}  # stale: read again below
            self._refused(bad, changes=self._message.open_intent.before)
        group = self._writing.check(self._board.pending())
        if self._message.look_first:
            group = self._not_created_before(group)
        if self._mode is Mode.CREATE:
            self._each_call(self._create, group)
        elif self._writing.lookup.possible:
            self._each_call(self._by_key, self._distinct(group))
        elif self._mode is Mode.UPSERT and self._writing.lookup.has_whole_key:
            self._writing.log.append(f"{self._message.layout.entity} has no key that AX could be asked for: every row is created")
            self._each_call(self._create, group)
        else:
            self._leave(group, "There is no whole key to look the record up by, or the service offers no lookup.", "RSC-3107")

    def _not_created_before(self, group: Sequence[int]) -> list[int]:
        """The documents that calls which nobody remembers have not created: all that is looked up later on anyway, else those
        whose key AX does not know. Of the others it is told what AX holds, and nothing is created.
        """
        lookup = self._writing.lookup
        if self._mode in {Mode.UPDATE, Mode.DELETE} or (self._mode is Mode.UPSERT and lookup.possible):
            return list(group)
        keyed_rows = {document: self._board.rows[document] for document in group if lookup.possible}
        keyed_rows = {document: row for document, row in keyed_rows.items() if compare.row_key(self._shape, row) is not None}
        found = self._find(keyed_rows, each=True)
        if found is None:
            return []
        for document in group:
            if document in found and self._is_as_asked(document, found[document]):
                self._board.settle(document, Outcome.UNCHANGED, key=found[document].key)
        missing = keyed_rows.keys() - found.keys()
        new = [document for document in group if all(other in missing for other in self._board.unit_of(document))]
        for document in filter(self._board.is_pending, group):
            if document not in new:
                self._board.leave(document, Outcome.UNKNOWN, message=_MAYBE, advice=_LOOK, code="RSC-3122")
        return new

    def _is_as_asked(self, document: int, found: Found) -> bool:
        """Whether a record proves that the row is in: by a key that is none but its own, with the row's values."""
        if self._message.guessed or found.several:
            return False
        try:
            return not compare.difference(self._shape, self._board.rows[document], found.record)
        except Reject:
            return False

    def _each_call(self, carry_out: Callable[[Sequence[int]], None], group: Sequence[int]) -> None:
        """A group as large as a call shall be, one after the other."""
        for part in divided(group, most=self._message.call_rows, unit=self._board.unit.__getitem__):
            carry_out(part)

    def _by_key(self, group: Sequence[int]) -> None:
        """Upsert, update and delete: each document is looked up first."""
        rows = {document: self._board.rows[document] for document in group}
        keyed_rows = {document: row for document, row in rows.items() if compare.row_key(self._shape, row) is not None}
        self._settle_standing(keyed_rows)
        group = list(filter(self._board.is_pending, group))
        keyed_rows = {document: row for document, row in keyed_rows.items() if self._board.is_pending(document)}
        found = self._find(keyed_rows)
        if found is None:
            return
        missing = [document for document in group if document not in found]
        if self._mode is Mode.UPSERT:
            self._divided(missing, found)
            self._create(list(filter(self._board.is_pending, missing)))
        else:
            found |= self._really_missing({document: keyed_rows[document] for document in missing if document in keyed_rows})
            self._no_record([document for document in missing if document not in found])
        self._write_found({document: there for document, there in found.items() if self._is_one(document, there)})

    def _settle_standing(self, rows: Mapping[int, Row]) -> None:
        """Rows that AX holds as they are need no document of theirs to be read."""
        same = self._standing.unchanged(self._message, self._shape, rows) if self._standing else None
        for document, blanks in (same or {}).items():
            self._board.kept_blanks(blanks)
            self._board.settle(document, Outcome.UNCHANGED)

    def _divided(self, missing: Sequence[int], found: Mapping[int, Found]) -> None:
        """A unit of which a part exists would need two calls, of which one may fail: it is not written."""
        for document in filter(self._board.is_pending, missing):
            if any(other in found for other in self._board.unit_of(document)):
                self._board.leave(
                    document,
                    Outcome.FAILED,
                    message="There is no such record, but others of the same unit exist: they cannot be written in one call.",
                    advice="Load what is new in mode create, and what exists in mode update.",
                    code="RSC-3113",
                )

    def _is_one(self, document: int, found: Found) -> bool:
        if found.several and self._board.is_pending(document):
            self._board.leave(
                document,
                Outcome.FAILED,
                message="AX holds several records with this key, so it does not tell which one is meant.",
                advice="Name a key that is unique in the mapping.",
                code="RSC-3114",
            )
        return self._board.is_pending(document)

    def _write_found(self, found: Mapping[int, Found]) -> None:
        if self._mode is Mode.DELETE:
            self._delete(found)
        else:
            self._update(found, again=True)

    def _find(self, rows: Mapping[int, Row], *, each: bool = False) -> dict[int, Found] | None:
        """What is there of these documents. None: AX refused the question, and they have failed."""
        lookup = self._writing.lookup
        try:
            return lookup.find_each(rows) if each else lookup.find(rows)
        except Refusal as refusal:
            self._refused({document: Refused(refusal=refusal, complaints=()) for document in rows})
            return None

    def _really_missing(self, rows: Mapping[int, Row]) -> dict[int, Found]:
        """Of documents that the lookup missed: those that are there all the same."""
        return self._find(rows, each=True) or {}

    def _create(self, group: Sequence[int]) -> None:
        if group and "create" not in self._operations:
            self._leave(group, "The service offers no create.", "RSC-3115")
            return
        refused = self._writing.create(group)
        while self._is_generic and 0 < len(refused) < len(group):
            # The table service looks at every row before it writes one: a row may refer to another that is in only now.
            group = list(refused)
            refused = self._writing.create(group)
        self._refused(refused)

    def _update(self, found: Mapping[int, Found], *, again: bool) -> None:
        """Updates what differs. `again`: documents that were changed meanwhile are read once more."""
        changes = {document: change for document, there in found.items() if (change := self._change(document, there))}
        if changes and "update" not in self._operations:
            self._leave(list(changes), "The record exists and differs, and the service offers no update.", "RSC-3115")
            return
        refused = self._writing.update(changes)
        stale = self._stale(refused, changes) if again else {}
        self._refused({document: why for document, why in refused.items() if document not in stale}, changes=changes)
        self._no_record([document for document, there in stale.items() if there is None])
        if now := {document: there for document, there in stale.items() if there is not None}:
            self._update(now, again=False)

    def _stale(self, refused: Mapping[int, Refused], changes: Mapping[int, Before]) -> dict[int, Found | None]:
        """Those of the refused documents that were changed after they were read, as they are now.

        AX says so in the words of its language; that the hash is another one says it in all of them.
        """
        alone = {document: self._board.rows[document] for document in refused if self._is_alone(document)}
        try:
            found = self._writing.lookup.find(alone)
        except Refusal:
            return {}
        stale: dict[int, Found | None] = {}
        for document in alone:
            there = found.get(document)
            if refused[document].refusal.code == STALE or (there and there.record.hash != changes[document].hash):
                stale[document] = there
        return stale

    def _change(self, document: int, found: Found) -> Before | None:
        """What an update of the document must write; None where it has its outcome: unchanged, or failed."""
        row = self._board.rows[document]
        try:
            difference = compare.difference(self._shape, row, found.record)
        except Reject as error:
            self._board.fail(document, explain.by_cell(self._shape, row, error, index=self._board.first[document]))
            return None
        self._board.kept_blanks(difference.blanks_kept)
        if difference:
            return keyed(self._shape, difference.before, found)
        self._board.settle(document, Outcome.UNCHANGED, key=found.key)
        return None

    def _delete(self, found: Mapping[int, Found]) -> None:
        if found and "delete" not in self._operations:
            self._leave(list(found), "The service offers no delete.", "RSC-3115")
            return
        changes = {
            document: keyed(self._shape, Before(hash=there.record.hash, values=dict(there.record.values)), there)
            for document, there in found.items()
        }
        self._refused(self._writing.delete(changes), changes={})

    def _refused(self, refused: Mapping[int, Refused], *, changes: Mapping[int, Before] | None = None) -> None:
        """Documents that AX refused. One that exists is updated after all, where the mode allows it."""
        there: dict[int, Found] = {}
        if self._mode is Mode.UPSERT and not changes:
            known = self._writing.present.found
            there = {document: known[document] for document in refused if document in known and self._is_alone(document)}
        left = {document: why for document, why in refused.items() if document not in there and self._board.is_pending(document)}
        self._writing.refuse(left, changes=changes)
        if there:
            self._update(there, again=True)

    def _is_alone(self, document: int) -> bool:
        return len(self._board.unit_of(document)) == 1

    def _distinct(self, group: Sequence[int]) -> list[int]:
        """The documents without those that repeat the key of an earlier one: which of them should win is not ours to say."""
        first: dict[compare.Folded, int] = {}
        kept: list[int] = []
        for document in range(len(self._board.rows)):
            key = compare.row_key(self._shape, self._board.rows[document])
            winner = first.setdefault(key, document) if key is not None else document
            if document in group and winner == document:
                kept.append(document)
            elif document in group:
                self._repeated(document, winner)
        return kept

    def _repeated(self, document: int, first: int) -> None:
        key = documents.natural_key(self._shape, self._board.rows[document])
        words = ", ".join(f"{field}={value}" for field, value in key.items())
        message = f"The key {words} stands already in {self._board.name(first, self._board.first[first])}."
        self._board.leave(
            document, Outcome.FAILED, message=message, advice="Keep one of the rows and load again.", code="RSC-3109"
        )

    def _no_record(self, group: Sequence[int]) -> None:
        deleting = self._mode is Mode.DELETE
        for document in filter(self._board.is_pending, group):
            self._board.leave(
                document,
                Outcome.SKIPPED if deleting else Outcome.FAILED,
                message="There is no such record, nothing to delete." if deleting else "There is no such record to update.",
                advice="Check the key and the company." if deleting else "Check the key and the company, or load in mode upsert.",
                code="RSC-3111",
            )

    def _leave(self, group: Sequence[int], message: str, code: str) -> None:
        for document in group:
            self._board.leave(
                document,
                Outcome.FAILED,
                message=message,
                advice="Name a key in the mapping, expose the operation on the port, or load in another mode.",
                code=code,
            )
