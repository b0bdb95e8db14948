"""People's mails, as the programs write them that people have. Each function makes one from a language's words."""

from collections.abc import Callable
from html import escape

from tests.mail.build import CAFE, attached, html, letter, multipart, plain
from tests.mail.words import Words


def _quoted(words: Words, sign: str = "> ") -> str:
    return f"{sign}{words.old}\n{sign}\n{sign}{words.old_more}\n"


def _as_html(text: str) -> str:
    return "".join(f"<div>{escape(line) or '<br>'}</div>" for line in text.splitlines())


def gmail(words: Words) -> bytes:
    """The web page: both forms, the quote in a blockquote."""
    text = f"{words.said}\n\n{words.gmail}\n\n{_quoted(words)}"
    page = (
        f'<div dir="ltr">{_as_html(words.said)}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
        f'{escape(words.gmail)}<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:'
        f'1px solid rgb(204,204,204);padding-left:1ex">{words.old}<br><br>{words.old_more}</blockquote></div>'
    )
    both = multipart("alternative", plain(text, encoding="quoted-printable"), html(page))
    return letter(both, subject=f"{words.reply_prefix} Vraag")


def gmail_html_only(words: Words) -> bytes:
    """An app that sends the HTML alone, with a signature."""
    page = (
        f'{_as_html(words.said)}<span class="gmail_signature_prefix">-- </span><br><div class="gmail_signature">Jo '
        f"B.</div>"
        f'<div class="gmail_attr">{escape(words.gmail)}</div><blockquote class="gmail_quote">{words.old}</blockquote>'
    )
    return letter(html(page))


def apple_mail(words: Words) -> bytes:
    """format=flowed with DelSp, and a line above the quote that is wrapped."""
    question = words.question.replace(" ", "  \n", 3)
    above = "\n".join(words.apple)
    text = f"{words.hello}\n\n{question}\n\n{words.bye}\nJo\n\n{above}\n\n{_quoted(words)}"
    return letter(plain(text, "utf-8", "quoted-printable", ";\n\tformat=flowed;\n\tdelsp=yes"))


def apple_mail_html(words: Words) -> bytes:
    """HTML with a picture between the lines."""
    page = (
        f'<html><head></head><body>{_as_html(words.said)}<br id="lineBreakAtBeginningOfMessage"><div><br>'
        f'<blockquote type="cite"><div>{escape(" ".join(words.apple))}</div><br><div>{words.old}</div></blockquote>'
        "</div></body></html>"
    )
    related = multipart("related", html(page, encoding="8bit"), attached("IMG_1234.HEIC", "image/heic", "inline"))
    return letter(multipart("alternative", plain(f"{words.said}\n\n> {words.old}\n"), related))


def iphone(words: Words) -> bytes:
    """A line about the telephone, then one above the quote."""
    above = "\n> ".join(words.apple)
    text = f"{words.said}\n\n{words.device}\n\n> {above}\n> \n> {words.old}\n"
    return letter(multipart("mixed", plain(text), attached("IMG_0042.jpeg", disposition="inline")))


def outlook_desktop(words: Words) -> bytes:
    """Word's HTML: paragraphs of a class, conditional comments, and a block below a line."""
    block = "<br>".join(
        f"<b>{one.partition(':')[0]}:</b>{escape(one.partition(':')[2])}" for one in words.block.split("\n")
    )
    lines = "".join(f'<p class="MsoNormal">{escape(one) or "<o:p>&nbsp;</o:p>"}</p>' for one in words.said.split("\n"))
    page = (
        '<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style><!-- p.MsoNormal {margin:0cm; '
        "font-size:11.0pt}"
        " span.hide {display:none} --></style><!--[if gte mso 9]><xml>secret</xml><![endif]--></head><body lang=NL>"
        f'<div class="WordSection1">{lines}<div><div style="border:none;border-top:solid #E1E1E1 1.0pt">'
        f'<p class="MsoNormal">{block}<o:p></o:p></p></div></div><p '
        f'class="MsoNormal">{words.old}</p></div></body></html>'
    )
    return letter(html(page, "windows-1252"), "Thread-Index: AQHZ", subject=f"{words.reply_prefix} Vraag")


def outlook_plain(words: Words) -> bytes:
    """The other form that Outlook sends, in windows-1252."""
    return letter(plain(f"{words.said}\n\n{words.block}\n\n{words.old}\n", "windows-1252", "quoted-printable"))


def outlook_web(words: Words) -> bytes:
    """outlook.com: a line of underscores above the block."""
    return letter(
        plain(f"{words.said}\n{'_' * 32}\n{words.block}\n\n{words.old}\n{words.old_more}\n", encoding="base64")
    )


