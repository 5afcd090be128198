"""Exit codes, and which of them a job ends with."""

from enum import IntEnum

from connector import api


class Exit(IntEnum):
    """What a shell learns of a command."""

    DONE = 0
    """all rows are in, or would go in"""
    ROWS = 1
    """finished with failed, unknown or skipped rows, or would be"""
    USAGE = 2
    """the command line is wrong"""
    REFUSED = 3
    """validation, rights or plan: nothing was done"""
    NOT_REACHABLE = 4
    """dispatcher, broker or metadata cannot be had"""
    CANCELLED = 5
    """a person ended the job"""
    INTERRUPTED = 130
    """Ctrl-C: the job goes on"""


def of_job(job: api.Job) -> Exit:
    """The exit code of a job as it stands; one that has not ended has done nothing wrong yet."""
    if job["state"] == "cancelled":
        return Exit.CANCELLED
    if job["state"] == "failed" and job["kind"] not in api.WITH_ROWS:  # a survey that found nobody
        return Exit.NOT_REACHABLE
    rows = job["rows"]
    if job["state"] == "failed" and (job["code"] or not job["planned"]) and not _any_in(rows):
        return Exit.NOT_REACHABLE if job["code"].startswith("RSC-4") else Exit.REFUSED
    if job["state"] in {"failed", "partly_succeeded"} or (job["state"] == "succeeded" and rows["skipped"]):
        return Exit.ROWS
    return Exit.DONE


def _any_in(rows: api.Rows) -> bool:
    return bool(rows["created"] or rows["updated"] or rows["unchanged"] or rows["deleted"])
