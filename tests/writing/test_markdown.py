"""repaircafe.writing.markdown: a model can add only harmless tags to a page, and no text of it is lost."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.limits import MAX_MARKDOWN_CHARS
from repaircafe.writing.markdown import DEEPEST, TAGS, WALL, as_html, as_speech

SIGNS = st.text(st.sampled_from("*_`~#-+>[]()!<&;\\ \n\t.:|\"'=/10aB"), max_size=300)
SOURCES = [
    *("**", "*", "__", "`", "```", "~~~ php\n", "\n", "\n\n", "    ", "- ", "1. ", "12) ", "2026. ", "007. ", "# "),
    *("***", "---\n", "[a]: http://203.0.113.9 'b'\n", "[a](javascript:b)", "![a](http://203.0.113.9/b.png)", "wörd"),
    *("<http://203.0.113.9>", "<script>a</script>", "<!-- a -->", "<img src=a onerror=b>", "&lt;b&gt;", "&#60;", "é١"),
]
PIECES = st.lists(st.sampled_from(SOURCES)).map("".join)


class Seen(HTMLParser):
    """The text that a browser would show for some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.text = ""
        self.feed(str(html))  # parts of a Markup would be escaped again
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add((tag, name))
            self.text += f"{value}. "

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment, which nobody sees: {data}")


def words(text: str) -> str:
    """The letters and digits of a text, in order."""
    return "".join(character for character in text if character.isalnum())


@given(st.one_of(SIGNS, PIECES, st.text()))
def test_only_harmless_tags_come_out_and_no_word_is_lost(text: str) -> None:
    seen = Seen(as_html(text))
    assert seen.tags <= TAGS
    assert seen.attributes <= {("li", "value")}
    assert words(seen.text) == words(text)
    assert words(as_speech(text)) == words(text)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Yes, **bring** *it*", "<p>Yes, <strong>bring</strong> <em>it</em></p>"),
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("### A **title**\nwords", "<p><strong>A <strong>title</strong></strong></p><p>words</p>"),
        ("- a\n- b\n  1. c", '<ul><li>a</li><li>b<ol><li value="1">c</li></ol></li></ul>'),
        ("set `a<b`", "<p>set <code>a&lt;b</code></p>"),
        ("```sh\nls <x>\n```", "<p>sh</p><pre><code>ls &lt;x&gt;</code></pre>"),
        ("over\n\n---\nout", "<p>over</p><hr><p>out</p>"),
        ("2 \\* 3", "<p>2 * 3</p>"),
        ("", ""),
    ],
)
def test_a_small_part_of_markdown_is_formatted(text: str, html: str) -> None:
    assert as_html(text).replace("\n", "") == html


@pytest.mark.parametrize(
    "text",
    [
        "[click](javascript:alert(1))",
        "![x](http://203.0.113.9/x.png)",
        "<http://203.0.113.9/>",
        "http://203.0.113.9/ and www.example.org",
        '[a]: http://203.0.113.9/ "title"',
        "<script>alert(1)</script>",
        "<!-- hidden -->",
        "&lt;b&gt;",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "> said",
        "Title\n=====",
    ],
)
def test_everything_else_is_shown_as_it_was_written(text: str) -> None:
    seen = Seen(as_html(text))
    assert seen.tags <= {"p", "br"}
    assert seen.text.split() == text.split()


def test_numbers_stay_as_they_were_written() -> None:
    """A day of the month looks like a list item. Its number must not change to the next number in the list."""
    assert as_speech("5. Dezember\n9. Januar") == "5. Dezember 9. Januar"
    assert '<li value="9">Januar</li>' in as_html("5. Dezember\n9. Januar")
    assert as_html("2026. A year") == "2026. A year"
    assert as_html("007. Nobody") == "007. Nobody"


@pytest.mark.parametrize(
    "text",
    [
        "- " * DEEPEST + "deep",
        "**" * DEEPEST + "deep" + "**" * DEEPEST,
        "**long** " * MAX_MARKDOWN_CHARS,
        "*" * (MAX_MARKDOWN_CHARS + 1),
    ],
    ids=["lists", "emphasis", "words", "signs"],
)
def test_a_text_that_is_too_deep_or_too_long_is_shown_as_it_was_written(text: str) -> None:
    assert as_html(text) == text.strip()


def test_an_unformatted_text_keeps_its_lines_and_is_escaped() -> None:
    assert as_html("**a**\n<b>" + "x" * MAX_MARKDOWN_CHARS).startswith("**a**<br>\n&lt;b&gt;x")


def test_a_screen_reader_gets_the_text_without_signs() -> None:
    assert as_speech("### Steps\n\n1. **Unplug** it\n2. `a & b`\n\n- x\n- y") == "Steps 1. Unplug it 2. a & b x y"


def test_the_cleaner_is_safe_without_the_renderer() -> None:
    html = '<p lang="x" title="y" onclick="z" style="a"><a href="javascript:b">c</a><img src="d"><svg onload="e"></p>'
    assert WALL.clean(html) == "<p>c</p>"
    assert WALL.clean('<script>a</script><!-- b --><li value="3" type="i">c</li>') == '<li value="3">c</li>'
