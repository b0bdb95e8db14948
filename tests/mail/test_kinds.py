"""repaircafe.mail.kinds: only a person's mail is a person's. tests/mail/test_reading.py tries it on whole mails."""

import pytest

from repaircafe.mail.kinds import Kind, is_no_reply
from tests.mail.build import CAFE, leaf, letter, multipart, plain, reading


def _kind(*more: str, sender: str = "Jo <jo@example.org>", subject: str = "Vraag") -> Kind:
    return reading(letter(plain("Hallo, zijn jullie open?"), *more, sender=sender, subject=subject)).kind


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        (("Auto-Submitted: no",), Kind.PERSON),
        (("Auto-Submitted: auto-replied",), Kind.AUTOMATIC),
        (("Auto-Submitted: auto-generated; owner-email=x",), Kind.AUTOMATIC),
        (("Auto-Submitted: auto-notified",), Kind.AUTOMATIC),
        (("X-Autoreply: yes",), Kind.AUTOMATIC),
        (("X-Autoreply: no",), Kind.PERSON),
        (("X-Auto-Response-Suppress: OOF",), Kind.PERSON),
        (("Precedence: auto_reply",), Kind.AUTOMATIC),
        (("Precedence: bulk",), Kind.LIST),
        (("Precedence: first-class",), Kind.PERSON),
        (("List-Id: <x.example>",), Kind.LIST),
        (("List-Unsubscribe: <mailto:u@x.example>",), Kind.LIST),
        (("List-Unsubscribe:",), Kind.PERSON),
        (("Reply-To: noreply@x.example",), Kind.NO_REPLY),
        (("List-Id: <x.example>", "Auto-Submitted: auto-replied"), Kind.AUTOMATIC),
        (("X-Failed-Recipients: x@y.example", "List-Id: <x.example>"), Kind.BOUNCE),
    ],
)
def test_header_fields_tell_the_kind(more: tuple[str, ...], kind: Kind) -> None:
    assert _kind(*more) is kind


@pytest.mark.parametrize(
    "subject",
    [
        *(
            "Automatic reply: Vraag",
            "Out of Office: Vraag",
            "Auto-reply",
            "Automatisch antwoord: Vraag",
            "Afwezig: Vraag",
        ),
        *(
            "Afwezigheidsbericht",
            "Automatische Antwort: Frage",
            "Abwesenheitsnotiz: Frage",
            "Réponse automatique : Question",
        ),
        *("Absence du bureau : Question", "=?utf-8?q?R=C3=A9ponse_automatique?="),
    ],
)
def test_the_subject_of_an_absence_tells_it(subject: str) -> None:
    assert _kind(subject=subject) is Kind.AUTOMATIC
    assert _kind(subject=f"Re: {subject}") is Kind.PERSON


@pytest.mark.parametrize(
    ("sender", "subject", "kind"),
    [
        ("MAILER-DAEMON@mx.example", "x", Kind.BOUNCE),
        ("MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@x.example", "x", Kind.BOUNCE),
        ("Postmaster <postmaster@x.example>", "Undeliverable: x", Kind.BOUNCE),
        ("postmaster@x.example", "Unzustellbar: x", Kind.BOUNCE),
        ("postmaster@x.example", "Wanneer zijn jullie open?", Kind.PERSON),
        ("jo@example.org", "Undeliverable: x", Kind.PERSON),
        ("noreply@x.example", "x", Kind.NO_REPLY),
        ("", "x", Kind.NO_REPLY),
    ],
)
def test_the_sender_tells_the_kind(sender: str, subject: str, kind: Kind) -> None:
    assert _kind(sender=sender, subject=subject) is kind


@pytest.mark.parametrize(
    "more", [(), ("Auto-Submitted: auto-generated",), ("List-Unsubscribe: <https://x.example>",), ("Precedence: bulk",)]
)
def test_what_a_form_of_the_cafe_sends_is_a_persons(more: tuple[str, ...]) -> None:
    assert _kind("Reply-To: jo@example.org", *more, sender=CAFE) is Kind.PERSON
    assert _kind(*more, sender=CAFE) is not Kind.PERSON


def test_what_a_service_sends_for_somebody_is_a_persons_if_it_is_no_list() -> None:
    assert _kind("Reply-To: jo@example.org", sender="no-reply@forms.example") is Kind.PERSON
    assert _kind("Reply-To: jo@example.org", "List-Id: <x>", sender="no-reply@forms.example") is Kind.LIST
    assert _kind("Reply-To: no-reply@forms.example", sender="no-reply@forms.example") is Kind.NO_REPLY


@pytest.mark.parametrize(
    "local",
    [
        *(
            "noreply",
            "no-reply",
            "no_reply",
            "NoReply",
            "no.reply",
            "donotreply",
            "do-not-reply",
            "shop-noreply",
            "noreply+1",
        ),
        *(
            "nepasrepondre",
            "ne-pas-repondre",
            "niet-beantwoorden",
            "geenantwoord",
            "nichtantworten",
            "bitte-nicht-antworten",
        ),
        *("keine-antwort", "notifications"),
    ],
)
def test_an_address_that_nobody_reads_is_known(local: str) -> None:
    assert is_no_reply(f"{local}@x.example")


@pytest.mark.parametrize(
    "address", ["jo@noreply.example", "norbert@x.example", "antwort@x.example", "reply@x.example", ""]
)
def test_another_address_is_somebodys(address: str) -> None:
    assert not is_no_reply(address)


def test_a_calendar_as_a_file_is_no_invitation() -> None:
    file = leaf("text/calendar", b"BEGIN:VCALENDAR\n", "8bit", "Content-Disposition: attachment; filename=a.ics")
    found = reading(letter(multipart("mixed", plain("Zet dit in je agenda"), file)))
    assert (found.kind, [one.name for one in found.attachments]) == (Kind.PERSON, ["a.ics"])


def test_a_signed_mail_is_a_persons() -> None:
    signature = leaf("application/pgp-signature; name=signature.asc", b"-----BEGIN PGP SIGNATURE-----\n")
    assert reading(letter(multipart("signed", plain("Hallo"), signature))).kind is Kind.PERSON


def test_our_own_mail_is_a_persons_whatever_its_headers_say() -> None:
    assert reading(letter(plain("Dag"), "Auto-Submitted: auto-replied", sender=CAFE), is_ours=True).kind is Kind.PERSON
