"""repaircafe.mail.storing and forget: twice is once, nothing stops a batch, and what is forgotten stays away."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from repaircafe.limits import MAX_MAIL_TEXT_BYTES
from repaircafe.mail import forget, inbox, storing
from repaircafe.mail.models import Box, Forgotten, Message, Thread, ThreadState
from tests.harness.logged import lines_of
from tests.mail.scene import ANNA, NOW, OURS, Letter, a_box, put, reader

BEN = "ben@example.org"
UGLY = st.text(st.characters(codec=None), max_size=400) | st.sampled_from(["\x00", "\ud800", "x" * 5_000, "é" * 3_000])


def messages(session: Session) -> list[Message]:
    """All of them, the oldest one first."""
    return list(session.scalars(sa.select(Message).order_by(Message.arrived_at, Message.remote_id)))


def one(session: Session) -> Message:
    """The only one."""
    (found,) = messages(session)
    return found


def test_a_batch_that_comes_twice_is_stored_once(session: Session) -> None:
    box = a_box(session)
    letters = [Letter(str(number), f"{number}@x", said="é" * 10) for number in range(5)]
    assert put(session, box, *letters) == storing.Stored(5, 100)
    assert put(session, box, *letters) == storing.Stored(0, 0)
    assert put(session, box, *letters, Letter("9", "9@x")).new == 1
    assert len(messages(session)) == 6
    assert storing.known(session, box.id, ["1", "9", "10"]) == {"1", "9"}


def test_a_batch_that_fails_stores_nothing(session: Session) -> None:
    box = a_box(session)
    wrong = replace(Letter("2").fetched(), arrived_at="never")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        storing.store(session, box, [Letter("1").fetched(), wrong], reader([Letter("1"), Letter("2")]))
    session.rollback()
    assert messages(session) == []


def test_one_mail_that_cannot_be_read_is_a_row_that_says_so(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    box = a_box(session)
    assert put(session, box, Letter("1", "a@x"), Letter("2", said="BROKEN secret words"), Letter("3", "c@x")).new == 3
    (row,) = [found for found in messages(session) if found.is_unreadable]
    assert (row.remote_id, row.kind, row.said) == ("2", storing.UNREADABLE, "")
    (line,) = lines_of(caplog, "internal_error")
    assert (line["message"], line["error"]) == ("Mail not readable", "ValueError")
    assert "secret" not in caplog.text


def test_a_message_that_the_server_has_numbered_anew_is_the_same(session: Session) -> None:
    box = a_box(session)
    put(session, box, Letter("1/5", "a@x"))
    assert put(session, box, Letter("2/7", "a@x")).new == 0
    assert one(session).remote_id == "2/7"


def test_another_text_under_the_same_message_id_is_another_mail(session: Session) -> None:
    box = a_box(session)
    put(session, box, Letter("1", "a@x"))
    assert put(session, box, Letter("2", "a@x", said="Something else.")).new == 1


def test_a_mail_in_two_folders_is_ours(session: Session) -> None:
    box = a_box(session)
    mine = {"from_address": OURS}
    put(session, box, Letter("inbox/1", "a@x", more=mine))
    put(session, box, Letter("sent/1", "a@x", is_ours=True))
    assert (one(session).is_ours, one(session).reply_to) == (True, ANNA)
    assert session.scalars(sa.select(Thread.state)).one() == "done"


def test_a_long_text_is_cut_and_says_so(session: Session) -> None:
    box = a_box(session)
    long = "é" * MAX_MAIL_TEXT_BYTES
    assert put(session, box, Letter("1", said=long, more={"folded": "quoted"})).size == MAX_MAIL_TEXT_BYTES
    assert (one(session).is_cut, one(session).folded) == (True, "")
    assert set(one(session).said) == {"é"}


def test_a_server_with_a_wrong_clock_cannot_make_a_mail_stay_for_ever(session: Session) -> None:
    put(session, a_box(session), Letter("1", age_h=-24 * 365))
    assert one(session).arrived_at <= datetime.now(UTC)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(UGLY, min_size=8, max_size=8),
    st.lists(UGLY, max_size=200),
    st.recursive(UGLY | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(UGLY, inner)),
)
def test_whatever_a_mail_says_can_be_stored(session: Session, texts: list[str], refs: list[str], value: Any) -> None:
    message_id, sender, name, reply_to, subject, said, folded, language = texts
    more = {
        "folded": folded,
        "language": language,
        "layout": [value],
        "attachments": [{"name": subject, "more": value}],
    }
    letter = Letter("1", message_id, tuple(refs), sender, name, reply_to, subject, said, more=more)
    box = Box(kind="imap", host="h", account="a", address=OURS, forget_key=b"k")
    session.add(box)
    try:
        session.flush()
        assert storing.store(session, box, [letter.fetched()], reader([letter])).new == 1
    finally:
        session.rollback()


@pytest.mark.parametrize(
    "typed",
    [
        "toaster",
        "TOAST",
        "cafe",
        "Café",
        "strijkijzer kapot",
        "kapot toas",
        "anna",
        "anna@example.org",
        "strasse",
    ],
)
def test_the_search_finds_words_in_any_spelling_and_the_last_one_by_its_beginning(session: Session, typed: str) -> None:
    box = a_box(session)
    said = "Mijn strijkijzer/toaster is kapot, zegt het café in der Straße."
    put(
        session,
        box,
        Letter("1", subject="Vraag", said=said),
        Letter("2", sender=BEN, name="Ben", subject="?", said="."),
    )
    (found,) = inbox.threads(session, box.id, q=typed).threads
    assert found.subject == "Vraag"


@pytest.mark.parametrize("typed", ["oaster", "toaster kettle", "toas kapot", "!?", "' & |", "kapot:*x"])
def test_the_search_finds_nothing_else_and_takes_any_text(session: Session, typed: str) -> None:
    box = a_box(session)
    put(session, box, Letter("1", subject="Vraag", said="Mijn toaster is kapot."))
    assert inbox.threads(session, box.id, q=typed).threads == []


def test_the_list_has_pages_states_and_numbers(session: Session) -> None:
    box = a_box(session)
    put(
        session, box, *(Letter(str(number), f"{number}@x", subject=f"S{number}", age_h=number) for number in range(120))
    )
    first, last = inbox.threads(session, box.id), inbox.threads(session, box.id, page=3)
    assert [one.subject for one in first.threads[:2]] == ["S0", "S1"]
    assert (len(first.threads), first.has_more, len(last.threads), last.has_more) == (50, True, 20, False)
    inbox.set_state(session, first.threads[0].id, ThreadState.DONE)
    inbox.opened(session, first.threads[1].id)
    assert inbox.counts(session, box.id) == inbox.Counts(119, 1, 118)
    (done,) = inbox.threads(session, box.id, ThreadState.DONE).threads
    assert done.id == first.threads[0].id
    assert len(inbox.of_counterpart(session, done)) == 50


def test_what_is_gone_is_told(session: Session) -> None:
    box = a_box(session)
    assert inbox.thread(session, box.id) is None
    assert not inbox.opened(session, box.id)
    assert not inbox.set_state(session, box.id, ThreadState.DONE)


def test_a_forgotten_address_takes_its_threads_and_its_mails_in_others_with_it(session: Session) -> None:
    box = a_box(session)
    put(
        session,
        box,
        Letter("1", "a@x", subject="One"),
        Letter("2", "b@x", ("a@x",), subject="One", is_ours=True, age_h=0.5),
        Letter("3", "c@x", sender=BEN, subject="Two", age_h=3),
        Letter("4", "d@x", ("c@x",), subject="Two", age_h=4),
        Letter("5", "e@x", ("c@x",), sender="form@cafe.example", reply_to=ANNA, subject="Two", age_h=5),
    )
    assert forget.forget(session, f" {ANNA.upper()} ") == forget.Removed(1, 4)
    assert one(session).remote_id == "3"
    assert ANNA not in str(session.execute(sa.select(Forgotten)).all())
    (row,) = session.scalars(sa.select(Forgotten))
    assert len(row.digest) == 32


def test_no_later_fetch_brings_a_forgotten_address_back(session: Session) -> None:
    box = a_box(session)
    letters = [
        Letter("1", "a@x"),
        Letter("2", "b@x", is_ours=True),
        Letter("3", "c@x", sender="form@cafe.example", reply_to=ANNA),
        Letter("4", "d@x", sender=BEN),
    ]
    put(session, box, *letters)
    forget.forget(session, ANNA)
    assert forget.forget(session, ANNA) == forget.Removed(0, 0)
    assert put(session, box, *letters).new == 0
    assert one(session).from_address == BEN
    assert inbox.forgotten_count(session, box.id) == 1


def test_the_cafes_own_address_cannot_be_forgotten(session: Session) -> None:
    with pytest.raises(forget.NoBoxError):
        forget.forget(session, ANNA)
    put(session, a_box(session), Letter("1"))
    with pytest.raises(forget.OwnAddressError):
        forget.forget(session, OURS)
    assert one(session).arrived_at == NOW - timedelta(hours=1)
