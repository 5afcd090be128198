"""Which dispatcher process leads where several share a ledger: a number that only grows, and a beat that tells of life.

Whoever leads writes under `check`, in the same transaction: one that was replaced while it was frozen writes nothing more.
No two clocks are ever compared. A process sees a beat stand still, for as long as its own clock says.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connector.errors import Conflict, NotLeading
from connector.ledger.endpoints import fact, remember
from connector.ledger.store import Database

_FACT: Final = "lead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """Who leads, as the ledger has it. `holder` is "" where the last one laid it down."""

    number: int = 0
    beats: int = 0
    holder: str = ""


def seen(db: Database) -> Lead:
    """The lead as it stands."""
    told = fact(db, _FACT)
    if told is None:
        return Lead()
    number, beats, holder = told.split(" ", 2)
    return Lead(number=int(number), beats=int(beats), holder=holder)


def take(db: Database, known: Lead, *, holder: str) -> Lead | None:
    """Take the lead from the one that was seen; None where it has moved since."""
    if seen(db) != known:
        return None
    mine = Lead(number=known.number + 1, holder=holder)
    _write(db, mine)
    return mine


def check(db: Database, *, number: int) -> None:
    """Raises NotLeading where the lead has another number by now."""
    now = seen(db)
    if now.number != number:
        raise NotLeading(
            f"this dispatcher does not lead any more: {now.holder or 'nobody'} does.",
            advice="Ask again in a few seconds.",
        )


def beat(db: Database, *, number: int) -> None:
    """Its holder lives. Raises NotLeading."""
    check(db, number=number)
    now = seen(db)
    _write(db, Lead(number=number, beats=now.beats + 1, holder=now.holder))


def lay_down(db: Database, *, number: int) -> None:
    """Its holder ends: another may lead at once. Raises NotLeading."""
    check(db, number=number)
    _write(db, Lead(number=number, beats=seen(db).beats + 1))


def hold_alone(file: Path) -> "closing[sqlite3.Connection]":
    """Keep other dispatchers from a ledger in one file, until the result is closed or this process dies.

    The lock is SQLite's own, on an empty file beside the ledger: the system lets go of it with the process, on every system.
    Raises Conflict where another dispatcher holds it.
    """
    connection = sqlite3.connect(f"{file}-dispatcher", timeout=0.5, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise Conflict(
            "another dispatcher runs on this ledger.",
            advice="Stop it first, or name another ledger: RAPIDSTART_LEDGER_URL. Several dispatchers need PostgreSQL.",
        ) from error
    return closing(connection)


def _write(db: Database, lead: Lead) -> None:
    remember(db, _FACT, f"{lead.number} {lead.beats} {lead.holder}")
