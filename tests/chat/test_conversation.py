"""repaircafe.chat.conversation: what the database makes of questions, attempts and of people who press at once."""

import threading
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.chat import conversation
from repaircafe.chat.conversation import Attempt, Capacity, Question, RefusedMessageError, UnknownError
from repaircafe.chat.models import ChatMessage, Conversation, Reply, State, remove_older
from repaircafe.database.engines import Database
from repaircafe.database.process_lock import ProcessLock
from repaircafe.limits import MAX_MESSAGE_CHARS
from repaircafe.parts import parts
from tests.conditions import until


@pytest.fixture
def ours(app: Flask) -> Database:
    """The test's database."""
    return parts(app)[Database]


@pytest.fixture
def session(ours: Database) -> Iterator[Session]:
    """Somebody's request."""
    with Session(ours.engine) as session:
        yield session


@pytest.fixture
def owner(ours: Database) -> Iterator[int]:
    """A process that is there."""
    process_lock = ProcessLock(ours.connect)
    yield process_lock.owner()
    process_lock.leave()


def ask(session: Session, owner: int, text: str = "Hi", session_id: uuid.UUID | None = None) -> Reply:
    """A new question's reply."""
    asked = conversation.ask(session, Question(Conversation(id=session_id), uuid.uuid4(), text), Capacity(owner))
    assert asked.is_new
    return asked.reply


def end(session: Session, reply: Reply, state: State, said: str = "") -> Reply:
    """Ends it as a writer would."""
    if said and state in (State.DONE, State.STOPPED):
        message = ChatMessage(role="assistant", content=said, session_id=reply.session_id)
        session.add(message)
        session.flush()
        reply.message_id = message.id
    else:
        reply.content = said
    reply.state = state
    session.commit()
    return reply


def at_once(ours: Database, raw: psycopg.Connection, calls: list[Callable[[Session], Any]]) -> list[Any]:
    """What the calls answer that are made while the conversations are locked, and let go together."""
    answers: list[Any] = [None] * len(calls)

    def run(number: int) -> None:
        with Session(ours.engine, expire_on_commit=False) as session:
            answers[number] = calls[number](session)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    with raw.transaction():
        raw.execute("LOCK TABLE conversations IN SHARE MODE")
        raw.execute("SELECT 1 FROM conversations FOR UPDATE")
        for thread in threads:
            thread.start()
        assert until(lambda: _waiting(raw) == len(calls))
    for thread in threads:
        thread.join(15)
    return answers


def _waiting(raw: psycopg.Connection) -> int:
    raw.execute("SELECT pg_stat_clear_snapshot()")
    row = raw.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    assert row is not None
    return int(row[0])


def count(session: Session, table: type[Any]) -> int:
    session.commit()
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.mark.parametrize("begun", [False, True])
def test_a_question_that_two_send_at_once_is_asked_once(
    ours: Database, session: Session, owner: int, raw: psycopg.Connection, begun: bool
) -> None:
    session_id = ask(session, owner, "Before").session_id if begun else uuid.uuid4()
    session.commit()
    before, reply_id = count(session, Reply), uuid.uuid4()

    def send(session: Session) -> Attempt:
        return conversation.ask(session, Question(Conversation(id=session_id), reply_id, "Hi"), Capacity(owner))

    answers = at_once(ours, raw, [send] * 4)
    assert [one.reply.id for one in answers] == [reply_id] * 4
    assert sorted(one.is_new for one in answers) == [False, False, False, True]
    assert count(session, Reply) == count(session, ChatMessage) == before + 1


def test_another_question_under_an_old_reply_is_another_question(session: Session, owner: int) -> None:
    """The page that was gone back to still has the old id in its form; what was typed there is not lost."""
    first = ask(session, owner, "First")
    second = conversation.ask(session, Question(Conversation(id=first.session_id), first.id, "Second"), Capacity(owner))
    assert second.is_new
    assert second.reply.id != first.id
    elsewhere = conversation.ask(session, Question(Conversation(id=uuid.uuid4()), first.id, "First"), Capacity(owner))
    assert elsewhere.is_new
    assert elsewhere.reply.session_id != first.session_id
    turns = conversation.turns(session, first.session_id)
    assert [turn.question.content for turn in turns] == ["First", "Second"]


