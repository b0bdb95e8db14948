"""repaircafe.mail.gmail: a mailbox at Gmail is fetched whole, once, newest first, whatever happens meanwhile."""

from datetime import timedelta

import pytest

from repaircafe.limits import MAX_FETCH_COUNT, MAX_GMAIL_THREADS_COUNT, MAX_MAIL_ANSWER_BYTES
from repaircafe.mail import gmail as module
from repaircafe.mail.gmail_operations import ROOT
from repaircafe.neighbours.report import NeighbourError, Reason
from repaircafe.neighbours.sockets import StoppedError
from tests.fakes.gmail import DRAFT, FIRST, READ, Fault, Gmail
from tests.mail.google_scene import SINCE, Clock, Stored, opened


def calls(gmail: Gmail) -> list[str]:
    """The operations that were asked for since the last look."""
    found = [one.removeprefix("gmail.users.") for one in gmail.called]
    gmail.called.clear()
    return found


def test_the_first_look_brings_whole_threads_the_newest_first() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        lamp = gmail.add(at=SINCE - timedelta(days=50))
        radio = gmail.add()
        reply = gmail.add(thread=radio, labels=("SENT",))
        toaster = gmail.add()
        again = gmail.add(thread=lamp)
        assert mailbox.address() == gmail.address
        assert stored.fetch(mailbox) is False
    assert stored.batches == [[again, lamp], [toaster], [reply, radio]], "a thread is whole, though it began long ago"
    assert stored.messages[reply].is_ours
    assert not stored.messages[radio].is_ours
    assert stored.messages[radio].remote_thread == radio
    assert stored.messages[radio].arrived_at == FIRST + timedelta(hours=1)
    assert dict(stored.messages[radio].mail.headers)["Subject"] == "A lamp"
    assert stored.messages[radio].mail.body.content == b"Can you mend it?\r\n"


def test_what_is_no_mail_is_left_out() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        kept = gmail.add()
        for label in ("DRAFT", "TRASH", "SPAM", "CHAT"):
            gmail.add(thread=kept, labels=("INBOX", label))
            gmail.add(labels=(label,))
        gmail.add(at=SINCE - timedelta(days=1))
        stored.fetch(mailbox)
        assert list(stored.messages) == [kept]
        for label in ("DRAFT", "TRASH", "SPAM", "CHAT"):
            gmail.add(thread=kept, labels=(label,))
        unlabelled = gmail.add(labels=())
        calls(gmail)
        stored.fetch(mailbox)
        assert stored.batches == [[unlabelled]], "archived mail has no label"
        assert calls(gmail).count("messages.get") == 1


def test_an_empty_mailbox_brings_nothing() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        for _ in range(2):
            assert stored.fetch(mailbox) is False
            assert (stored.batches, stored.cursor) == ([], "1000")


def test_the_next_look_brings_only_what_is_new_with_two_requests_and_one_for_each_message() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        lamp = gmail.add()
        stored.fetch(mailbox)
        calls(gmail)
        stored.fetch(mailbox)
        assert calls(gmail) == ["getProfile", "history.list"]
        first, second = gmail.add(), gmail.add(thread=lamp)
        third = gmail.add(thread=first)
        stored.fetch(mailbox)
        assert stored.batches == [[third, first], [second]]
        assert calls(gmail) == ["getProfile", "history.list", *(["messages.get"] * 3)]
        assert stored.doubled == []


def test_what_comes_during_a_look_is_brought_by_the_next_one() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        gmail.add()
        found = mailbox.look(SINCE, "", stored.known)
        late = gmail.add()
        for batch in found.batches:
            stored.messages |= {one.remote_id: one for one in batch}
        stored.cursor = found.cursor
        assert late not in stored.messages
        stored.fetch(mailbox)
        assert stored.batches == [[late]]


def test_a_look_that_broke_off_is_resumed_without_doubles() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        every = {gmail.add() for _ in range(6)}
        every |= {gmail.add(thread=one) for one in sorted(every)}
        stored.fetch(mailbox, at_most=3)
        assert (len(stored.batches), stored.cursor) == (3, "")
        stored.fetch(mailbox)
        assert (set(stored.messages), len(stored.batches), stored.doubled) == (every, 3, [])


def test_what_is_fetched_stays_if_google_refuses_in_the_middle() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        every = {gmail.add() for _ in range(4)}
        found = mailbox.look(SINCE, "", stored.known)
        batches = iter(found.batches)
        stored.messages |= {one.remote_id: one for one in next(batches)}
        gmail.faults = [Fault("rateLimitExceeded", "threads.get", times=6)]
        with pytest.raises(NeighbourError) as caught:
            next(batches)
        assert caught.value.reason is Reason.RATE_LIMIT
        assert len(stored.messages) == 1
        stored.fetch(mailbox)
        assert (set(stored.messages), stored.doubled) == (every, [])


