"""A machine's login that changes takes turns between two users at the broker."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("machines", sa.Column("turn", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("machines", sa.Column("changed_at", sa.Float(), nullable=False, server_default="0"))
