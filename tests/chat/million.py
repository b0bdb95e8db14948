"""A million messages, for tests and `make bench`: the conversations of visitors who all chat at the same time."""

import hashlib
import uuid

import psycopg

QUESTIONS = 500_000
"""Each turn has a question and a reply: a million messages in total."""
TURNS = 10
"""The SQL for a conversation's id."""
CONVERSATIONS = QUESTIONS // TURNS
OLD = CONVERSATIONS // 10
BROWSER = uuid.UUID(int=7)
"""A browser that has come back again and again."""
ITS_CONVERSATIONS = 300

SESSION = "md5({number}::text)::uuid"


def fill(connection: psycopg.Connection, conversations: int = CONVERSATIONS) -> None:
    """Fills a database that has its tables. The connection must use autocommit."""
    for statement in _without_indexes(connection, _filling(conversations).split(";\n")):
        connection.execute(statement.encode())


def _filling(conversations: int) -> str:
    """The SQL. It mixes the messages of all conversations, as if all visitors chatted at the same time."""
    kept, apart = conversations - conversations // 10, max(1, conversations // ITS_CONVERSATIONS)
    return f"""
SET session_replication_role = replica;  -- foreign keys are not looked up; what is filled in keeps to them
INSERT INTO conversations (id, browser_id, created_at, updated_at)
    SELECT {SESSION.format(number="i")},
           CASE WHEN i % {apart} = 0 THEN '{BROWSER}' ELSE new_uuid() END, at, at
    FROM generate_series(1, {conversations}) AS i,
         LATERAL (SELECT now() - make_interval(secs => 29 * 86400.0 * i / {conversations}
                                               + CASE WHEN i > {kept} THEN 864000 ELSE 0 END)) AS t (at);
CREATE TEMPORARY TABLE said AS SELECT n, string_agg(substr(md5((n * 40 + i)::text), 1, 2 + i % 8), ' ') AS words
    FROM generate_series(0, 999) AS n, generate_series(1, 40) AS i GROUP BY n;
INSERT INTO chat_messages (id, role, content, session_id, created_at, updated_at) OVERRIDING SYSTEM VALUE
    SELECT i, CASE i % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, words, c.id, c.created_at, c.created_at
    FROM generate_series(1, {2 * TURNS * conversations}) AS i JOIN said ON n = i % 1000
    JOIN conversations AS c ON c.id = {SESSION.format(number=f"(1 + ((i - 1) / 2) % {conversations})")}
    ORDER BY i;
INSERT INTO jobs (session_id, question_id, message_id, state, owner, created_at, updated_at)
    SELECT session_id, id, id + 1, 'done', 1, created_at, created_at FROM chat_messages WHERE role = 'user';
SELECT setval(pg_get_serial_sequence('chat_messages', 'id'), max(id)) FROM chat_messages;
VACUUM ANALYZE"""


def session_id(number: int) -> uuid.UUID:
    """The id of a conversation, from 1 to CONVERSATIONS. The last tenth is older than thirty days."""
    return uuid.UUID(bytes=hashlib.md5(str(number).encode(), usedforsecurity=False).digest())


def _without_indexes(connection: psycopg.Connection, statements: list[str]) -> list[str]:
    """The statements between others that drop the indexes and create them again, which is faster."""
    query = (
        "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'ix_%'"
        " AND tablename IN ('chat_messages', 'conversations', 'jobs')"
    )
    indexes = connection.execute(query).fetchall()
    drops = [f"DROP INDEX {name}" for name, _ in indexes]
    *fill, last = statements
    return [*drops, *fill, *(definition for _, definition in indexes), last]
