"""Announcement texts: what the organiser has made of a text, kept for its date, language and format."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

NAME = "announcement_texts"


def upgrade() -> None:
    """Goes forward only; safe to run again. The version before does not read the table."""
    op.create_table(
        NAME,
        sa.Column(
            "id", sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()"), comment="New for each text, not edit"
        ),
        sa.Column("day", sa.Date, nullable=False, comment="The date that it announces"),
        sa.Column("format", sa.String(20), nullable=False, comment="Where it is used; month: a line for all of them"),
        sa.Column("language", sa.String(2), nullable=False, comment="ISO 639-1 code of its language"),
        sa.Column("content", sa.Text, nullable=False, comment="The organiser's words; never logged"),
        sa.Column(
            "version",
            sa.Integer,
            nullable=False,
            server_default="1",
            comment="How often it was stored; 0: it never counted",
        ),
        sa.Column("page", sa.Uuid, nullable=False, comment="The page that stored it last: it knows what it replaces"),
        sa.Column("job_id", sa.Uuid, comment="The model's draft that it began as; null if there was none"),
        sa.Column("is_edited", sa.Boolean, nullable=False, comment="Whether it differs from what it began as"),
        sa.Column(
            "replaced_at", sa.DateTime(timezone=True), comment="When another took its place; null: this one counts"
        ),
        _now("created_at", "When it was stored first"),
        _now("updated_at", "When it was stored last"),
        comment="The announcements that the organiser has changed, until she removes them",
        if_not_exists=True,
    )
    op.create_index(
        "uq_announcement_texts_counting",
        NAME,
        ["day", "format", "language"],
        unique=True,
        postgresql_where=sa.text("replaced_at IS NULL"),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")


def _now(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), comment=comment)
