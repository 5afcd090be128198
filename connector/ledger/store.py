"""Opens the ledger and hands out transactions. SQLite in WAL mode, or PostgreSQL by URL.

A transaction that wrote is on disk when `write()` ends, because a grant rests on it.
"""

import copy
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import exc

from connector.errors import NotReachable, Refused

log = logging.getLogger(__name__)

Database = sa.Connection

#: Readers beside the one writer: the threads that serve the API, and some.
_POOL: Final[Mapping[str, Any]] = {"pool_size": 8, "max_overflow": 40}

#: How a connection to PostgreSQL is made where the URL's own query does not say otherwise. A server that is gone without a
#: word is noticed in half a minute, a turn that another process holds is waited for as long as SQLite waits for its file,
#: and a commit is on disk whatever the server's default is.
_POSTGRESQL: Final = {
    "application_name": "rapidstart",
    "connect_timeout": "10",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "options": "-c synchronous_commit=on -c lock_timeout=30s",
}

#: So long another process may take to make a new SQLite file, in seconds.
_SWITCH_S: Final = 30.0

#: The advisory lock of whoever writes; any number will do, as long as it is always the same.
_WRITERS_TURN: Final = 0x52617069_64537461

#: A transaction that may write and says nothing for so long is ended by PostgreSQL, in seconds.
_FROZEN_S: Final = 10.0

#: SQLSTATE idle_in_transaction_session_timeout: the server has ended our transaction.
_TOO_SLOW: Final = "25P03"

#: SQLSTATE insufficient_privilege: the account may log in, and not do what the ledger needs.
_FORBIDDEN: Final = "42501"

#: SQLSTATE program_limit_exceeded: a text that is too long for an index.
_TOO_LONG: Final = "54000"


class Watch(Protocol):
    """Knows whether the wall clock was set; `dispatch.clock` has it."""

    def begin(self, db: Database) -> object:
        """Move what is kept for later where it was."""

    def settle(self) -> None:
        """That was committed."""

    def undo(self) -> None:
        """That was rolled back."""


class Ledger:
    """One database. Writers take turns, those of other processes too; readers never wait."""

    def __init__(self, url: str) -> None:
        """Open, and bring the schema up to date. Raises NotReachable, and Refused for a URL that names no such database."""
        self._engine = _engine(url)
        self._turn = threading.Lock()
        self._guard: Callable[[Database], None] = _anybody
        self._watch: Watch | None = None
        with self.write() as db:
            _migrate(db)

    @contextmanager
    def write(self) -> Iterator[Database]:
        """A transaction that may write; committed at the end, rolled back on any error.

        Raises NotReachable, Refused for a value that no column of the ledger holds, and what the ledger's guard raises.
        """
        with self._turn, self._in_time() as follow, self._transaction(writes=True) as db:
            self._guard(db)
            follow(db)
            yield db

    @contextmanager
    def _in_time(self) -> Iterator[Callable[[Database], object]]:
        """Around a transaction, which calls what this gives first: where the clock was set, its moments move, or do not."""
        if self._watch is None:
            yield _anybody
            return
        try:
            yield self._watch.begin
        except BaseException:
            self._watch.undo()
            raise
        self._watch.settle()

    @contextmanager
    def read(self) -> Iterator[Database]:
        """A transaction that sees one state of the ledger. Raises as `write` does."""
        with self._transaction(writes=False) as db:
            yield db

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Database]:
        with _translated(), self._engine.connect() as connection, connection.execution_options(writes=writes).begin():
            yield connection

    def guarded(self, guard: Callable[[Database], None]) -> "Ledger":
        """The same ledger, where every transaction that may write calls `guard` first. It is not to be closed."""
        found = copy.copy(self)
        found._guard = guard
        return found

    def timed(self, watch: "Watch") -> "Ledger":
        """The same ledger, whose moments move with the clock before anything else is written. It is not to be closed."""
        found = copy.copy(self)
        found._watch = watch
        return found

    @property
    def is_shared(self) -> bool:
        """Whether processes of several computers may use it."""
        return self._engine.dialect.name != "sqlite"

    @property
    def file(self) -> Path | None:
        """The file that it is kept in; None where it is on a server."""
        name = self._engine.url.database
        return Path(name).absolute() if not self.is_shared and name else None

    def close(self) -> None:
        """End all connections."""
        self._engine.dispose()


