"""repaircafe.mail.threads: which mails are one thread, what it shows, and that their order does not matter."""

import random
import uuid
from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from repaircafe.database.engines import Database
from repaircafe.mail import inbox
from repaircafe.mail.models import Box, Message, Thread, ThreadState
from repaircafe.parts import parts
from tests.mail.scene import ANNA, Letter, a_box, put

DAY_H = 24


def together(session: Session, box: Box) -> set[frozenset[str]]:
    """The remote ids of each thread."""
    found: dict[uuid.UUID, set[str]] = {}
    rows = session.execute(sa.select(Message.thread_id, Message.remote_id).where(Message.box_id == box.id))
    for thread_id, remote_id in rows:
        found.setdefault(thread_id, set()).add(remote_id)
    return {frozenset(one) for one in found.values()}


def only(session: Session, box: Box) -> Thread:
    """The only thread."""
    (found,) = inbox.threads(session, box.id).threads
    return found


QUESTION = Letter("1", "a@x", age_h=5)
ANSWER = Letter("2", "b@x", ("a@x",), subject="Re: A toaster", age_h=4, is_ours=True)
THANKS = Letter("3", "c@x", ("a@x", "b@x"), subject="Re: A toaster", age_h=3)
OTHER = Letter("4", "d@x", subject="A kettle", age_h=2)


def test_mails_that_name_each_other_are_one_thread(session: Session) -> None:
    box = a_box(session)
    put(session, box, QUESTION, ANSWER, THANKS, OTHER)
    assert together(session, box) == {frozenset("123"), frozenset("4")}


def test_a_mail_joins_two_threads(session: Session) -> None:
    box = a_box(session)
    put(session, box, Letter("1", "a@x", subject="One"), Letter("2", "b@x", subject="Two"))
    assert len(together(session, box)) == 2
    put(session, box, Letter("3", "c@x", ("a@x", "b@x"), subject="Three"))
    assert together(session, box) == {frozenset("123")}
    assert session.scalar(sa.select(sa.func.count()).select_from(Thread)) == 1


def test_two_answers_to_a_mail_that_is_not_here_are_one_thread(session: Session) -> None:
    box = a_box(session)
    put(session, box, Letter("1", "a@x", ("gone@x",), subject="One"), Letter("2", "b@x", ("gone@x",), subject="Two"))
    assert together(session, box) == {frozenset("12")}


def test_the_servers_thread_counts_and_nothing_else(session: Session) -> None:
    box = a_box(session)
    put(
        session,
        box,
        Letter("1", "a@x", thread="t1"),
        Letter("2", "b@x", ("a@x",), thread="t2"),
        Letter("3", "c@x", subject="Else", thread="t1"),
    )
    assert together(session, box) == {frozenset("13"), frozenset("2")}


@pytest.mark.parametrize(
    ("second", "is_one"),
    [
        (Letter("2", subject="AW: Antw: a  TOASTER", age_h=1 + 30 * DAY_H), True),
        (Letter("2", age_h=1 + 30 * DAY_H + 0.1), False),
        (Letter("2", sender="ben@example.org"), False),
        (Letter("2", subject="A toaster oven"), False),
        (Letter("2", "b@x", ("gone@x",)), True),
        (Letter("2", is_ours=True), True),
    ],
)
def test_without_ids_the_subject_counts_with_the_same_person_within_thirty_days(
    session: Session, second: Letter, is_one: bool
) -> None:
    box = a_box(session)
    put(session, box, Letter("1"), second)
    assert (len(together(session, box)) == 1) is is_one


def test_the_same_subject_joins_nothing_where_both_name_other_mails(session: Session) -> None:
    box = a_box(session)
    put(session, box, Letter("1", "a@x", ("p@x",)), Letter("2", "b@x", ("q@x",)))
    assert len(together(session, box)) == 2


def test_mails_without_a_subject_are_not_one_thread(session: Session) -> None:
    box = a_box(session)
    put(session, box, Letter("1", subject="Re:"), Letter("2", subject=""))
    assert len(together(session, box)) == 2


def test_two_mailboxes_have_nothing_in_common(session: Session) -> None:
    box, other = a_box(session), a_box(session, "zwei@cafe.example")
    put(session, box, QUESTION)
    put(session, other, THANKS, QUESTION)
    assert together(session, box) == {frozenset("1")}
    assert together(session, other) == {frozenset("13")}


