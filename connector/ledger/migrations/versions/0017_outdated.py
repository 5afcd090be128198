"""Jobs whose plans were made by a contract that their endpoint's port has no longer."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "outdated",
        sa.Column("job", sa.Text(), primary_key=True),
        sa.Column("since", sa.Float(), nullable=False),
    )