def test_a_cursor_that_is_too_old_looks_at_the_window_again() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        gmail.add()
        stored.fetch(mailbox)
        new = gmail.add()
        gmail.forget_history()
        calls(gmail)
        stored.fetch(mailbox)
        assert (stored.batches, stored.doubled) == ([[new]], [])
        assert calls(gmail) == ["getProfile", "history.list", "threads.list", "threads.get", "threads.get"]
        stored.fetch(mailbox)
        assert calls(gmail) == ["getProfile", "history.list"], "the new cursor counts"


def test_a_cursor_that_google_refuses_looks_at_the_window_and_a_missing_scope_does_not() -> None:
    with Gmail() as gmail, opened(gmail) as mailbox:
        gmail.faults = [Fault("badRequest", "history.list"), Fault("insufficientPermissions", "history.list")]
        assert mailbox.look(SINCE, "1000", lambda _: []).total == 0
        assert "threads.list" in calls(gmail)
        with pytest.raises(NeighbourError) as caught:
            mailbox.look(SINCE, "1000", lambda _: [])
        assert caught.value.reason is Reason.SCOPE_MISSING


@pytest.mark.parametrize("cursor", ["nonsense", "", "999999", "1 OR 1", "\x00"])
def test_a_cursor_that_makes_no_sense_looks_at_the_window(cursor: str) -> None:
    with Gmail() as gmail, opened(gmail) as mailbox:
        name = gmail.add()
        found = mailbox.look(SINCE, cursor, lambda _: [])
        assert [one.remote_id for batch in found.batches for one in batch] == [name]


def test_more_changes_than_are_worth_reading_look_at_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_GMAIL_PAGES_COUNT", 2)
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        gmail.page_size = 1
        stored.fetch(mailbox)
        names = [gmail.add() for _ in range(3)]
        stored.fetch(mailbox)
        assert stored.batches == [[one] for one in reversed(names)]
        assert "threads.list" in calls(gmail)


def test_a_message_that_was_deleted_meanwhile_is_skipped() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        first, second = gmail.add(), gmail.add()
        found = mailbox.look(SINCE, "", stored.known)
        gmail.delete(second)
        assert [one.remote_id for batch in found.batches for one in batch] == [first]
        stored.cursor = found.cursor
        gone, kept = gmail.add(), gmail.add()
        gmail.delete(gone)
        stored.fetch(mailbox)
        assert stored.batches == [[kept]]


def test_old_mail_that_somebody_imports_is_left_out() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        stored.fetch(mailbox)
        gmail.add(at=SINCE - timedelta(seconds=1))
        stored.fetch(mailbox)
        assert stored.batches == []


def test_pages_are_followed_to_their_end() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        gmail.page_size = 3
        names = [gmail.add() for _ in range(10)]
        assert stored.fetch(mailbox) is False
        assert stored.batches == [[one] for one in reversed(names)]
        assert calls(gmail).count("threads.list") == 4
        more = [gmail.add() for _ in range(7)]
        stored.fetch(mailbox)
        assert stored.batches == [[one] for one in reversed(more)]
        assert calls(gmail).count("history.list") == 3


@pytest.mark.parametrize("count", [MAX_GMAIL_THREADS_COUNT, MAX_GMAIL_THREADS_COUNT + 1])
def test_a_look_brings_three_hundred_threads_at_most(count: int) -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        names = [gmail.add() for _ in range(count)]
        found = mailbox.look(SINCE, "", stored.known)
        assert found.total == MAX_GMAIL_THREADS_COUNT
        assert found.has_more() is (count > MAX_GMAIL_THREADS_COUNT)
        assert next(iter(found.batches))[0].remote_id == names[-1]


