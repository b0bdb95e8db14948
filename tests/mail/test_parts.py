"""repaircafe.mail.parts: any bytes are a mail, in a time that grows with their number; a good one is read rightly."""

import email
import email.policy
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.mail.base import Mail, Part
from repaircafe.mail.headers import message_ids
from repaircafe.mail.parts import MAX_DEPTH, MAX_FIELDS_COUNT, MAX_PARTS_COUNT, mail_of, safe_file_name, text_of
from tests.mail.build import Node, attached, html, leaf, letter, multipart, plain, reading
from tests.mail.cases import CASES
from tests.mail.clients import FOLDING
from tests.mail.words import LANGUAGES

MEGABYTE = 1_000_000
HEADERS = b"From: a@b.example\r\nMessage-ID: <[abc]@[1.2.3.4]>\r\n"


def _leaves(part: Part) -> Iterator[Part]:
    if not part.parts:
        yield part
    for one in part.parts:
        yield from _leaves(one)


def _text(node: Node) -> str:
    return text_of(mail_of(letter(node), cut=False)).text


_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=80).map(lambda one: f"a{one}b")
_LEAVES = st.one_of(
    st.builds(plain, _TEXTS, encoding=st.sampled_from(["8bit", "base64", "quoted-printable"])),
    st.builds(html, _TEXTS, encoding=st.sampled_from(["base64", "quoted-printable"])),
    st.builds(attached, st.sampled_from(["a.jpg", "b c.pdf", "ü.png"])),
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.builds(
        lambda kind, nodes: multipart(kind, *nodes),
        st.sampled_from(["mixed", "alternative", "related"]),
        st.lists(inner, min_size=1, max_size=4),
    ),
    max_leaves=12,
)


@given(_TREES)
def test_the_tree_of_a_good_mail_is_that_of_pythons_email(tree: Node) -> None:
    content = letter(tree)
    expected = [one for one in email.message_from_bytes(content).walk() if not one.is_multipart()]
    found = [*_leaves(mail_of(content, cut=False).body)]
    assert [one.media_type for one in found] == [one.get_content_type() for one in expected]
    assert [one.content for one in found if one.content is not None] == [
        one.get_payload(decode=True) for one in expected if one.get_content_maintype() == "text"
    ]


@given(st.sampled_from([*(one.content for one in CASES), *(one(LANGUAGES[0]) for one in FOLDING)]), st.data())
def test_a_broken_mail_is_a_mail(content: bytes, data: st.DataObject) -> None:
    """Cut anywhere, with bytes changed anywhere: there is a tree, and a text or none."""
    broken = bytearray(content[: data.draw(st.integers(0, len(content)))])
    for _ in range(data.draw(st.integers(0, 20)) if broken else 0):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.sampled_from(b'\0\n\r <>"=?-:;\xff\xc3'))
    assert isinstance(text_of(mail_of(bytes(broken), cut=False)).text, str)


_WORDS = (
    b"Content-Type: multipart/mixed; boundary=b\n\n",
    b"--b\n",
    b"--b--\n",
    b"\n",
    b"text",
    b"=?utf-8?q?=",
    b"\xff",
)


@given(
    st.lists(st.sampled_from([*_WORDS, b"Content-Transfer-Encoding: base64\n", b"QUJD\n", b": x", b"\0"]), max_size=60)
)
def test_any_order_of_a_mails_pieces_is_a_mail(pieces: list[bytes]) -> None:
    assert isinstance(text_of(mail_of(b"".join(pieces), cut=False)).text, str)


@given(st.binary(max_size=3_000))
def test_any_bytes_are_a_mail(content: bytes) -> None:
    assert isinstance(mail_of(content, cut=False), Mail)


