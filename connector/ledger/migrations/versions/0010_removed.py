"""When the rows of a job that ended long ago were removed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("removed_at", sa.Float(), nullable=True))
