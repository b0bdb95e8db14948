"""A café's mailbox as an organiser finds it: about thirty threads in four languages, stored as a fetch does.

The names and addresses belong to nobody.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from repaircafe.mail.base import Fetched, Mail, Part
from repaircafe.mail.fetcher import Source
from repaircafe.mail.models import Box, EndedFetch, Thread
from repaircafe.mail.storing import Reading, store
from tests.mail.scene import ScriptedMailbox

CAFE = "info@repaircafe-dehoek.example"
EVIL = "Pay here: https://bank.example@evil.example/pay?who=7 \u202egnp.exe\u202c <img src=http://evil.example/x.png>"


@dataclass(frozen=True)
class Letter:
    """A mail, `ago` hours old."""

    ago: float
    said: str
    folded: str = ""
    is_ours: bool = False
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Talk:
    """A thread with one person."""

    name: str
    address: str
    subject: str
    language: str
    letters: Sequence[Letter]
    kind: str = "person"


def _one(ago: float, who: str, subject: str, language: str, said: str, **more: Any) -> Talk:
    address = more.pop("address", f"{who.partition(' ')[0].lower()}@post.example")
    kind = more.pop("kind", "person")
    letters = (Letter(ago, said, more=more),)
    return Talk(who, address, subject, language, letters, kind)


def _quoted(text: str) -> str:
    return "".join(f"> {one}\n" for one in text.splitlines())


TOASTER = "Goedemiddag,\n\nIk heb een broodrooster van Philips die niet meer warm wordt. Kunnen jullie die maken?"
ANSWER = "Dag Anna,\n\nBreng hem gerust mee, dan kijken we samen. Zaterdag vanaf 14.00 uur."
TALKS: Sequence[Talk] = (
    Talk(
        "Anna de Vries",
        "anna@post.example",
        "Re: Broodrooster",
        "nl",
        (
            Letter(50, TOASTER),
            Letter(26, ANSWER, _quoted(TOASTER), is_ours=True),
            Letter(
                0.4,
                "Wat fijn! Moet ik een afspraak maken, of kan ik gewoon binnenlopen?\n\nGroet,\nAnna",
                _quoted(ANSWER) + "\n--\nVerstuurd vanaf mijn telefoon",
                more={"attachments": [{"name": "broodrooster.jpg", "media_type": "image/jpeg", "size": 1_482_113}]},
            ),
        ),
    ),
    _one(2, "Jürgen Weiß", "Nähmaschine Pfaff 230", "de",
         "Guten Tag,\n\nunsere alte Pfaff 230 näht nur noch rückwärts. Haben Sie jemanden, der sich damit auskennt?\n\n"
         "Mit freundlichen Grüßen\nJürgen Weiß"),
    _one(3, "Chloé Martin", "Horaires et prix", "fr",
         "Bonjour,\n\nÀ quelle heure ouvrez-vous samedi, et combien coûte une réparation ?\n\nMerci d'avance !\nChloé"),
    _one(5, "Tom Baker", "Volunteering", "en",
         "Hello,\n\nI'm a retired electrician and would love to help out on Saturdays. Whom should I talk to?\n\nTom"),
    _one(6, "Mailer-Daemon", "Undelivered Mail Returned to Sender", "en",
         "Your message could not be delivered to kees@weg.example: 550 5.1.1 user unknown.", kind="bounce",
         address="mailer-daemon@mail.example"),
    _one(7, "Repair Café International", "Nieuwsbrief december", "nl",
         "Deze maand: 100 nieuwe Repair Cafés, en een handleiding voor stofzuigers.\n\n"
         "Lees verder op https://nieuws.example/december", kind="list", hidden=2),
    _one(8, "Gemeente De Hoek", "Uitnodiging: overleg duurzaamheid", "nl",
         "U bent uitgenodigd voor het overleg op 17 december om 19.30 uur.", kind="invitation",
         attachments=[{"name": "invite.ics", "media_type": "text/calendar", "size": 1_204}]),
    _one(9, "Webshop", "Uw bestelling is verzonden", "nl", "Uw pakket is onderweg.", kind="no-reply",
         address="no-reply@shop.example"),
    _one(11, "Pieter Bos", "Afwezig: Re: Ruimte voor januari", "nl", "Ik ben er weer op 4 januari.", kind="automatic"),
    _one(12, "Dr. Sabine Krüger", "Vertraulich", "", "", kind="encrypted",
         attachments=[{"name": "encrypted.asc", "media_type": "application/pgp-encrypted", "size": 8_811}]),
    _one(14, "Bank Example", "URGENT: your account", "en", EVIL, hidden=3, reply_to="collect@evil.example"),
    _one(20, "", "", "", "", unreadable=True, address="odd@post.example"),
    _one(22, "Fatima El Amrani", "Lamp", "nl", "Kunnen jullie ook een schemerlamp maken? Het snoer is stuk."),
    _one(25, "Hans-Peter von der Donaudampfschifffahrtsgesellschaft", "Anfrage " + "Reparatur" * 20, "de",
         "Ich habe da eine Frage."),
    _one(27, "محمد الأحمد", "إصلاح دراجة", "", "مرحبا، هل يمكنكم إصلاح دراجتي يوم السبت؟"),
    _one(30, "Élodie Dubois", "Don de matériel", "fr",
         "Bonjour, je souhaite vous donner une machine à coudre et deux fers à souder. Êtes-vous intéressés ?"),
    _one(33, "Wim Jansen", "Parkeren", "nl", "Is er parkeergelegenheid bij het buurthuis?"),
    _one(40, "Library Service", "Your poster", "en", "We have hung up your poster. Do you have a Dutch one, too?"),
    _one(47, "Marie Lefèvre", "Merci !", "fr", "Mon grille-pain marche de nouveau. Merci à toute l'équipe !"),
    _one(52, "Familie Schröder", "Spielzeugauto", "de", "Das Auto unseres Sohnes fährt nicht mehr. Können wir kommen?"),
    _one(60, "Sanne Mulder", "Foto's van zaterdag", "nl", "Hierbij de foto's!", cut=True,
         attachments=[{"name": f"foto-{one}.jpg", "media_type": "image/jpeg", "size": 3_100_000} for one in range(8)]),
    _one(75, "Buurtkrant", "Artikel over het Repair Café", "nl", "Mogen wij volgende week iemand interviewen?"),
    _one(80, "Emma Wilson", "Wheelchair", "en", "Is the building accessible with a wheelchair?"),
    _one(100, "Anna de Vries", "Strijkijzer", "nl", "Mijn strijkijzer lekt. Neem ik dat ook mee?"),
    _one(130, "Karim Benali", "Ordinateur lent", "fr", "Mon ordinateur est très lent, pouvez-vous m'aider ?"),
    _one(150, "Uwe Lange", "Messer schärfen", "de", "Schärfen Sie auch Messer?"),
    _one(200, "Stichting Lezen", "Samenwerking", "nl", "Zullen we samen een dag over boeken en lampen organiseren?"),
    Talk("Olga Petrova", "olga@post.example", "Repair of a radio", "en",
         (Letter(260, "Hello, can you repair a valve radio from 1958?"),
          Letter(240, "Dear Olga,\n\nyes: Bert knows them. Come on Saturday.", is_ours=True))),
    _one(300, "Kringloop", "Onderdelen", "nl", "We hebben een doos oude snoeren. Interesse?"),
    _one(500, "Lukas Vogel", "Fahrradlicht", "de", "Mein Licht flackert. Danke!"),
)  # fmt: skip


def box(session: Session) -> Box:
    """The café's mailbox, made if it is not there."""
    found = session.scalar(sa.select(Box).where(Box.account == CAFE))
    if found is None:
        found = Box(kind="gmail", host="", account=CAFE, address=CAFE, forget_key=b"k" * 32)
        session.add(found)
        session.commit()
    return found


