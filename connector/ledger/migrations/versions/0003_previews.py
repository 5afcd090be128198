"""What the message of a single batch says beside its step's options."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("batches", sa.Column("options", sa.Text(), nullable=False, server_default="{}"))