def test_retry_that_two_press_at_once_is_one_attempt(
    ours: Database, session: Session, owner: int, raw: psycopg.Connection
) -> None:
    failed = end(session, ask(session, owner), State.FAILED)
    session_id, reply_id = failed.session_id, failed.id
    session.commit()
    answers = at_once(
        ours, raw, [lambda session: conversation.retry(session, session_id, reply_id, Capacity(owner))] * 3
    )
    assert len({one.reply.id for one in answers}) == 1
    assert sorted(one.is_new for one in answers) == [False, False, True]
    assert count(session, Reply) == 2


@pytest.mark.parametrize("state", [State.STOPPED, State.FAILED, State.BROKEN])
def test_what_did_not_end_well_may_be_tried_again(session: Session, owner: int, state: State) -> None:
    first = end(session, ask(session, owner), state)
    again = conversation.retry(session, first.session_id, first.id, Capacity(owner))
    assert again.is_new
    assert (again.reply.state, again.reply.question_id) == (State.QUEUED, first.question_id)


@pytest.mark.parametrize("state", [State.DONE, State.QUEUED, State.LOADING, State.READING, State.WRITING])
def test_what_goes_on_or_is_whole_is_not_tried_again(session: Session, owner: int, state: State) -> None:
    first = end(session, ask(session, owner), state, "Said")
    assert conversation.retry(session, first.session_id, first.id, Capacity(owner)) == Attempt(first, is_new=False)


def test_retry_of_an_earlier_attempt_finds_the_latest(session: Session, owner: int) -> None:
    first = end(session, ask(session, owner), State.FAILED)
    second = conversation.retry(session, first.session_id, first.id, Capacity(owner)).reply
    assert conversation.retry(session, first.session_id, first.id, Capacity(owner)) == Attempt(second, is_new=False)
    end(session, second, State.STOPPED)
    third = conversation.retry(session, first.session_id, first.id, Capacity(owner))
    assert third.is_new
    assert [turn.reply for turn in conversation.turns(session, first.session_id)] == [third.reply]


def test_a_reply_whose_owner_is_gone_is_broken_off_and_may_be_tried_again(session: Session, owner: int) -> None:
    lost = ask(session, 42)
    kept = ask(session, owner)
    again = conversation.retry(session, lost.session_id, lost.id, Capacity(owner))
    assert again.is_new
    assert again.reply.state is State.QUEUED
    assert conversation.reply_of(session, lost.session_id, lost.id).state is State.BROKEN
    assert conversation.reply_of(session, kept.session_id, kept.id).state is State.QUEUED


def test_whoever_is_gone_is_before_nobody_in_the_queue(session: Session, owner: int) -> None:
    ask(session, 42)
    first, second = ask(session, owner), ask(session, owner)
    assert [conversation.ahead(session, one) for one in (first, second)] == [0, 1]
    end(session, first, State.READING)
    assert conversation.ahead(session, second) == 1
    end(session, first, State.DONE)
    assert conversation.ahead(session, second) == 0


def test_stop_after_the_end_changes_nothing(session: Session, owner: int) -> None:
    reply = end(session, ask(session, owner), State.DONE, "Said")
    conversation.stop(session, reply.session_id, reply.id)
    found = conversation.reply_of(session, reply.session_id, reply.id)
    assert (found.state, found.stop_asked, found.said) == (State.DONE, False, "Said")


def test_a_reply_is_known_in_its_own_conversation_alone(session: Session, owner: int) -> None:
    reply, other = ask(session, owner), ask(session, owner)
    with pytest.raises(UnknownError):
        conversation.reply_of(session, other.session_id, reply.id)
    with pytest.raises(UnknownError):
        conversation.stop(session, other.session_id, reply.id)
    with pytest.raises(UnknownError):
        conversation.retry(session, other.session_id, reply.id, Capacity(owner))
    session.rollback()
    with pytest.raises(UnknownError):
        conversation.turns(session, uuid.uuid4())


