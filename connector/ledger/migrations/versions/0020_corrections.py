"""Rows that were corrected and taken up again: the workbooks that have them, and what was wrong with them before."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("corrections", sa.Text(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("only_corrected", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("problems_by_row", "problems", ["job", "step", "row"])
    op.create_table(
        "past_problems",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("job", sa.Text(), sa.ForeignKey("jobs.id"), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("column", sa.Text()),
        sa.Column("field", sa.Text()),
        sa.Column("value", sa.Text()),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("advice", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("followed_by", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
    )
    op.create_index("past_problems_of_job", "past_problems", ["job", "id"])
