"""Who did what; rows that a person settled; and what decides whose turn it is."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("priority", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("jobs", sa.Column("expires_at", sa.Float(), nullable=True))
    op.add_column("jobs", sa.Column("begun_at", sa.Float(), nullable=True))
    op.add_column("jobs", sa.Column("scope", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "audit",
        sa.Column("id", _COUNT, autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_of_subject", "audit", ["subject", "id"])
    op.create_table(
        "resolutions",
        sa.Column("id", _COUNT, autoincrement=True, nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("made", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("resolutions_of_job", "resolutions", ["job"])
    op.create_index("resolutions_by_made", "resolutions", ["made"])