def test_the_model_is_shown_the_attempts_that_count_in_their_order(session: Session, owner: int) -> None:
    first = end(session, ask(session, owner, "One"), State.DONE, "Reply one")
    session_id = first.session_id
    stopped = end(session, ask(session, owner, "Two", session_id), State.STOPPED, "Half two")
    again = conversation.retry(session, session_id, stopped.id, Capacity(owner)).reply
    end(session, again, State.DONE, "Reply two")
    end(session, ask(session, owner, "Three", session_id), State.FAILED, "Half three")
    end(session, ask(session, owner, "Four", session_id), State.STOPPED, "Half four")
    newest = ask(session, owner, "Five", session_id)
    shown = conversation.history(session, newest)
    assert [(one.role, one.content) for one in shown] == [
        ("user", "One"),
        ("assistant", "Reply one"),
        ("user", "Two"),
        ("assistant", "Reply two"),
        ("user", "Three"),
        ("user", "Four"),
        ("assistant", "Half four"),
        ("user", "Five"),
    ]
    assert [one.content for one in conversation.history(session, again)] == ["One", "Reply one", "Two"]


@pytest.mark.parametrize("again", [False, True])
def test_with_a_turn_comes_what_the_model_is_shown(session: Session, owner: int, again: bool) -> None:
    """One that waits for its turn is shown what has been said when it comes."""
    first = end(session, ask(session, owner, "One"), State.DONE, "Reply one")
    second = end(session, ask(session, owner, "Two", first.session_id), State.FAILED)

    def begin(places: int) -> Attempt:
        if again:
            return conversation.retry(session, second.session_id, second.id, Capacity(owner, places))
        asked = Question(Conversation(id=first.session_id), uuid.uuid4(), "Three")
        return conversation.ask(session, asked, Capacity(owner, places))

    begun = begin(places=1)
    assert begun.reply.state is State.LOADING
    assert begun.shown == conversation.history(session, begun.reply)
    assert [one.content for one in begun.shown] == ["One", "Reply one", "Two"] + ["Three"] * (not again)
    end(session, begun.reply, State.FAILED)
    waiting = begin(places=0)
    assert (waiting.reply.state, waiting.shown) == (State.QUEUED, [])


def test_a_page_shows_attempts_in_which_something_was_said_and_the_one_that_counts(
    session: Session, owner: int
) -> None:
    first = end(session, ask(session, owner), State.FAILED)
    session_id = first.session_id
    second = conversation.retry(session, session_id, first.id, Capacity(owner)).reply
    end(session, second, State.BROKEN, "Half")
    third = conversation.retry(session, session_id, second.id, Capacity(owner)).reply
    (turn,) = conversation.turns(session, session_id)
    assert turn.replies == (first, second, third)
    assert turn.shown == (second, third)


@pytest.mark.parametrize("removed_by", ["forget", "retention"])
def test_nothing_of_a_conversation_is_left(
    ours: Database, session: Session, owner: int, raw: psycopg.Connection, removed_by: str
) -> None:
    reply = end(session, ask(session, owner), State.DONE, "Said")
    other = ask(session, owner)
    kept, session_id = other.session_id, reply.session_id
    session.commit()
    if removed_by == "forget":
        conversation.forget(session, session_id)
        with pytest.raises(UnknownError):
            conversation.forget(session, session_id)
    else:
        for table in ("chat_messages", "conversations"):
            column = "session_id" if table == "chat_messages" else "id"
            raw.execute(
                f"UPDATE {table} SET created_at = now() - interval '31 days', updated_at = now() - interval '31 days'"
                f" WHERE {column} = %s".encode(),
                (session_id,),
            )
        assert remove_older(ours, 30) == 2
    for table, column in (("chat_messages", "session_id"), ("replies", "session_id"), ("conversations", "id")):
        left = raw.execute(f"SELECT DISTINCT {column} FROM {table}".encode()).fetchall()
        assert left == [(kept,)], table


