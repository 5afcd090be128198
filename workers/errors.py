"""What can go wrong beside the AOS. Each class answers one question: what happens next.

WorkerError
  x Reject      the rows, or AX's answer to them, are at fault: tell the user, go on with the others
    - Refusal     AX refused a call and rolled it back; it may name records
  x Retry       the AOS is down, restarting or overloaded: the same call again, later
    - Unsettled   the call may have been carried out: the same bytes and MessageId again, once its time limit has passed
  x GiveUp      account, contract or configuration is wrong: tell the operator, the job cannot go on
  - Replaced        another attempt has the batch: nothing more is done
  - Unfinished      one of the above ended a batch early; it carries what was proved until then
"""

from dataclasses import dataclass

from connector.wire.reports import Outcomes


class WorkerError(Exception):
    """Base: a sentence, what to do next, and a stable code."""

    code = "RSC-5000"

    def __init__(self, message: str, *, advice: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.code = code or type(self).code


class Reject(WorkerError):
    """A row, or what AX says of it, is at fault."""

    code = "RSC-5100"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing that AX says in a fault. `record` is the 1-based number of the root record, where AX names one."""

    message: str
    record: int | None = None
    line: int | None = None
    """1-based number of the nested record, with its table, where AX names one"""
    table: str | None = None
    within: tuple[tuple[str, int], ...] = ()
    """table and number of the records between the root and that one, each counted in the one above"""
    field: str | None = None


class Refusal(Reject):
    """AX refused a call and rolled its transaction back (a definite fault)."""

    code = "RSC-5110"

    def __init__(
        self,
        message: str,
        *,
        advice: str = "",
        complaints: tuple[Complaint, ...] = (),
        duplicate: bool = False,
        too_large: bool = False,
        transient: bool = False,
        signs: str = "",
        code: str = "",
    ) -> None:
        super().__init__(message, advice=advice, code=code)
        self.complaints = complaints
        self.duplicate = duplicate
        """AX has seen this MessageId: the call was probably carried out before"""
        self.too_large = too_large
        """a quota of the port refuses calls of this size, whatever they hold"""
        self.transient = transient
        """it may come of a deadlock, AX does not say: once more does no harm"""
        self.signs = signs
        """the raw marks that AX put on it: codes, XppExceptionType"""


class Retry(WorkerError):
    """The AOS cannot be reached, restarts, or is overloaded; nothing was done."""

    code = "RSC-5400"


class Unsettled(Retry):
    """The connection ended after the request was sent: whether AX carried it out is not known.

    Not `sent`: this attempt did nothing; the call that it repeats, of an earlier one, may have been carried out.
    """

    code = "RSC-5410"

    def __init__(self, message: str, *, advice: str = "", code: str = "", sent: bool = True) -> None:
        super().__init__(message, advice=advice, code=code)
        self.sent = sent


class GiveUp(WorkerError):
    """Account, contract or configuration is wrong."""

    code = "RSC-5900"


class Replaced(WorkerError):
    """A grant was refused: another attempt has this batch. This one ends without a word and writes nothing more."""

    code = "RSC-5800"


class Unfinished(WorkerError):
    """A batch could not be finished: `error` says why, `outcomes` what is proved so far.

    Unless it is `settled`, AX may have carried out a granted call of which the end is not known.
    """

    code = "RSC-5401"

    def __init__(self, error: WorkerError, *, outcomes: Outcomes, settled: bool = True) -> None:
        super().__init__(error.message, advice=error.advice, code=error.code)
        self.error = error
        self.outcomes = outcomes
        self.settled = settled
