"""Which companies share tables by a virtual company, and with which ones a load shares what it writes."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("virtual_companies", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("jobs", sa.Column("shares_with", sa.Text(), nullable=False, server_default="[]"))
