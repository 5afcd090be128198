"""The load of one batch through AIF's file system adapter: a message for each document, answered when AX gets to it.

Only creates can go this way: nothing can be looked up. A MessageId is made of the document's bytes, so that a file which
AX reads twice takes effect once (its port refuses an id that it has seen).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from connector.wire import codec
from connector.wire.jobs import LoadFiles
from connector.wire.reports import Handed, Outcome
from workers import aos, documents
from workers.documents import Writer
from workers.errors import GiveUp, Reject, Retry, Unfinished, Unsettled
from workers.exchange import FilePort, OnError, Reply
from workers.load import explain, handover
from workers.load.board import Board
from workers.load.calls import Ask, message_id
from workers.load.handover import Parcel, Progress

_DUPLICATE: Final = "DuplicateMessage"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letter:
    """One message: the documents of one unit."""

    id: str
    documents: Sequence[int]
    content: bytes


def run(message: LoadFiles, *, port: aos.Port, file_port: FilePort, ask: Ask) -> Progress:
    """Hand the batch over, or look for what AX answered. Raises Unfinished (around Retry or GiveUp), and Replaced."""
    board = Board(message.layout, codec.unpack_rows(codec.from_text(message.rows)), so_far=message.so_far)
    load = _Load(message, port=port, file_port=file_port, board=board)
    is_open = message.open_intent is not None
    try:
        if board.pending():
            load.hand_over(ask)
            is_open = False
        load.read_answers()
    except (Retry, GiveUp, Reject) as error:
        raise Unfinished(error, outcomes=board.outcomes(), settled=not (is_open or isinstance(error, Unsettled))) from error
    folder = file_port.folder
    return handover.progress(board, answer_within_s=file_port.answer_within_s, answers_are_read=folder.answers_are_read)


class _Load:
    def __init__(self, message: LoadFiles, *, port: aos.Port, file_port: FilePort, board: Board) -> None:
        self._message, self._port, self._file_port, self._board = message, port, file_port, board
        self._writer = Writer(port.service, message.layout)
        self._name = handover.file_name(message, ".xml")
        self._records: dict[int, str] = {}

    def hand_over(self, ask: Ask) -> None:
        """Put the documents that are fit into a file."""
        for document in self._board.pending():
            self._check(document)
        letters = self._letters()
        if letters:
            sent = [document for letter in letters for document in letter.documents]
            at = datetime.now(UTC)
            handed = [Handed(file=self._name, message_id=letter.id, rows=tuple(letter.documents), at=at) for letter in letters]
            handover.deliver(self._parcel(letters, sent), self._message, board=self._board, ask=ask, handed=handed)

    def _parcel(self, letters: Sequence[_Letter], sent: Sequence[int]) -> Parcel:
        folder, name = self._file_port.folder, self._name
        content = documents.message_file(
            [letter.content for letter in letters], batch_id=name.removesuffix(".xml"), conversation=self._conversation
        )
        return Parcel(
            name=name,
            content=content,
            documents=sent,
            prepare=lambda: folder.prepare(name, content),
            is_prepared=lambda: folder.is_prepared(name),
            release=lambda: folder.hand_over(name),
            discard=lambda: folder.discard(name),
        )

    @property
    def _conversation(self) -> str:
        return f"{self._message.ref.job}/{self._message.ref.step}"

    def _check(self, document: int) -> None:
        """Write a document down, and hold it against the port's schema; it fails where it does not fit."""
        row, index, shape = self._board.rows[document], self._board.first[document], self._writer.shape
        try:
            record = self._writer.record(row)
        except Reject as error:
            self._board.fail(document, explain.by_cell(shape, row, error, index=index))
            return
        lines = list(documents.create_lines(shape, row))
        # The document's own element is the first line, its record the second.
        found = [(lines[min(p.line - 2, len(lines) - 1)], p) for p in self._port.invalid(self._writer.create([record]).document)]
        if found:
            self._board.fail(document, explain.by_schema(shape, row, found, index=index, creating=True))
        else:
            self._records[document] = record

    def _letters(self) -> list[_Letter]:
        units: dict[int, list[int]] = {}
        for document in self._records:
            if self._board.is_pending(document):
                units.setdefault(self._board.unit[document], []).append(document)
        letters = (self._letter(members) for members in units.values())
        return [letter for letter in letters if self._is_small_enough(letter)]

    def _letter(self, members: Sequence[int]) -> _Letter:
        document = self._writer.create(self._records[member] for member in members).document
        digest = hashlib.sha256(document).hexdigest()
        known = message_id(self._message.ref, "create", digest=digest)
        content = documents.envelope(
            document,
            message_id=known,
            action=self._port.action("create"),
            company=self._message.company,
            conversation=self._conversation,
            partition=self._message.partition,
        )
        return _Letter(id=known, documents=members, content=content)

    def _is_small_enough(self, letter: _Letter) -> bool:
        if len(letter.content) < documents.MAX_MESSAGE:
            return True
        for document in letter.documents:
            self._board.leave(
                document,
                Outcome.FAILED,
                message=f"The message would have {len(letter.content):,} bytes; AX takes less than {documents.MAX_MESSAGE:,}.",
                advice="Divide the document, or the unit that it belongs to.",
                code="RSC-3131",
            )
        return False

    def read_answers(self) -> None:
        """Tell what AX has answered to the messages that were handed over."""
        open_ones = [entry for entry in self._board.handed if any(map(self._board.is_handed_over, entry.rows))]
        replies = self._file_port.replies({entry.message_id for entry in open_ones}) if open_ones else {}
        for entry in open_ones:
            reply = replies.get(entry.message_id)
            if reply is not None and reply.code != _DUPLICATE:
                self._settle(entry, reply)
        faults = [entry for entry in open_ones if (reply := replies.get(entry.message_id)) is not None and reply.fault]
        if faults and self._file_port.on_error is OnError.ROLLBACK:
            self._rolled_back(faults[0])

    def _settle(self, entry: Handed, reply: Reply) -> None:
        if reply.fault:
            for document in filter(self._board.is_handed_over, entry.rows):
                handover.failed(
                    self._board,
                    document,
                    message=reply.fault,
                    advice="See the exceptions of the port in AX, correct the row and load it again.",
                    code="RSC-3132",
                )
            return
        for place, document in enumerate(entry.rows):
            key = reply.keys[place] if place < len(reply.keys) else None
            self._board.settle(document, Outcome.CREATED, key=key)

    def _rolled_back(self, because: Handed) -> None:
        """The port takes all messages of a file or none: those without an answer were taken back."""
        name = self._board.name(because.rows[0], self._board.first[because.rows[0]])
        for entry in self._board.handed:
            for document in filter(self._board.is_handed_over, entry.rows):
                self._board.leave(
                    document,
                    Outcome.SKIPPED,
                    message=f"AX has taken the whole file back, because {name} failed.",
                    advice="Correct that row and load these again with it.",
                    code="RSC-3133",
                )
