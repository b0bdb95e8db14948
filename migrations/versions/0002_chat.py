"""Users, chat messages, and delete_old_chat_messages()."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# One statement, one transaction: whoever reads meanwhile is not held up and sees the messages of before.
DELETE_OLD = """
CREATE OR REPLACE FUNCTION delete_old_chat_messages(days integer DEFAULT 30) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    removed integer;
BEGIN
    IF days IS NULL OR days < 1 THEN
        RAISE EXCEPTION 'Messages are kept for 1 day or more, not for %', days
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    DELETE FROM chat_messages WHERE created_at < now() - make_interval(days => days);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$
"""
COMMENT_ON_DELETE_OLD = """
COMMENT ON FUNCTION delete_old_chat_messages(integer) IS
    'Removes the messages that are older than so many days, and answers how many those were'
"""


def upgrade() -> None:
    """Goes forward only; safe to run again."""
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True, comment="Given by the database"),
        sa.Column("name", sa.String(255), nullable=False, unique=True, comment="What the person signs in with"),
        _now("created_at", "When the user was added"),
        _now("updated_at", "When the row was last changed"),
        comment="Who can sign in. Passwords are in .env alone",
        if_not_exists=True,
    )
    op.create_table(
        "chat_messages",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True, comment="Given by the database, in order"),
        sa.Column("role", sa.String(20), nullable=False, comment="Who speaks: user, assistant or system"),
        sa.Column("content", sa.Text, nullable=False, comment="What was said; never logged"),
        sa.Column(
            "user_id",
            sa.Integer,
            sa.ForeignKey("users.id", ondelete="CASCADE"),
            comment="The signed-in user, whose messages go with them; null for a visitor",
        ),
        sa.Column("session_id", sa.Uuid, comment="The conversation that the message is part of"),
        _now("created_at", "When it was said; the retention counts from here"),
        _now("updated_at", "When the row was last changed"),
        sa.CheckConstraint("role IN ('user', 'assistant', 'system')", name="role"),
        comment="Every conversation, message by message, until the retention removes it. Append-only",
        if_not_exists=True,
    )
    op.create_index("ix_chat_messages_user_id", "chat_messages", ["user_id"], if_not_exists=True)
    # One conversation is always read in its order: with the id in the index, its first or last messages are found
    # without sorting.
    op.create_index("ix_chat_messages_session_id_id", "chat_messages", ["session_id", "id"], if_not_exists=True)
    op.create_index("ix_chat_messages_created_at", "chat_messages", [sa.text("created_at DESC")], if_not_exists=True)
    op.execute(DELETE_OLD)
    op.execute(COMMENT_ON_DELETE_OLD)


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")


def _now(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), comment=comment)
