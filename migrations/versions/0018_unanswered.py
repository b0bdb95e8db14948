"""Jobs: whether a reply says that it does not know, and what the organiser did about its question."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again. The version before does not read the columns."""
    op.add_column(
        "jobs",
        sa.Column(
            "unknown_in",
            sa.String(8),
            comment="The language in which the text says that it does not know; null if it answers",
        ),
        if_not_exists=True,
    )
    op.add_column(
        "jobs",
        sa.Column(
            "settled",
            sa.String(20),
            comment="What the organiser did about a question that the text does not answer; null while it is open",
        ),
        if_not_exists=True,
    )
    op.create_index(
        "ix_jobs_unanswered",
        "jobs",
        ["question_id"],
        postgresql_where=sa.text("unknown_in IS NOT NULL"),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")
