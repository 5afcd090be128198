"""Worker services, and how many workers an endpoint shall have."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "wishes",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("workers", sa.Integer()),
        sa.Column("concurrency", sa.Integer()),
        sa.PrimaryKeyConstraint("endpoint"),
    )
    op.create_table(
        "crews",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("crew", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "crew"),
    )
