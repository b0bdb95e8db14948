"""repaircafe.mail.letters: whatever a stranger writes is text on a page, and shows whose an address really is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.mail.letters import MAX_LINE_CHARS, as_html, harmless, line, pieces
from repaircafe.mail.models import Message

TAGS = re.compile(r"<[^>]*>")
OURS = {'<span class="web">', '<span class="small">', "</span>", "<b>", "</b>"}


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://repair.example/a?b#c", "repair.example"),
        ("HTTP://REPAIR.example", "REPAIR.example"),
        ("https://bank.example@evil.example/pay", "evil.example"),
        ("https://bank.example:443@evil.example:8080/pay", "evil.example"),
        ("https://a@b@evil.example", "evil.example"),
        ("https://evil.example\\@bank.example/", "evil.example"),
        ("https://evil.example/@bank.example/", "evil.example"),
        ("https://evil.example?@bank.example/", "evil.example"),
        ("https://evil.example#@bank.example/", "evil.example"),
        ("https:////evil.example/", "evil.example"),
        ("http://[2001:db8::1]:80/x", "[2001:db8::1]"),
        ("https://bank.example.evil.example/", "bank.example.evil.example"),
    ],
)
def test_the_host_that_a_browser_would_go_to_is_marked(address: str, host: str) -> None:
    shown = as_html(f"See {address} now")
    assert re.findall("<b>(.*?)</b>", shown) == [host]
    assert shown.striptags() == f"See {address} now"


def test_a_host_that_only_looks_like_another_is_told_in_the_letters_of_the_network() -> None:
    assert "(xn--bnk-6cd.example)" in as_html("https://b\u0430nk.example/")
    assert "(\\ufffd.example)" in as_html("https://\ufffd.example/")


def test_no_address_is_a_link_and_no_tag_is_one() -> None:
    shown = as_html('<a href="https://evil.example">x</a> <img src=//evil.example/x> mailto:a@b.example www.c.example')
    assert "<a" not in shown
    assert "<img" not in shown
    assert "href=&#34;" in shown


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("a\x00b\x07c\x1b[31md\x9be", "abc[31mde"),
        ("one\r\ntwo\rthree\u2028four\x0cfive", "one\ntwo\nthree\nfour\nfive"),
        ("a\u200b\ufeffb", "ab"),
        ("Z" + "\u0335" * 200 + "o", "Z" + "\u0335" * 3 + "o"),
        ("a" + "\n" * 50 + "b", "a\n\nb"),
        ("a\n \t\n \n  b", "a\n\n  b"),
        ("\n\n  text\n", "  text"),
        ("Tiếng Việt, e\u0323\u0302 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", None),
    ],
)
def test_what_is_not_seen_or_covers_other_text_is_dropped(given_text: str, shown: str | None) -> None:
    assert harmless(given_text) == (given_text if shown is None else shown)


@given(st.text())
def test_every_text_becomes_text_alone(text: str) -> None:
    shown = as_html(text)
    assert set(TAGS.findall(shown)) <= OURS
    assert shown.count("<span") == shown.count("</span>")
    assert "\n" not in line(text)
    assert len(line(text)) <= MAX_LINE_CHARS


@given(
    st.lists(st.sampled_from(["https://", "@", "/", "\\", "[", "]", ":", "\u0430", "a", ".", " ", "#", "<b>", "\n"]))
)
def test_every_address_keeps_its_letters(parts: list[str]) -> None:
    text = "".join(parts)
    shown = re.sub(r' <span class="small">\(.*?\)</span>', "", as_html(text))
    assert TAGS.sub("", shown).replace("&lt;", "<").replace("&gt;", ">") == harmless(text)


@pytest.mark.parametrize("part", ["https://", "\n ", "a\u0335", "@", " ", "https://a@"])
def test_a_text_that_is_made_to_be_slow_is_not(part: str) -> None:
    text = f"https://{part * 30_000}"
    assert len(as_html(text)) < 20 * len(text)


def test_the_pieces_are_what_is_new_and_what_is_quoted() -> None:
    message = Message(said="Yes", folded="> Can you?")
    assert [(one.text, one.is_folded) for one in pieces(message)] == [("Yes", False), ("> Can you?", True)]
    assert pieces(Message(said=" ", folded="")) == []
