"""Jobs: the organiser's facts beside a reply, and whether they answered instead of the model."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again. The version before does not read the columns."""
    op.add_column(
        "jobs",
        sa.Column(
            "facts",
            sa.dialects.postgresql.JSONB,
            comment="What the settings say about the topics of question and text; null if nothing; never logged",
        ),
        if_not_exists=True,
    )
    op.add_column(
        "jobs",
        sa.Column(
            "from_facts",
            sa.Boolean,
            server_default=sa.false(),
            nullable=False,
            comment="Whether the settings answered, not the model",
        ),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")
