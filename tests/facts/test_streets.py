"""repaircafe.facts.streets reads a street as a whole, with its number where the country writes it."""

import pytest

from repaircafe.facts.check import check, known
from repaircafe.facts.claims import Kind, Street
from repaircafe.settings.definitions import Settings
from tests.facts.scene import WEDNESDAY, found, texts

MEANT = [
    ("Lange Dorpsstraat 1 a", ("lange", "dorpsstr"), "1a"),
    ("Adres Dorpsstraat 1 a", ("adres", "dorpsstr"), "1a"),
    ("Oude Markt 3", ("oude", "markt"), "3"),
    ("Lindenstr. 12", ("lindenstr",), "12"),
    ("Rosa-Luxemburg-Straße 12", ("rosa", "luxemburg", "str"), "12"),
    ("1e Kerkstraat 4", ("1e", "kerkstr"), "4"),
    ("Gentsebaan 12", ("gentsebaan",), "12"),
    ("Italiëlei 6", ("italielei",), "6"),
    ("Laan van Meerdervoort 55", ("laan", "van", "meerdervoort"), "55"),
    ("Unter den Linden 5", ("unter", "den", "linden"), "5"),
    ("Straße des 17. Juni 135", ("str", "des", "17", "juni"), "135"),
    ("Elbchaussee 120", ("elbchaussee",), "120"),
    ("Mariahilfer Straße 12-14", ("mariahilfer", "str"), "12-14"),
    ("12 Station Road", ("station", "road"), "12"),
    ("221B Baker Street", ("baker", "street"), "221b"),
    ("5 Market Pl", ("market", "place"), "5"),
    ("Station Road 44", ("station", "road"), "44"),
    ("3 rue de la Paix", ("rue", "de", "la", "paix"), "3"),
    ("3 Rue De La Paix", ("rue", "de", "la", "paix"), "3"),
    ("12 bis, av. Foch".replace(".", ""), ("avenue", "foch"), "12bis"),
    ("4 Avenue Jean Jaurès", ("avenue", "jean", "jaures"), "4"),
    ("Chaussée de Louvain 34", ("chaussee", "de", "louvain"), "34"),
    ("14 rue du 8-Mai-1945", ("rue", "du", "8", "mai", "1945"), "14"),
    ("5 rue des lilas", ("rue", "des", "lilas"), "5"),
    ("20 Dorpsstraat", ("dorpsstr",), "20"),
    ("3b Lindenallee", ("lindenallee",), "3b"),
]


@pytest.mark.parametrize(("text", "words", "number"), MEANT)
def test_a_street_is_read_as_a_whole(text: str, words: tuple[str, ...], number: str) -> None:
    (claim,) = found(text)
    (value,) = claim.values
    assert isinstance(value, Street)
    assert (claim.kind, claim.text, value.words, value.number) == (Kind.STREET_NUMBER, text, words, number)
    assert texts(f"({text}) ({text})", Kind.STREET_NUMBER) == [text, text], "each occurrence is found"


@pytest.mark.parametrize(
    ("text", "streets"),
    [
        ("17:00 Marktplein", []), ("Am Ring 5, ab morgen", ["Am Ring 5"]), ("Vom Ring 5 Minuten zu Fuß", []),
        ("Markt 14:00", []), ("Op de Markt 14 uur", []), ("Mill Lane 14:00", []), ("Mill Lane 2 pm", []),
        ("17.00 rue Pasteur", []), ("om 17:00\nChurch Street", []), ("In de Dorpsstraat 5 december", []),
        ("Nous sommes au Dorpsstraat 21 à Utrecht", ["Dorpsstraat 21"]), ("Im Jahr 2025", []), ("iPhone 12", []),
        ("Gate 5", []), ("Way 5", []),
        ("Kerkstraat 5. 20 mensen", ["Kerkstraat 5"]), ("Kerkstraat 5 a\nUtrecht", ["Kerkstraat 5 a"]),
        ("REPAIR CAFÉ – KERKSTRAAT 9", ["KERKSTRAAT 9"]), ("Kerkstraat 5 vrijwilligers", ["Kerkstraat 5"]),
    ],
)  # fmt: skip
def test_a_number_that_belongs_to_something_else_is_no_house_number(text: str, streets: list[str]) -> None:
    assert texts(text, Kind.STREET_NUMBER) == streets


@pytest.mark.parametrize(
    "text", ["de Kerkstraat", "in der Lindenstraße", "aan de Oudegracht", "High Street", "rue Pasteur"]
)
def test_a_street_without_a_number_is_a_place(text: str) -> None:
    assert [one.kind for one in found(text)] == [Kind.PLACE]


@pytest.mark.parametrize(
    ("place", "text", "is_right"),
    [
        ("Rue de la Station 47, 1300 Wavre", "rue de la Station 47 (nonante mètres plus loin)", True),
        ("Rue de la Station 47, 1300 Wavre", "rue de la Station 74", False),
        ("Rue Station 47, 1300 Wavre", "rue Station 47", True),
        ("Rue Station 47 a", "rue Station 47", False),
        ("Rue Station 47\na", "rue Station 47", True),
    ],
)
def test_a_street_that_the_place_has_word_for_word_is_right(place: str, text: str, is_right: bool) -> None:
    facts = known(Settings.of({"event_location": place}), WEDNESDAY)
    assert (check(text, facts, "fr") == []) is is_right
