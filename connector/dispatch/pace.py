"""How many rows a call takes: one control loop per service of an endpoint keeps its calls between two bounds of time.

Batches are cut when a job is planned; within one, the worker makes calls of the size that its message says. So a call is
never larger than a batch. A call that takes too long makes the next ones smaller at once, one that is quick makes them
larger, up to twice as large. What was learnt is in the ledger.
"""

import math
from typing import Final

from connector.dispatch.messages import Courses
from connector.ledger import Database, limits
from connector.wire.reports import BatchDone, BatchRef

#: Between how many seconds a call shall take, where the endpoint says nothing else.
CALL_SECONDS: Final = (2.0, 20.0)


def next_rows(now: int, *, rows: int, seconds: float, bounds: tuple[float, float] = CALL_SECONDS) -> int:
    """How many rows the next calls take, after the longest of some calls took so many `rows` and `seconds`.

    `now`: what they took up to now at most; 0: as many as a batch holds.
    """
    shortest, longest = bounds
    if rows <= 0 or seconds <= 0 or shortest <= seconds <= longest:
        return now
    aim = max(1, int(rows * math.sqrt(shortest * longest) / seconds))
    if seconds > longest:
        return min(aim, now) if now else aim
    return min(aim, 2 * now) if rows >= now else now  # a call that was not full tells nothing of full ones


def learn(db: Database, report: BatchDone, *, courses: Courses) -> None:
    """A batch told of its longest call."""
    if not report.call_seconds:
        return
    key, name = report.endpoint.lower(), courses.of(db, report.ref.job, report.ref.step).service
    allowed, now = limits.pace(db, key, service=name)
    bounds = allowed.call_seconds or CALL_SECONDS
    found = next_rows(now, rows=report.call_rows, seconds=report.call_seconds, bounds=bounds)
    if found != now:
        limits.keep_call_rows(db, key, service=name, rows=found)


def cut_off(db: Database, endpoint: str, ref: BatchRef, *, rows: int, courses: Courses) -> None:
    """A call of so many rows told no end within its time limit, or the AOS went away meanwhile: later ones are half as large."""
    name = courses.of(db, ref.job, ref.step).service
    now = limits.call_rows(db, endpoint, service=name)
    half = max(1, rows // 2)
    limits.keep_call_rows(db, endpoint, service=name, rows=min(half, now) if now else half)
