"""Tests of a service: of which credentials the last one was."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again."""
    op.add_column(
        "service_tests",
        sa.Column("digest", sa.String(16), comment="Of the credentials that were tested; null where nobody knows"),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")
