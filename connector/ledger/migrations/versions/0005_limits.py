"""What an endpoint bears, why it was stopped, how large its calls are, and how often a batch came back for one reason."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("limits", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("endpoints", sa.Column("stopped", sa.Text(), nullable=True))
    op.add_column("batches", sa.Column("fault", sa.Text(), nullable=False, server_default=""))
    op.add_column("batches", sa.Column("faults", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("batches", sa.Column("fault_since", sa.Float(), nullable=True))
    op.add_column("batches", sa.Column("fault_left", sa.Integer(), nullable=True))
    op.create_table(
        "paces",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("call_rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "service"),
    )
