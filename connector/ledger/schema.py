"""The ledger's tables that several of its modules speak of; one that a single module asks stands beside its questions.

Times are seconds since 1970, UTC. The migrations in `migrations/versions` create them.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData()

#: Ids of what comes by the million. SQLite counts by itself only where the type has this name; it holds 64 bits all the same.
Count = BigInteger().with_variant(Integer(), "sqlite")


class Words(TypeDecorator[str]):
    """Text of any length, as users, files and AX gave it.

    PostgreSQL's text cannot hold the character NUL: it is kept, and looked up, as its picture U+2400, whatever the database.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the same for each
        """What is stored for a text."""
        return value and value.replace("\0", "\N{SYMBOL FOR NULL}")


facts = Table(
    "facts",
    metadata,
    Column("name", Words, primary_key=True),
    Column("value", Words, nullable=False),
)

packages = Table(
    "packages",
    metadata,
    Column("sha256", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("received_at", Float, nullable=False),
)

package_parts = Table(
    "package_parts",
    metadata,
    Column("sha256", Words, primary_key=True),
    Column("no", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("key", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("addresses", Words, nullable=False),
    Column("companies", Words, nullable=False),
    Column("partition", Words),
    Column("contract", LargeBinary),
    Column("paused", Boolean, nullable=False, default=False),
    Column("added_at", Float, nullable=False),
    Column("metadata", Words),
    Column("fingerprint", Words),
    Column("surveyed_at", Float),
    Column("checks", Words),
    Column("limits", Words, nullable=False, default="{}", server_default="{}"),
    Column("not_idempotent", Words, nullable=False, default="[]", server_default="[]"),
    Column("stopped", Words),
    Column("database", Words, nullable=False, default="", server_default=""),
    Column("scope", Words, nullable=False, default="", server_default=""),
    Column("virtual_companies", Words, nullable=False, default="{}", server_default="{}"),
    Column("mark", Words),
    Column("marker", Words),
    Column("service_instance", Words, nullable=False, default="Default", server_default="Default"),
)

workers = Table(
    "workers",
    metadata,
    Column("endpoint", Words, primary_key=True),
    Column("worker", Words, primary_key=True),
    Column("host", Words, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Words, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("stopped", Boolean, nullable=False, default=False),
    Column("spool_bytes", BigInteger, nullable=False, default=0, server_default="0"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", Words, nullable=False, unique=True),
    Column("kind", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("reason", Words, nullable=False, default=""),
    Column("advice", Words, nullable=False, default=""),
    Column("code", Words, nullable=False, default=""),
    Column("endpoint", Words, nullable=False),
    Column("company", Words),
    Column("partition", Words),
    Column("package", Words),
    Column("package_name", Words, nullable=False, default=""),
    Column("order", Words, nullable=False),
    Column("planned", Boolean, nullable=False, default=False),
    Column("paused", Boolean, nullable=False, default=False),
    Column("ending", Words),
    Column("rows", Integer, nullable=False, default=0),
    Column("idempotency_key", Words, unique=True),
    Column("request_digest", Words, nullable=False, default=""),
    Column("submitted_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("retry_of", Words),
    Column("retry_rows", Words, nullable=False, default="", server_default=""),
    Column("priority", Integer, nullable=False, default=1, server_default="1"),
    Column("expires_at", Float),
    Column("begun_at", Float),
    Column("scope", Words, nullable=False, default="", server_default=""),
    Column("removed_at", Float),
    Column("shares_with", Words, nullable=False, default="[]", server_default="[]"),
    Column("corrections", Words, nullable=False, default="", server_default=""),
    Column("only_corrected", Boolean, nullable=False, default=False, server_default="0"),
    Index("jobs_by_state", "state", "endpoint"),
    Index("jobs_by_retry", "retry_of"),
    Index("jobs_by_end", "finished_at"),
)

steps = Table(
    "steps",
    metadata,
    Column("job", Words, ForeignKey("jobs.id"), primary_key=True),
    Column("no", Integer, primary_key=True),
    Column("entity", Words, nullable=False),
    Column("file", Words, nullable=False),
    Column("sheet", Words),
    Column("table", Words, nullable=False),
    Column("service", Words, nullable=False),
    Column("parent", Integer),
    Column("rank", Integer, nullable=False),
    Column("reasons", Words, nullable=False),
    Column("mode", Words, nullable=False),
    Column("target", Words, nullable=False),
    Column("layout", Words, nullable=False),
    Column("rows", Integer, nullable=False, default=0),
    *(
        Column(word, Integer, nullable=False, default=0)
        for word in ("created", "updated", "unchanged", "deleted", "failed", "skipped", "unknown", "blanks_kept")
    ),
    Column("handed_over", Integer, nullable=False, default=0, server_default="0"),
    Column("kind", Words, nullable=False, default="load.tables", server_default="load.tables"),
    Column("options", Words, nullable=False, default="{}", server_default="{}"),
    Column("started_at", Float),
    Column("finished_at", Float),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Count, primary_key=True, autoincrement=True),
    Column("job", Words, ForeignKey("jobs.id"), nullable=False),
    Column("endpoint", Words, nullable=False),
    Column("step", Integer, nullable=False),
    Column("no", Integer, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("state", Words, nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("size", Integer, nullable=False),
    Column("places", Words, nullable=False),
    Column("rows", LargeBinary),
    Column("not_before", Float, nullable=False, default=0.0),
    Column("sent_at", Float),
    Column("so_far", Words),
    Column("open_intent", Words),
    Column("granted_at", Float),
    Column("letters", Words),
    Column("reason", Words, nullable=False, default=""),
    Column("calls", Integer, nullable=False, default=0),
    Column("seconds", Float, nullable=False, default=0.0),
    Column("options", Words, nullable=False, default="{}", server_default="{}"),
    Column("fault", Words, nullable=False, default="", server_default=""),
    Column("faults", Integer, nullable=False, default=0, server_default="0"),
    Column("fault_since", Float),
    Column("fault_left", Integer),
    Column("second", Words),
    Column("first_letters", Words),
    UniqueConstraint("job", "step", "no"),
    Index("batches_to_send", "job", "state", "rank", "id"),
    Index("batches_in_flight", "state", "endpoint"),
)

intents = Table(
    "intents",
    metadata,
    Column("id", Count, primary_key=True, autoincrement=True),
    Column("batch", Count, ForeignKey("batches.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("message_id", Words, nullable=False),
    Column("intent", LargeBinary, nullable=False),
    Column("granted_at", Float, nullable=False),
    Index("intents_of_batch", "batch"),
)

problems = Table(
    "problems",
    metadata,
    Column("id", Count, primary_key=True, autoincrement=True),
    Column("job", Words, ForeignKey("jobs.id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("batch", Count),
    Column("index", Integer, nullable=False),
    Column("row", Integer, nullable=False),
    Column("outcome", Words, nullable=False),
    Column("column", Words),
    Column("field", Words),
    Column("value", Words),
    Column("message", Words, nullable=False),
    Column("advice", Words, nullable=False),
    Column("code", Words, nullable=False),
    Index("problems_of_job", "job", "id"),
    Index("problems_by_row", "job", "step", "row"),
)

past_problems = Table(
    "past_problems",
    metadata,
    Column("id", Count, primary_key=True, autoincrement=True),
    Column("job", Words, ForeignKey("jobs.id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("row", Integer, nullable=False),
    Column("outcome", Words, nullable=False),
    Column("column", Words),
    Column("field", Words),
    Column("value", Words),
    Column("message", Words, nullable=False),
    Column("advice", Words, nullable=False),
    Column("code", Words, nullable=False),
    Column("followed_by", Words, nullable=False),
    Column("at", Float, nullable=False),
    Index("past_problems_of_job", "job", "id"),
)

answers = Table(
    "answers",
    metadata,
    Column("id", Count, primary_key=True, autoincrement=True),
    Column("job", Words, ForeignKey("jobs.id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("row", Integer, nullable=False),
    Column("text", Words, nullable=False),
    Index("answers_of_job", "job", "id"),
)

resolutions = Table(
    "resolutions",
    metadata,
    Column("id", Count, primary_key=True, autoincrement=True),
    Column("job", Words, ForeignKey("jobs.id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("row", Integer, nullable=False),
    Column("way", Words, nullable=False),
    Column("at", Float, nullable=False),
    Column("by", Words, nullable=False),
    Column("made", Words),
    Index("resolutions_of_job", "job"),
    Index("resolutions_by_made", "made"),
)

outdated = Table(
    "outdated",
    metadata,
    Column("job", Words, primary_key=True),
    Column("since", Float, nullable=False),
)

log = Table(
    "log",
    metadata,
    Column("id", Count, primary_key=True, autoincrement=True),
    Column("job", Words, nullable=False),
    Column("at", Float, nullable=False),
    Column("text", Words, nullable=False),
    Index("log_of_job", "job", "id"),
)

staging = Table(
    "staging",
    metadata,
    Column("id", Count, primary_key=True, autoincrement=True),
    Column("job", Words, nullable=False),
    Column("step", Integer, nullable=False),
    Column("link", LargeBinary, nullable=False),
    Column("row", LargeBinary, nullable=False),
    Index("staged_rows", "job", "step", "link"),
)

changes = Table(
    "changes",
    metadata,
    Column("seq", Count, primary_key=True, autoincrement=True),
    Column("job", Words, nullable=False, unique=True),
    sqlite_autoincrement=True,
)
