"""Makes a ledger of an older schema, filled as the code of its time did."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from connector.ledger import store

FOLDER = Path(__file__).with_name("released")
FILES = sorted(FOLDER.glob("*.json"))


@dataclass(frozen=True, kw_only=True)
class Released:
    """What a file of `released/` holds."""

    revision: str
    ended: str
    paused: str
    package: str
    rows: dict[str, list[dict[str, Any]]]


def read(path: Path) -> Released:
    return Released(**json.loads(path.read_text(encoding="utf-8")))


def fill(url: str, released: Released) -> None:
    """Make the schema of that revision in an empty database, and write the rows."""
    engine = sa.create_engine(url)
    with engine.begin() as db:
        config = Config()
        config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
        config.attributes["connection"] = db
        command.upgrade(config, released.revision)
        known = sa.MetaData()
        known.reflect(db)
        for table in known.sorted_tables:
            if rows := released.rows.get(table.name):
                db.execute(table.insert(), [{name: _value(value) for name, value in row.items()} for row in rows])
        if engine.dialect.name == "postgresql":
            _count_on(db, known)
    engine.dispose()


def _value(value: Any) -> Any:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value


def _count_on(db: sa.Connection, known: sa.MetaData) -> None:
    """Ids that were written as they are did not count the sequences on."""
    for table in known.sorted_tables:
        for column in table.primary_key:
            named = db.execute(
                sa.text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name}
            )
            if sequence := named.scalar():
                top = db.execute(sa.select(sa.func.max(column))).scalar()
                db.execute(sa.text("SELECT setval(:sequence, :top)"), {"sequence": sequence, "top": top or 1})
