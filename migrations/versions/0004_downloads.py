"""Downloads: each model that was asked for, and how far it has come."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATES = "('under_way', 'done', 'failed', 'cancelled', 'broken')"


def upgrade() -> None:
    """Goes forward only; safe to run again."""
    op.create_table(
        "downloads",
        sa.Column(
            "id", sa.Uuid, primary_key=True, server_default=sa.text("new_uuid()"), comment="Given by the database"
        ),
        sa.Column("model", sa.String(200), nullable=False, comment="The model's name, as it was asked for"),
        sa.Column("state", sa.String(20), nullable=False, server_default="under_way", comment="How it is"),
        sa.Column(
            "status", sa.String(200), nullable=False, server_default="", comment="What the server says that it does"
        ),
        _bytes("done", "Bytes that the server has"),
        _bytes("total", "Bytes in all, as far as they are known; 0 where they are not"),
        _bytes("speed", "Bytes a second, over the last few seconds; 0 where nothing comes or it is not known"),
        sa.Column("free", sa.BigInteger, comment="Bytes free on the disk when they were too few; null otherwise"),
        sa.Column("reason", sa.String(40), comment="Why it ended as it did: a neighbour's reason"),
        sa.Column(
            "cancel_asked", sa.Boolean, nullable=False, server_default=sa.false(), comment="Somebody pressed Cancel"
        ),
        sa.Column(
            "owner", sa.BigInteger, nullable=False, comment="Key of the advisory lock of the process that downloads"
        ),
        _now("created_at", "When it was asked for"),
        _now("updated_at", "When the row was last changed"),
        sa.CheckConstraint(f"state IN {STATES}", name="state"),
        comment="The models that were downloaded, or are being downloaded",
        if_not_exists=True,
    )
    # Two at once would halve each other's speed and fill the disk together: the database lets one in.
    op.create_index(
        "uq_downloads_under_way",
        "downloads",
        ["state"],
        unique=True,
        postgresql_where=sa.text("state = 'under_way'"),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")


def _bytes(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0", comment=comment)


def _now(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), comment=comment)
