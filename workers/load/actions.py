"""Calls of an operation, one for each row: the way that services and classes share.

A call is made once, unless AX itself refuses to carry it out twice. What cannot be proved is told as `unknown`.
"""

import hashlib
from typing import Final

from connector.wire import codec
from connector.wire.jobs import LoadServices
from connector.wire.reports import Intent, Outcome, Problem
from workers import aos
from workers.documents.parameters import Entries
from workers.documents.requests import Requests
from workers.errors import Complaint, GiveUp, Refusal, Reject, Retry, Unfinished, Unsettled
from workers.load.board import Board
from workers.load.calls import Ask, Calls, message_id
from workers.load.result import Result

#: What is told as the answer of a call that AX knows already.
ANSWERED_BEFORE: Final = "AX has carried this out before; its answer was not kept."

_CORRECT: Final = "Correct the row and load it again. Nothing of its call was carried out."
_LOOK: Final = "Look in AX whether it has taken effect. If it has not, load the row again by itself."


def run(message: LoadServices, *, port: aos.Port, ask: Ask, repeatable: bool, entries: Entries | None = None) -> Result:
    """Makes the batch's calls, row by row. `repeatable`: AX refuses a MessageId that it has seen.

    Raises Unfinished (around Retry, Unsettled or GiveUp) with what is proved so far, and Replaced where a grant is refused.
    """
    rows = codec.unpack_rows(codec.from_text(message.rows))
    board = Board(message.layout, rows, so_far=message.so_far)
    actions = None
    try:
        actions = _Actions(message, port=port, ask=ask, board=board, repeatable=repeatable, entries=entries)
        actions.run()
    except (Retry, GiveUp) as error:
        is_open = actions.is_open if actions else message.open_intent is not None
        raise Unfinished(error, outcomes=board.outcomes(), settled=not is_open) from error
    return Result(outcomes=board.outcomes(), calls=actions.calls.made, log=(), refused=tuple(actions.calls.refused))


class _Actions:
    def __init__(
        self, message: LoadServices, *, port: aos.Port, ask: Ask, board: Board, repeatable: bool, entries: Entries | None
    ) -> None:
        self.calls = Calls(message, port=port, ask=ask, so_far=board.outcomes)
        self.is_open = message.open_intent is not None
        """a call was granted of which it is not known whether AX has carried it out"""
        self._message = message
        self._operation = message.target.operation
        self._port = port
        self._board = board
        self._repeatable = repeatable
        element, namespace = port.element(self._operation)
        among = next((one.parameters for one in port.service.calls if one.name == self._operation), ())
        self._requests = Requests(among, message.layout, element=element, namespace=namespace, entries=entries)

    def run(self) -> None:
        """Ends what an earlier attempt has begun, then makes the other calls."""
        if self._message.open_intent is not None:
            self._resume(self._message.open_intent)
        for document in self._board.pending():
            request = self._fit(document)
            if request is not None:
                self._call(self._intent(document, request), request)

    def _resume(self, intent: Intent) -> None:
        """The same bytes under the same MessageId, where AX tells a call that it has seen; else nobody can say."""
        document = next(iter(intent.documents), -1)
        if not 0 <= document < len(self._board.rows) or not self._board.is_pending(document):
            self.is_open = False  # it was told after all
            return
        request = self._written(document)
        if not self._repeatable:
            self._doubt(document, "A call for this row was begun, and its end was never told. It is not made again.")
        elif request is None or _digest(request) != intent.digest:
            self._doubt(document, "A call that may have been carried out cannot be made again: its bytes have changed.")
        else:
            self._call(intent, request)

    def _written(self, document: int) -> bytes | None:
        try:
            return self._requests.request(self._board.rows[document])
        except Reject:
            return None

    def _fit(self, document: int) -> bytes | None:
        """The row's request, where it suits the port's schema; else the row has failed."""
        row, index = self._board.rows[document], self._board.first[document]
        problems = self._requests.problems(row, index=index)
        if not problems:
            try:
                request = self._requests.request(row)
            except Reject as error:
                problems = [Problem(row=index, message=error.message, advice=error.advice or _CORRECT, code=error.code)]
            else:
                found = self._port.invalid_call(self._operation, request)
                if not found:
                    return request
                problems = [self._by_schema(document, each) for each in found]
        self._board.fail(document, problems)
        return None

    def _intent(self, document: int, request: bytes) -> Intent:
        """What is about to be called. Two rows that are equal are two calls.

        The attempt is in its id: a later one begins a call anew only where the end of the earlier one is known, and AX may
        have noted the id of a call that it rolled back.
        """
        digest = _digest(request)
        ref = self._message.ref
        return Intent(
            message_id=message_id(ref, f"{self._operation}/{document}/{ref.attempt}", digest=digest),
            operation=self._operation,
            documents=(document,),
            digest=digest,
            time_limit_s=self._message.call_timeout_s,
        )

    def _call(self, intent: Intent, request: bytes) -> None:
        (document,) = intent.documents
        try:
            answer = self.calls.carry_out(intent, request)
        except Refusal as refusal:
            self._refused(document, refusal)
        except Unsettled as error:
            if self._repeatable:
                self.is_open = True
                raise
            self._doubt(document, error.message)
            if self._board.pending():  # what swallowed this answer may swallow theirs, and each would be in doubt
                raise Retry(error.message) from error
        except Retry as error:
            if self.is_open:  # this very call did nothing; the one that it repeats may have been carried out
                raise Unsettled(error.message, advice=error.advice, code=error.code, sent=False) from error
            raise
        else:
            self._done(document, answer)

    def _done(self, document: int, answer: str) -> None:
        self.is_open = False
        self._board.settle(document, self._message.outcome)
        self._board.answered(document, answer)

    def _refused(self, document: int, refusal: Refusal) -> None:
        if refusal.duplicate and self._repeatable:
            self._done(document, ANSWERED_BEFORE)
        elif refusal.duplicate or (self.is_open and not any(c.record or c.field for c in refusal.complaints)):
            # A port that gives no reasons does not even say that it knows the MessageId.
            self._doubt(document, f"This may have been carried out before. AX says: {refusal.message}")
        else:
            self.is_open = False
            told = refusal.complaints or (Complaint(message=refusal.message),)
            self._board.fail(document, [self._by_ax(document, refusal, complaint) for complaint in told])

    def _doubt(self, document: int, why: str) -> None:
        self.is_open = False
        self._board.leave(document, Outcome.UNKNOWN, message=why, advice=_LOOK, code="RSC-3128")

    def _by_schema(self, document: int, found: aos.SchemaProblem) -> Problem:
        named = self._requests.named(self._board.rows[document], found.element)
        return Problem(
            row=self._board.first[document],
            column=named.column if named else None,
            field=named.field if named else found.element or None,
            value=named.value if named else None,
            message=found.message,
            advice=_CORRECT,
            code="RSC-3110",
        )

    def _by_ax(self, document: int, refusal: Refusal, complaint: Complaint) -> Problem:
        named = self._requests.named(self._board.rows[document], complaint.field) if complaint.field else None
        return Problem(
            row=self._board.first[document],
            column=named.column if named else None,
            field=named.field if named else complaint.field,
            value=named.value if named else None,
            message=complaint.message or refusal.message,
            advice=refusal.advice or _CORRECT,
            code=refusal.code,
        )


def _digest(request: bytes) -> str:
    return hashlib.sha256(request).hexdigest()
