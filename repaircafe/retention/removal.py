"""Removes what visitors said, and the jobs, when they are older than the retention period."""

from repaircafe.database.connections import connector
from repaircafe.database.engines import Database
from repaircafe.database.errors import translating
from repaircafe.limits import FETCHES_KEPT_DAYS, PRUNE_LIMIT_S

_REMOVE_EMPTY = """
DELETE FROM conversations AS gone WHERE updated_at < now() - make_interval(days => %s)
    AND NOT EXISTS (SELECT FROM chat_messages WHERE session_id = gone.id)
"""
"""If a question has just arrived, PostgreSQL evaluates the condition on `updated_at` again and keeps the conversation
(PostgreSQL manual, 'Read Committed Isolation Level')."""
_REMOVE_JOBS = "DELETE FROM jobs WHERE session_id IS NULL AND updated_at < now() - make_interval(days => %s)"
"""Replies go with their question; these are the other kinds of jobs."""
_LOCK_MAIL = "SELECT id FROM mail_boxes ORDER BY id FOR UPDATE"
"""As `mail/storing.py` does, so that a fetch that stores meanwhile and this never wait for each other in a circle."""
_REMOVE_MAIL = "DELETE FROM mail_threads WHERE last_at < now() - make_interval(days => %s)"
"""A thread goes as a whole, with its newest message."""
_REMOVE_FETCHES = """
DELETE FROM mail_fetches AS gone WHERE ended_at < now() - make_interval(days => %s)
    AND EXISTS (SELECT FROM mail_fetches WHERE box_id = gone.box_id AND ended_at > gone.ended_at)
"""
"""The newest one of a mailbox stays: it says where the next fetch begins."""


def remove_older(ours: Database, days: int, mail_days: int) -> int:
    """Removes the messages older than `days` days, and the jobs and the empty conversations of that age.

    Removes threads of mail whose newest message is older than `mail_days` days, and what is known of old fetches.
    Returns the number of removed messages of the chat. Raises AwayError, and psycopg's errors if the fault is ours.
    """
    connect = connector(ours.target, ours.environment.db_connect_timeout, PRUNE_LIMIT_S)
    with translating(), connect() as connection:
        # Query the table first: a missing table is reported as "not migrated", a missing function is not.
        connection.execute("SELECT FROM chat_messages LIMIT 1")
        row = connection.execute("SELECT delete_old_chat_messages(%s)", (days,)).fetchone()
        connection.execute(_REMOVE_EMPTY, (days,))
        connection.execute(_REMOVE_JOBS, (days,))
        connection.execute(_LOCK_MAIL)
        connection.execute(_REMOVE_MAIL, (mail_days,))
        connection.execute(_REMOVE_FETCHES, (FETCHES_KEPT_DAYS,))
    return int(row[0]) if row else 0
