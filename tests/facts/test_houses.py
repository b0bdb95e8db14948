"""repaircafe.facts.houses reads a place that is named by its kind, with its name before or after."""

from datetime import date

import pytest

from repaircafe.facts.check import check, known
from repaircafe.facts.claims import House, Kind
from repaircafe.settings.definitions import Settings
from tests.facts.scene import found, texts

MEANT = [
    ("Buurthuis De Kern", ("buurthuis",), ("de", "kern")),
    ("Bücherei", ("bucherei",), ()),
    ("St. Mary's Church", ("church",), ("st", "mary", "s")),
    ("Mill Hall", ("hall",), ("mill",)),
    ("De Kern Library", ("library",), ("de", "kern")),
    ("Greenfield Primary School", ("primary", "school"), ("greenfield",)),
    ("Albert-Schweitzer-Schule", ("schule",), ("albert", "schweitzer")),
    ("Sint-Jozefkerk", ("jozefkerk",), ("st",)),
    ("Gemeindehaus St. Martin", ("gemeindehaus",), ("st", "martin")),
    ("Haus der Begegnung", ("haus", "der"), ("begegnung",)),
    ("école Jules-Ferry", ("ecole",), ("jules", "ferry")),
    ("salle communale", ("salle", "communale"), ()),
    ("parish hall", ("parish", "hall"), ()),
    ("Dorpscentrum", ("dorpscentrum",), ()),
]


@pytest.mark.parametrize(("text", "words", "name"), MEANT)
def test_a_house_is_read_with_its_name(text: str, words: tuple[str, ...], name: tuple[str, ...]) -> None:
    (claim,) = found(text)
    (value,) = claim.values
    assert isinstance(value, House)
    assert (claim.kind, claim.text, value.words, value.name) == (Kind.PLACE, text, words, name)


@pytest.mark.parametrize(
    ("text", "houses"),
    [
        ("Our Library, The Church", ["Library", "Church"]), ("Our Hall, The Hall, the Hall", []),
        ("The Hall and Mill Hall", ["Mill Hall"]), ("tool library, Fahrschule, winkelcentrum", []),
        ("Mill\nHall", []),
        ("Buurthuis\nMaandag", ["Buurthuis"]), ("buurthuis “De Hoek” is open", ["buurthuis “De Hoek”"]),
        ("Buurthuis Zaterdag 5 december", ["Buurthuis"]), ("school holidays", []),
        ("Visit Mill Hall", ["Visit Mill Hall"]),
        ("HERSTELCAFÉ JEUGDHUIS DE KADE", ["JEUGDHUIS DE KADE"]),
        ("rue de l’Église 27", []),
    ],
)  # fmt: skip
def test_only_a_house_is_one(text: str, houses: list[str]) -> None:
    assert texts(text, Kind.PLACE) == houses


@pytest.mark.parametrize(
    ("place", "text", "wrong"),
    [
        ("The Old School House, Totnes", "Come to The Old School House, Totnes", []),
        ("The Old School House, Totnes", "Come to the School House", []),
        ("The Old School House, Totnes", "Come to The Old Mill House School", ["Old Mill House School"]),
        ("Jeugdhuis De Kade", "HERSTELCAFÉ JEUGDHUIS DE KADE", []),
        ("Jeugdhuis De Kade", "HERSTELCAFÉ JEUGDHUIS DE KAAI", ["JEUGDHUIS DE KAAI"]),
    ],
)
def test_a_house_is_known_by_its_words_in_their_order(place: str, text: str, wrong: list[str]) -> None:
    facts = known(Settings.of({"event_location": place}), date(2026, 11, 29))
    assert [one.claim.text for one in check(text, facts, "en" if "Old" in place else "nl")] == wrong


@pytest.mark.parametrize(
    ("text", "houses"),
    [
        ("Gemeindehaus St. Martin Luther steht offen", ["Gemeindehaus St. Martin Luther"]),
        ("Im Gemeindehaus Kaffee trinken", ["Gemeindehaus"]),
        ("Im Gemeindehaus Melanchthon", ["Gemeindehaus Melanchthon"]),
    ],
)
def test_a_german_noun_is_no_name_of_a_house(text: str, houses: list[str]) -> None:
    assert texts(text, Kind.PLACE, "de") == houses
