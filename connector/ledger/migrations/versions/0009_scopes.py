"""Which endpoints write to one database, and how far what their loads write reaches."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("database", sa.Text(), nullable=False, server_default=""))
    op.add_column("endpoints", sa.Column("scope", sa.Text(), nullable=False, server_default=""))
