"""The load of one batch through the Data Import/Export Framework: a text file in the folder that it reads."""

import hashlib
from datetime import UTC, datetime

from connector.wire import codec
from connector.wire.jobs import LoadFlatFile
from connector.wire.reports import Handed, Outcome
from workers import documents
from workers.errors import GiveUp, Reject, Retry, Unfinished, Unsettled
from workers.exchange import Framework
from workers.load import handover
from workers.load.board import Board
from workers.load.calls import Ask
from workers.load.handover import Parcel, Progress


def run(message: LoadFlatFile, *, framework: Framework, ask: Ask) -> Progress:
    """Hand the batch over, or look for a result file. Raises Unfinished (around Retry or GiveUp), and Replaced."""
    board = Board(message.layout, codec.unpack_rows(codec.from_text(message.rows)), so_far=message.so_far)
    is_open = message.open_intent is not None
    try:
        if board.pending():
            _hand_over(message, framework=framework, board=board, ask=ask)
            is_open = False
        _read_results(message, framework=framework, board=board)
    except (Retry, GiveUp, Reject) as error:
        raise Unfinished(error, outcomes=board.outcomes(), settled=not (is_open or isinstance(error, Unsettled))) from error
    folder = framework.folder
    return handover.progress(board, answer_within_s=framework.answer_within_s, answers_are_read=folder.answers_are_read)


def _hand_over(message: LoadFlatFile, *, framework: Framework, board: Board, ask: Ask) -> None:
    lines = {document: line for document in board.pending() if (line := _line(message, document, framework, board)) is not None}
    lines = {document: line for document, line in lines.items() if board.is_pending(document)}  # units go together
    if not lines:
        return
    header = documents.flat_header(message.layout, form=framework.format)
    content = documents.encoded([header, *lines.values()], form=framework.format)
    name = handover.file_name(message, ".csv")
    handed = [Handed(file=name, rows=tuple(lines), at=datetime.now(UTC))]
    parcel = Parcel(
        name=name,
        content=content,
        documents=list(lines),
        prepare=lambda: framework.prepare(name, content, control=_control(message, name, content, rows=len(lines))),
        is_prepared=lambda: framework.is_prepared(name),
        release=lambda: framework.hand_over(name),
        discard=lambda: framework.discard(name),
    )
    handover.deliver(parcel, message, board=board, ask=ask, handed=handed)
    framework.finish(name)


def _line(message: LoadFlatFile, document: int, framework: Framework, board: Board) -> str | None:
    try:
        return documents.flat_row(message.layout, board.rows[document], form=framework.format, formats=message.formats)
    except Reject:
        place, row, form = board.first[document], board.rows[document], framework.format
        board.fail(document, documents.flat_problems(message.layout, row, index=place, form=form, formats=message.formats))
        return None


def _control(message: LoadFlatFile, name: str, content: bytes, *, rows: int) -> dict[str, object]:
    """What the customer's batch job may want to know before it reads the file."""
    ref = message.ref
    return {
        "file": name,
        "entity": message.layout.table,
        "company": message.company,
        "partition": message.partition,
        "job": ref.job,
        "step": ref.step,
        "batch": ref.batch,
        "rows": rows,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _read_results(message: LoadFlatFile, *, framework: Framework, board: Board) -> None:
    for entry in board.handed:
        for result in framework.result(entry.file) or ():
            if not 1 <= result.row <= len(entry.rows) or not board.is_handed_over(document := entry.rows[result.row - 1]):
                continue
            if result.outcome is Outcome.FAILED:
                handover.failed(
                    board,
                    document,
                    message=result.message or f"The import of {message.layout.table} did not take the row.",
                    advice="See the execution history of the processing group in AX, correct the row and load it again.",
                    code="RSC-3134",
                )
            else:
                board.settle(document, result.outcome)