def test_a_look_brings_five_hundred_messages_at_most_and_then_says_that_there_are_more() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        for _ in range(6):
            first = gmail.add()
            for _ in range(MAX_FETCH_COUNT // 5):
                gmail.add(thread=first)
        assert stored.fetch(mailbox) is True
        assert len(stored.messages) == MAX_FETCH_COUNT
        assert calls(gmail).count("threads.get") == 5
        assert max(stored.messages) in stored.batches[0], "the newest are there"


def test_of_more_than_five_hundred_new_messages_the_newest_are_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FETCH_COUNT", 5)
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        stored.fetch(mailbox)
        names = [gmail.add() for _ in range(8)]
        assert stored.fetch(mailbox) is True
        assert stored.batches == [[one] for one in names[:2:-1]]


def test_a_thread_that_is_too_long_is_read_message_by_message() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        half = b"Subject: long\r\n\r\n" + b"x" * (MAX_MAIL_ANSWER_BYTES * 6 // 10)
        first = gmail.add(half)
        second = gmail.add(half, thread=first)
        gmail.add(thread=first, labels=("DRAFT",))
        whole = gmail.add(half + half, thread=first)
        other = gmail.add()
        stored.fetch(mailbox)
        assert stored.batches == [[other], [whole, second, first]], "a bad message stops nothing"
        mails = [stored.messages[one].mail for one in (first, second, whole)]
        assert [one.cut for one in mails] == [False, False, True]
        assert dict(mails[2].headers)["Subject"] == "long"
        assert mails[2].body.content is None
        gmail.add(half + half)
        stored.fetch(mailbox)
        assert [stored.messages[one].mail.cut for batch in stored.batches for one in batch] == [True]


def test_a_message_that_google_cannot_show_is_a_row_all_the_same() -> None:
    stored = Stored()
    with Gmail() as gmail, opened(gmail) as mailbox:
        stored.fetch(mailbox)
        bad, good = gmail.add(), gmail.add()
        gmail.faults = [Fault("badRequest", "messages.get", times=0), Fault("badRequest", "messages.get")]
        stored.fetch(mailbox)
        assert set(stored.messages) == {bad, good}
        assert [stored.messages[one].mail.cut for one in (bad, good)] == [False, True]


def test_a_missing_scope_is_told_before_any_mail_is_asked_for() -> None:
    with Gmail() as gmail:
        gmail.scopes = DRAFT
        with pytest.raises(NeighbourError) as caught, opened(gmail):
            pass
        assert caught.value.reason is Reason.SCOPE_MISSING
        assert gmail.called == []
        gmail.scopes = READ
        with opened(gmail) as mailbox:
            assert not mailbox.can_draft
            gmail.scopes = "openid"  # taken away meanwhile
            with pytest.raises(NeighbourError) as caught:
                mailbox.look(SINCE, "", lambda _: [])
            assert caught.value.reason is Reason.SCOPE_MISSING


def test_a_fetch_of_three_hundred_threads_keeps_to_googles_pace() -> None:
    clock, stored = Clock(), Stored()
    with Gmail() as gmail, opened(gmail, clock) as mailbox:
        for _ in range(MAX_GMAIL_THREADS_COUNT):
            gmail.add()
        stored.fetch(mailbox)
    assert len(stored.messages) == MAX_GMAIL_THREADS_COUNT
    assert 140 < clock.seconds < 160


def test_stop_ends_a_look() -> None:
    stored = Stored()
    with Gmail() as gmail:
        for _ in range(5):
            gmail.add()
        clock = Clock()
        with opened(gmail, clock) as mailbox:
            clock.meanwhile = lambda: mailbox.stop() if len(gmail.called) > 4 else None
            with pytest.raises(StoppedError):
                stored.fetch(mailbox)
            assert (len(stored.messages), stored.cursor) == (3, "")


@pytest.mark.parametrize(
    "odd",
    [
        {"emailAddress": "info@klinker.example"},
        {"emailAddress": "info@klinker.example", "historyId": "x"},
        {"emailAddress": "info@klinker.example", "historyId": 7},
    ],
)
def test_without_a_cursor_nothing_is_fetched(odd: dict[str, object]) -> None:
    class Odd(Gmail):
        def answer(self, method: str, path: str, body: str) -> tuple[int, object]:
            return (200, odd) if path.startswith(f"/{ROOT}profile") else super().answer(method, path, body)

    with Odd() as gmail, opened(gmail) as mailbox, pytest.raises(NeighbourError) as caught:
        mailbox.look(SINCE, "", lambda _: [])
    assert caught.value.reason is Reason.BAD_ANSWER


def test_ids_that_google_would_never_give_are_not_asked_for() -> None:
    class Odd(Gmail):
        def answer(self, method: str, path: str, body: str) -> tuple[int, object]:
            if path.startswith(f"/{ROOT}threads?"):
                return 200, {"threads": [{"id": "../messages/send"}, {"id": 7}, "x", {}, {"id": self.kept}]}
            return super().answer(method, path, body)

        kept = ""

    stored = Stored()
    with Odd() as gmail, opened(gmail) as mailbox:
        gmail.kept = gmail.add()
        stored.fetch(mailbox)
        assert stored.batches == [[gmail.kept]]
