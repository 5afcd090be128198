"""Jobs: what was asked, where they stand, what is told of them. What their plans became is in `courses`."""

import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from connector.errors import NotFound
from connector.ledger.schema import endpoints, jobs, log, steps
from connector.ledger.store import Database
from connector.wire.jobs import Blank, Mode
from connector.wire.reports import OUTCOME_WORDS

#: Letters and digits that cannot be taken for each other when an id is read out.
_ID_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

OUTCOMES: Final = tuple(OUTCOME_WORDS.values())


class JobState(StrEnum):
    """Where a job stands. The last four are final."""

    QUEUED = "queued"
    """accepted; not planned yet"""
    WAITING = "waiting"
    """something must happen first; the reason says what"""
    RUNNING = "running"
    """rows are on their way"""
    PAUSED = "paused"
    """a person stopped it for now"""
    SUCCEEDED = "succeeded"
    """every row is in"""
    PARTLY_SUCCEEDED = "partly_succeeded"
    """some rows failed or are unknown"""
    FAILED = "failed"
    """nothing, or no more, could be done"""
    CANCELLED = "cancelled"
    """a person ended it"""


class JobKind(StrEnum):
    """What a job is for."""

    LOAD = "load"
    PREVIEW = "preview"
    """what a load would do; nothing is written"""
    TEST = "test"
    METADATA = "metadata"


