"""Which job changed when, in the order of commits, and how many rows got their outcome in each five seconds.

Triggers keep both: whoever changes a job or a step, it is noted in the same transaction, and nobody can forget to.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WORDS = ("created", "updated", "unchanged", "deleted", "failed", "skipped", "unknown", "handed_over")
_COLUMNS = ", ".join(_WORDS)
_MORE = ", ".join(f"NEW.{word} - OLD.{word}" for word in _WORDS)
_COUNTED = " OR ".join(f"NEW.{word} <> OLD.{word}" for word in _WORDS)
_ADD = ", ".join(f"{word} = throughput.{word} + excluded.{word}" for word in _WORDS)
_OF_JOB = ("state", "reason", "advice", "code", "planned", "paused", "ending", "rows", "priority")
_OF_JOB_TIMES = ("started_at", "finished_at", "expires_at", "removed_at")
_OF_STEP = (*_WORDS, "rows", "blanks_kept", "started_at", "finished_at")
#: What is noted: the table, what is done to it, the job, and the columns of which one must be another than before.
_WATCHED = (
    ("jobs", "INSERT", "NEW.id", ()),
    ("jobs", "UPDATE", "NEW.id", _OF_JOB + _OF_JOB_TIMES),
    ("steps", "INSERT", "NEW.job", ()),
    ("steps", "UPDATE", "NEW.job", _OF_STEP),
    ("steps", "DELETE", "OLD.job", ()),
)


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("seq", _COUNT, primary_key=True, autoincrement=True),
        sa.Column("job", sa.Text(), nullable=False, unique=True),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "throughput",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        *(sa.Column(word, sa.Integer(), nullable=False) for word in _WORDS),
        sa.PrimaryKeyConstraint("job", "at"),
    )
    op.create_index("throughput_by_time", "throughput", ["at"])
    op.create_table(
        "queue_ages",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("oldest_s", sa.Float(), nullable=False),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "at"),
    )
    op.execute("INSERT INTO changes (job) SELECT id FROM jobs ORDER BY number")
    if op.get_bind().dialect.name == "postgresql":
        _postgresql()
    else:
        _sqlite()


def _sqlite() -> None:
    for table, what, job, columns in _WATCHED:
        when = _when(columns, "IS NOT")
        op.execute(f"CREATE TRIGGER {table}_{what.lower()} AFTER {what} ON {table} {when} BEGIN {_noted(job)} END")
    bucket = "CAST(strftime('%s', 'now') AS INTEGER) / 5 * 5"
    counted = _counted(bucket)
    op.execute(f"CREATE TRIGGER steps_counted AFTER UPDATE ON steps WHEN {_COUNTED} BEGIN {counted}; END")
    op.execute(f"CREATE TRIGGER steps_gone AFTER DELETE ON steps BEGIN {_forgotten()}; END")


def _postgresql() -> None:
    for table, what, job, columns in _WATCHED:
        when = _when(columns, "IS DISTINCT FROM")
        _trigger(f"{table}_{what.lower()}", f"AFTER {what} ON {table} FOR EACH ROW {when}", _noted(job))
    bucket = "floor(extract(epoch FROM clock_timestamp()) / 5)::bigint * 5"
    _trigger("steps_counted", f"AFTER UPDATE ON steps FOR EACH ROW WHEN ({_COUNTED})", f"{_counted(bucket)};")
    _trigger("steps_gone", "AFTER DELETE ON steps FOR EACH ROW", f"{_forgotten()};")


def _when(columns: Sequence[str], differs: str) -> str:
    return f"WHEN ({' OR '.join(f'NEW.{name} {differs} OLD.{name}' for name in columns)})" if columns else ""


def _noted(job: str) -> str:
    return f"DELETE FROM changes WHERE job = {job}; INSERT INTO changes (job) VALUES ({job});"  # noqa: S608  names of ours


def _trigger(name: str, when: str, does: str) -> None:
    op.execute(f"CREATE FUNCTION note_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does} RETURN NULL; END $$")
    op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION note_{name}()")


def _counted(bucket: str) -> str:
    return (
        f"INSERT INTO throughput (job, at, {_COLUMNS}) VALUES (NEW.job, {bucket}, {_MORE})"  # noqa: S608  names of ours
        f" ON CONFLICT (job, at) DO UPDATE SET {_ADD}"
    )


def _forgotten() -> str:
    return "DELETE FROM throughput WHERE job = OLD.job"
