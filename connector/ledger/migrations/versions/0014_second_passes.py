"""Batches whose rows go in two passes: what the second fills, and what the first brought."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("batches", sa.Column("second", sa.Text(), nullable=True))
    op.add_column("batches", sa.Column("first_letters", sa.Text(), nullable=True))