def _long(unit: bytes, before: bytes = b"\r\n") -> Callable[[int], bytes]:
    return lambda size: HEADERS + before + (unit * (size // len(unit) + 1))[:size]


_HTML = b"Content-Type: text/html\r\n\r\n"
_NESTED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
_HARD = {
    "lines": _long(b"a\n"),
    "quotes": _long(b"> \n"),
    "signatures": _long(b"--\n"),
    "real signatures": _long(b"-- \n"),
    "attributions": _long(b"On 12:30 x wrote:\n"),
    "blocks": _long(b"From: a\nSubject: b\n"),
    "originals": _long(b"-----Original Message-----\n"),
    "forwards": _long(b"Begin forwarded message:\n"),
    "blanks": _long(b"\n"),
    "one line": _long(b"a "),
    "fields": _long(b"a:b\n", b""),
    "a subject": _long(b"=?u?q?", b"Subject: "),
    "references": _long(b"<a@b> ", b"References: "),
    "parentheses": _long(b"(", b"From: "),
    "addresses": _long(b"a@b,", b"To: "),
    "parameters": _long(b'a="\\";', b"Content-Type: text/plain; "),
    "same boundary": _long(b"--b\n" + _NESTED, _NESTED),
    "many parts": _long(b"--b\n\nx\n", _NESTED),
    "flowed": _long(b"a \n", b"Content-Type: text/plain; format=flowed\r\n\r\n"),
    "base64": _long(b"QUJD\n", b"Content-Transfer-Encoding: base64\r\n\r\n"),
    "broken base64": _long(b"=", b"Content-Transfer-Encoding: base64\r\n\r\n"),
    "quoted-printable": _long(b"=", b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"),
    "an anchor": _long(b"<a ", _HTML),
    "anchors": _long(b"<a href=http://a.example>b</a>", _HTML),
    "styles": _long(b"<style>", _HTML),
    "rules": _long(b".a{color:red}", _HTML + b"<style>"),
    "data": _long(b"data:", _HTML),
    "comments": _long(b"<!--", _HTML),
    "cells": _long(b"<table><tr><td>x", _HTML),
    "hidden": _long(b"<p hidden>x", _HTML),
    "links without end": _long(b"http://a.", _HTML + b"<a href=x>"),
    "calendar": _long(b"SUMMARY:x\n", b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\nBEGIN:VEVENT\n"),
    "bytes": _long(b"\xff\xfe\0"),
}


def _seconds(content: bytes) -> float:
    start = time.process_time()
    assert reading(content).message_id in ("", "<[abc]@[1.2.3.4]>")
    return time.process_time() - start


@pytest.mark.parametrize("name", _HARD)
def test_the_time_grows_with_the_bytes(name: str) -> None:
    """Four times as many may take ten times as long on a busy machine; if it were quadratic, it would be sixteen."""
    _seconds(HEADERS + _HTML)  # what is imported at first use
    few, many = (min(_seconds(_HARD[name](size)) for _ in range(2)) for size in (MEGABYTE // 4, MEGABYTE))
    assert many <= max(10 * few, 0.5)


def test_words_that_a_parser_would_repeat_in_each_paragraph_take_little() -> None:
    """15 kB of them make a million nodes, if the parser sees them."""
    page = "<p>" + "".join(f"<b {one}>" for one in range(9_000)) + "</p>" + "<p>x</p>" * 9_000
    start = time.process_time()
    assert reading(letter(html(page, encoding="base64"))).said.startswith("x")
    assert time.process_time() - start < 5


def _nested(depth: int) -> bytes:
    node = plain("innermost")
    for _ in range(depth):
        node = multipart("mixed", node)
    return letter(node)


def test_parts_in_parts_are_read_to_a_depth() -> None:
    assert reading(_nested(MAX_DEPTH)).said == "innermost"
    for depth in (MAX_DEPTH + 1, 100):
        deep = reading(_nested(depth))
        assert (deep.said, deep.is_shown, deep.cut) == ("", False, True)


def test_parts_are_read_to_a_number() -> None:
    few = mail_of(letter(multipart("mixed", *[plain("x")] * MAX_PARTS_COUNT)), cut=False)
    many = mail_of(letter(multipart("mixed", *[plain("x")] * (MAX_PARTS_COUNT + 1))), cut=False)
    assert (few.cut, many.cut) == (False, True)
    assert len(few.body.parts) == len(many.body.parts) == MAX_PARTS_COUNT


def test_header_fields_are_read_to_a_number() -> None:
    headers = mail_of(b"".join(b"X-%d: y\n" % one for one in range(5_000)) + b"\ntext", cut=False).headers
    assert len(headers) == MAX_FIELDS_COUNT
    assert headers[-1] == (f"X-{MAX_FIELDS_COUNT - 1}", "y")


def test_header_fields_are_as_they_came_without_their_line_breaks() -> None:
    mail = mail_of(b"From x\nSubject: a\r\n\tb\r\nx-y : c\nBcc:\n\nbody: no\n", cut=True)
    assert mail.headers == (("Subject", "a\tb"), ("x-y", "c"), ("Bcc", ""))
    assert (mail.cut, mail.body.content) == (True, b"body: no\n")


def test_an_odd_message_id_is_read() -> None:
    assert message_ids(mail_of(HEADERS, cut=False).headers, "message-id") == ("<[abc]@[1.2.3.4]>",)


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: multipart/mixed\n\n--x\n\nhello\n--x--\n",
        b"Content-Type: multipart/mixed; boundary=other\n\n--x\nContent-Type: text/plain\n\nhello\n--x--\n",
        b"Content-Type: multipart/mixed; boundary=x\n\nhello, without any boundary\n",
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nhello, without the last one\n",
        b"Content-Type: nonsense; =\n\nhello\n",
        b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nhello, not base64 at all\n",
        b"Content-Type: text/plain\nContent-Transfer-Encoding: rot13\n\nhello\n",
        b"Content-Type: text/plain; charset=zlib\n\nhello\n",
        b"Content-Type: text/plain; charset=\xff\xff\n\nhello\n",
        b"Content-Type: text/plain; name=hello.txt\nContent-Disposition: attachment\n\nhello\n",
        b"this line is no header\nhello\n",
        b"\n\nhello\n",
        b"Subject: only carriage returns\r\rhello\r",
    ],
)
def test_a_wrong_mail_still_shows_its_text(content: bytes) -> None:
    assert "hello" in text_of(mail_of(content, cut=False)).text or "attachment" in content.decode("latin-1")


def test_plain_text_comes_before_html() -> None:
    assert (
        _text(multipart("alternative", html("<p>html, and more of it</p>"), plain("plain, and as long")))
        == "plain, and as long"
    )


@pytest.mark.parametrize("text", ["", " \n", "Your mail program does not show HTML."])
def test_html_is_read_if_the_plain_text_says_nothing(text: str) -> None:
    page = f"<p>{'What the newsletter says. ' * 10}</p>"
    assert _text(multipart("alternative", plain(text), html(page))).startswith("What the newsletter says.")


def test_hidden_html_is_counted_though_the_plain_text_is_shown() -> None:
    found = reading(letter(multipart("alternative", plain("Hallo"), html("<p>Hallo</p><p hidden>secret</p>"))))
    assert (found.hidden, found.said) == (1, "Hallo")


def test_texts_around_a_picture_are_all_read() -> None:
    assert (
        _text(multipart("mixed", plain("one"), attached("a.jpg", disposition="inline"), plain("two"))) == "one\n\ntwo"
    )


def test_a_text_with_a_files_name_is_read_if_there_is_no_other() -> None:
    named = leaf("text/plain; name=TEXT.txt", b"Hallo", "8bit", "Content-Disposition: inline; filename=TEXT.txt")
    assert _text(multipart("mixed", named, attached("a.jpg"))) == "Hallo"
    assert _text(multipart("mixed", plain("Dag"), named)) == "Dag"


def test_another_form_of_the_text_is_no_attachment() -> None:
    forms = multipart("alternative", plain("Hallo"), leaf("text/x-amp-html", b"<html amp4email>"), html("<p>Hallo</p>"))
    assert reading(letter(forms)).attachments == ()


def test_a_text_that_was_not_fetched_is_missing() -> None:
    parts = (Part("text/plain", size=9), Part("text/plain", content=b"a"))
    found = text_of(Mail((), Part("multipart/mixed", parts=parts)))
    assert (found.text, found.is_cut, found.attachments) == ("a", True, ())


@pytest.mark.parametrize("named", ["<meta charset=koi8-r>", '<META http-equiv=x content="text/html; charset=koi8-r">'])
def test_the_charset_that_html_names_itself_counts_if_there_is_no_other(named: str) -> None:
    page = f"{named}<p>Добрый день".encode("koi8-r")
    assert _text((["Content-Type: text/html"], page)) == "Добрый день"
    assert _text((["Content-Type: text/html; charset=windows-1251"], page)) != "Добрый день"


def test_only_the_first_text_of_a_report_is_read() -> None:
    assert _text(multipart("report", plain("not delivered"), plain("the mail itself"))) == "not delivered"


def test_html_is_read_to_a_length_in_all_parts_together() -> None:
    parts = [html(f"<p>{one}{'x' * 60_000}</p>", encoding="base64") for one in range(4)]
    found = text_of(mail_of(letter(multipart("mixed", *parts)), cut=False))
    assert found.is_cut
    assert "0x" in found.text
    assert "3x" not in found.text


def test_pictures_in_html_do_not_count_for_its_length() -> None:
    page = f"<img src='data:image/png;base64,{'A' * 300_000}'><p>Hallo</p>"
    found = text_of(mail_of(letter(html(page, encoding="base64")), cut=False))
    assert (found.text, found.is_cut) == ("Hallo", False)


def test_a_deep_tree_from_elsewhere_ends() -> None:
    part = Part("text/plain", content=b"deep")
    for _ in range(5_000):
        part = Part("multipart/mixed", parts=(part,))
    assert text_of(Mail((), part)).is_cut


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a/b\\c.txt", "c.txt"), ("..", ".."), ("a\r\n\u202eb", "a b"), ("x" * 500 + ".pdf", "x" * 146 + ".pdf")],
)
def test_a_file_name_is_only_a_name(name: str, shown: str) -> None:
    assert safe_file_name(name) == shown


@pytest.mark.parametrize(
    "header",
    [
        "Content-Disposition: attachment; filename*=UTF-8''foto%20%C3%A9.jpg",
        "Content-Disposition: attachment; filename*0*=UTF-8''foto%20; filename*1*=%C3%A9; filename*2=.jpg",
        'Content-Disposition: attachment; filename="=?utf-8?Q?foto_=C3=A9.jpg?="',
        'Content-Type: image/jpeg; name="=?iso-8859-1?Q?foto_=E9.jpg?="',
        'Content-Disposition: attachment; FileName = "C:\\\\Temp\\\\foto é.jpg"',
    ],
)
def test_a_file_name_is_read_as_it_may_be_written(header: str) -> None:
    node = (["Content-Type: image/jpeg", header] if "Type" not in header else [header], b"x")
    assert reading(letter(multipart("mixed", node))).attachments[0].name == "foto é.jpg"


def test_the_size_of_a_file_is_about_right() -> None:
    node = leaf("image/png", b"x" * 30_000, "base64")
    assert 30_000 <= reading(letter(multipart("mixed", node))).attachments[0].size <= 31_000