def _anybody(db: Database) -> None:
    """The guard of a ledger that nobody leads."""


def sqlite_url(path: Path) -> str:
    """The URL of a ledger in one file."""
    return f"sqlite:///{path}"


def _engine(url: str) -> sa.Engine:
    advice = "Correct RAPIDSTART_LEDGER_URL, as postgresql+psycopg://USER@HOST/DATABASE, or leave it out: then it is SQLite."
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError as error:
        raise Refused("the ledger's URL cannot be read.", advice=advice) from error
    opened = {"sqlite": _sqlite, "postgresql": _postgresql}.get(parsed.get_backend_name())
    if opened is None:
        raise Refused(f"the ledger cannot be kept in {parsed.get_backend_name()}.", advice=advice)
    return opened(parsed)


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": 30, "check_same_thread": False}, **_POOL)

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves: the driver's way starts them too late
        cursor = connection.cursor()
        _write_ahead(cursor)
        for pragma in ("synchronous=FULL", "cache_size=-8000", "journal_size_limit=67108864"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {'IMMEDIATE' if connection.get_execution_options()['writes'] else 'DEFERRED'}")

    return engine


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Switch a new file to WAL. While another process does the same, SQLite does not wait: it refuses."""
    deadline = time.monotonic() + _SWITCH_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _postgresql(url: sa.URL) -> sa.Engine:
    url = url.set(drivername="postgresql+psycopg").update_query_dict({**_POSTGRESQL, **url.query})
    try:
        engine = sa.create_engine(url, pool_pre_ping=True, **_POOL)
    except ModuleNotFoundError as error:
        raise Refused(
            "a ledger on PostgreSQL needs the driver psycopg, which is not installed.",
            advice="Install the extra: pip install 'rapidstart-connector[postgresql]'",
        ) from error

    @sa.event.listens_for(engine, "connect", insert=True)  # before SQLAlchemy reads its first text
    def _check(connection: Any, _: Any) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise Refused(
                f"the ledger's database is encoded in {encoding}: it could not hold every text.",
                advice="Create it anew: createdb --template template0 --encoding UTF8 DATABASE",
            )

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if connection.get_execution_options()["writes"]:
            # A frozen process must not keep the others from writing: the server ends its transaction.
            frozen = f"set_config('idle_in_transaction_session_timeout', '{_FROZEN_S:.0f}s', true)"
            connection.exec_driver_sql(f"SELECT {frozen}, pg_advisory_xact_lock({_WRITERS_TURN})")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    return engine


def _migrate(db: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = db
    found, known = MigrationContext.configure(db).get_current_revision(), ScriptDirectory.from_config(config)
    _refuse_later(found, known)
    command.upgrade(config, "head")
    if found not in {None, known.get_current_head()}:
        log.info("the ledger's schema was %s, and is %s now", found, known.get_current_head())


def _refuse_later(found: str | None, known: ScriptDirectory) -> None:
    """A schema that this version has no migration of was made by one that came after it."""
    newest = known.get_current_head()
    if found is not None and found not in {script.revision for script in known.walk_revisions()}:
        raise Refused(
            f"the ledger was written by a later version of the dispatcher: its schema is {found}, and this one knows {newest}.",
            advice="Start that version again, or put the backup in its place that was made before the upgrade.",
        )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError, OverflowError) as error:
        cause = getattr(error, "orig", None) or error
        told = str(cause).partition("\n")[0].rstrip(".")
        state = getattr(cause, "sqlstate", None)
        if isinstance(error, exc.DataError | OverflowError) or state == _TOO_LONG:
            raise Refused(f"the ledger cannot hold this: {told}.", advice="Correct the value.") from error
        if isinstance(error, exc.OperationalError | exc.InterfaceError | exc.TimeoutError) or state in {_FORBIDDEN, _TOO_SLOW}:
            raise NotReachable(
                f"the ledger cannot be used: {told}.",
                advice="Check RAPIDSTART_LEDGER_URL, its account's rights, and the disk's free space.",
            ) from error
        raise  # a mistake of ours
