"""repaircafe.mail.language: no sentence of a mail is taken for another language."""

import re
from pathlib import Path

import pytest

from repaircafe.mail.language import LANGUAGES, language_of

TABLE = (Path(__file__).parent / "sentences.tsv").read_text(encoding="utf-8")
ROWS = [line.split("\t") for line in TABLE.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("language", "sentence"), ROWS)
def test_a_sentence_is_in_its_language(language: str, sentence: str) -> None:
    assert language_of(sentence) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_has_a_hundred_sentences_of_six_to_twelve_words(language: str) -> None:
    words = [len(re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", sentence)) for one, sentence in ROWS if one == language]
    assert len(words) >= 100
    assert {*words} <= {*range(6, 13)}


@pytest.mark.parametrize("count", [3, 4, 5])
def test_the_beginning_of_a_sentence_is_in_its_language_or_in_none(count: int) -> None:
    wrong = [
        (language, start)
        for language, sentence in ROWS
        if language_of(start := " ".join(sentence.split()[:count])) not in (language, "")
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_address_or_a_name_in_another_language_does_not_count(language: str) -> None:
    sentence = next(sentence for one, sentence in ROWS if one == language)
    for more in (
        "https://www.de-het-een.nl/der/die/das",
        "le.la.les@example.fr",
        "Buurthuis De Klinker",
        "(→ the-of.com)",
    ):
        assert language_of(f"{sentence} {more}") == language


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "ok", "123", "Philips HD7766", "😀", "https://www.example.org/the/best", "Jo Bakker"),
        "Hola, ¿puedo llevar mi lámpara el sábado por la mañana?",
        "Puedo llevar una lampara el sabado para que la reparen",
        "Buongiorno, vorrei sapere quando siete aperti sabato prossimo",
        "Dzień dobry, czy mogę przynieść lampę w sobotę?",
        "Hej, kan jag komma med min lampa på lördag eftermiddag?",
        "Hej, må jeg komme med min lampe på lørdag eftermiddag?",
        "Merhaba, cumartesi günü lambamı getirebilir miyim acaba?",
        "Olá, posso levar a minha lâmpada no sábado?",
        "Добрый день, можно принести лампу в субботу?",
        "مرحبا، هل يمكنني إحضار المصباح يوم السبت؟",
        "Thanks! Danke! Merci!",
    ],
)
def test_another_language_or_none_is_not_told(text: str) -> None:
    assert language_of(text) == ""
