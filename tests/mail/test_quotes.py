"""repaircafe.mail.quotes: quotes and signatures are folded, answers and forwarded mails are not; nothing is lost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.mail.quotes import folded, pieces_of, said


def _said(text: str, is_forwarded: bool = False) -> str:
    return said(pieces_of(text, is_forwarded)).strip()


_LINES = (
    *(
        "> quoted",
        ">> deeper",
        ">",
        "",
        "said",
        "On Tue, 24 Nov 2026 at 15:04, Jo <jo@example.org> wrote:",
        "-- ",
        "--",
    ),
    *(
        "Op 24-11-2026 om 15:04 schreef Jo:",
        "-----Original Message-----",
        "Van: Jo",
        "Aan: café",
        "Onderwerp: x",
        "_" * 32,
    ),
    *(
        "Verzonden: vandaag",
        "Sent from my iPhone",
        "Begin forwarded message:",
        "> Begin forwarded message:",
        "a:",
        "Le 1",
    ),
)


@given(st.lists(st.sampled_from(_LINES), max_size=30), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_said_and_folded_are_all_lines(lines: list[str], end: str, is_forwarded: bool) -> None:
    text = end.join(lines)
    pieces = pieces_of(text, is_forwarded)
    assert "".join(one.text for one in pieces) == text
    assert sorted((said(pieces) + folded(pieces)).replace("\r", "")) == sorted(text.replace("\r", ""))
    assert all(one.is_folded != other.is_folded for one, other in pairwise(pieces))


@given(st.text(max_size=500), st.booleans())
def test_said_and_folded_are_all_characters(text: str, is_forwarded: bool) -> None:
    pieces = pieces_of(text, is_forwarded)
    assert "".join(one.text for one in pieces) == text
    assert len(said(pieces)) + len(folded(pieces)) == len(text)


ATTRIBUTIONS = [
    "On Mon, Nov 23, 2026 at 3:04 PM Jo Bakker <jo@example.org> wrote:",
    "On 23 Nov 2026, at 15:04, Jo <jo@example.org> wrote:",
    "On 2026-11-23 15:04, Jo wrote:",
    "On 23/11/2026 15:04, Jo wrote:",
    "Jo B. <jo@example.org> wrote:",
    "Jo wrote on 23 November 2026 15:04:",
    "At 15:04 23-11-2026, Jo wrote:",
    "Op ma 23 nov 2026 om 15:04 schreef Jo Bakker <jo@example.org>:",
    "Op 23-11-2026 om 15:04 schreef Jo Bakker:",
    "Op 23 nov. 2026 om 15:04 heeft Jo <jo@example.org> het volgende geschreven:",
    "Op maandag 23 november 2026 15:04 schreef Jo <jo@example.org>:",
    "Jo <jo@example.org> schreef op 23 november 2026 15:04:",
    "Op 23 november 2026 15:04:12 CET schreef Jo <jo@example.org>:",
    "Am Mo., 23. Nov. 2026 um 15:04 Uhr schrieb Jo <jo@example.org>:",
    "Am 23.11.2026 um 15:04 schrieb Jo Bäcker:",
    'Am 23.11.26, 15:04 schrieb "Jo Bäcker" <jo@example.org>:',
    "Jo <jo@example.org> hat am 23.11.2026 15:04 CET geschrieben:",
    "Jo Bäcker schrieb am Montag, 23. November 2026, 15:04 Uhr:",
    "Am Montag, 23. November 2026 um 15:04:00 MEZ hat Jo <jo@example.org> Folgendes geschrieben:",
    "Le lun. 23 nov. 2026 à 15:04, Jo <jo@example.org> a écrit :",
    "Le 23/11/2026 à 15:04, Jo a écrit :",
    "Le lundi 23 novembre 2026 à 15:04:00 UTC+1, Jo <jo@example.org> a écrit :",
    "Jo <jo@example.org> a écrit le 23/11/2026 15:04 :",
    "Le 23 nov. 2026 15:04, Jo <jo@example.org> a écrit\u00a0:",
    "2026-11-23 15:04 GMT+01:00 Jo Bakker <jo@example.org>:",
    "23 nov. 2026 15:04 door jo@example.org:",
    "23. Nov. 2026, 15:04 von jo@example.org:",
    "Nov 23, 2026, 15:04 by jo@example.org:",
    "Jo schreef op 2026-11-23 15:04:",
    "Am 23.11.2026 15:04 schrieb Jo:",
    "Le 23.11.2026 15:04, Jo a écrit :",
    "On 23 Nov 2026 at 15:04 +0100, Jo <jo@example.org>, wrote:",
]


@pytest.mark.parametrize("line", ATTRIBUTIONS)
def test_the_line_above_a_quote_is_folded(line: str) -> None:
    assert _said(f"Dank!\n\n{line}\n\n> quoted\n> more\n") == "Dank!"
    assert _said(f"{line}\n> quoted\n\nanswer\n\n> more\n") == "answer"
    middle = line.rfind(" ", 0, len(line) // 2 + 4)
    if any(one.isdigit() for one in line[:middle]):  # a name alone on a line tells nothing
        assert _said(f"Dank!\n\n{line[:middle]}\n{line[middle + 1 :]}\n> quoted\n") == "Dank!"


@pytest.mark.parametrize(
    "line",
    [one for one in ATTRIBUTIONS if "15:04" in one and not one.endswith("jo@example.org:") and "GMT+" not in one],
)
def test_without_a_sign_all_below_a_sure_line_is_folded(line: str) -> None:
    assert _said(f"Dank!\n\n{line}\n\nquoted\n\nmore\n") == "Dank!"


@pytest.mark.parametrize(
    "text",
    [
        "Hallo,\nOp zaterdag 12 december om 13:30 schreef u:\nkom gerust langs.\nMaar hoe laat sluit u?",
        "Hi,\nOn Saturday at 13:30 I wrote:\nplease call me.",
        "Dit heb ik meegenomen:\n- een lamp\n- een fiets",
        "Am Samstag, 12. Dezember:\nkann ich kommen?",
        "Bonjour,\nLe samedi 12 à 14:00 :\nest-ce possible ?",
        "Van: Jo\nE-mail: jo@example.org\nOnderwerp: Lamp\nDatum: 24-11-2026\nAan: Café\n\nMijn lamp is stuk.",
        "Naam: Jo\nE-mail: jo@example.org\nOnderwerp: Lamp\nDatum: 24-11-2026\nVan: site\nBericht: Mijn lamp is stuk.",
        "Dag,\n\nVan: Jo\nOnderwerp: Lamp\nDatum: 24-11-2026\nTelefoon: 1\n\nMijn lamp is stuk.",
        "De vraag is: kan het?\nVan mij: ja.",
        "Sent from my workshop: the lamp, the kettle and the radio.",
        "Verzonden met veel plezier!",
        "Von meinem Bruder habe ich das Gerät bekommen.",
        "a -- b\n- c\n--- d",
        "--\n" + "\n".join(f"point {one}" for one in range(40)),
        "-------- \nThis is a line.",
        "Betreff: Lampe",
    ],
)
def test_what_only_looks_like_it_is_said(text: str) -> None:
    assert _said(text) == text.strip()


BLOCKS = [
    ("From", "Sent", "To", "Subject"),
    ("Van", "Verzonden", "Aan", "Onderwerp"),
    ("Van", "Datum", "Aan", "Onderwerp"),
    ("Von", "Gesendet", "An", "Betreff"),
    ("Gesendet", "Von", "An", "Betreff"),
    ("Von", "Datum", "An", "Betreff"),
    ("De", "Envoyé", "À", "Objet"),
    ("De", "Date", "À", "Objet"),
    ("*From*", "*Sent*", "*To*", "*Subject*"),
    ("Date", "Subject", "From", "To"),
]


@pytest.mark.parametrize("labels", BLOCKS)
@pytest.mark.parametrize(
    ("sign", "above"), [(": ", ""), (" : ", "_" * 32 + "\n"), (": ", "-----Oorspronkelijk bericht-----\n")]
)
def test_a_block_and_all_below_it_is_folded(labels: tuple[str, ...], sign: str, above: str) -> None:
    block = "\n".join(f"{one}{sign}Jo <jo@example.org>" for one in labels)
    long = block.replace("\n", ";\n  Bo <bo@example.org>;\n  Cy <cy@example.org>\n", 1)
    for one in (block, long, f"{block}\nCc{sign}x@y.example"):
        assert _said(f"Dank!\n\n{above}{one}\n\nquoted\n\nmore\n") == "Dank!"


@pytest.mark.parametrize(
    "line",
    [
        *(
            ">>> Jo Bakker <jo@example.org> 24-11-2026 15:04 >>>",
            "-----Original-Nachricht-----",
            "----- Mail original -----",
        ),
        *("-----Oorspronkelijk bericht-----", "-----Ursprüngliche Nachricht-----", "-----Message d'origine-----"),
        *("-----Original Message-----", "________ Original Message ________"),
    ],
)
def test_a_line_that_begins_the_old_mail_folds_it(line: str) -> None:
    assert _said(f"Dank!\n\n{line}\nBetreff: Re: x\nDatum: 2026-11-24\nVon: Jo\n\nquoted\n") == "Dank!"
    assert _said(f"Dank!\n\n{line}\nquoted, without a block\n") == "Dank!"


def test_a_block_of_two_fields_is_said() -> None:
    text = "Wat ik weet:\nVan: mijn tante\nOnderwerp: de naaimachine"
    assert _said(text) == text


@pytest.mark.parametrize("labels", BLOCKS)
@pytest.mark.parametrize(
    "above",
    [
        "---------- Forwarded message ---------",
        "---------- Doorgestuurd bericht ---------",
        "-------- Weitergeleitete Nachricht --------",
        "---------- Message transféré ---------",
        "Begin doorgestuurd bericht:",
        "Anfang der weitergeleiteten Nachricht:",
        "Début du message réexpédié :",
    ],
)
def test_a_forwarded_message_is_said(above: str, labels: tuple[str, ...]) -> None:
    block = "\n".join(f"{one}: Jo" for one in labels)
    text = f"Kijk eens:\n\n{above}\n{block}\n\nKan dit?"
    assert _said(text) == text
    assert _said(f"{text}\n\nOn 24/11/2026 15:04, Bo wrote:\n> older") == text
    signed = "\n".join(f"> {one}" for one in text.split("\n"))
    assert _said(signed.replace("> Kijk eens:\n> \n", "")) != ""


def test_what_outlook_forwards_is_said_and_what_that_answered_is_not() -> None:
    block = "Van: Jo\nVerzonden: gisteren\nAan: Bo\nOnderwerp: Lamp"
    text = f"Kijk eens\n\n{block}\n\nKan dit?"
    assert _said(f"{text}\n\n{block}\n\nouder", is_forwarded=True) == text
    assert _said(f"{text}\n\n{block}\n\nouder") == "Kijk eens"


DEVICES = [
    *(
        "Outlook voor iOS (→ aka.ms) downloaden",
        "Outlook für Android beziehen (→ aka.ms)",
        "Get Outlook for iOS (→ aka.ms)",
    ),
    *(
        "Verstuurd vanaf mijn iPhone",
        "Verzonden met Outlook voor Android",
        "Verzonden vanaf mijn Samsung Galaxy-smartphone.",
    ),
    *(
        "Outlook voor Android downloaden",
        "Verstuurd met Proton Mail",
        "Verzonden vanuit Mail voor Windows",
        "Virusvrij.www.avg.com",
    ),
    *("Von meinem iPad gesendet", "Von meinem Samsung Galaxy Smartphone gesendet.", "Gesendet mit der GMX Mail App"),
    *("Gesendet von Mail für Windows", "Outlook für Android beziehen", "Gesendet mit der mobilen Mail App"),
    *(
        "Diese Nachricht wurde von meinem Android Mobiltelefon mit WEB.DE Mail gesendet.",
        "Gesendet von Outlook für iOS",
    ),
    *("Envoyé de mon iPhone", "Envoyé depuis mon appareil Samsung", "Télécharger Outlook pour Android"),
    *(
        "Envoyé à partir de Outlook pour Android",
        "Envoyé depuis l’application Mail Orange",
        "Provenance : Courrier pour Windows",
    ),
    *(
        "Sent from my iPhone",
        "Sent from Outlook for Android<https://aka.ms/AAb9ysg>",
        "Get Outlook for iOS",
        "> Sent from my iPad",
    ),
    *(
        "Sent from Yahoo Mail on Android",
        "Sent with Proton Mail secure email.",
        "Sent from my Galaxy",
        "Virus-free.www.avast.com",
    ),
    *(
        "Sent from my BlackBerry 10 smartphone.",
        "-- Sent from my Android phone with K-9 Mail. Please excuse my brevity.",
    ),
]


@pytest.mark.parametrize("line", DEVICES)
def test_what_a_telephone_says_about_itself_is_folded(line: str) -> None:
    assert _said(f"Dank!\n\n{line}\n") == "Dank!"
    assert _said(f"Dank!\n{line}\n\nOn 24/11/2026 15:04, Bo wrote:\n> older") == "Dank!"


def test_a_signature_is_folded_up_to_a_quote() -> None:
    text = "Dank!\n-- \nJo\nTel. 1\n\nOp 24-11-2026 om 15:04 schreef Bo:\n> vraag\nantwoord\n"
    assert _said(text) == "Dank!\nantwoord"
    assert _said("Dank!\n--\nJo\n") == "Dank!"


def test_empty_lines_go_with_what_they_end() -> None:
    assert [one.text for one in pieces_of("a\n\n> b\n\n> c\n\nd\n> e\n\n\n")] == [
        "a\n\n",
        "> b\n\n> c\n",
        "\nd\n",
        "> e\n\n\n",
    ]
