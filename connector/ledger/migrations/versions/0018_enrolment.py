"""Machines that were registered, their logins at the broker, and registrations that wait for an administrator."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "machines",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("password", sa.Text()),
        sa.Column("previous", sa.Text()),
        sa.Column("service_host", sa.Text(), nullable=False),
        sa.Column("aos_instance", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "fingerprint"),
    )
    op.create_table(
        "activations",
        sa.Column("code", sa.Text(), primary_key=True),
        sa.Column("device", sa.Text(), nullable=False, unique=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("polled_at", sa.Float(), nullable=False),
        sa.Column("interval_s", sa.Float(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("service_instance", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
    )
