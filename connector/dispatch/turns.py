"""Whose turn it is at an endpoint: loads that write to the same place go one after the other. Pure."""

from collections.abc import Sequence
from typing import Final

from connector.ledger.jobs import Job, JobKind

#: Words of priorities, the lowest first; a job keeps the index.
PRIORITIES: Final = ("low", "normal", "high")


def runnable(unfinished: Sequence[Job]) -> list[Job]:
    """The jobs of an endpoint whose batches may leave, in the order in which they may.

    One load per company and partition at a time: the one that has begun, else that of the highest priority, else the oldest.
    """
    held_up = blockers(unfinished)
    may = [job for job in unfinished if job.planned and not job.paused and not job.ending and job.id not in held_up]
    return sorted(may, key=lambda job: (-job.priority, job.number))


def blockers(unfinished: Sequence[Job]) -> dict[str, Job]:
    """For each load that must wait: the one that must end before."""
    first: dict[tuple[str | None, str | None], Job] = {}
    found: dict[str, Job] = {}
    for job in sorted((job for job in unfinished if job.kind == JobKind.LOAD), key=_place):
        before = first.setdefault((job.partition, job.company), job)
        if before is not job:
            found[job.id] = before
    return found


def told(first: Job) -> str:
    """What is said to those that wait for a load."""
    return f"{first.id}, which loads {first.company}, is paused" if first.paused else f"{first.id} is loading {first.company}"


def _place(job: Job) -> tuple[bool, int, int]:
    """Where a load stands in the line: one that has begun is not held up by one that has not."""
    return job.begun_at is None, -job.priority, job.number
