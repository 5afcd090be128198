"""What is told of a job, whatever it is written to: facts, steps, rows over time, and long lists page by page."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from connector.ledger import Database, answers, audit, courses, endpoints, following, jobs, packages, results, throughput

Cell = str | int | float | datetime | None

_PAGE: Final = 1_000
#: Points of a chart of rows over time.
_MOST_POINTS: Final = 200
_KINDS: Final = {"preview": "preview: what a load would do; nothing was written"}

#: Colours of outcomes that can be told apart by those who see red and green alike, too: they differ in brightness.
COLOURS: Final = {
    "created": "#2E7D32",
    "updated": "#66BB6A",
    "unchanged": "#B0BEC5",
    "deleted": "#5C6BC0",
    "failed": "#C62828",
    "skipped": "#FFB300",
    "unknown": "#8E24AA",
    "handed_over": "#00838F",
}

STEP_TITLES: Final = (
    *("Step", "Entity", "File", "Sheet", "Table", "Service", "Mode", "Order", "Why in this order", "Rows"),
    *(word.capitalize().replace("_", " ") for word in jobs.OUTCOMES),
    *("Empty cells kept", "Seconds", "Rows per second"),
)

Item = TypeVar("Item", results.Failure, answers.Answer, following.Past)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Rows that got their outcome in the seconds from a moment on."""

    at: datetime
    rows: int
    failed: int
    per_second: float


def facts(db: Database, job: jobs.Job) -> list[tuple[str, Cell]]:
    """What is told of a job as a whole. Times are UTC: the reader may sit anywhere."""
    package = packages.find(db, job.package) if job.package else None
    family = [each.id for each in following.family(db, job) if each.id != job.id] if job.kind == jobs.JobKind.LOAD else []
    return [
        ("Job", job.id),
        ("Kind", _KINDS.get(job.kind, job.kind)),
        ("State", job.state.value),
        ("Reason", job.reason),
        ("What to do", job.advice),
        ("Endpoint", next((e.name for e in endpoints.every(db) if e.key == job.endpoint), job.endpoint)),
        ("Company", job.company),
        ("Partition", job.partition),
        ("Package", job.package_name),
        ("Package size (bytes)", package.size if package else None),
        ("Package SHA-256", job.package),
        ("Mode", job.order.mode.value),
        ("Submitted by", _who(db, job)),
        ("Takes up rows of", job.retry_of),
        ("Loads of the same rows", ", ".join(family)),
        ("Submitted (UTC)", moment(job.submitted_at)),
        ("Started (UTC)", moment(job.started_at)),
        ("Finished (UTC)", moment(job.finished_at)),
        *([("Rows removed (UTC)", moment(job.removed_at))] if job.removed_at else []),
        ("Seconds", _seconds(job.started_at, job.finished_at)),
        ("Rows", job.rows),
    ]


def step_cells(step: courses.Step) -> list[Cell]:
    """A step under `STEP_TITLES`."""
    seconds = _seconds(step.started_at, step.finished_at)
    return [
        step.no,
        step.entity,
        step.file,
        step.sheet,
        step.table,
        step.service,
        step.mode,
        step.rank,
        "; ".join(f"{name}: {reason}" for name, reason in step.reasons.items()),
        step.rows,
        *(step.counts[word] for word in jobs.OUTCOMES),
        step.blanks_kept,
        seconds,
        round(sum(step.counts.values()) / seconds, 1) if seconds else None,
    ]


def over_time(db: Database, job: str) -> list[Moment]:
    """When rows got their outcomes, in steps that are all as long; those in between in which none did are there too."""
    found = throughput.of_job(db, job)
    if not found:
        return []
    first, last = found[0].at, found[-1].at
    width = throughput.BUCKET_S
    while (last - first) // width >= _MOST_POINTS:
        width *= 2
    sums = dict.fromkeys(range(first, last + 1, width), (0, 0))
    for bucket in found:
        at = bucket.at - (bucket.at - first) % width
        rows, failed = sums[at]
        sums[at] = rows + sum(bucket.rows.values()), failed + bucket.rows["failed"]
    return [
        Moment(at=datetime.fromtimestamp(at, UTC).replace(tzinfo=None), rows=rows, failed=failed, per_second=rows / width)
        for at, (rows, failed) in sums.items()
    ]


def every_failure(db: Database, job: str) -> Iterator[results.Failure]:
    """The rows that are not in."""
    return _every(lambda after: results.failures(db, job, after=after, limit=_PAGE))


def every_answer(db: Database, job: str) -> Iterator[answers.Answer]:
    """What service operations and class methods answered."""
    return _every(lambda after: answers.of_job(db, job, after=after, limit=_PAGE))


def every_past(db: Database, job: str) -> Iterator[following.Past]:
    """What was wrong with rows before later jobs took them up."""
    return _every(lambda after: following.past(db, job, after=after, limit=_PAGE))


def every_line(db: Database, job: str) -> Iterator[tuple[float, str]]:
    """The log in the order of time: what AX noted itself was added later."""
    after, found = 0, list[tuple[float, str]]()
    while page := jobs.log_of(db, job, after=after, limit=_PAGE):
        found += ((at, text) for _, at, text in page)
        after = page[-1][0]
    yield from sorted(found, key=lambda line: line[0])


def link(public_url: str, job: str, failure: results.Failure) -> str:
    """Where the page of load results shows a row; "" where nobody knows by what address people come."""
    if not public_url:
        return ""
    return f"{public_url}/jobs/{job}/results?step={failure.step}&after={failure.id - 1}#row-{failure.step}-{failure.row}"


def moment(at: float | None) -> datetime | None:
    """Excel knows no time zones: UTC, without saying so in the value."""
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None) if at is not None else None


def _every(page: Callable[[int], Sequence[Item]]) -> Iterator[Item]:
    after = 0
    while found := page(after):
        yield from found
        after = found[-1].id


def _seconds(started: float | None, ended: float | None) -> float | None:
    return round(ended - started, 1) if started is not None and ended is not None else None


def _who(db: Database, job: jobs.Job) -> str | None:
    """Who submitted it: of a retry the line stands at the job that it takes rows of."""
    found = audit.lines(db, subject=job.retry_of or job.id, limit=_PAGE)
    mine = (line for line in found if line.what == "job submit" or line.details.get("job") == job.id)
    return next((line.by for line in mine if not job.retry_of or line.details.get("job") == job.id), None)
