"""What the HTTP API says, as types: the web room writes these objects, the client reads them.

Nothing here does anything. Times are RFC 3339 in UTC; `None` is a time that has not come.
"""

from typing import Final, NotRequired

from typing_extensions import TypedDict

from connector.seals import Sealing

#: Where all resources live.
PREFIX: Final = "/api/v1"

#: The header that makes a repeated submission harmless, and the one that tells it was one.
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"

#: The media type of a `Problem`.
PROBLEM: Final = "application/problem+json"

#: Kinds of jobs that are about the rows of a package.
WITH_ROWS: Final = frozenset({"load", "preview"})

#: States in which a job has ended.
FINAL_STATES: Final = frozenset({"succeeded", "partly_succeeded", "failed", "cancelled"})


class Rows(TypedDict):
    """Rows by outcome. What is left to `total` has no outcome yet."""

    total: int
    created: int
    updated: int
    unchanged: int
    deleted: int
    failed: int
    skipped: int
    unknown: int
    handed_over: int


class Step(TypedDict):
    """One action within a job. `reasons` says how it was matched, keyed and placed."""

    no: int
    entity: str
    file: str
    sheet: str | None
    table: str
    service: str
    parent: int | None
    rank: int
    reasons: dict[str, str]
    mode: str
    state: str
    rows: Rows
    blanks_kept: int
    started_at: str | None
    finished_at: str | None


class PackageName(TypedDict):
    """The package of a job."""

    name: str
    sha256: str


class Job(TypedDict):
    """A job. `steps` is empty until it is planned, and in lists."""

    id: str
    kind: str
    state: str
    reason: str
    advice: str
    code: str
    endpoint: str
    company: str | None
    partition: str | None
    package: PackageName | None
    mode: str
    planned: bool
    rows: Rows
    steps: list[Step]
    submitted_at: str
    started_at: str | None
    finished_at: str | None
    retry_of: str | None
    """the job whose rows it takes up again"""
    priority: str
    """low, normal or high, among the jobs of its endpoint"""
    expires_at: str | None
    """when it ends where no worker has taken anything of it"""
    stop_after: str
    """how many rows may fail, as `10` or `5%`; "" where that is all the same"""
    removed_at: str | None
    """when its failures, answers and rows were removed, because it had ended long ago; its counts and its log stay"""


class JobPage(TypedDict):
    """Jobs, the newest first; `next` is the cursor of the page that follows."""

    items: list[Job]
    next: str | None


class Failure(TypedDict):
    """A row that is not in, and why."""

    step: int
    entity: str
    file: str
    sheet: str | None
    row: int
    outcome: str
    column: str | None
    field: str | None
    value: str | None
    message: str
    advice: str
    code: str


class FailurePage(TypedDict):
    """Failures in the order in which they were told; `next` is the cursor of the page that follows."""

    items: list[Failure]
    next: str | None


class Answer(TypedDict):
    """What a service operation or a class method answered for a row."""

    step: int
    entity: str
    file: str
    sheet: str | None
    row: int
    answer: str


class AnswerPage(TypedDict):
    """Answers in the order in which they were told, `total` of them in all; `next` is the cursor of the page that follows."""

    items: list[Answer]
    next: str | None
    total: int


class Resolution(TypedDict):
    """Rows that were settled, or, where a job was `made` for it, that it looks up or takes up."""

    rows: int
    job: Job
    made: Job | None


class LogLine(TypedDict):
    """A line of a job's log."""

    at: str
    text: str


class LogPage(TypedDict):
    """Lines of a job's log, the oldest first, or the newest; `next` is the cursor of the page that follows in that order."""

    items: list[LogLine]
    next: str | None


class WaitingThere(TypedDict):
    """What lay on the broker for an endpoint when a restored ledger was noticed."""

    endpoint: str
    reports: int
    batches: int


class HeldBack(TypedDict):
    """A job that is paused because the ledger was restored, or ended since; and how many batches of calls it cannot tell of."""

    id: str
    kind: str
    endpoint: str
    company: str | None
    in_flight: int
    planned: int
    calls: int
    ended: bool


class Restored(TypedDict):
    """A restored ledger was noticed: when, about how many seconds of work it lacks, and what lay on the broker then."""

    at: str
    missing_s: int
    waiting: list[WaitingThere]


