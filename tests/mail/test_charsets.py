"""repaircafe.mail.charsets: bytes become text whatever charset they claim."""

import encodings.aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.mail.charsets import decoded

TEXT = "Wir möchten am Samstag um 10 € vorbeikommen – geht das?"


@pytest.mark.parametrize(
    "named", ["utf-8", "UTF8", "us-ascii", "iso-8859-1", "windows-1252", "", "nonsense", "\0", "x" * 99]
)
def test_utf_8_is_known_whatever_is_named(named: str) -> None:
    assert decoded(TEXT.encode(), named) == TEXT


@pytest.mark.parametrize("named", ["iso-8859-15", "windows-1252", "", "utf-8", "us-ascii", "nonsense"])
def test_what_is_not_utf_8_is_read_as_named_or_as_windows_writes_it(named: str) -> None:
    charset = named if "-1" in named else "windows-1252"
    assert decoded(TEXT.replace("–", "-").encode(charset), named) == TEXT.replace("–", "-")


@pytest.mark.parametrize(
    "charset", ["iso-2022-jp", "utf-16", "utf-16-le", "gb2312", "koi8-r", "big5", "shift_jis", "utf-32"]
)
def test_a_charset_of_another_script_is_believed(charset: str) -> None:
    text = "Приве́т"[:5] if charset == "koi8-r" else "日本"
    assert decoded(text.encode(charset), charset) == text


def test_a_text_that_was_cut_within_a_character_stays_utf_8() -> None:
    content = ("é" * 20).encode()[:-1]
    assert decoded(content, "") == "é" * 19 + "\ufffd"


def test_a_text_in_two_charsets_is_read_as_most_of_it_is() -> None:
    assert decoded("één café, ".encode() + b"caf\xe9", "utf-8") == "één café, caf\ufffd"
    assert decoded(b"caf\xe9 \xe9\xe9n", "utf-8") == "café één"


@pytest.mark.parametrize(
    "codec", ["punycode", "idna", "unicode_escape", "raw_unicode_escape", "zlib", "rot13", "undefined"]
)
def test_a_codec_that_is_no_charset_is_not_used(codec: str) -> None:
    assert decoded(b"\\u0041-\xe9", codec) == "\\u0041-é"


@given(
    st.binary(max_size=200), st.sampled_from(sorted({*encodings.aliases.aliases.values(), "", "x-unknown", "utf-16be"}))
)
def test_any_bytes_are_text_that_can_be_stored(content: bytes, charset: str) -> None:
    assert decoded(content, charset).encode() or not content or content in (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
