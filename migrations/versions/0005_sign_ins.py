"""Sign-ins: each browser in which the operator is signed in, so that a sign-in can be taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward only; safe to run again."""
    op.create_table(
        "sign_ins",
        sa.Column(
            "id",
            sa.Uuid,
            primary_key=True,
            server_default=sa.text("new_uuid()"),
            comment="What the browser's cookie holds",
        ),
        sa.Column(
            "user_id",
            sa.Integer,
            sa.ForeignKey("users.id", ondelete="CASCADE"),
            nullable=False,
            comment="Who is signed in",
        ),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, comment="When it ends by itself"),
        _now("created_at", "When the password was given"),
        _now("updated_at", "When the row was last changed"),
        comment="The browsers in which somebody is signed in; the row goes when that ends",
        if_not_exists=True,
    )
    op.create_index("ix_sign_ins_user_id", "sign_ins", ["user_id"], if_not_exists=True)


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")


def _now(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), comment=comment)