def test_a_question_that_is_sent_while_its_conversation_is_forgotten_leaves_nothing_or_begins_anew(
    ours: Database, session: Session, owner: int, raw: psycopg.Connection
) -> None:
    """Whichever comes first, no message is left that belongs to no conversation: nobody could forget it any more."""
    session_id = ask(session, owner).session_id
    session.commit()
    with Session(ours.engine) as asking:
        asking.execute(sa.select(Conversation.id).where(Conversation.id == session_id).with_for_update())
        forgetting = threading.Thread(target=lambda: conversation.forget(session, session_id))
        forgetting.start()
        assert until(lambda: _waiting(raw) == 1)
        conversation.ask(asking, Question(Conversation(id=session_id), uuid.uuid4(), "One more"), Capacity(owner))
    forgetting.join(10)
    orphans = "SELECT count(*) FROM chat_messages WHERE session_id NOT IN (SELECT id FROM conversations)"
    assert raw.execute(orphans).fetchone() == (0,)


def test_a_reply_that_ends_while_its_conversation_is_forgotten_leaves_nothing(
    ours: Database, session: Session, owner: int, raw: psycopg.Connection
) -> None:
    reply = ask(session, owner)
    session_id, reply_id = reply.session_id, reply.id
    session.commit()
    with Session(ours.engine) as ending:
        said = ending.get_one(Reply, reply_id, with_for_update={"of": Reply})
        forgetting = threading.Thread(target=lambda: conversation.forget(session, session_id))
        forgetting.start()
        assert until(lambda: _waiting(raw) == 1)
        end(ending, said, State.DONE, "The end")
    forgetting.join(10)
    assert raw.execute("SELECT count(*) FROM chat_messages").fetchone() == (0,)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("  Hi \n", "Hi"),
        ("one\r\ntwo\r\n\r\nthree", "one\ntwo\n\nthree"),
        ("a\x00b", "ab"),
        ("half \ud83d face", "half ? face"),
        ("\udc80", "?"),
        ("🔧" * MAX_MESSAGE_CHARS, "🔧" * MAX_MESSAGE_CHARS),
        ("x" * MAX_MESSAGE_CHARS + "\n", "x" * MAX_MESSAGE_CHARS),
        ("x\r\n" * (MAX_MESSAGE_CHARS // 2), "x\n" * (MAX_MESSAGE_CHARS // 2 - 1) + "x"),
        ("👩‍🔧 ٣ ☕ \u202e", "👩‍🔧 ٣ ☕ \u202e"),
    ],
)
def test_a_message_is_stored_as_the_database_can_hold_it(session: Session, owner: int, text: str, stored: str) -> None:
    assert conversation.cleaned(text) == stored
    reply = ask(session, owner, text)
    assert conversation.turns(session, reply.session_id)[0].question.content == stored


@pytest.mark.parametrize(
    ("text", "length"), [("", 0), (" \r\n\t", 0), ("\x00", 0), ("x" * (MAX_MESSAGE_CHARS + 1), MAX_MESSAGE_CHARS + 1)]
)
def test_a_message_that_is_empty_or_too_long_is_refused_and_leaves_nothing(
    session: Session, owner: int, text: str, length: int
) -> None:
    with pytest.raises(RefusedMessageError) as refused:
        ask(session, owner, text)
    assert refused.value.length == length
    assert count(session, Conversation) == 0


def test_each_reply_is_looked_at_once_however_long_the_conversation() -> None:
    looked: list[int] = []

    class Counted:
        def __init__(self, number: int) -> None:
            self.number = number

        @property
        def question_id(self) -> int:
            looked.append(self.number)
            return self.number

    questions = [SimpleNamespace(id=number) for number in range(100)]
    found = iter([questions, [Counted(number) for number in range(100)]])
    session = SimpleNamespace(scalars=lambda _query: SimpleNamespace(all=lambda: next(found)))
    turns = conversation._turns(cast("Session", session), uuid.uuid4())
    assert [len(turn.replies) for turn in turns] == [1] * 100
    assert sorted(looked) == list(range(100))
