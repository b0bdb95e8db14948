"""Passwords: the hash of the one that the organiser chose in a page."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again. The version before does not read the table."""
    op.create_table(
        "passwords",
        sa.Column("name", sa.String(255), primary_key=True, comment="Whose it is, as in users.name"),
        sa.Column("hash", sa.Text, nullable=False, comment="By scrypt, with its parameters and its salt"),
        _now("created_at", "When the first was chosen"),
        _now("updated_at", "When this one was chosen"),
        comment="Passwords chosen in a page; no backup contains these rows",
        if_not_exists=True,
    )
    op.create_table_comment("users", "Who can sign in")


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")


def _now(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), comment=comment)
