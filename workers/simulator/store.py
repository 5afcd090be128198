"""The pretend database: records, and the MessageIds that were seen, in SQLite (in memory, or durable in a folder).

It knows nothing of AX' rules. One call is one transaction; calls take turns.
"""

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workers.simulator.values import Comparable

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS record (
    rec_id INTEGER PRIMARY KEY, company TEXT NOT NULL, name TEXT NOT NULL, parent INTEGER NOT NULL,
    version INTEGER NOT NULL, changed REAL NOT NULL, unique_key TEXT, first, body TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS record_key ON record (company, name, unique_key);
CREATE INDEX IF NOT EXISTS record_first ON record (company, name, first);
CREATE INDEX IF NOT EXISTS record_parent ON record (parent);
CREATE TABLE IF NOT EXISTS message (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS mark (text TEXT NOT NULL);
"""
_COLUMNS: Final = "rec_id, company, name, parent, version, changed, body"
_FIRST_REC_ID: Final = 5637144576  # where AX 2012 begins to count
#: Below and above every value: SQLite sorts numbers before texts before blobs.
LOWEST: Final = float("-inf")
HIGHEST: Final = b"\xff"
Bound = Comparable | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record. `parent` is the RecId of the record that it is nested in, 0 for none."""

    rec_id: int
    company: str
    name: str
    parent: int
    version: int
    changed: float
    body: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What a record is found by: its unique key in comparable form, and the first field of it."""

    unique_key: str | None
    first: Comparable


class Store:
    """Records of all companies. Every method but `transaction` and `close` wants to be called inside a transaction."""

    def __init__(self, folder: Path | None) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        target = ":memory:" if folder is None else str(folder / "simulator.sqlite3")
        self._db = sqlite3.connect(target, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")  # safe against kill -9; a power cut is not what is rehearsed here
        self._db.executescript(_SCHEMA)
        if self._db.execute("SELECT 1 FROM mark").fetchone() is None:
            self._mark_anew()
        self._turn = threading.Lock()
        highest = self._db.execute("SELECT max(rec_id) FROM record").fetchone()[0]
        self._last = highest or _FIRST_REC_ID - 1

    def close(self) -> None:
        """End the database connection."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; other calls wait."""
        with self._turn:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def mark(self) -> str:
        """What tells this database from every other one, also from itself before it was emptied."""
        return str(self._db.execute("SELECT text FROM mark").fetchone()[0])

    def remember(self, message_id: str) -> bool:
        """Note a MessageId; False where it was seen before."""
        return self._db.execute("INSERT OR IGNORE INTO message VALUES (?)", (message_id,)).rowcount == 1

    def insert(self, name: str, *, company: str, parent: int, index: Index, body: Mapping[str, str]) -> int:
        """Add a record; its RecId, which is never given twice."""
        self._last += 1
        values = (self._last, company, name, parent, 1, time.time(), index.unique_key, index.first, json.dumps(body))
        self._db.execute("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        return self._last

    def replace(self, row: Row, *, index: Index, body: Mapping[str, str]) -> None:
        """Give a record a new body and the next RecVersion."""
        values = (time.time(), index.unique_key, index.first, json.dumps(body), row.rec_id)
        sql = "UPDATE record SET version = version + 1, changed = ?, unique_key = ?, first = ?, body = ? WHERE rec_id = ?"
        self._db.execute(sql, values)

    def delete(self, rec_id: int) -> int:
        """Remove a record with all that is nested in it; how many there were."""
        nested = [row[0] for row in self._db.execute("SELECT rec_id FROM record WHERE parent = ?", (rec_id,)).fetchall()]
        count = sum(self.delete(child) for child in nested)
        return count + self._db.execute("DELETE FROM record WHERE rec_id = ?", (rec_id,)).rowcount

    def by_key(self, name: str, *, company: str, unique_key: str) -> Row | None:
        """The record of a unique key."""
        sql = f"SELECT {_COLUMNS} FROM record WHERE company = ? AND name = ? AND unique_key = ?"  # noqa: S608
        return next(self._rows(sql, company, name, unique_key), None)

    def by_rec_id(self, name: str, *, company: str, rec_id: int) -> Row | None:
        """The record of a RecId."""
        sql = f"SELECT {_COLUMNS} FROM record WHERE rec_id = ? AND company = ? AND name = ?"  # noqa: S608
        return next(self._rows(sql, rec_id, company, name), None)

    def children(self, parent: int, name: str) -> list[Row]:
        """The nested records of one table, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM record WHERE parent = ? AND name = ? ORDER BY rec_id"  # noqa: S608
        return list(self._rows(sql, parent, name))

    def scan(self, name: str, *, company: str, low: Bound = LOWEST, high: Bound = HIGHEST) -> Iterator[Row]:
        """Records whose first key field lies between two values, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM record WHERE company = ? AND name = ? AND first BETWEEN ? AND ? ORDER BY rec_id"  # noqa: S608
        return self._rows(sql, company, name, low, high)

    def page(self, name: str, *, company: str, after: int, since: float, size: int) -> list[Row]:
        """Up to `size` records past a RecId that changed at or after `since` (seconds of the epoch)."""
        sql = (
            f"SELECT {_COLUMNS} FROM record WHERE company = ? AND name = ? AND rec_id > ? AND changed >= ? "  # noqa: S608
            "ORDER BY rec_id LIMIT ?"
        )
        return list(self._rows(sql, company, name, after, since, size))

    def clear(self) -> None:
        """Forget every record and MessageId; from here on it is another database."""
        self._db.execute("DELETE FROM record")
        self._db.execute("DELETE FROM message")
        self._mark_anew()

    def _mark_anew(self) -> None:
        self._db.execute("DELETE FROM mark")
        self._db.execute("INSERT INTO mark VALUES (?)", (secrets.token_hex(16),))

    def _rows(self, sql: str, *values: object) -> Iterator[Row]:
        for rec_id, company, name, parent, version, changed, body in self._db.execute(sql, values):
            yield Row(
                rec_id=rec_id,
                company=company,
                name=name,
                parent=parent,
                version=version,
                changed=changed,
                body=json.loads(body),
            )
