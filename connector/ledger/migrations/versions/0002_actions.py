"""Service and class actions, and rows that are handed over in files."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("steps", sa.Column("handed_over", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("steps", sa.Column("kind", sa.Text(), nullable=False, server_default="load.tables"))
    op.add_column("steps", sa.Column("options", sa.Text(), nullable=False, server_default="{}"))
    op.create_table(
        "answers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("answers_of_job", "answers", ["job", "id"])
