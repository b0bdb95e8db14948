"""repaircafe.facts.names reads what stands in a place's position, postcodes, and the numbers that are left."""

import pytest

from repaircafe.facts.claims import Kind
from tests.facts.scene import found, texts

TOWNS = [
    ("Dorpsstraat 1 in Utrecht", ["Utrecht"]),
    ("Buurthuis De Kern, te Den Haag", ["Den Haag"]),
    ("3 rue de la Paix à Évreux", ["Évreux"]),
    ("Gemeindehaus in Köln am Samstag", ["Köln"]),
    ("Dorpsstraat 1 in December", []),
    ("Bücherei in März", []),
    ("Dorpsstraat 1\nIn Utrecht", ["Utrecht"]),
    ("Dorpsstraat 1\nUtrecht", ["Utrecht"]),
    ("wij zijn in Utrecht", ["Utrecht"]),
    ("Te Ede en naar Zwolle, nabij Rhenen, near Leeds, at Harlow", ["Ede", "Zwolle", "Rhenen", "Leeds", "Harlow"]),
    ("À Lyon, près de Nice, Près de Metz", ["Lyon", "Nice", "Metz"]),
    ("begin Ubbena, pate Ubbena, chat Ubbena, Ubbena.", []),
    ("in utrecht, in UTRECHT", ["UTRECHT"]),
    ("In The Hague or at The Old Mill", ["The Hague", "The Old Mill"]),
    ("in The, in Den, in St", []),
    (
        "in St. Gallen, in 's-Hertogenbosch, in Ede-Zuid, in Ox-Bow",
        ["St. Gallen", "'s-Hertogenbosch", "Ede-Zuid", "Ox-Bow"],
    ),
    ("Merci à Marie, conseil à Paul, Made in China, adressez à Léa", []),
    ("in Utrecht\nWij zijn er", ["Utrecht"]),
    ("Dorpsstraat 1, Utrecht.", ["Utrecht"]),
    ("Dorpsstraat 1, Utrecht", ["Utrecht"]),
    ("(Dorpsstraat 1, Den Haag)", ["Den Haag"]),
    ("Dorpsstraat 1, Samstag und Sonntag; Dorpsstraat 1, Kaffee und Kuchen", []),
    ("Dorpsstraat 1, December!", []),
    ("Repair Café Ubbena: kom! Repair-Café de Ubbena", ["Ubbena", "Ubbena"]),
    ("inwoners van Ubbena, people of Ubbena, back to Ubbena, habitants de la Drôme", ["Ubbena"] * 3 + ["Drôme"]),
    ("Jan van Dijk, listen to Anna, amis de Paul", []),
    ("Direction Ubbena, nach Ubbena, dicht bij Ubbena, in der Nähe von Ubbena", ["Ubbena"] * 4),
    ("1234 AB Ede, 3512 XY Den Haag", ["Ede", "Den Haag"]),
    ("1234 AB\nWij zijn er. 1234 AB, Zaal", []),
    ("Waar: De Kaap, Utrecht. Lieu : Le Moulin Vert", ["De Kaap", "Utrecht", "Le Moulin Vert"]),
    ("De Eik, Dorpsstraat 1", ["De Eik"]),
    ("in Utrecht, Freiburg und Hannover", ["Utrecht", "Freiburg", "Hannover"]),
]
GERMAN = [
    ("in Absprache, in Begleitung, in Stadtnähe, in Repair-Cafés, in Tüten, in Ihrer, in Reparatur, in Teamarbeit", []),
    ("48683 Ahaus, in Ruhe", ["Ahaus"]),
    (
        "in Köln, in Göttingen, in Utrecht, in Karlsruhe, in Wernigerode, in Wuppertal-Barmen, in St. Gallen",
        ["Köln", "Göttingen", "Utrecht", "Karlsruhe", "Wernigerode", "Wuppertal-Barmen", "St. Gallen"],
    ),
]
"""In German every noun has a capital, so one after "in" need not be a town."""


@pytest.mark.parametrize(("text", "towns"), TOWNS)
def test_a_capital_in_a_places_position_is_a_name(text: str, towns: list[str]) -> None:
    assert texts(text, Kind.NAME) == towns


@pytest.mark.parametrize(("text", "towns"), GERMAN)
def test_a_german_noun_is_not_a_town(text: str, towns: list[str]) -> None:
    assert texts(text, Kind.NAME, "de") == towns


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("3512 AB", ["3512 AB"]), ("In 50674 Köln, 75000 Paris", ["50674", "75000"]), ("MAART 2027 IN UTRECHT", []),
        ("Gerlisbergstrasse 4, 8305 Dietlikon", ["8305"]), ("CH-8001 Zürich", ["8001"]), ("PLZ 35120", ["35120"]),
        ("SW1A 1AA, H2X 1Y4, LS1 4AP", ["SW1A 1AA", "H2X 1Y4", "LS1 4AP"]), ("Über 10000 Geräte", []),
        ("Mehr als 10000 Lampen", []), ("Schon 12000 Reparaturen", []), ("Postcode 512 AB, 2512 AB", ["2512 AB"]),
        ("Italiëlei 6, 2000 Antwerpen", ["2000"]), ("2027 Repair Café", []),
        ("Ort: 8305 Dietlikon", ["8305"]),
    ],
)  # fmt: skip
def test_a_postcode_stands_in_an_address(text: str, codes: list[str]) -> None:
    assert texts(text, Kind.POSTCODE) == codes


@pytest.mark.parametrize(
    ("text", "language", "kind"),
    [
        ("20 repairs", "en", Kind.COUNT), ("om 14 apparaten", "nl", Kind.NUMBER), ("Im 2. Stock", "de", Kind.COUNT),
        ("See 2. Next", "en", Kind.NUMBER),
        ("twee apparaten", "nl", Kind.COUNT), ("40 Länder", "de", Kind.COUNT),
        ("room 3.12", "en", Kind.COUNT), ("version 2.10", "en", Kind.COUNT), ("Buslinie 12", "de", Kind.COUNT),
        ("A4", "", Kind.COUNT), ("230V", "", Kind.COUNT), ("75%", "", Kind.COUNT),
        ("Over 3,000 cafés", "en", Kind.COUNT),
        ("COVID-19", "", Kind.COUNT), ("12", "", Kind.NUMBER), ("2031", "", Kind.NUMBER), ("twelve", "en", Kind.NUMBER),
        ("14 Gruetli", "en", Kind.NUMBER), ("sinds 2012", "nl", Kind.NUMBER),
    ],
)  # fmt: skip
def test_a_number_that_is_left_is_a_count_or_unknown(text: str, language: str, kind: Kind) -> None:
    assert {one.kind for one in found(text, language)} - {Kind.NAME} == {kind}
