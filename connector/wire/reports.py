"""What a worker tells the dispatcher, on the endpoint's report stream. Each has an event id: a replay is harmless."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import uuid4

from pydantic import Field, ValidationError

from connector.wire.codec import Message, Value
from connector.wire.metadata import Metadata


class Outcome(StrEnum):
    """What became of a row, as one letter. The words are in `OUTCOME_WORDS`."""

    CREATED = "c"
    UPDATED = "u"
    UNCHANGED = "="
    DELETED = "d"
    FAILED = "f"
    SKIPPED = "s"
    UNKNOWN = "?"
    HANDED_OVER = "h"
    """in a file that AX is to read; what AX made of it is not known (yet)"""


OUTCOME_WORDS: Final = {
    Outcome.CREATED: "created",
    Outcome.UPDATED: "updated",
    Outcome.UNCHANGED: "unchanged",
    Outcome.DELETED: "deleted",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "skipped",
    Outcome.UNKNOWN: "unknown",
    Outcome.HANDED_OVER: "handed_over",
}

#: Stands in `Outcomes.letters` for a row whose outcome is not known yet.
PENDING: Final = "."


class BatchRef(Value):
    """Names one attempt at one batch."""

    job: str
    step: int
    batch: int
    attempt: int = 1

    def __str__(self) -> str:
        return f"{self.job}/{self.step}/{self.batch}.{self.attempt}"


class Problem(Value):
    """Why one row failed, was skipped, or is unknown; down to the cell where that is known."""

    row: int
    """index in `Outcomes.letters`"""
    column: str | None = None
    field: str | None = None
    value: str | None = None
    message: str
    """AX's own words, or ours where the row never reached AX"""
    advice: str
    """what to do next"""
    code: str = ""
    """stable, as RSC-2104"""


class Handed(Value):
    """A file that was handed over to AX, and the rows in it."""

    file: str
    """its name, without a folder"""
    message_id: str = ""
    """by which AX' answer is recognised"""
    rows: tuple[int, ...]
    """indexes of root rows"""
    at: datetime


class Outcomes(Value):
    """What became of each row of a batch. Rows are counted flat: each root row, then its nested rows, depth first."""

    letters: str
    problems: tuple[Problem, ...] = ()
    keys: dict[int, str] = {}
    """the EntityKey that AX returned, by row index, as `Field=value, Field=value`"""
    key_fields: tuple[str, ...] = ()
    """the fields of those EntityKeys: what the service itself knows its records by"""
    blanks_kept: int = 0
    """empty cells that kept the old value of an existing record"""
    answers: dict[int, str] = {}
    """what a service operation or class method answered, by row index"""
    handed: tuple[Handed, ...] = ()
    """files whose rows are handed over and not answered"""


class Report(Message):
    """What every report carries."""

    KIND = "report"

    endpoint: str
    worker: str
    event_id: str = Field(default_factory=lambda: uuid4().hex)


class WorkerAlive(Report):
    """A worker lives, and holds these batches: the leases of all of them are renewed."""

    KIND = "worker.alive"

    host: str = ""
    pid: int = 0
    version: str = ""
    concurrency: int = 1
    held: tuple[BatchRef, ...] = ()
    call_seconds: tuple[float, ...] = ()
    spool_bytes: int = 0
    """what its computer keeps on disk for the endpoint because the broker was away, of all processes there"""


class WorkerStopped(Report):
    """A worker has ended in good order; batches that it had not started are free again."""

    KIND = "worker.stopped"

    returned: tuple[BatchRef, ...] = ()


class CrewAlive(Report):
    """A worker service lives on a computer and keeps worker processes there; the answer is `jobs.Wish`."""

    KIND = "crew.alive"

    host: str = ""
    pid: int = 0
    version: str = ""
    most: int = 1
    """worker processes that may run on this computer"""
    running: int = 0
    """those that run, the leaving ones left out"""


class CrewStopped(Report):
    """A worker service has ended in good order, and all its worker processes with it."""

    KIND = "crew.stopped"


class BatchTaken(Report):
    """A worker has taken a batch off the queue: its lease begins."""

    KIND = "batch.taken"

    ref: BatchRef


class Before(Value):
    """What an updated or deleted record held before: the hash that was read, and the old values of what changes."""

    hash: str = ""
    values: dict[str, str | None] = {}


class Intent(Value):
    """A writing call as it is about to be made; enough to make the same call again, byte for byte."""

    message_id: str
    operation: str
    """create, update or delete"""
    documents: tuple[int, ...]
    """indexes of the root rows in the batch that the call carries, in order"""
    digest: str
    """SHA-256 of the call's body"""
    before: dict[int, Before] = {}
    """by index of the root row"""
    time_limit_s: float


class IntentReported(Report):
    """Asks leave for a writing call, and tells what the batch's earlier calls brought."""

    KIND = "batch.intent"

    ref: BatchRef
    intent: Intent
    so_far: Outcomes
    mark: str | None = None
    """of the database, as it was told just before: see `SurveyDone`"""


