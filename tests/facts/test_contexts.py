"""repaircafe.facts.contexts finds what a sentence says of the days in it."""

import pytest

from repaircafe.facts.check import check
from repaircafe.facts.claims import Facts, Kind
from tests.facts.scene import found


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "In oktober telden we 30 bezoekers"),
        ("nl", "In oktober maakten vrijwilligers alles heel"),
        ("nl", "In oktober repareerden Ans en Bob twee lampen"),
        ("nl", "In oktober hebben ze een radio gered"),
        ("nl", "In oktober kwamen er 30"),
        ("nl", "In oktober zijn er 22 lampen gemaakt"),
        ("nl", "In oktober hielpen we 30 mensen"),
        ("de", "Im Oktober halfen wir 30 Gästen"),
        ("de", "Im Oktober haben wir eine Lampe gerettet"),
        ("de", "Im Oktober reparierten Jo und Max zwei Lampen"),
        ("de", "Im Oktober wurde viel gelötet"),
        ("de", "Im Oktober haben wir unser 1000. Gerät repariert"),
        ("fr", "En octobre, elles venaient de loin"),
        ("fr", "En octobre, nous avons sauvé une lampe"),
        ("fr", "En octobre, le café a permis cela"),
        ("en", "In October volunteers mended a lamp"),
        ("en", "In October we brought two"),
        ("en", "In October we have mended a lamp"),
        ("en", "In October it went well"),
        ("", "In October we mended a lamp"),
    ],
)
def test_a_sentence_that_tells_of_the_past_is_known_by_its_verb(language: str, text: str) -> None:
    assert [one.is_past for one in found(text, language) if one.kind is Kind.DATE] == [True]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "In oktober worden ze geholpen"),
        ("nl", "In oktober houden we een repair café"),
        ("nl", "In oktober hebben we veel geduld en geld"),
        ("nl", "In oktober zijn we open. We telden af"),
        ("nl", "In oktober zijn er velden"),
        ("nl", "In oktober bestaan we 10 jaar"),
        ("nl", "In oktober hebben ze een Geest"),
        ("de", "Im Oktober haben wir geöffnet"),
        ("de", "Im Oktober haben Sie ein Gerät"),
        ("de", "Im Oktober arbeiten wir"),
        ("de", "Wir haben im Oktober 2025. Gerettet"),
        ("fr", "En octobre, nous réparons"),
        ("fr", "En octobre, ils pourraient venir"),
        ("en", "In October you are advised to come"),
        ("en", "In October we have a lot of broken and mended lamps"),
        ("en", "In October we need a red bed"),
        ("en", "In October we have a few mended lamps"),
        ("en", "In October we meet\nWe mended a lamp"),
    ],
)
def test_a_sentence_about_the_present_is_not(language: str, text: str) -> None:
    assert [one.is_past for one in found(text, language) if one.kind is Kind.DATE] == [False]


@pytest.mark.parametrize(
    ("language", "text", "closed"),
    [
        ("nl", "Op 5 mei, behalve in juli en augustus", ["juli", "augustus"]),
        ("nl", "In juli zijn we dicht, op 5 mei niet", ["juli"]),
        ("nl", "In juli en augustus, dan zijn we dicht", ["juli", "augustus"]),
        ("nl", "In juli dicht, maar op 5 mei zijn we er wel", ["juli"]),
        ("nl", "Op 5 mei (in juli zijn we dicht)", ["juli"]),
        ("nl", "We zijn er op 5 mei 2027. In juli zijn we dicht", ["juli"]),
        ("nl", "Alles behalve magnetrons, op 5 mei", []),
        ("nl", "Gooi het niet in de bak, kom op 5 mei", []),
        ("nl", "Dicht bij het station op 5 mei", []),
        ("de", "Am 1. Mai kein Repair Café (Feiertag), dafür am 8. Mai", ["1. Mai"]),
        ("de", "Jeden Samstag, außer am 1. Mai", ["1. Mai"]),
        ("fr", "En juillet et en août, nous sommes fermés ; reprise le 4 septembre", ["juillet", "août"]),
        ("fr", "Le 5 juillet à la Ferme du Parc", []),
        ("en", "Last Friday of the month, not in December", ["December"]),
        ("en", "In August we are closed; the session after that is on 10 September", ["August"]),
        ("en", "We are closed\nOn 10 September", []),
        ("en", "Second Saturday (not July)", ["July"]),
        ("en", "Not Saturday 5 July", ["5 July"]),
        ("en", "In July, not at the library", []),
        ("en", "No sessions in the holidays\n(July and August)", []),
        ("en", "We are closed on Sundays (open on 5 May)", []),
        ("en", "We are there on Saturdays (5 May and 12 May), closed on Sundays", []),
        ("de", "In den Sommerferien (Juli und August) geschlossen", ["Juli", "August"]),
        ("de", "Am 1. Mai (im Juli und August) Pause", ["Juli", "August"]),
        ("fr", "Fermeture estivale (en juillet) ; le 5 mai", ["juillet"]),
        ("nl", "In de zomer (juli en augustus) gesloten", ["juli", "augustus"]),
        ("nl", "Niet 5 mei", ["5 mei"]),
    ],
)
def test_a_day_without_a_cafe_is_known_by_its_clause(language: str, text: str, closed: list[str]) -> None:
    assert [one.text for one in found(text, language) if one.is_closed] == closed


@pytest.mark.parametrize(
    ("language", "text", "marked"),
    [
        ("nl", "We beginnen niet om 13.00 uur maar om 14.00 uur.", []),
        ("nl", "We beginnen niet om 13.00 uur maar om 15.00 uur.", ["15.00 uur"]),
        ("de", "Nicht um 13 Uhr, sondern um 14 Uhr geht es los.", []),
        ("fr", "Ce n'est pas le 4 décembre, c'est le 12 décembre.", ["12 décembre"]),
        ("fr", "Ce n'est pas à 13 h mais bien à 14 h que nous ouvrons.", []),
        ("en", "It's not the 4th but the 5th of December.", []),
        ("en", "We are not open at 13:00.", ["13:00"]),
    ],
)
def test_what_a_text_corrects_is_not_said(facts: Facts, language: str, text: str, marked: list[str]) -> None:
    assert [one.claim.text for one in check(text, facts, language)] == marked
