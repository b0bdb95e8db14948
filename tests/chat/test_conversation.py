"""repaircafe.chat.conversation: how questions and attempts are stored, also when several arrive at the same time."""

import threading
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from repaircafe.chat import conversation
from repaircafe.chat.conversation import Attempt, Question, RefusedMessageError, UnknownError
from repaircafe.chat.models import ChatMessage, Conversation, Reply
from repaircafe.database.engines import Database
from repaircafe.limits import MAX_MESSAGE_CHARS
from repaircafe.work import queue
from repaircafe.work.models import State
from repaircafe.work.queue import Capacity, Lane
from tests.chat.storing import ask, end
from tests.harness import stored
from tests.harness.conditions import until


def at_once(ours: Database, raw: psycopg.Connection, calls: list[Callable[[Session], Any]]) -> list[Any]:
    """The results of calls that all wait for the locked conversations and then continue together."""
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
        assert until(lambda: stored.waiting(raw) == len(calls))
    for thread in threads:
        thread.join(15)
    return answers


def count(session: Session, table: type[Any]) -> int:
    session.commit()
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.mark.parametrize("begun", [False, True])
def test_a_question_sent_twice_at_the_same_time_is_asked_once(
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


def lane(places: int) -> Lane:
    """The lane of replies."""
    return Lane(frozenset({"reply"}), places)


def test_another_question_with_an_old_reply_id_gets_its_own_reply(session: Session, owner: int) -> None:
    """The visitor goes back to a page whose form still has the old id. The new text must not be lost."""
    first = ask(session, owner, "First")
    second = conversation.ask(session, Question(Conversation(id=first.session_id), first.id, "Second"), Capacity(owner))
    assert second.is_new
    assert second.reply.id != first.id
    elsewhere = conversation.ask(session, Question(Conversation(id=uuid.uuid4()), first.id, "First"), Capacity(owner))
    assert elsewhere.is_new
    assert elsewhere.reply.session_id != first.session_id
    turns = conversation.turns(session, first.session_id)
    assert [turn.question.content for turn in turns] == ["First", "Second"]


def test_retry_pressed_twice_at_the_same_time_is_one_attempt(
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
def test_an_incomplete_reply_can_be_retried(session: Session, owner: int, state: State) -> None:
    first = end(session, ask(session, owner), state)
    again = conversation.retry(session, first.session_id, first.id, Capacity(owner))
    assert again.is_new
    assert (again.reply.state, again.reply.question_id) == (State.QUEUED, first.question_id)


@pytest.mark.parametrize("state", [State.DONE, State.QUEUED, State.LOADING, State.READING, State.WRITING])
def test_an_unfinished_or_complete_reply_cannot_be_retried(session: Session, owner: int, state: State) -> None:
    first = end(session, ask(session, owner), state, "Said")
    assert conversation.retry(session, first.session_id, first.id, Capacity(owner)) == Attempt(first, is_new=False)


def test_retry_of_an_earlier_attempt_returns_the_latest(session: Session, owner: int) -> None:
    first = end(session, ask(session, owner), State.FAILED)
    second = conversation.retry(session, first.session_id, first.id, Capacity(owner)).reply
    assert conversation.retry(session, first.session_id, first.id, Capacity(owner)) == Attempt(second, is_new=False)
    end(session, second, State.STOPPED)
    third = conversation.retry(session, first.session_id, first.id, Capacity(owner))
    assert third.is_new
    assert [turn.reply for turn in conversation.turns(session, first.session_id)] == [third.reply]


def test_a_reply_whose_owner_has_ended_is_broken_and_can_be_retried(session: Session, owner: int) -> None:
    lost = ask(session, 42)
    kept = ask(session, owner)
    again = conversation.retry(session, lost.session_id, lost.id, Capacity(owner))
    assert again.is_new
    assert again.reply.state is State.QUEUED
    assert conversation.reply_of(session, lost.session_id, lost.id).state is State.BROKEN
    assert conversation.reply_of(session, kept.session_id, kept.id).state is State.QUEUED


def test_the_replies_of_an_ended_process_do_not_count_in_the_queue(session: Session, owner: int) -> None:
    ask(session, 42)
    first, second = ask(session, owner), ask(session, owner)
    assert [queue.ahead(session, one, lane(1)) for one in (first, second)] == [0, 1]
    end(session, first, State.READING)
    assert queue.ahead(session, second, lane(1)) == 1
    end(session, first, State.DONE)
    assert queue.ahead(session, second, lane(1)) == 0


def test_stop_after_the_end_changes_nothing(session: Session, owner: int) -> None:
    reply = end(session, ask(session, owner), State.DONE, "Said")
    queue.ask_to_stop(session, reply.id)
    found = conversation.reply_of(session, reply.session_id, reply.id)
    assert (found.state, found.stop_asked, found.said) == (State.DONE, False, "Said")


def test_a_reply_is_found_only_in_its_own_conversation(session: Session, owner: int) -> None:
    reply, other = ask(session, owner), ask(session, owner)
    with pytest.raises(UnknownError):
        conversation.reply_of(session, other.session_id, reply.id)
    with pytest.raises(UnknownError):
        conversation.retry(session, other.session_id, reply.id, Capacity(owner))
    session.rollback()
    with pytest.raises(UnknownError):
        conversation.turns(session, uuid.uuid4())


def test_the_history_has_the_attempts_that_count_in_order(session: Session, owner: int) -> None:
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
def test_a_reply_gets_its_history_together_with_its_turn(session: Session, owner: int, again: bool) -> None:
    """A reply that waits for its turn gets its history when the turn comes."""
    first = end(session, ask(session, owner, "One"), State.DONE, "Reply one")
    second = end(session, ask(session, owner, "Two", first.session_id), State.FAILED)

    def begin(places: int) -> Attempt:
        if again:
            return conversation.retry(session, second.session_id, second.id, Capacity(owner, lane(places)))
        asked = Question(Conversation(id=first.session_id), uuid.uuid4(), "Three")
        return conversation.ask(session, asked, Capacity(owner, lane(places)))

    begun = begin(places=1)
    assert begun.reply.state is State.LOADING
    assert begun.shown == conversation.history(session, begun.reply)
    assert [one.content for one in begun.shown] == ["One", "Reply one", "Two"] + ["Three"] * (not again)
    end(session, begun.reply, State.FAILED)
    waiting = begin(places=0)
    assert (waiting.reply.state, waiting.shown) == (State.QUEUED, [])


def test_a_page_shows_the_attempts_with_a_text_and_the_one_that_counts(session: Session, owner: int) -> None:
    first = end(session, ask(session, owner), State.FAILED)
    session_id = first.session_id
    second = conversation.retry(session, session_id, first.id, Capacity(owner)).reply
    end(session, second, State.BROKEN, "Half")
    third = conversation.retry(session, session_id, second.id, Capacity(owner)).reply
    (turn,) = conversation.turns(session, session_id)
    assert turn.replies == (first, second, third)
    assert turn.shown == (second, third)


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
def test_a_message_is_stored_without_invalid_characters(session: Session, owner: int, text: str, stored: str) -> None:
    assert conversation.cleaned(text) == stored
    reply = ask(session, owner, text)
    assert conversation.turns(session, reply.session_id)[0].question.content == stored


@pytest.mark.parametrize(
    ("text", "length"), [("", 0), (" \r\n\t", 0), ("\x00", 0), ("x" * (MAX_MESSAGE_CHARS + 1), MAX_MESSAGE_CHARS + 1)]
)
def test_an_empty_or_too_long_message_is_refused_and_stores_nothing(
    session: Session, owner: int, text: str, length: int
) -> None:
    with pytest.raises(RefusedMessageError) as refused:
        ask(session, owner, text)
    assert refused.value.length == length
    assert count(session, Conversation) == 0


def test_each_reply_is_read_once_however_long_the_conversation() -> None:
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
    session = SimpleNamespace(scalars=lambda *_query: SimpleNamespace(all=lambda: next(found)))
    turns = conversation._turns(cast("Session", session), uuid.uuid4())
    assert [len(turn.replies) for turn in turns] == [1] * 100
    assert sorted(looked) == list(range(100))
