"""The café's logo: the picture as it was written anew, never the file that was uploaded."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again. The version before does not read the table."""
    op.create_table(
        "logos",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False, comment="1: there is one logo at most"),
        sa.Column("media_type", sa.String(20), nullable=False, comment="image/png or image/svg+xml"),
        sa.Column("content", sa.LargeBinary, nullable=False, comment="The picture, written anew by the app"),
        sa.Column("version", sa.String(64), nullable=False, comment="SHA-256 of the content; its ETag"),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
            comment="When it was uploaded",
        ),
        sa.CheckConstraint("id = 1", name="one"),
        comment="The café's logo",
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")