class LedgerState(TypedDict):
    """Whether the ledger was ever restored from a backup, and the jobs that wait for a person since."""

    restored: Restored | None
    held_back: list[HeldBack]


class Action(TypedDict):
    """One entry of a package's action sequence."""

    entity: str
    file: str
    sheet: str | None
    columns: list[str]


class Package(TypedDict):
    """A package that was received whole."""

    sha256: str
    name: str
    size: int
    received_at: str
    format: str
    actions: list[Action]
    notices: list[str]
    corrects: NotRequired[str | None]
    """the job whose rows it corrects, where it is a workbook for that"""


class Check(TypedDict):
    """One thing that a survey looked at."""

    name: str
    ok: bool
    detail: str
    advice: str
    tried: bool


class Worker(TypedDict):
    """A worker process as it was last seen."""

    name: str
    host: str
    pid: int
    version: str
    concurrency: int
    online: bool
    seen_at: str


class Gone(TypedDict):
    """Workers that ended, or were not heard of for an hour: how many within a week, and when the last one was seen."""

    count: int
    seen_at: str | None


class Limits(TypedDict):
    """What an endpoint bears: `hours` as "weekdays 20:00-06:00 Europe/Berlin", `call_seconds` the shortest and the longest."""

    concurrency: int | None
    rows_per_second: float | None
    hours: str
    call_seconds: list[float] | None


class Stopped(TypedDict):
    """Why nothing is sent to an endpoint before it is tested or resumed."""

    at: str
    reason: str
    advice: str
    code: str


class Outage(TypedDict):
    """An AOS that does not answer: one batch at a time is tried, the next at `next_try`."""

    since: str
    reason: str
    next_try: str


class Crew(TypedDict):
    """A worker service: it keeps the worker processes of an endpoint on one computer, `most` of them at most."""

    name: str
    host: str
    pid: int
    version: str
    most: int
    running: int
    online: bool
    seen_at: str


class Scale(TypedDict):
    """What is wished for an endpoint, all its computers together; null where nothing is wished."""

    workers: int | None
    concurrency: int | None


class Loaded(TypedDict):
    """A load whose rows may not be in the database any more, or that is not finished."""

    job: str
    state: str
    package: str
    company: str | None
    written: int
    unknown: int
    left: int
    """batches that have no end"""
    finished_at: str | None


class ChangedDatabase(TypedDict):
    """The AX database was refreshed or restored: nothing is written before a person resumes the endpoint."""

    reason: str
    noticed_at: str
    seen_at: str
    """when it was still the one that is known"""
    loads: list[Loaded]
    """what is to be reconciled, the newest first; not in a list of endpoints"""


class Work(TypedDict):
    """Jobs of an endpoint that wait and that run, since when the oldest waits, and rows that failed in 24 hours."""

    queued: int
    running: int
    waiting_since: str | None
    failed_24h: int


class Endpoint(TypedDict):
    """A registered AOS instance: `state` is online, offline, paused, stopped, or new where no worker was ever seen.

    `opens_at` is when loads are sent next; None: they are sent now, as far as its hours go.
    """

    name: str
    service_instance: str
    """the named deployment that it belongs to"""
    state: str
    addresses: list[str]
    companies: list[str]
    partition: str | None
    contract: bool
    unfinished_jobs: int
    work: Work
    workers: list[Worker]
    """those that run, the newest first, and those that fell silent within the hour"""
    gone: Gone
    """all others"""
    scale: Scale
    crews: list[Crew]
    checks: list[Check]
    limits: Limits
    not_idempotent: list[str]
    """ports that carry a message out again which they have seen: no call of unknown end is repeated there; `*`: all"""
    database: str
    """"" where no other endpoint writes to its AX database"""
    scope: str
    """how far what loads write reaches, where mapping and metadata do not say; "" = the whole database"""
    virtual_companies: dict[str, list[str]]
    """by name: the companies that share tables by it"""
    stopped: Stopped | None
    outage: Outage | None
    changed: ChangedDatabase | None
    """None: its AX database is the one that is known"""
    sealing: Sealing
    opens_at: str | None
    fingerprint: str | None
    added_at: str
    surveyed_at: str | None
    seen_at: str | None


class EndpointPage(TypedDict):
    """Endpoints, by name; `next` is the cursor of the page that follows."""

    items: list[Endpoint]
    next: str | None
