"""Opens the ledger and hands out transactions. SQLite in WAL mode, or PostgreSQL by URL.

A transaction that wrote is on disk when `write()` ends: `synchronous=FULL`, because a grant rests on it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import exc

from connector.errors import NotReachable

Database = sa.Connection


class Ledger:
    """One database. Writers of this process take turns; readers never wait."""

    def __init__(self, url: str) -> None:
        """Open, and bring the schema up to date. Raises NotReachable."""
        self._is_sqlite = url.startswith("sqlite")
        self._engine = _engine(url, is_sqlite=self._is_sqlite)
        self._turn = threading.Lock()
        with _translated():
            _migrate(self._engine)

    @contextmanager
    def write(self) -> Iterator[Database]:
        """A transaction that may write; committed at the end, rolled back on any error. Raises NotReachable."""
        with self._turn, _translated(), self._engine.connect() as opened:
            connection = opened.execution_options(begin="IMMEDIATE") if self._is_sqlite else opened
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Database]:
        """A transaction that sees one state of the ledger. Raises NotReachable."""
        with _translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """End all connections."""
        self._engine.dispose()


def sqlite_url(path: Path) -> str:
    """The URL of a ledger in one file."""
    return f"sqlite:///{path}"


def _engine(url: str, *, is_sqlite: bool) -> sa.Engine:
    if not is_sqlite:
        return sa.create_engine(url, pool_pre_ping=True)
    engine = sa.create_engine(url, connect_args={"timeout": 30, "check_same_thread": False}, pool_size=8, max_overflow=32)

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves: the driver's way starts them too late
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-8000", "journal_size_limit=67108864"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")

    return engine


def _migrate(engine: sa.Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError) as error:
        raise NotReachable(
            f"the ledger cannot be used: {error.orig}.",
            advice="Check RAPIDSTART_LEDGER_URL, the disk's free space and the file's rights.",
        ) from error