FINAL: Final = frozenset({JobState.SUCCEEDED, JobState.PARTLY_SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the user asked of a load."""

    mode: Mode = Mode.UPSERT
    blank: Blank = Blank.KEEP
    strict: bool = False
    only: str | None = None
    mapping: str | None = None
    mapping_name: str = ""
    batch_rows: int | None = None
    offline: bool = False
    """of a preview: without the AOS"""
    stop_after: str = ""
    """how many rows may fail, as `10`, or `5%` of all, before no more are sent"""
    dictionary: Mapping[str, Any] | None = None  # of a metadata job that imports AX's data dictionary: what of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job without its steps. Times are seconds since 1970."""

    id: str
    number: int = 0
    kind: str = JobKind.LOAD
    state: JobState = JobState.QUEUED
    reason: str = ""
    advice: str = ""
    code: str = ""
    endpoint: str
    company: str | None = None
    partition: str | None = None
    package: str | None = None
    package_name: str = ""
    order: Order = field(default_factory=Order)
    planned: bool = False
    paused: bool = False
    ending: JobState | None = None
    rows: int = 0
    idempotency_key: str | None = None
    request_digest: str = ""
    submitted_at: float = 0.0
    started_at: float | None = None
    finished_at: float | None = None
    retry_of: str | None = None
    """the job whose rows it takes up again"""
    retry_rows: str = ""
    """which of them, by what became of them there: words with commas between them"""
    corrections: tuple[str, ...] = ()
    """SHA-256 of each workbook that has rows of its package corrected, the oldest first"""
    only_corrected: bool = False
    """of a retry: it takes up only rows that the last of these workbooks has"""
    priority: int = 1
    """0 low, 1 normal, 2 high"""
    expires_at: float | None = None
    """when it ends where nothing of it was sent by then"""
    begun_at: float | None = None
    """when the first batch of it was sent"""
    scope: str = ""
    """how far what it writes reaches: company, virtual company, partition, installation; "" where nobody says"""
    shares_with: tuple[tuple[str, str], ...] = ()
    """companies that see what it writes, each with the name of the virtual company by which they do"""
    removed_at: float | None = None
    """when its rows were removed, because it had ended long ago"""


# Statements of every job are made once: making one costs more than running it.
_BY_ID = sa.select(jobs).where(jobs.c.id == sa.bindparam("of_id"))
_BY_KEY = sa.select(jobs).where(jobs.c.idempotency_key == sa.bindparam("of_key"))
_BEGIN = sa.update(jobs).where(jobs.c.id == sa.bindparam("of_id"), jobs.c.begun_at.is_(None)).values(begun_at=sa.bindparam("now"))
_UNFINISHED = sa.select(jobs).where(jobs.c.finished_at.is_(None)).order_by(jobs.c.number)
_UNFINISHED_OF = _UNFINISHED.where(jobs.c.endpoint == sa.bindparam("of_endpoint"))
_MINE = endpoints.alias("mine")
_SHARING = (
    sa.select(endpoints.c.key)
    .join(_MINE, endpoints.c.database == _MINE.c.database)
    .where(_MINE.c.key == sa.bindparam("of_endpoint"), _MINE.c.database != "")
)


def new_id(db: Database) -> str:
    """A short id that can be read out, as JB-7Q2K."""
    for length in (4, 4, 4, 5, 6, 8):
        candidate = "JB-" + "".join(secrets.choice(_ID_LETTERS) for _ in range(length))
        if not db.execute(sa.select(jobs.c.id).where(jobs.c.id == candidate)).first():
            return candidate
    raise AssertionError("ids are exhausted")  # 30**8 of them


def add(db: Database, job: Job) -> None:
    """Accept a job."""
    values = asdict(job)
    del values["number"]
    values["order"] = json.dumps(values["order"])
    values["shares_with"] = json.dumps(values["shares_with"])
    values["corrections"] = ",".join(values["corrections"])
    db.execute(sa.insert(jobs).values(values))


def get(db: Database, job_id: str) -> Job:
    """The job of this id, in any case of letters. Raises NotFound."""
    row = db.execute(_BY_ID, {"of_id": job_id.upper()}).mappings().first()
    if row is None:
        raise NotFound(f"there is no job {job_id}.", advice="See them all: rapidstart job list")
    return of_row(row)


def by_idempotency_key(db: Database, key: str) -> Job | None:
    """The job that was accepted under this key."""
    row = db.execute(_BY_KEY, {"of_key": key}).mappings().first()
    return of_row(row) if row else None


def listing(
    db: Database,
    *,
    state: str | None = None,
    kind: str | None = None,
    sought: str | None = None,
    endpoint: str | None = None,
    company: str | None = None,
    since: float | None = None,
    until: float | None = None,
    before: int | None = None,
    limit: int = 50,
    among: Collection[str] | None = None,
) -> list[Job]:
    """Jobs, the newest first: submitted from `since` on, before `until`, of the endpoints `among` these keys; None: of all.

    Only those of which `sought` is part of the id, or of the package's name. `before` is the number of the last job of the page
    before.
    """
    query = sa.select(jobs).order_by(jobs.c.number.desc()).limit(limit)
    if state:
        query = query.where(jobs.c.state == state)
    if kind:
        query = query.where(jobs.c.kind == kind)
    if sought:
        named = (column.icontains(sought, autoescape=True) for column in (jobs.c.id, jobs.c.package_name))
        query = query.where(sa.or_(*named))
    if endpoint:
        query = query.where(jobs.c.endpoint == endpoint.lower())
    if among is not None:
        query = query.where(jobs.c.endpoint.in_(among))
    if company:
        query = query.where(sa.func.lower(jobs.c.company) == company.lower())
    if since is not None:
        query = query.where(jobs.c.submitted_at >= since)
    if until is not None:
        query = query.where(jobs.c.submitted_at < until)
    if before is not None:
        query = query.where(jobs.c.number < before)
    return [of_row(row) for row in db.execute(query).mappings()]


def these(db: Database, job_ids: Collection[str]) -> list[Job]:
    """The jobs with these ids, the oldest first; one that is not there is left out."""
    query = sa.select(jobs).where(jobs.c.id.in_(job_ids)).order_by(jobs.c.number)
    return [of_row(row) for row in db.execute(query).mappings()]


def unfinished(db: Database, *, endpoint: str | None = None) -> list[Job]:
    """Jobs that are not final, the oldest first."""
    found = db.execute(_UNFINISHED) if endpoint is None else db.execute(_UNFINISHED_OF, {"of_endpoint": endpoint})
    return [of_row(row) for row in found.mappings()]


def of_database(db: Database, *, endpoint: str) -> list[Job]:
    """Jobs that are not final, of all endpoints that write to the database of this one, the oldest first."""
    keys = db.execute(_SHARING, {"of_endpoint": endpoint}).scalars().all()
    if len(keys) < 2:
        return unfinished(db, endpoint=endpoint)
    return [of_row(row) for row in db.execute(_UNFINISHED.where(jobs.c.endpoint.in_(keys))).mappings()]


def company_in_need(db: Database, endpoint: str) -> str | None:
    """A company that an unfinished job of the endpoint writes to."""
    query = sa.select(jobs.c.company).where(
        jobs.c.endpoint == endpoint, jobs.c.finished_at.is_(None), jobs.c.company.is_not(None)
    )
    company: str | None = db.execute(query.limit(1)).scalar()
    return company


def set_state(db: Database, job_id: str, state: JobState, *, reason: str = "", advice: str = "", code: str = "") -> None:
    """Put a job that is not final into a state, with the reason that its users read."""
    values = {"state": state, "reason": reason, "advice": advice, "code": code}
    db.execute(sa.update(jobs).where(jobs.c.id == job_id, jobs.c.finished_at.is_(None)).values(values))


def begin(db: Database, job: Job, *, at: float) -> None:
    """The first batch of a job is sent."""
    if job.begun_at is None:
        db.execute(_BEGIN, {"of_id": job.id, "now": at})


def mark(db: Database, job_id: str, **values: Any) -> None:
    """Set columns of a job: `paused`, `ending`, `started_at`."""
    db.execute(sa.update(jobs).where(jobs.c.id == job_id).values(**values))


def reaches(db: Database, job_id: str, scope: str, *, shares_with: Sequence[tuple[str, str]]) -> None:
    """Note how far what a load writes reaches, and with which companies it shares that."""
    mark(db, job_id, scope=scope, shares_with=json.dumps(shares_with))


def close(db: Database, job_id: str, state: JobState, *, at: float, reason: str = "", advice: str = "", code: str = "") -> None:
    """End a job."""
    values = {"state": state, "reason": reason, "advice": advice, "code": code, "finished_at": at}
    ended = db.execute(sa.update(jobs).where(jobs.c.id == job_id, jobs.c.finished_at.is_(None)).values(values))
    if ended.rowcount:
        word = state.replace("_", " ")
        why = reason.removeprefix(word).removeprefix(": ")
        say(db, job_id, f"Ended: {word}: {why}" if why else f"Ended: {word}.", at=at)
    db.execute(sa.update(steps).where(steps.c.job == job_id, steps.c.finished_at.is_(None)).values(finished_at=at))


def totals(db: Database, job_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Rows by outcome, per job."""
    if not job_ids:
        return {}
    sums = [sa.func.coalesce(sa.func.sum(steps.c[word]), 0).label(word) for word in OUTCOMES]
    query = sa.select(steps.c.job, *sums).where(steps.c.job.in_(job_ids)).group_by(steps.c.job)
    found = {row["job"]: {word: row[word] for word in OUTCOMES} for row in db.execute(query).mappings()}
    return {job_id: found.get(job_id, dict.fromkeys(OUTCOMES, 0)) for job_id in job_ids}


def say(db: Database, job_id: str, text: str, *, at: float) -> None:
    """Add a line to a job's log."""
    db.execute(sa.insert(log).values(job=job_id, at=at, text=text))


def log_of(db: Database, job_id: str, *, after: int = 0, limit: int = 1000) -> list[tuple[int, float, str]]:
    """Lines of a job's log: (id, time, text)."""
    query = sa.select(log.c.id, log.c.at, log.c.text).where(log.c.job == job_id, log.c.id > after).order_by(log.c.id).limit(limit)
    return [(row.id, row.at, row.text) for row in db.execute(query)]


def last_of_log(db: Database, job_id: str, *, limit: int, before: int | None = None) -> list[tuple[int, float, str]]:
    """The last entries of the job's log, the oldest first: id, moment and sentence. `before` this id, where one is named."""
    query = sa.select(log.c.id, log.c.at, log.c.text).where(log.c.job == job_id).order_by(log.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(log.c.id < before)
    return [(row.id, row.at, row.text) for row in reversed(db.execute(query).all())]


def of_row(row: sa.RowMapping) -> Job:
    """The job that a row of the table is."""
    values = dict(row)
    order = json.loads(values["order"])
    values["order"] = Order(**{**order, "mode": Mode(order["mode"]), "blank": Blank(order["blank"])})
    values["shares_with"] = tuple((company, name) for company, name in json.loads(values["shares_with"]))
    values["corrections"] = tuple(values["corrections"].split(",")) if values["corrections"] else ()
    values["state"] = JobState(values["state"])
    values["ending"] = JobState(values["ending"]) if values["ending"] else None
    return Job(**values)