class BatchDone(Report):
    """All rows of a batch have an outcome."""

    KIND = "batch.done"

    ref: BatchRef
    outcomes: Outcomes
    calls: int = 0
    seconds: float = 0.0
    call_rows: int = 0
    """root rows of the longest call that wrote something"""
    call_seconds: float = 0.0
    """how long that call took; 0: there was none"""
    log: tuple[str, ...] = ()
    """lines for the job's log: AX's warnings and infos, told once each"""
    mark: str | None = None
    """of the database, as it was told last: see `SurveyDone`"""


class Retry(StrEnum):
    """What happens next with a batch that came back unfinished."""

    SOON = "soon"
    """the worker is stopping, or the contract was renewed: send it again at once"""
    LATER = "later"
    """the AOS is down, restarting or overloaded: send it again after a pause"""
    ANSWER = "answer"
    """rows were handed over in files: look for AX' answer after a pause"""
    NEVER = "never"
    """configuration is wrong (account, contract, company): the job cannot go on"""


class BatchReturned(Report):
    """A batch could not be finished; rows whose outcome is proved are in `so_far`."""

    KIND = "batch.returned"

    ref: BatchRef
    so_far: Outcomes | None = None
    retry: Retry
    reason: str
    advice: str = ""
    code: str = ""
    settled: bool = True
    """False: the granted call may still be at work in AX, its end is not known"""
    sent: bool = True
    """False: no call left this attempt; one that an earlier attempt left open has had its time"""


class ContractWanted(Report):
    """A worker has no copy of a contract that was given to the endpoint as a folder; the answer is `jobs.Contract`."""

    KIND = "contract.wanted"

    contract: str


class LeaveWanted(Report):
    """Asks leave to begin an attempt, before its first call; the answer is `jobs.Grant`.

    Only where messages are sealed: an order that comes again, to whichever process, makes no call at all.
    """

    KIND = "leave.wanted"

    ref: BatchRef


class MessageRefused(Report):
    """A worker has refused a message of the queue, or an answer: nothing of it was done."""

    KIND = "message.refused"

    ref: BatchRef | None = None
    """the batch that it spoke of, unproved"""
    why: str
    """one word, as `sealing.Why` has them"""
    told: str


class Check(Value):
    """One thing that a survey looked at."""

    name: str
    ok: bool
    detail: str
    advice: str = ""
    tried: bool = True
    """False: it could not be found out; `ok` says that nothing speaks against it"""


class LoggedException(Value):
    """What AX noted in its own exception log of a call that it refused."""

    message_id: str
    text: str
    port: str = ""
    at: datetime | None = None
    """by the clock of AX's database"""


class ExceptionsLogged(Report):
    """What AX's own exception log says of a batch's calls. It comes after the batch's end, or not at all."""

    KIND = "batch.exceptions"

    ref: BatchRef
    logged: tuple[LoggedException, ...]


class SurveyDone(Report):
    """What a survey found. `metadata` is None where only the connection was tested, or nothing could be read."""

    KIND = "survey.done"

    ref: BatchRef
    metadata: Metadata | None = None
    checks: tuple[Check, ...] = ()
    reason: str = ""
    """why nothing could be read"""
    code: str = ""
    """of that reason, as RSC-5910"""
    mark: str | None = None
    """a text that changes when the database behind the AOS is refreshed or restored.
    "": nobody tells it; None: it was not asked for"""


class DictionarySlice(Report):
    """A part of AX's data dictionary; the answer is `jobs.Grant`: whether to go on. Nothing is in use before `DictionaryDone`."""

    KIND = "dictionary.slice"

    ref: BatchRef
    content: str
    """dictionary.pack, dictionary.unpack"""
    done: int = 0
    """names that are told, this slice's among them"""
    total: int = 0
    """of so many"""


class DictionaryDone(Report):
    """An import of the data dictionary has ended: all its slices were told, or `reason` says why there are no more."""

    KIND = "dictionary.done"

    ref: BatchRef
    replaced: tuple[str, ...] = ()
    """kinds (table, enum, service, class) of which all that there is was told: what was known before is outdated"""
    log: tuple[str, ...] = ()
    """lines for the job's log: what could not be read, and why"""
    reason: str = ""
    advice: str = ""
    code: str = ""


REPORTS: Final[dict[str, type[Report]]] = {
    report.KIND: report
    for report in (
        WorkerAlive,
        WorkerStopped,
        CrewAlive,
        CrewStopped,
        BatchTaken,
        IntentReported,
        BatchDone,
        BatchReturned,
        ExceptionsLogged,
        ContractWanted,
        LeaveWanted,
        MessageRefused,
        SurveyDone,
        DictionarySlice,
        DictionaryDone,
    )
}


def ref_of(text: str | bytes) -> BatchRef | None:
    """The batch that a message speaks of, also where the message itself cannot be read; None where it names none."""
    try:
        return BatchRef.model_validate(json.loads(text)["ref"])
    except (ValueError, TypeError, KeyError, ValidationError):
        return None
