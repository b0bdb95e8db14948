"""repaircafe.mail.reading: whatever a mail holds becomes a row, with its text, quotes, sender, kind and language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.mail import reading as module
from repaircafe.mail.base import Fetched
from repaircafe.mail.headers import Address
from repaircafe.mail.kinds import Kind
from repaircafe.mail.parts import mail_of
from repaircafe.mail.reading import MAX_TEXT_BYTES, Direction, read
from tests.mail.build import ARRIVED, CAFE, attached, html, letter, multipart, plain, reading
from tests.mail.cases import CASES, Case
from tests.mail.clients import FOLDING, KEEPING, SIMPLE, Client, hidden
from tests.mail.machines import KINDS, Machine
from tests.mail.words import LANGUAGES, NL, Words


def _line(text: str) -> str:
    return " ".join(text.replace("’", "'").split())


@pytest.mark.parametrize("words", LANGUAGES, ids=lambda one: one.language)
@pytest.mark.parametrize("client", [*FOLDING, *KEEPING, *SIMPLE])
def test_a_persons_mail_is_read_as_it_was_written(client: Client, words: Words) -> None:
    found = reading(client(words))
    assert _line(words.question) in _line(found.said)
    assert (found.language, found.kind, found.direction) == (words.language, Kind.PERSON, Direction.IN)
    assert (found.reply_to, found.is_shown, found.cut) == (("jo@example.org",), True, False)


@pytest.mark.parametrize("words", LANGUAGES, ids=lambda one: one.language)
@pytest.mark.parametrize("client", FOLDING)
def test_only_what_was_quoted_is_folded(client: Client, words: Words) -> None:
    found = reading(client(words))
    assert _line(found.said) == _line(words.said)
    assert words.old in _line(found.folded)


@pytest.mark.parametrize("words", LANGUAGES, ids=lambda one: one.language)
@pytest.mark.parametrize("client", KEEPING)
def test_a_forwarded_mail_is_said(client: Client, words: Words) -> None:
    found = reading(client(words))
    assert words.old in found.said
    assert found.folded == ""


@pytest.mark.parametrize("words", LANGUAGES, ids=lambda one: one.language)
@pytest.mark.parametrize(("kind", "machine"), [(kind, one) for kind, machines in KINDS.items() for one in machines])
def test_a_programs_mail_is_no_persons(kind: Kind, machine: Machine, words: Words) -> None:
    assert reading(machine(words)).kind is kind


@pytest.mark.parametrize("case", CASES, ids=lambda one: one.name)
def test_a_mail_of_the_cafes_day_is_read(case: Case) -> None:
    found = reading(case.content)
    assert (found.language, found.kind) == (case.language, case.kind)
    assert found.is_shown == (case.kind is not Kind.ENCRYPTED)
    assert [one for one in case.facts if one not in _line(found.said)] == []
    assert [one for one in case.hidden_from_reply if one in found.said] == []


def test_there_are_two_hundred_mails() -> None:
    machines = sum(len(one) for one in KINDS.values())
    assert len(LANGUAGES) * (len((*FOLDING, *KEEPING, *SIMPLE)) + machines) + len(CASES) >= 200


def test_what_nobody_was_to_see_is_counted_and_left_out() -> None:
    found = reading(hidden(NL))
    assert found.hidden == 4
    assert "SECRET" not in found.said + found.folded


def test_text_in_characters_that_nobody_sees_is_counted_and_left_out() -> None:
    secret = "".join(chr(0xE0000 + ord(one)) for one in "promise 50 euros")
    found = reading(
        letter(plain(f"Hallo{secret}, tot zaterdag. 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"))
    )
    assert (found.hidden, len(found.said)) == (1, len("Hallo, tot zaterdag. ") + 7)


@pytest.mark.parametrize(
    ("more", "sender", "reply_to"),
    [
        ((), "Jo <jo@example.org>", ("jo@example.org",)),
        (("Reply-To: <a@b.example>, C <c@d.example>",), "jo@example.org", ("a@b.example", "c@d.example")),
        ((f"Reply-To: {CAFE}",), "jo@example.org", ("jo@example.org",)),
        (("Reply-To: jo@example.org",), f"Café <{CAFE.upper()}>", ("jo@example.org",)),
        (("Cc: cc@example.org",), CAFE, ()),
        (("Cc: cc@example.org",), "nobody", ()),
    ],
)
def test_a_reply_goes_to_whom_the_mail_says(more: tuple[str, ...], sender: str, reply_to: tuple[str, ...]) -> None:
    assert reading(letter(plain("Hallo"), *more, sender=sender)).reply_to == reply_to


def test_a_reply_to_our_own_mail_goes_to_whom_it_went() -> None:
    sent = letter(plain("Dag"), "Cc: cc@example.org", sender=CAFE, to=f"Jo <jo@example.org>, {CAFE}")
    found = reading(sent, is_ours=True)
    assert (found.direction, found.reply_to, found.kind) == (Direction.OUT, ("jo@example.org",), Kind.PERSON)


def test_a_copy_of_our_own_mail_in_the_inbox_is_ours() -> None:
    assert reading(letter(plain("Dag"), sender=CAFE, to="jo@example.org")).direction is Direction.OUT
    assert reading(letter(plain("Dag"), sender=CAFE, to=CAFE)).direction is Direction.IN
    assert (
        reading(letter(plain("Dag"), "Reply-To: x@y.example", sender=CAFE, to="z@y.example")).direction is Direction.IN
    )


def test_the_envelope_is_read() -> None:
    more = (
        "References: <a@b>\r\n <[c]@[1.2.3.4]>\r\n\t<a@b>",
        "In-Reply-To: <d@e> (Jo's mail)",
        "Message-ID: <second@example.org>",
    )
    found = reading(letter(plain("x"), *more, sender="=?utf-8?q?J=C3=B6?= <j@o.example>", subject="=?utf-8?b?w6k=?= x"))
    assert found.message_id.endswith("2026@example.org>")
    assert found.refs == ("<a@b>", "<[c]@[1.2.3.4]>", "<d@e>")
    assert (found.sender, found.to) == (Address("j@o.example", "Jö"), (Address(CAFE),))
    assert (found.subject, found.remote_id, found.arrived_at) == ("é x", "7", ARRIVED)


def test_attachments_are_listed_and_not_opened() -> None:
    parts = multipart(
        "mixed", plain("Hallo"), attached("../../etc/passwd"), attached("logo.png", "image/png", "inline")
    )
    found = reading(letter(parts)).attachments
    assert [(one.name, one.is_inline) for one in found] == [("passwd", False), ("logo.png", True)]
    assert all(150 < one.size < 300 for one in found)


def test_a_mail_with_nothing_but_files_is_shown() -> None:
    found = reading(letter(multipart("mixed", attached("foto.jpg"))))
    assert (found.is_shown, found.said, len(found.attachments)) == (True, "", 1)


@pytest.mark.parametrize("media_type", ["application/ms-tnef", "message/rfc822"])
def test_a_mail_whose_text_is_in_a_file_cannot_be_shown(media_type: str) -> None:
    assert not reading(letter(multipart("mixed", attached("winmail.dat", media_type)))).is_shown


@pytest.mark.parametrize("letters", ["a", "é", "漢", "😀", "\n> x"])
def test_a_long_text_is_cut_and_says_so(letters: str) -> None:
    found = reading(letter(plain(f"{letters * MAX_TEXT_BYTES}!")))
    assert found.cut
    assert MAX_TEXT_BYTES // 2 < len((found.said + found.folded).encode()) <= MAX_TEXT_BYTES


def test_a_mail_that_is_cut_is_read_as_far_as_it_goes() -> None:
    content = letter(multipart("mixed", plain("Wanneer zijn jullie weer open? Groetjes, Zoë", encoding="base64")))
    found = read(Fetched("1", "", ARRIVED, False, mail_of(content[:-50], cut=True)), ())
    assert found.cut
    assert found.said.startswith("Wanneer zijn")


@pytest.mark.parametrize("name", ["_envelope", "_with_text"])
def test_a_fault_of_ours_ends_in_a_row_that_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(module, name, fail)
    found = reading(letter(plain("Hallo allemaal"), subject="Vraag"))
    assert found.is_shown == (name == "_envelope")
    assert found.subject == ("Vraag" if found.said == "" else "")
    assert found.arrived_at == ARRIVED


@given(
    st.binary(max_size=2_000),
    st.sampled_from([b"", b"Content-Type: text/html\n\n", b"Content-Type: text/calendar\n\n"]),
)
def test_any_bytes_are_a_row_that_can_be_stored(content: bytes, before: bytes) -> None:
    """PostgreSQL's text takes no NUL and no lone surrogate."""
    found = reading(before + content)
    names = [one.name + one.media_type for one in found.attachments]
    stored = "".join((found.said, found.folded, found.subject, found.message_id, *found.refs, *found.reply_to, *names))
    assert "\0" not in stored
    assert stored.encode().decode() == stored


@given(st.text(max_size=300))
def test_no_word_of_a_text_is_lost(text: str) -> None:
    visible = "".join(one for one in text if one.isalnum())
    found = reading(letter(plain(text.encode("utf-8", "replace").decode(), encoding="base64")))
    kept = "".join(one for one in found.said + found.folded if one.isalnum())
    assert sorted(kept) == sorted(visible)


def test_an_html_mail_shows_where_a_link_leads() -> None:
    page = (
        '<a href="https://evil.example/login">www.bank.example</a> en <a href="https://bank.example">bank.example</a>'
    )
    assert reading(letter(html(page))).said == "www.bank.example (→ evil.example) en bank.example"
