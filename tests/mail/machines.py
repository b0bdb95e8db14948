"""Mails that no person is to be answered for, as servers and programs write them. Each function makes one."""

from collections.abc import Callable

from repaircafe.mail.kinds import Kind
from tests.mail.build import html, leaf, letter, multipart, plain
from tests.mail.words import Words


def newsletter(words: Words) -> bytes:
    """Many links, a hidden beginning, and a way out."""
    page = (
        f"<div style='display:none;max-height:0;overflow:hidden'>{words.old}</div><table bgcolor='#003366'><tr><td "
        f"style='color:#ffffff'>{words.question}</td></tr></table><a href='https://click.mailer.example/1'>www.shop.example</a>"
    )
    return letter(html(page), "List-Unsubscribe: <https://mailer.example/u>", sender="Shop <no-reply@shop.example>")


def mailing_list(words: Words) -> bytes:
    """A group of cafés."""
    return letter(
        plain(words.said), "List-Id: Cafés <cafes.lists.example>", "Precedence: list", "Reply-To: cafes@lists.example"
    )


def absence_exchange(words: Words) -> bytes:
    """Exchange says that it is automatic."""
    return letter(
        html(words.said), "Auto-Submitted: auto-generated", "X-Auto-Response-Suppress: All", subject=words.absent
    )


def absence_gmail(words: Words) -> bytes:
    """Gmail answers, and quotes nothing."""
    return letter(plain(words.said), "Auto-Submitted: auto-replied", "Precedence: bulk", "X-Autoreply: yes")


def absence_by_subject(words: Words) -> bytes:
    """An old server says it in the subject alone."""
    return letter(plain(words.said), subject=words.absent)


def receipt(_: Words) -> bytes:
    """Somebody's program says that a mail was opened."""
    note = leaf("message/disposition-notification", b"Disposition: manual-action/MDN-sent-manually; displayed\n")
    return letter(multipart("report", plain("Read"), note, parameters="; report-type=disposition-notification"))


def order(words: Words) -> bytes:
    """A shop confirms an order."""
    return letter(html(f"<p>{words.hello}</p><p>{words.old}</p>"), sender="Shop <noreply@shop.example>")


def bounce_postfix(words: Words) -> bytes:
    """Postfix, with the mail that was not delivered."""
    status = leaf(
        "message/delivery-status", b"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; x@y.example\n"
    )
    original = leaf("message/rfc822", letter(plain(words.said)))
    text = plain("This is the mail system at host mx.example.\n\nI'm sorry to have to inform you that your message\n")
    report = multipart("report", text, status, original, parameters="; report-type=delivery-status")
    return letter(report, subject="Undelivered Mail Returned to Sender", sender="MAILER-DAEMON@mx.example")


def bounce_exchange(words: Words) -> bytes:
    """Exchange, in the language of its owner."""
    status = leaf("message/delivery-status", b"Reporting-MTA: dns;HE1PR\n")
    report = multipart("report", multipart("alternative", plain(words.old), html(words.old)), status)
    sender = "<postmaster@outlook.example>"
    return letter(report, "Auto-Submitted: auto-replied", subject=words.undelivered, sender=sender)


def bounce_gmail(words: Words) -> bytes:
    """Gmail, with pictures."""
    related = multipart(
        "related", html(f"<b>{words.old}</b>"), leaf("image/png", b"x", "base64", "Content-ID: <icon.png>")
    )
    status = leaf("message/delivery-status", b"Reporting-MTA: dns; googlemail.com\n")
    sender = "Mail Delivery Subsystem <mailer-daemon@googlemail.com>"
    return letter(multipart("report", related, status), "X-Failed-Recipients: x@y.example", sender=sender)


def bounce_plain(words: Words) -> bytes:
    """An old server writes it as a text."""
    return letter(plain(words.old), subject=words.undelivered, sender="postmaster@old.example")


def _calendar(words: Words, method: str) -> bytes:
    return (
        f"BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:{method}\nBEGIN:VEVENT\nUID:1@example\nSUMMARY:{words.old}\n"
        "DTSTART:20261210T130000Z\nDTEND:20261210T140000Z\nLOCATION:De Klinker\nEND:VEVENT\nEND:VCALENDAR\n"
    ).encode()


def invitation_google(words: Words) -> bytes:
    """Three forms of one invitation, and a file."""
    calendar = leaf("text/calendar; charset=UTF-8; method=REQUEST", _calendar(words, "REQUEST"), "base64")
    both = multipart("alternative", plain(words.said), html(words.said), calendar)
    file = leaf("application/ics; name=invite.ics", _calendar(words, "REQUEST"), "base64")
    return letter(multipart("mixed", both, file), "Sender: Google Calendar <calendar-notification@google.com>")


def invitation_teams(words: Words) -> bytes:
    """A meeting: the text says how to join."""
    page = f"<div>{words.said}</div><hr><a href='https://teams.microsoft.com/l/meetup-join/1'>Join</a>"
    calendar = leaf("text/calendar; charset=utf-8; method=REQUEST", _calendar(words, "REQUEST"))
    return letter(multipart("alternative", html(page), calendar))


def invitation_alone(words: Words) -> bytes:
    """Only the calendar: its event is the text."""
    return letter(leaf("text/calendar; method=REQUEST", _calendar(words, "REQUEST"), "quoted-printable"))


def accepted(words: Words) -> bytes:
    """Somebody comes to a meeting."""
    return letter(multipart("alternative", plain(words.bye), leaf("text/calendar", _calendar(words, "REPLY"))))


def pgp_mime(_: Words) -> bytes:
    """OpenPGP as RFC 3156 says."""
    version = leaf("application/pgp-encrypted", b"Version: 1\n")
    sealed = leaf("application/octet-stream", b"-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n")
    return letter(multipart("encrypted", version, sealed, parameters='; protocol="application/pgp-encrypted"'))


def pgp_text(words: Words) -> bytes:
    """OpenPGP in the text."""
    return letter(plain(f"{words.hello}\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n"))


def smime(_: Words) -> bytes:
    """S/MIME: the whole mail is one file."""
    return letter(leaf("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", b"0\x80", "base64"))


Machine = Callable[[Words], bytes]
KINDS: dict[Kind, tuple[Machine, ...]] = {
    Kind.LIST: (newsletter, mailing_list),
    Kind.AUTOMATIC: (absence_exchange, absence_gmail, absence_by_subject, receipt),
    Kind.NO_REPLY: (order,),
    Kind.BOUNCE: (bounce_postfix, bounce_exchange, bounce_gmail, bounce_plain),
    Kind.INVITATION: (invitation_google, invitation_teams, invitation_alone, accepted),
    Kind.ENCRYPTED: (pgp_mime, pgp_text, smime),
}
