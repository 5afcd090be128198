"""Rows that reach AX in a file: the file is written aside, granted, and moved in; then AX' own answer is looked for.

A file that is still aside was not handed over, one that is not there any longer was: so much can be told after any crash.
What AX made of a file it does not tell in the call: until it answers, its rows are "handed over", never loaded.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connector.wire.jobs import Load
from connector.wire.reports import Handed, Intent, Outcome, Outcomes, Problem
from workers.errors import Replaced, Retry, Unsettled
from workers.load.board import Board
from workers.load.calls import Ask, message_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a batch has come. While `waiting` says for what, it must be looked at again."""

    outcomes: Outcomes
    waiting: str = ""
    log: tuple[str, ...] = ()
    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A file that is about to be handed over."""

    name: str
    content: bytes
    documents: Sequence[int]
    prepare: Callable[[], None]
    is_prepared: Callable[[], bool]
    release: Callable[[], None]
    discard: Callable[[], None]


def file_name(message: Load, suffix: str) -> str:
    """The name of a batch's file: AX reads a folder in the order of names."""
    ref = message.ref
    return f"{ref.job}-{ref.step:03d}-{ref.batch:06d}{suffix}"


def deliver(parcel: Parcel, message: Load, *, board: Board, ask: Ask, handed: Sequence[Handed]) -> None:
    """Hand the file over under a grant. Raises Replaced (nothing is handed over), Retry, GiveUp.

    With a grant of an earlier attempt the file is moved in if it still lies aside; if not, that attempt has moved it.
    """
    if message.open_intent is None:
        parcel.prepare()
        grant = ask(_intent(parcel, message), board.outcomes())
        if not grant.granted:
            parcel.discard()
            raise Replaced(grant.reason or "This attempt was replaced by another one.")
    try:
        if parcel.is_prepared():
            parcel.release()
    except Retry as error:  # a share that goes away in the middle may have moved the file all the same
        raise Unsettled(error.message, advice=error.advice, code=error.code) from error
    for document in parcel.documents:
        board.settle(document, Outcome.HANDED_OVER)
    board.handed += handed


def _intent(parcel: Parcel, message: Load) -> Intent:
    digest = hashlib.sha256(parcel.content).hexdigest()
    return Intent(
        message_id=message_id(message.ref, "handover", digest=digest),
        operation="handover",
        documents=tuple(parcel.documents),
        digest=digest,
        time_limit_s=message.call_timeout_s,
    )


def progress(board: Board, *, answer_within_s: float, answers_are_read: bool, now: datetime | None = None) -> Progress:
    """What is still without an answer: it is waited for, or, where that is in vain, told as handed over."""
    left = [entry for entry in board.handed if any(map(board.is_handed_over, entry.rows))]
    board.handed = left
    if not left:
        return Progress(outcomes=board.outcomes())
    first = min(entry.at for entry in left)
    files = ", ".join(dict.fromkeys(entry.file for entry in left))
    count = len({row for entry in left for row in entry.rows})
    rows = "1 row was" if count == 1 else f"{count:,} rows were"
    said = f"{rows} handed over to AX at {first:%H:%M} UTC as {files}"
    if answers_are_read and (now or datetime.now(UTC)) < first + timedelta(seconds=answer_within_s):
        return Progress(outcomes=board.outcomes(), waiting=f"{said}; AX has not answered yet.")
    why = f"AX did not answer within {answer_within_s:g} s" if answers_are_read else "no answer is read"
    board.remark(
        left[0].rows[0], message=f"{said}, and {why}.", advice="Look for the file's rows in AX, and for errors in its queue."
    )
    return Progress(outcomes=board.outcomes(), log=(f"{said}; {why}.",))


def failed(board: Board, document: int, *, message: str, advice: str, code: str) -> None:
    """AX answered that a document of a file is not in."""
    problem = Problem(row=board.first[document], message=message, advice=advice, code=code)
    board.fail(document, [problem])
