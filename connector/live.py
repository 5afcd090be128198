"""What the HTTP API says of what goes on, as types: live events, throughput, queue ages, reasons of failures.

Nothing here does anything. Times are RFC 3339 in UTC; `None` is a time that has not come.
"""

from typing import Final

from typing_extensions import TypedDict

from connector.api import Answer, Failure, Job, LogLine, PackageName, Rows, Work

#: The media type of live events, and the header by which they are taken up again.
EVENT_STREAM: Final = "text/event-stream"
LAST_EVENT_ID: Final = "Last-Event-ID"


class StepProgress(TypedDict):
    """What changes of a step."""

    no: int
    state: str
    rows: Rows
    blanks_kept: int
    started_at: str | None
    finished_at: str | None


class JobEvent(TypedDict):
    """What changes of a job, all of it: `event: job` of the live events.

    `rate` is rows per second that lately got an outcome, `seconds_left` what that makes of those without one; None: unknown.
    """

    id: str
    kind: str
    state: str
    reason: str
    advice: str
    code: str
    endpoint: str
    company: str | None
    package: PackageName | None
    planned: bool
    priority: str
    rows: Rows
    steps: list[StepProgress]
    """empty where the events of all jobs are followed"""
    rate: float | None
    seconds_left: float | None
    failures: list[Failure]
    """those that were told last, the newest first; empty where the events of all jobs are followed"""
    submitted_at: str
    started_at: str | None
    finished_at: str | None
    removed_at: str | None


class EndpointEvent(TypedDict):
    """How an endpoint does: `event: endpoint` of the live events."""

    name: str
    service_instance: str
    state: str
    stopped: str
    """why nothing is sent; "" """
    work: Work
    workers: int
    """that are online"""
    seen_at: str | None


class Bucket(TypedDict):
    """Rows that got their outcome in the seconds from `at` on. A count is negative where rows were settled otherwise then."""

    at: str
    rows: dict[str, int]


class Throughput(TypedDict):
    """Rows over time, the oldest first, in buckets of so many seconds; empty ones are left out."""

    bucket_seconds: int
    items: list[Bucket]


class Report(TypedDict):
    """Load results in one file: what the workbook says, for programs. The log is in the order of time."""

    job: Job
    throughput: Throughput
    failures: list[Failure]
    answers: list[Answer]
    log: list[LogLine]


class QueueAge(TypedDict):
    """How long the oldest waiting job of an endpoint had waited at a moment, and how many waited."""

    endpoint: str
    at: str
    oldest_seconds: float
    jobs: int


class QueueAges(TypedDict):
    """Queue ages, the oldest first; a minute without one: nothing waited."""

    bucket_seconds: int
    items: list[QueueAge]


class FailureGroup(TypedDict):
    """Rows that are not in for the same reason."""

    message: str
    outcome: str
    rows: int
    advice: str
    code: str


class FailureGroups(TypedDict):
    """Why rows are not in, the most frequent reason first."""

    items: list[FailureGroup]