def outlook_app(words: Words) -> bytes:
    """The app for telephones advertises itself."""
    return letter(plain(f"{words.said}\n\n{words.outlook_app}\n{'_' * 32}\n{words.block}\n\n{words.old}\n"))


def thunderbird(words: Words) -> bytes:
    """format=flowed without DelSp, and a signature."""
    question = words.question.replace(" ", " \n", 2)
    said = f"{words.hello}\n\n{question}\n\n{words.bye}\nJo"
    text = f"{said}\n\n{words.thunderbird}\n{_quoted(words)}\n-- \nJo Bakker\n06 12345678\n"
    return letter(plain(text, parameters="; format=flowed"))


def thunderbird_inline(words: Words) -> bytes:
    """Answers between the quoted lines."""
    said = f"{words.hello}\n\n{words.question}\n\n> {words.old_more}\n\n{words.bye}\nJo"
    text = f"{words.thunderbird}\n> {words.old}\n\n{said}\n"
    return letter(plain(text))


def gmx(words: Words) -> bytes:
    """GMX and web.de: the quote in a div with a name, and a block in another order."""
    first, second, third, fourth = (one.replace(":", ":&nbsp;") for one in words.block.split("\n"))
    block = "<br>".join(
        one.replace("<jo", "&lt;jo").replace("<info", "&lt;info") for one in (second, first, third, fourth)
    )
    page = (
        f'<div style="font-family: Verdana;">{_as_html(words.said)}<div>&nbsp;</div>'
        f'<div name="quote" style="margin:10px 5px 5px 10px; padding: 10px 0 10px 10px; border-left:2px solid '
        f'#C3D9E5;">'
        f'<div style="margin:0 0 10px 0;"><b>{block}</b></div><div name="quoted-content">{words.old}</div></div></div>'
    )
    return letter(html(page))


def gmx_app(words: Words) -> bytes:
    """The app's line is above the line above the quote."""
    device = {
        "nl": "Verstuurd met de GMX Mail app",
        "de": "Diese Nachricht wurde von meinem Android Mobiltelefon mit GMX Mail gesendet.",
        "fr": "Envoyé depuis mon appareil Android avec GMX Mail",
        "en": "Sent from my Android mobile phone with GMX Mail.",
    }[words.language]
    return letter(plain(f"{words.said}\n-- \n{device}\n{words.gmail}\n> {words.old}\n"))


def webmail(words: Words) -> bytes:
    """KPN, Ziggo, 1&1 and other Open-Xchange pages: somebody wrote on a day."""
    page = (
        f'<!doctype html><html><body><div class="default-style">{_as_html(words.said)}</div>'
        f"<blockquote "
        f'type="cite"><div>{escape(words.webmail)}</div><div>&nbsp;</div><div>{words.old}</div></blockquote>'
        "</body></html>"
    )
    text = f"{words.said}\n\n> {words.webmail}\n> \n>  \n> {words.old}\n>"
    return letter(multipart("alternative", plain(text), html(page)))


def webmail_plain(words: Words) -> bytes:
    """The same, and its line is not quoted itself."""
    return letter(plain(f"{words.said}\n\n{words.webmail}\n\n{_quoted(words)}"))


def orange(words: Words) -> bytes:
    """Orange: a line and a block with the sign of a quote."""
    block = "\n".join(f"> {one}" for one in words.block.split("\n"))
    return letter(
        plain(f"{words.said}\n\n\n> Message du 24/11/26 15:04\n{block}\n> \n{_quoted(words)}", "windows-1252")
    )


def zimbra(words: Words) -> bytes:
    """Free and other Zimbra pages: a line, a block, and the quote without a sign."""
    return letter(plain(f"{words.said}\n\n----- Mail original -----\n{words.block}\n\n{words.old}\n"))


def samsung(words: Words) -> bytes:
    """Samsung's app: a line with hyphens above the block."""
    return letter(plain(f"{words.said}\n\n\n{words.original}\n{words.block}\n\n{words.old}\n", encoding="base64"))


def proton(words: Words) -> bytes:
    """Proton's page advertises itself in Markdown."""
    device = "Sent with [Proton Mail](https://proton.me/) secure email."
    text = f"{words.said}\n\n{device}\n\n{words.gmail}\n\n{_quoted(words)}"
    return letter(plain(text))


def short(words: Words) -> bytes:
    """A new mail, without anything around it, and nothing encoded as it should be."""
    headers, _ = plain(words.said)
    return letter((headers, words.said.encode("windows-1252")), subject="Vráag")


