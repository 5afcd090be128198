"""Jobs that take up rows of an earlier one."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("retry_of", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("retry_rows", sa.Text(), nullable=False, server_default=""))
    op.create_index("jobs_by_retry", "jobs", ["retry_of"])
