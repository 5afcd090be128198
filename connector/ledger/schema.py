"""The ledger's tables. Times are seconds since 1970, UTC. The migrations in `migrations/versions` create them."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

facts = Table(
    "facts",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", Text, nullable=False),
)

packages = Table(
    "packages",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("size", Integer, nullable=False),
    Column("received_at", Float, nullable=False),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("name", String(40), nullable=False),
    Column("addresses", Text, nullable=False),
    Column("companies", Text, nullable=False),
    Column("partition", String(20)),
    Column("contract", LargeBinary),
    Column("paused", Boolean, nullable=False, default=False),
    Column("added_at", Float, nullable=False),
    Column("metadata", Text),
    Column("fingerprint", Text),
    Column("surveyed_at", Float),
    Column("checks", Text),
)

workers = Table(
    "workers",
    metadata,
    Column("endpoint", String(40), primary_key=True),
    Column("worker", String(120), primary_key=True),
    Column("host", String(120), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String(40), nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("stopped", Boolean, nullable=False, default=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(20), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("advice", Text, nullable=False, default=""),
    Column("code", String(20), nullable=False, default=""),
    Column("endpoint", String(40), nullable=False),
    Column("company", String(4)),
    Column("partition", String(20)),
    Column("package", String(64)),
    Column("package_name", String(255), nullable=False, default=""),
    Column("order", Text, nullable=False),
    Column("planned", Boolean, nullable=False, default=False),
    Column("paused", Boolean, nullable=False, default=False),
    Column("ending", String(20)),
    Column("rows", Integer, nullable=False, default=0),
    Column("idempotency_key", String(200), unique=True),
    Column("request_digest", String(64), nullable=False, default=""),
    Column("submitted_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Index("jobs_by_state", "state", "endpoint"),
)

steps = Table(
    "steps",
    metadata,
    Column("job", String(20), ForeignKey("jobs.id"), primary_key=True),
    Column("no", Integer, primary_key=True),
    Column("entity", String(255), nullable=False),
    Column("file", String(255), nullable=False),
    Column("sheet", String(255)),
    Column("table", String(120), nullable=False),
    Column("service", String(120), nullable=False),
    Column("parent", Integer),
    Column("rank", Integer, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("mode", String(10), nullable=False),
    Column("target", Text, nullable=False),
    Column("layout", Text, nullable=False),
    Column("rows", Integer, nullable=False, default=0),
    *(
        Column(word, Integer, nullable=False, default=0)
        for word in ("created", "updated", "unchanged", "deleted", "failed", "skipped", "unknown", "blanks_kept")
    ),
    Column("started_at", Float),
    Column("finished_at", Float),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("job", String(20), ForeignKey("jobs.id"), nullable=False),
    Column("endpoint", String(40), nullable=False),
    Column("step", Integer, nullable=False),
    Column("no", Integer, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("size", Integer, nullable=False),
    Column("places", Text, nullable=False),
    Column("rows", LargeBinary),
    Column("not_before", Float, nullable=False, default=0.0),
    Column("sent_at", Float),
    Column("so_far", Text),
    Column("open_intent", Text),
    Column("granted_at", Float),
    Column("letters", Text),
    Column("reason", Text, nullable=False, default=""),
    Column("calls", Integer, nullable=False, default=0),
    Column("seconds", Float, nullable=False, default=0.0),
    UniqueConstraint("job", "step", "no"),
    Index("batches_to_send", "job", "state", "rank", "id"),
    Index("batches_in_flight", "state", "endpoint"),
)

intents = Table(
    "intents",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("batch", Integer, ForeignKey("batches.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("message_id", String(40), nullable=False),
    Column("intent", LargeBinary, nullable=False),
    Column("granted_at", Float, nullable=False),
    Index("intents_of_batch", "batch"),
)

problems = Table(
    "problems",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("job", String(20), ForeignKey("jobs.id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("batch", Integer),
    Column("index", Integer, nullable=False),
    Column("row", Integer, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("column", String(255)),
    Column("field", String(120)),
    Column("value", Text),
    Column("message", Text, nullable=False),
    Column("advice", Text, nullable=False),
    Column("code", String(20), nullable=False),
    Index("problems_of_job", "job", "id"),
)

log = Table(
    "log",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("job", String(20), nullable=False),
    Column("at", Float, nullable=False),
    Column("text", Text, nullable=False),
    Index("log_of_job", "job", "id"),
)

staging = Table(
    "staging",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("job", String(20), nullable=False),
    Column("step", Integer, nullable=False),
    Column("link", Text, nullable=False),
    Column("row", LargeBinary, nullable=False),
    Index("staged_rows", "job", "step", "link"),
)