def fill(session: Session, talks: Sequence[Talk] = TALKS, now: datetime | None = None) -> Box:
    """Stores the threads, as a fetch that has ended just now."""
    mailbox = box(session)
    for number, talk in enumerate(talks):
        put(session, mailbox, talk, f"{number}-{talk.subject[:20]}", now or datetime.now(UTC))
    end_fetch(session, mailbox, len(talks))
    return mailbox


def end_fetch(session: Session, mailbox: Box, new: int, *, has_more: bool = False, minutes: float = 20) -> None:
    """A fetch that ended so long ago."""
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    session.add(EndedFetch(id=uuid.uuid4(), box_id=mailbox.id, cursor="1", new=new, has_more=has_more, ended_at=at))
    session.commit()


def put(session: Session, mailbox: Box, talk: Talk, key: str, now: datetime) -> None:
    """Stores one thread, in a transaction of its own."""
    readings: dict[str, Reading] = {}
    batch = [fetched for fetched, reading in _mails(talk, key, now) if readings.setdefault(fetched.remote_id, reading)]
    store(session, mailbox, batch, lambda fetched, _address: readings[fetched.remote_id])
    session.commit()


def thread_of(session: Session, subject: str) -> Thread:
    """The thread with that subject."""
    return session.scalars(sa.select(Thread).where(Thread.subject == subject)).one()


def long_talk(mails: int, said: str = "Nog een vraag over de lamp.") -> Talk:
    """A thread with so many mails, half of them ours."""
    letters = [Letter(mails - one, f"{said} ({one})", "> Eerder\n", is_ours=one % 2 == 1) for one in range(mails)]
    return replace(TALKS[0], subject="Lamp", address="lang@post.example", name="Lieke Lang", letters=letters)


def _mails(talk: Talk, key: str, now: datetime) -> Iterator[tuple[Fetched, Reading]]:
    for number, letter in enumerate(talk.letters):
        sender, name = (CAFE, "Repair Café") if letter.is_ours else (talk.address, talk.name)
        empty = Mail((), Part("text/plain"))
        arrived_at = now - timedelta(hours=letter.ago)
        yield (
            Fetched(f"{key}/{number}", key, arrived_at, letter.is_ours, empty),
            Reading(
                **{
                    "message_id": f"{number}.{key}@post.example",
                    "from_name": name,
                    "from_address": sender,
                    "reply_to": talk.address if letter.is_ours else "",
                    "subject": talk.subject,
                    "said": letter.said,
                    "folded": letter.folded,
                    "language": talk.language,
                    "kind": talk.kind,
                    **letter.more,
                }
            ),
        )


def source(mailbox: ScriptedMailbox) -> Source:
    """The café's mailbox, as the app gets it."""
    return replace(mailbox.source(), kind="gmail", host="", account="")
