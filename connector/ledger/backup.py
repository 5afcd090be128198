"""Copies a ledger that is kept in a file, also while a dispatcher writes to it."""

import contextlib
import os
import sqlite3
from pathlib import Path

import sqlalchemy as sa

from connector.errors import NotReachable, Refused


def backup(url: str, target: Path) -> int:
    """Write one state of the ledger to a new file; its size in bytes. It is whole, or it is not there.

    Raises Refused for a ledger on a server and for a file that is there already, and NotReachable.
    """
    source = _file(url)
    if target.exists():
        raise Refused(f"{target} is there already.", advice="Name another file: a backup never replaces one.")
    if not source.exists():
        raise NotReachable("there is no ledger yet.", advice="Check RAPIDSTART_HOME and RAPIDSTART_LEDGER_URL.")
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL, 0o600))  # rows are business data
        _copy(source, draft)
        draft.replace(target)
    except (sqlite3.Error, OSError) as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise NotReachable(f"the ledger cannot be copied: {error}.", advice="Check the disk, and the way to the file.") from error
    return target.stat().st_size


def _copy(source: Path, target: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(f"{source.as_uri()}?mode=rw", uri=True, timeout=30)) as ledger,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        ledger.backup(copy)
        (found,) = copy.execute("PRAGMA integrity_check").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(str(found))
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it


def _file(url: str) -> Path:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise Refused(
            "a ledger on a server is backed up with the server's own means.",
            advice="With PostgreSQL: pg_dump --format=custom --file FILE DATABASE",
        )
    return Path(parsed.database).absolute()
