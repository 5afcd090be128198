"""The mark of the AX database behind each endpoint, and the service that tells it."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("mark", sa.Text(), nullable=True))
    op.add_column("endpoints", sa.Column("marker", sa.Text(), nullable=True))
