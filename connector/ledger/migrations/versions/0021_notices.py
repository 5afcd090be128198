"""What a webhook is to be told; how much workers keep on disk; jobs are found by their end."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, unique=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("told_at", sa.Float()),
    )
    op.create_index("notices_due", "notices", ["told_at", "due_at"])
    op.create_index("jobs_by_end", "jobs", ["finished_at"])
    op.add_column("workers", sa.Column("spool_bytes", sa.BigInteger(), nullable=False, server_default="0"))
