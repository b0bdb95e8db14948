"""repaircafe.mail.markup, hiding, links: HTML becomes the lines that a person sees; links say where they lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.mail.hiding import sheet_of, style_of
from repaircafe.mail.links import leads_to
from repaircafe.mail.markup import Shown, text_of_html


def _shown(html: str) -> Shown:
    return text_of_html(html, 100_000)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<div>a</div><div><br></div><div>b<br></div>c", "a\n\nb\nc"),
        ("<div>a</div>\n\n  <div>b</div>", "a\nb"),
        ("<h1>a</h1>b", "a\n\nb"),
        ("<ul><li>a</li><li>b<ul><li>c</ul></ul>d", "- a\n- b\n- c\nd"),
        ("<ol><li>a<li>b</ol><ol><li>c</ol>", "1. a\n2. b\n1. c"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>", "a b\nc"),
        ("<pre>a\n  b\n</pre>c", "a\n  b\n\nc"),
        ("a <b>b</b><i> c</i>d", "a b cd"),
        ("a&nbsp;&amp;&eacute;", "a &é"),
        ("a<script>b</script><style>c</style><!-- d --><title>e</title>", "a"),
        ("a<img src='http://x.example/y.png' alt='Logo'><img alt='😀'>", "a😀"),
        ("<blockquote>a<br>b<blockquote>c</blockquote></blockquote>d", "> a\n> b\n>> c\nd"),
        ("<blockquote type=cite><p>a</p><p>b</p></blockquote>", "> a\n>\n> b\n>"),
        ("<blockquote style='margin: 0 0 0 40px; border: none; padding: 0px;'>a</blockquote>", "a"),
        ("<div name='quote'>a</div>", "> a"),
        ("a<textarea>b</textarea><button>c</button>", "abc"),
        ("", ""),
        ("<", "<"),
    ],
)
def test_blocks_and_lists_are_lines(html: str, text: str) -> None:
    assert _shown(html).text == text


@pytest.mark.parametrize(
    "start",
    [
        "<div style='display:none'>",
        "<div style='DISPLAY : NONE !important'>",
        "<div style='color:red;/* ; */display:none'>",
        "<div hidden>",
        "<div style='visibility:hidden'>",
        "<div style='opacity:0'>",
        "<div style='font-size:0'>",
        "<div style='font-size:0px'>",
        "<div style='font-size:1px'>",
        "<div style='font-size:2pt'>",
        "<div style='color:hsl(0, 0%, 100%)'>",
        "<div style='font-size:0.0em'>",
        "<div style='font:0/0 a'>",
        "<div style='color:white'>",
        "<div style='color:#FFF'>",
        "<div style='color:#fefefe;background:#ffffff'>",
        "<div style='color:rgb(255, 255, 255)'>",
        "<div style='color:rgba(0,0,0,0)'>",
        "<div style='color:transparent'>",
        "<div style='color:#123456;background-color:#123456'>",
        "<font color='#ffffff'>",
        "<table bgcolor='black'><tr><td style='color:black'>",
        "<div style='max-height:0;overflow:hidden'>",
        "<div style='height:0px;width:9px;overflow:hidden'>",
        "<div style='text-indent:-9999px'>",
        "<div style='position:absolute;left:-9999px'>",
        "<div style='position:absolute;clip:rect(0,0,0,0)'>",
        "<div style='transform:scale(0)'>",
        "<div style='display:none'><div style='display:block;color:black'>",
        "<style>.x{display:none}</style><div class='a x'>",
        "<style>p,div.x{color:#fff}</style><div class=x>",
        "<style>#x{font-size:0}</style><div id=X>",
        "<style>/* } */ .y{} @media screen{.z{color:red}} .x{display:none}</style><div class=x>",
    ],
)
def test_what_nobody_sees_is_left_out_and_counted_once(start: str) -> None:
    found = _shown(f"a{start}secret<br><span>more<a href='https://x.example'>link</a></span>")
    assert (found.text.strip(), found.hidden) == ("a", 1)


@pytest.mark.parametrize(
    "start",
    [
        "<div aria-hidden='true'>",
        "<div style='display:block'>",
        "<div style='font-size:0'><span style='font-size:14px'>",
        "<div style='font-size:0'><span style='font-size:medium'>",
        "<div style='visibility:hidden'><span style='visibility:visible'>",
        "<div style='background:#000;color:#fff'>",
        "<table bgcolor='#003366'><tr><td><font color=white>",
        "<div style='background-color:navy;color:white'>",
        "<div style='background:url(x.png);color:white'>",
        "<td background='x.png' style='color:white'>",
        "<div style='color:white'><span style='color:#333'>",
        "<style>.b{background:#060}</style><a class=b style='color:#ffffff'>",
        "<style>table .b{background:#060}</style><a class=b style='color:#ffffff'>",
        "<style>@media (max-width:600px){.x{display:none}}</style><div class=x>",
        "<style>.x .y{display:none}</style><div class=y>",
        "<div style='mso-hide:all'>",
        "<div style='height:0'>",
        "<div style='font-size:0.5rem'>",
        "<div style='font-size:1in'>",
        "<div style='line-height:0;margin:0'>",
        "<div style='font-size:0.9em'>",
        "<div style='font:12px/0 Arial'>",
        "<div style='color:#f0f0f0'>",
        "<div style='color:inherit;background:none'>",
        "<div style='display:none'></div>",
        "<div style='nonsense'>",
        "<div style='color:'>",
        "<div style='font-size:-;opacity:.'>",
    ],
)
def test_what_somebody_sees_stays(start: str) -> None:
    found = _shown(f"{start}seen")
    assert (found.text.strip(), found.hidden) == ("seen", 0)


@pytest.mark.parametrize(
    "start", ["<div style='color:#fff'>", "<body text='white'>", "<p hidden>x</p><p style='color:#fff'>"]
)
def test_a_mail_in_white_alone_is_shown_and_counted(start: str) -> None:
    """Some telephones write so at night."""
    found = _shown(f"{start}Hallo</div>")
    assert (found.text, found.hidden > 0) == ("Hallo", True)


def test_an_empty_hidden_element_does_not_count() -> None:
    assert _shown("a<div hidden>&nbsp;&#8203;<img src=x></div><p style='display:none'> </p>").hidden == 0


def test_each_hidden_element_counts() -> None:
    assert _shown("<p hidden>a</p>b<p hidden>c</p><p hidden>d<span hidden>e</span></p>") == Shown("b", 3)


@pytest.mark.parametrize(
    ("href", "shown", "told"),
    [
        ("https://evil.example/x", "www.bank.example", "evil.example"),
        ("https://evil.example/bank.example", "https://bank.example/login", "evil.example"),
        ("https://bank.example@evil.example", "bank.example", "evil.example"),
        ("https://bank.example.evil.example", "bank.example", "bank.example.evil.example"),
        ("//evil.example", "bank.example", "evil.example"),
        ("https:\\\\evil.example", "bank.example", "evil.example"),
        ("HTTPS://EVIL.example:8443", "bank.example", "evil.example"),
        ("https://evil.example", "info@bank.example", "evil.example"),
        ("https://x.example", "click here", "x.example"),
        ("https://www.x.example/a", "x.example/a", ""),
        ("https://x.example", "see https://www.X.example.", ""),
        ("https://bücher.example", "bücher.example", ""),
        ("https://xn--bcher-kva.example", "bücher.example", ""),
        ("https://b\u0430nk.example", "bank.example", "xn--bnk-6cd.example"),
        ("mailto:jo@example.org", "jo@example.org", ""),
        ("mailto:jo%40example.org?subject=x", "write to Jo", "jo@example.org"),
        ("mailto:evil@example.org", "jo@example.org", "evil@example.org"),
        ("tel:+31612345678", "06 12345678", ""),
        ("#top", "up", ""),
        ("cid:1", "a", ""),
        ("javascript:alert(1)", "bank.example", ""),
        ("https://[broken", "bank.example", ""),
        ("", "bank.example", ""),
        (f"https://{'a' * 500}.example", "x", "a" * 100 + "…"),
    ],
)
def test_a_link_says_where_it_leads_if_its_words_do_not(href: str, shown: str, told: str) -> None:
    assert leads_to(href, shown) == told


def test_a_link_in_a_line_says_where_it_leads() -> None:
    html = '<p>Zie <a href="https://evil.example">www.<b>bank</b>.example </a>, of <a href="/x">hier</a><a href="https://y.example"></a>.'
    assert _shown(html).text == "Zie www.bank.example (→ evil.example), of hier."


_TAGS = [
    "<p>",
    "</p>",
    "<div hidden>",
    "<b>",
    "</b>",
    "<a href='https://x.y'>",
    "</a>",
    "<li>",
    "<ol>",
    "<td>",
    "<table>",
]
_MORE = [
    "<blockquote>",
    "</blockquote>",
    "<style>.x{",
    "}</style>",
    "<pre>",
    "\n",
    "x",
    "<br>",
    "<template>",
    "<svg>",
    "<!--",
]


@given(st.lists(st.sampled_from([*_TAGS, *_MORE, "<frameset>", "<body hidden>", "</html>", "&#0;", "\0"]), max_size=40))
def test_any_order_of_tags_has_a_text(pieces: list[str]) -> None:
    assert isinstance(_shown("".join(pieces)).text, str)


@given(st.text(max_size=300))
def test_any_text_has_a_text(html: str) -> None:
    html = html.encode("utf-8", "replace").decode()
    assert isinstance(_shown(html).text, str)
    assert isinstance(leads_to(html, html), str)
    assert isinstance(style_of(html), dict)
    assert isinstance(sheet_of([html]), dict)


@given(st.text("abc .,\n", max_size=100))
def test_no_letter_is_lost(text: str) -> None:
    assert _shown(f"<div>{text}</div>").text.split() == text.split()
