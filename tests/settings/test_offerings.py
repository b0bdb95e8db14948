"""repaircafe.settings.offerings: presets in the reader's language, and own words as they are."""

import re

import pytest
from flask import Flask
from flask_babel import force_locale

from repaircafe.settings.definitions import Settings
from repaircafe.settings.keys import KEYS
from repaircafe.settings.offerings import PRESETS, Offering, listed, listed_in, offerings
from repaircafe.web.languages import LANGUAGES

ENTRIES = ("bikes", "zeefdruk", "Bikes")


def test_a_preset_has_a_label_and_own_words_stay_as_they_are() -> None:
    assert offerings(ENTRIES) == (
        Offering("bikes", PRESETS["bikes"]),
        Offering("", "zeefdruk"),
        Offering("", "Bikes"),
    )
    assert Settings.of({"event_offerings": "clothing, hats"}).offerings[1] == Offering("", "hats")


def test_the_names_that_programs_know_are_presets() -> None:
    assert {"electronics", "clothing", "bikes"} <= PRESETS.keys()
    assert all(re.fullmatch("[a-z]+", key) for key in PRESETS), "each names an icon, too"
    assert ", ".join(PRESETS) == KEYS["event_offerings"].parse(",".join(PRESETS))


@pytest.mark.parametrize("language", ["nl", "de", "fr"])
def test_every_preset_has_its_own_word_in_each_language(app: Flask, language: str) -> None:
    with app.app_context(), force_locale(language):
        assert listed(("bikes",)) != "bikes"
        assert len({str(label) for label in PRESETS.values()}) == len(PRESETS)


def test_a_list_in_several_languages_has_a_line_for_each(app: Flask) -> None:
    with app.app_context():
        assert len(set(listed_in(LANGUAGES, ENTRIES).splitlines())) == len(LANGUAGES)
        assert listed_in(LANGUAGES, ["zeefdruk"]) == "zeefdruk"
        assert listed_in(["en"], ENTRIES) == "bikes, zeefdruk, Bikes"
