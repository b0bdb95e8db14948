"""Jobs: the replies become one kind of them; downloads and announcements join.

The version before goes on working beside this one: it finds its replies in a view, and its downloads and announcements
in their tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KINDS = "('reply', 'download', 'announcement')"
UNDER_WAY = "state IN ('queued', 'loading', 'reading', 'writing')"

RENAME = """
DO $$
DECLARE
    one record;
BEGIN
    IF to_regclass('jobs') IS NOT NULL THEN
        RETURN;
    END IF;
    ALTER TABLE replies RENAME TO jobs;
    FOR one IN SELECT conname AS name FROM pg_constraint WHERE conrelid = 'jobs'::regclass AND conname LIKE '%replies%'
    LOOP
        EXECUTE format('ALTER TABLE jobs RENAME CONSTRAINT %I TO %I', one.name, replace(one.name, 'replies', 'jobs'));
    END LOOP;
    FOR one IN SELECT indexname AS name FROM pg_indexes WHERE tablename = 'jobs' AND indexname LIKE '%replies%'
    LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', one.name, replace(one.name, 'replies', 'jobs'));
    END LOOP;
END
$$
"""
# A view of one table with no expression is updatable: the version before inserts, updates, locks and deletes through it
# (PostgreSQL manual, CREATE VIEW, 'Updatable Views').
REPLIES = """
CREATE OR REPLACE VIEW replies AS
SELECT id, session_id, question_id, message_id, state, content, reason, stop_asked, owner,
    created_at, updated_at, began_at, first_word_at
FROM jobs WHERE kind = 'reply'
"""
COMMENT_ON_REPLIES = "COMMENT ON VIEW replies IS 'The replies among the jobs, for the version before 0009'"

# The newest one is shown, and the next download of that model goes on from it.
COPY_DOWNLOAD = """
INSERT INTO jobs (id, kind, subject, owner, state, progress, reason, stop_asked, created_at, updated_at, began_at)
SELECT id, 'download', model, owner,
    CASE state WHEN 'cancelled' THEN 'stopped' WHEN 'under_way' THEN 'broken' ELSE state END,
    jsonb_build_object('status', status, 'done', done, 'total', total, 'speed', 0, 'free', free),
    reason, cancel_asked, created_at, updated_at, created_at
FROM downloads ORDER BY created_at DESC, id DESC LIMIT 1
ON CONFLICT DO NOTHING
"""

# An announcement was a conversation with one question. The last attempt at its reply becomes the job.
MOVE_ANNOUNCEMENTS = """
INSERT INTO jobs (kind, subject, prompt, priority, owner, state, content, reason, stop_asked,
    created_at, updated_at, began_at, first_word_at)
SELECT DISTINCT ON (a.form, a.language)
    'announcement', a.form || '/' || a.language, question.content, 1, r.owner,
    CASE WHEN r.state IN ('queued', 'loading', 'reading', 'writing') THEN 'broken' ELSE r.state END,
    coalesce(message.content, r.content), r.reason, r.stop_asked,
    r.created_at, r.updated_at, r.began_at, r.first_word_at
FROM announcements AS a
JOIN jobs AS r ON r.session_id = a.session_id
JOIN chat_messages AS question ON question.id = r.question_id
LEFT JOIN chat_messages AS message ON message.id = r.message_id
ORDER BY a.form, a.language, r.created_at DESC, r.id DESC
"""
# Where the version before wrote one after this migration, and this migration runs again, the newer one stays.
DROP_OLDER_ANNOUNCEMENTS = """
DELETE FROM jobs AS older USING jobs AS newer
WHERE older.kind = 'announcement' AND newer.kind = 'announcement' AND older.subject = newer.subject
    AND older.created_at < newer.created_at AND newer.content <> ''
    AND older.state IN ('done', 'stopped', 'failed', 'broken')
"""
FORGET_CONVERSATIONS = """
WITH gone AS (DELETE FROM conversations WHERE id IN (SELECT session_id FROM announcements) RETURNING id)
DELETE FROM chat_messages WHERE session_id IN (SELECT id FROM gone)
"""


def upgrade() -> None:
    """Goes forward only; safe to run again."""
    op.execute(RENAME)
    for column in _new_columns():
        op.add_column("jobs", column, if_not_exists=True)
    for column in ("session_id", "question_id"):
        op.alter_column("jobs", column, nullable=True)
    op.create_index("ix_jobs_kind_created_at", "jobs", ["kind", "created_at"], if_not_exists=True)
    _comment_on_jobs()
    op.execute(REPLIES)
    op.execute(COMMENT_ON_REPLIES)
    op.execute(COPY_DOWNLOAD)
    op.execute(MOVE_ANNOUNCEMENTS)
    op.execute(DROP_OLDER_ANNOUNCEMENTS)
    op.execute(FORGET_CONVERSATIONS)


def _new_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("kind", sa.String(20), nullable=False, server_default="reply", comment="What kind of work it is"),
        sa.Column(
            "subject",
            sa.String(200),
            nullable=False,
            server_default="",
            comment="What it is about: of two jobs with one subject the newer one counts",
        ),
        sa.Column(
            "prompt",
            sa.Text,
            nullable=False,
            server_default="",
            comment="What the model is asked, if that is nowhere else; never logged",
        ),
        sa.Column(
            "priority",
            sa.SmallInteger,
            nullable=False,
            server_default="0",
            comment="Its place in the queue: 0 comes before 1",
        ),
        sa.Column(
            "progress",
            sa.dialects.postgresql.JSONB,
            nullable=False,
            server_default="{}",
            comment="How far it is, in numbers, as its kind says",
        ),
    )


def _comment_on_jobs() -> None:
    op.execute("COMMENT ON TABLE jobs IS 'Work that outlives a request, while it is under way and afterwards'")
    for column, words in {
        "id": "Given with the request, so that a request that is sent twice makes one job",
        "session_id": "The conversation of a reply",
        "question_id": "The message that a reply answers",
        "owner": "Key of the advisory lock of the process that runs it",
        "content": "The text so far; empty once it is a message; never logged",
        "created_at": "When it was asked for; the queue''s order within a priority",
        "first_word_at": "When its first word or byte came",
    }.items():
        op.execute(f"COMMENT ON COLUMN jobs.{column} IS '{words}'")


def downgrade() -> None:
    """Refused: Flask-Migrate shows a RuntimeError as one line."""
    raise RuntimeError("Migrations go forward only. Restore the backup made before the upgrade instead.")
