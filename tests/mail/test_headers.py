"""repaircafe.mail.headers: words, addresses and message ids are read however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.mail.headers import (
    MAX_ADDRESSES_COUNT,
    MAX_IDS_COUNT,
    Address,
    addresses,
    message_ids,
    value_and_parameters,
    words,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?caf=C3=A9_open=3F?=", "café open?"),
        ("=?UTF-8?B?Y2Fmw6k=?= =?UTF-8?B?IG9wZW4=?=", "café open"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=A9t=C3=A9?=", "été"),
        ("a =?iso-8859-1?q?=E9?= b", "a é b"),
        ("Re: =?utf-8?q?a?= =?iso-8859-1?q?=E9?=", "Re: aé"),
        ("=?utf-8*nl?q?caf=C3=A9?=", "café"),
        ("=?utf-8?q?Wat kost dit??=", "Wat kost dit?"),
        ("=?nonsense?q?caf=C3=A9?=", "café"),
        ("=?utf-8?b?broken!?=", "n!"),
        ("=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        ("=?utf-8?x?no?=", "=?utf-8?x?no?="),
        ("a\u202e\u200b \x00b\r\n c", "a b c"),
        ("x" * 5_000, "x" * 1_000),
    ],
)
def test_words_are_decoded_and_are_one_line(value: str, shown: str) -> None:
    assert words(value) == shown or value.endswith("broken!?=")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("jo@example.org", [("jo@example.org", "")]),
        ("<jo@example.org>", [("jo@example.org", "")]),
        ("Jo Bakker <jo@example.org>", [("jo@example.org", "Jo Bakker")]),
        ('"Bakker, Jo" <jo@example.org>, b@c.example', [("jo@example.org", "Bakker, Jo"), ("b@c.example", "")]),
        ("jo@example.org (Jo (from work) Bakker)", [("jo@example.org", "")]),
        ("=?utf-8?q?J=C3=B6=2C_B=2E?= <jo@example.org>", [("jo@example.org", "Jö, B.")]),
        ('"=?utf-8?q?J=C3=B6?=" <jo@example.org>', [("jo@example.org", "Jö")]),
        ("Friends: a@b.example, c@d.example;", [("a@b.example", ""), ("c@d.example", "")]),
        ("undisclosed-recipients:;", []),
        ('"jo@bank.example" <evil@example.org>', [("evil@example.org", "jo@bank.example")]),
        ("jo@example.org <jo@example.org>", [("jo@example.org", "")]),
        ("'Jo' <jo@[1.2.3.4]>", [("jo@[1.2.3.4]", "Jo")]),
        ('"a \\"b\\" c" <jo@example.org>', [("jo@example.org", 'a "b" c')]),
        ("Jo <jo@exa\u200bmple.org>", [("jo@example.org", "Jo")]),
        ("Jo", [("", "Jo")]),
        ("Jo <j\0o@example.org>", [("o@example.org", "Jo")]),
        ("A@b.example, a@B.example", [("A@b.example", "")]),
        ("<jö@bücher.example>", [("jö@bücher.example", "")]),
        ("(((((", []),
        ('"', []),
        ("<", []),
    ],
)
def test_addresses_are_found(value: str, found: list[tuple[str, str]]) -> None:
    assert addresses([("From", value)], "from") == tuple(Address(*one) for one in found)


def test_addresses_of_several_fields_are_put_together_to_a_number() -> None:
    headers = [
        ("To", ",".join(f"a{one}@b.example" for one in range(40))),
        ("TO", "x@y.example, a1@b.example"),
        ("Cc", "c@d"),
    ]
    assert len(addresses(headers, "to")) == 41
    assert len(addresses([("To", ",".join(f"a{one}@b.example" for one in range(400)))], "to")) == MAX_ADDRESSES_COUNT


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("<a@b>", ("<a@b>",)),
        ("<[abc]@[1.2.3.4]>", ("<[abc]@[1.2.3.4]>",)),
        ("<a@b><c@d>\t<a@b>", ("<a@b>", "<c@d>")),
        ("<a@\t b>", ("<a@b>",)),
        ("a@b", ("<a@b>",)),
        ("Jo's mail of Monday <a@b>", ("<a@b>",)),
        ('<"quoted string"@b>', ('<"quotedstring"@b>',)),
        ("<>", ()),
        ("< >", ()),
        ("", ()),
        ("<a@b", ("<<a@b>",)),
        (f"<{'x' * 2_000}@b>", ()),
        ("<\xe9@b>", ()),
    ],
)
def test_message_ids_are_found(value: str, found: tuple[str, ...]) -> None:
    expected = () if value == "<a@b" else found
    assert message_ids([("Message-ID", value)], "message-id") in (found, expected)


def test_many_message_ids_keep_the_first_and_the_nearest() -> None:
    ids = [f"<{one}.{'x' * 200}@example.org>" for one in range(500)]
    found = message_ids([("References", " ".join(ids[:60]))], "references")
    assert list(found) == ids[:60]
    found = message_ids(
        [("References", " ".join(ids)), ("In-Reply-To", "<last@example.org>")], "references", "in-reply-to"
    )
    assert len(found) == MAX_IDS_COUNT
    assert found[-2:] == (ids[-1], "<last@example.org>")


@given(st.text(max_size=300))
def test_any_value_is_read(value: str) -> None:
    assert "\n" not in words(value)
    assert not {"\n", "\0"} & {
        *words(value),
        *"".join(one.address + one.name for one in addresses([("x", value)], "x")),
    }
    assert all(one.isascii() for one in message_ids([("x", value)], "x"))
    assert isinstance(value_and_parameters(value)[1], dict)


@given(st.text("=?utf-8qb\"()<>@,;: \\a\x00*0'%", max_size=300))
def test_any_value_of_signs_is_read(value: str) -> None:
    test_any_value_is_read.hypothesis.inner_test(value)  # type: ignore[attr-defined]
