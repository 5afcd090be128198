"""Whose turn it is: loads that may write to the same records go one after the other. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from connector.ledger.jobs import Job, JobKind, JobState
from connector.plan.values import PER_COMPANY

#: Words of priorities, the lowest first; a job keeps the index.
PRIORITIES: Final = ("low", "normal", "high")
#: How far what a load writes reaches, the narrowest first; "" where nobody says.
SCOPES: Final = ("company", "virtual company", "partition", "installation")


def widest(scopes: Iterable[str]) -> str:
    """The scope of a load whose tables have these; "" where that of one is not known."""
    found = list(scopes)
    return "" if not found or "" in found else max(found, key=SCOPES.index)


def reach(said: str, *, any_virtual: bool) -> str:
    """How far a table reaches, of which this is said, at an endpoint that has some virtual companies, or none.

    Any table that is kept per company may be shared by a virtual company. One of which nobody says which companies share it
    is not shared beyond its partition.
    """
    if said == PER_COMPANY:
        return "virtual company" if any_virtual else "company"
    return "partition" if said == "virtual company" and not any_virtual else said


def runnable(unfinished: Sequence[Job], *, endpoint: str) -> list[Job]:
    """The jobs of an endpoint whose batches may leave, in the order in which they may, as `blockers` lets them."""
    held_up = blockers(unfinished)
    mine = (job for job in unfinished if job.endpoint == endpoint)
    may = [job for job in mine if job.planned and not job.paused and not job.ending and job.id not in held_up]
    return sorted(may, key=lambda job: (-job.priority, job.number))


def blockers(unfinished: Sequence[Job]) -> dict[str, Job]:
    """For each load that must wait: the one that must end before. `unfinished` are all jobs of one AX database.

    One that has begun goes before those that have not; then the higher priority, then the older one. What waits at another
    endpoint holds nobody up: its AOS may be away for days.
    """
    line: dict[tuple[object, ...], Job] = {}
    found: dict[str, Job] = {}
    for job in sorted((job for job in unfinished if job.kind == JobKind.LOAD), key=_place):
        before = (other for other in line.values() if other.begun_at is not None or other.endpoint == job.endpoint)
        if first := next((other for other in before if _excludes(other, job)), None):
            found[job.id] = first
        waits_at = None if job.begun_at is not None else job.endpoint
        line.setdefault((job.scope, job.partition, job.company, job.shares_with, waits_at), job)
    return found


def told(first: Job, job: Job) -> str:
    """What is said to a load that waits for another."""
    who = f"{first.id} is loading {first.company}"
    if first.paused or first.state is JobState.WAITING:  # its own reason says for what
        who = f"{first.id}, which loads {first.company}, is {'paused' if first.paused else 'waiting itself'}"
    if first.partition == job.partition and _is_one_company(first.company, job.company):
        return who
    if not first.scope:
        return f"{who}, and nobody says that its tables are per company"
    if not job.scope:
        return f"{who}, and nobody says that the tables of this load are per company"
    scope = widest((first.scope, job.scope))
    if scope == "virtual company":
        return f"{who}, which shares tables with {job.company} in the virtual company {_shared_by(first, job)}"
    return f"{who}, and one of them writes to tables of the whole {scope}"


def _place(job: Job) -> tuple[bool, int, int]:
    """Where a load stands in the line."""
    return job.begun_at is None, -job.priority, job.number


def _excludes(one: Job, other: Job) -> bool:
    """Whether two loads of one database may write to the same records."""
    scope = widest((one.scope, other.scope))
    if scope in {"", "installation"}:
        return True
    if one.partition != other.partition:
        return False
    shared = scope == "virtual company" and _shared_by(one, other) is not None
    return scope == "partition" or shared or _is_one_company(one.company, other.company)


def _shared_by(one: Job, other: Job) -> str | None:
    """The virtual company by which two loads share what one of them writes; None where they share nothing."""
    seen = [(company, other.company, name) for company, name in one.shares_with]
    seen += [(company, one.company, name) for company, name in other.shares_with]
    return next((name for company, theirs, name in seen if _is_one_company(company, theirs)), None)


def _is_one_company(one: str | None, other: str | None) -> bool:
    """Whether two names mean the same company: AX knows no case of letters there."""
    return (one or "").casefold() == (other or "").casefold()