def test_a_thread_shows_its_newest_mail_and_who_wrote_to_us(session: Session) -> None:
    box = a_box(session)
    put(session, box, ANSWER, Letter("1", "a@x", name="Anna B", age_h=5, more={"kind": "list"}))
    found = only(session, box)
    assert (found.subject, found.counterpart, found.counterpart_name) == ("Re: A toaster", ANNA, "Anna B")
    assert (found.kind, found.last_at) == ("list", ANSWER.fetched().arrived_at)


def test_a_thread_is_done_when_the_newest_mail_is_ours_and_a_newer_one_opens_it(session: Session) -> None:
    box = a_box(session)
    put(session, box, QUESTION)
    assert (only(session, box).state, only(session, box).is_unread) == (ThreadState.OPEN, True)
    put(session, box, ANSWER)
    assert (only(session, box).state, only(session, box).is_unread) == (ThreadState.DONE, False)
    put(session, box, THANKS)
    assert (only(session, box).state, only(session, box).is_unread) == (ThreadState.OPEN, True)


def test_what_the_organiser_has_done_stays_done_while_a_fetch_brings_older_mails(session: Session) -> None:
    box = a_box(session)
    put(session, box, THANKS)
    assert inbox.set_state(session, only(session, box).id, ThreadState.DONE)
    put(session, box, ANSWER)
    put(session, box, QUESTION)
    assert only(session, box).state is ThreadState.DONE


def test_an_opened_thread_is_unread_again_when_an_older_mail_comes_later(session: Session) -> None:
    box = a_box(session)
    put(session, box, THANKS)
    assert inbox.opened(session, only(session, box).id)
    assert not only(session, box).is_unread
    put(session, box, ANSWER)
    assert not only(session, box).is_unread
    put(session, box, QUESTION)
    assert only(session, box).is_unread


@st.composite
def mailboxes(draw: st.DrawFn) -> list[Letter]:
    """A few mails that name each other at random, without or with equal subjects."""
    size = draw(st.integers(1, 9))
    ids = [f"{number}@x" for number in range(size)]
    letters = []
    for number, message_id in enumerate(ids):
        refs = draw(st.lists(st.sampled_from([*ids, "gone@x", "away@x"]), max_size=3))
        letters.append(
            Letter(
                str(number),
                draw(st.sampled_from([message_id, message_id, ""])),
                tuple(refs),
                sender=draw(st.sampled_from([ANNA, "ben@example.org"])),
                subject=draw(st.sampled_from(["", "A", "Re: A", f"S{number}"])),
                said=f"Text {number}",
                age_h=draw(st.integers(0, 40)) * DAY_H,
                is_ours=draw(st.booleans()),
            )
        )
    return letters


def by_refs(letters: Sequence[Letter]) -> set[frozenset[str]]:
    """The threads by ids alone: a small union-find of its own."""
    parent: dict[str, str] = {}

    def root(one: str) -> str:
        while parent.setdefault(one, one) != one:
            one = parent[one]
        return one

    for letter in letters:
        for named in filter(None, (letter.message_id, *letter.refs)):
            parent[root(f"id {named}")] = root(f"mail {letter.remote_id}")
    groups: dict[str, set[str]] = {}
    for letter in letters:
        groups.setdefault(root(f"mail {letter.remote_id}"), set()).add(letter.remote_id)
    return {frozenset(one) for one in groups.values()}


def _faces(session: Session, box: Box) -> set[tuple[object, ...]]:
    shown = inbox.threads(session, box.id).threads
    return {(one.subject, one.counterpart, one.counterpart_name, one.state, one.kind, one.last_at) for one in shown}


def test_on_a_thousand_mailboxes_the_order_does_not_matter_and_each_thread_by_ids_lies_within_one(app: Flask) -> None:
    engine = parts(app)[Database].engine

    @settings(max_examples=1_000, database=None, phases=[Phase.generate])
    @given(mailboxes(), st.randoms(use_true_random=False))
    def check(letters: list[Letter], chance: random.Random) -> None:
        shuffled = chance.sample(letters, len(letters))
        cut = chance.randint(0, len(letters))
        with engine.connect() as connection, Session(connection, join_transaction_mode="create_savepoint") as session:
            first, second = (a_box(session, f"{uuid.uuid4()}@x") for _ in range(2))
            put(session, first, *letters)
            rest = [shuffled[cut:]] if chance.randrange(4) else [[one] for one in shuffled[cut:]]
            for some in (shuffled[:cut], *rest):  # two batches, or sometimes one and then mail by mail
                put(session, second, *some)
            found = together(session, first)
            assert together(session, second) == found, letters
            assert _faces(session, first) == _faces(session, second), letters
            assert all(any(thread <= ours for ours in found) for thread in by_refs(letters))

    check()
