"""What PostgreSQL is asked about the app beside it: numbers, each by one query."""

import psycopg

REPLIES_UNDER_WAY = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'loading', 'reading', 'writing')"
WORDLESS_REPLIES = """
SELECT count(*) FROM jobs WHERE state = 'done'
    AND NOT EXISTS (SELECT FROM chat_messages WHERE id = message_id AND role = 'assistant')
"""
"""They are done and have no answer among the messages."""
DOUBLED_ANSWERS = """
SELECT count(*) FROM chat_messages AS answer WHERE role = 'assistant'
    AND (SELECT count(*) FROM jobs WHERE message_id = answer.id) <> 1
"""
"""A reply knows one message: of an answer that was stored twice, nobody knows the first."""
WAITING_FOR_A_LOCK = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def count(raw: psycopg.Connection, query: str) -> int:
    """The number that a query answers."""
    row = raw.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def waiting(raw: psycopg.Connection) -> int:
    """How many statements wait for a lock now. Works in a transaction that has read the statistics before."""
    raw.execute("SELECT pg_stat_clear_snapshot()")
    return count(raw, WAITING_FOR_A_LOCK)