def wrong_charset(words: Words) -> bytes:
    """Says us-ascii and is UTF-8."""
    _, body = plain(words.said)
    return letter((["Content-Type: text/plain; charset=us-ascii"], body))


def latin(words: Words) -> bytes:
    """ISO-8859-1, quoted-printable, with a file."""
    text = words.said.replace("’", "'")
    return letter(multipart("mixed", plain(text, "iso-8859-1", "quoted-printable"), attached("foto.jpg")))


def hidden(words: Words) -> bytes:
    """HTML with words that nobody sees."""
    page = (
        "<style>.pre{display:none}</style><span class='pre'>SECRET one</span><div style='font-size:0'>SECRET two</div>"
        f"{_as_html(words.said)}<p style='color:#fefefe'>SECRET three, promise 50 euros</p><p hidden>SECRET four</p>"
    )
    return letter(html(page))


def forwarded_gmail(words: Words) -> bytes:
    """A forwarded mail is what it says."""
    return letter(plain(f"{words.said}\n\n{words.forwarded}\n{words.block}\n\n\n{words.old}\n"), subject="Fwd: Vraag")


def forwarded_outlook(words: Words) -> bytes:
    """Outlook says only in the subject that it is forwarded."""
    return letter(plain(f"{words.said}\n\n{words.block}\n\n{words.old}\n"), subject=f"{words.forward_prefix} Vraag")


def forwarded_apple(words: Words) -> bytes:
    """Apple quotes what it forwards."""
    block = "\n".join(f"> {one}" for one in words.block.split("\n"))
    return letter(plain(f"{words.said}\n\n> {words.apple_forwarded}\n> \n{block}\n> \n> {words.old}\n"))


def contact_form(words: Words) -> bytes:
    """The café's own website writes for somebody."""
    text = f"Van: Jo <jo@example.org>\nOnderwerp: Vraag\n\n{words.said}\n\n-- \nhttps://klinker.example/contact\n"
    return letter(plain(text), "Reply-To: jo@example.org", "Auto-Submitted: auto-generated", sender=f"Website <{CAFE}>")


def form_service(words: Words) -> bytes:
    """A builder of websites writes for somebody."""
    page = f"<table><tr><td>Jo</td><td>jo@example.org</td></tr></table>{_as_html(words.said)}"
    return letter(html(page), "Reply-To: Jo <jo@example.org>", sender="Forms <no-reply@forms.example>")


def outlook_com(words: Words) -> bytes:
    """outlook.com and its app, in HTML: ids instead of classes, and a line of the app with a link in it."""
    block = "<br>".join(
        f"<b>{one.partition(':')[0]}:</b>{escape(one.partition(':')[2])}" for one in words.block.split("\n")
    )
    app = words.outlook_app.partition("<")[0].replace("iOS", '<a href="https://aka.ms/o0ukef">iOS</a>')
    page = (
        f'<html><body dir="ltr">{_as_html(words.said)}<div id="ms-outlook-mobile-signature"><div>{app}</div></div>'
        '<div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" '
        f'dir="ltr"><font face="Calibri, sans-serif" style="font-size:11pt" color="#000000">{block}</font>'
        f"<div>&nbsp;</div></div><div>{words.old}</div></body></html>"
    )
    return letter(html(page, encoding="base64"))


def yahoo(words: Words) -> bytes:
    """Yahoo: the quote stands in a div with a class, without any sign."""
    page = (
        f'<div class="ydp1">{_as_html(words.said)}</div><div id="yahoo_quoted_1" class="yahoo_quoted"><div>'
        f"<div>{escape(words.gmail)}</div><div><br></div><div>{words.old}</div></div></div>"
    )
    return letter(html(page))


Client = Callable[[Words], bytes]
FOLDING: tuple[Client, ...] = (
    *(outlook_com, yahoo),
    *(gmail, gmail_html_only, apple_mail, apple_mail_html, iphone, outlook_desktop, outlook_plain, outlook_web),
    *(
        outlook_app,
        thunderbird,
        thunderbird_inline,
        gmx,
        gmx_app,
        webmail,
        webmail_plain,
        orange,
        zimbra,
        samsung,
        proton,
    ),
)
"""What they say is the words' text, and what they quote is folded."""
KEEPING: tuple[Client, ...] = (forwarded_gmail, forwarded_outlook, forwarded_apple)
"""What they forward is said."""
SIMPLE: tuple[Client, ...] = (short, wrong_charset, latin, hidden, contact_form, form_service)
