"""Reports that wait on this computer's disk while the broker is away, so that a killed worker takes none of them along.

While the broker is there nothing is written here. A file belongs to one process, which holds its lock until it ends; the
next worker of the endpoint sends what a dead one left. A full disk, or a full spool, costs this protection and nothing else.
"""

import contextlib
import logging
import os
import secrets
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

#: A spool's largest size on disk, in pages of 4 KiB: 64 MiB.
_PAGES: Final = 16_384


class Spool:
    """The file of one process; there is none before something is kept."""

    def __init__(self, folder: Path, *, endpoint: str) -> None:
        """Nothing is touched yet."""
        self._path = folder / f"{endpoint.lower()}-{os.getpid()}-{secrets.token_hex(4)}.spool"
        self._file: sqlite3.Connection | None = None
        self._warned = False

    def keep(self, texts: Iterable[str]) -> None:
        """Put reports on disk; they are there when this returns. Where they cannot be, a warning says so."""
        try:
            if self._file is None:
                self._file = _create(self._path)
            with self._file:
                self._file.executemany("INSERT INTO reports (text) VALUES (?)", [(text,) for text in texts])
        except (sqlite3.Error, OSError) as error:
            if not self._warned:
                log.warning(
                    "reports wait in memory only, they cannot be kept on disk (%s)", error, extra={"action": "spool_failed"}
                )
            self._warned = True

    def clear(self) -> None:
        """Everything was sent."""
        if self._file is not None:
            self._file.close()
            self._file = None
            _remove(self._path)
        self._warned = False


class Legacy:
    """What dead workers of an endpoint left in a folder."""

    def __init__(self, folder: Path, *, endpoint: str) -> None:
        """Takes hold of every file that no living process holds."""
        self._files: dict[Path, sqlite3.Connection] = {}
        self.texts: list[str] = []
        """in the order in which each worker told them"""
        for path in sorted(folder.glob("*.spool")):
            if path.name.rsplit("-", 2)[0] == endpoint.lower():
                self._take(path)

    def remove(self) -> None:
        """Everything was sent."""
        for path, file in self._files.items():
            file.close()
            _remove(path)
        self._files.clear()
        self.texts.clear()

    def _take(self, path: Path) -> None:
        file: sqlite3.Connection | None = None
        try:
            file = _lock(path)
            self.texts += [text for (text,) in file.execute("SELECT text FROM reports ORDER BY id")]
            self._files[path] = file
        except sqlite3.Error as error:
            if file is not None:
                file.close()
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:  # else its process lives
                log.warning("a spool cannot be read: %s (%s)", path.name, error, extra={"action": "spool_unreadable"})


def size(folder: Path, *, endpoint: str) -> int:
    """Bytes that the processes of an endpoint, living or dead, have in a folder."""
    mine = [path for path in folder.glob("*.spool") if path.name.rsplit("-", 2)[0] == endpoint.lower()]
    total = 0
    for path in mine:
        with contextlib.suppress(OSError):  # it was sent and removed at this moment
            total += path.stat().st_size
    return total


def _create(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))  # reports name values of rows that failed
    file = _lock(path)
    file.execute("CREATE TABLE reports (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    return file


def _lock(path: Path) -> sqlite3.Connection:
    """Open a file for this process alone, until it is closed. Raises sqlite3.Error."""
    file = sqlite3.connect(path, timeout=0, check_same_thread=False)
    try:
        for setting in ("locking_mode=EXCLUSIVE", "synchronous=FULL", f"max_page_count={_PAGES}"):
            file.execute(f"PRAGMA {setting}")
        file.execute("BEGIN EXCLUSIVE")
        file.execute("COMMIT")
    except sqlite3.Error:
        file.close()
        raise
    return file


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # what is left is sent once more, which changes nothing
        path.unlink()
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)  # a dead process has left its own
