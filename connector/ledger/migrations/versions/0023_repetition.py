"""Which ports carry a repeated call out again is no limit of an endpoint, and is known port by port."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("not_idempotent", sa.Text(), nullable=False, server_default="[]"))
    db = op.get_bind()
    for key, text in db.execute(sa.text("select key, limits from endpoints")).all():
        limits = json.loads(text)
        if limits.pop("idempotent", True):
            continue
        db.execute(
            sa.text("update endpoints set limits = :limits, not_idempotent = :ports where key = :key"),
            {"key": key, "limits": json.dumps(limits), "ports": '["*"]'},
        )
