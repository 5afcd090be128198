"""Who may do what: credentials by their digest, people, and the service instance that an endpoint belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "credentials",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False, unique=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("service_instances", sa.Text()),
        sa.Column("made_at", sa.Float(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Float()),
        sa.Column("used_at", sa.Float()),
        sa.Column("details", sa.Text(), nullable=False),
    )
    op.create_table(
        "people",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("service_instances", sa.Text()),
        sa.Column("password", sa.Text()),
        sa.Column("made_at", sa.Float(), nullable=False),
        sa.Column("signed_in_at", sa.Float()),
    )
    op.add_column("endpoints", sa.Column("service_instance", sa.Text(), nullable=False, server_default="Default"))
