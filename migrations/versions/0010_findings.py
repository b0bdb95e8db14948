"""Jobs: what a complete text says that differs from the settings, or that they do not say."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again. The version before does not read the column."""
    op.add_column(
        "jobs",
        sa.Column(
            "findings",
            sa.dialects.postgresql.JSONB,
            comment="What the complete text says against or beside the settings; null if nobody compared; never logged",
        ),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")
