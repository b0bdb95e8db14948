"""repaircafe.web.languages: every page in four languages, chosen by the browser or by the reader."""

import ast
import io
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from repaircafe.environment import PROJECT
from repaircafe.llm import check as llm_check
from repaircafe.web.languages import LANGUAGES
from tests.conftest import MakeApp
from tests.harness.client import HTML, PASSWORD, csrf_token, sign_in

TRANSLATED = sorted(set(LANGUAGES) - {"en"})
KEYWORDS = {"_", "_l", "gettext", "ngettext"}
TITLES = {"nl": "Instellingen", "de": "Einstellungen", "fr": "Réglages", "en": "Settings"}
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[.\d]*[a-z%]")
LITERAL = re.compile(r"[A-Z]+_[A-Z_]*[A-Z]|\.env\b|sudo [a-z -]+|https?://[\w.:/]*\w|llama3\.2:3b")
"""Text that is the same in every language: names of variables, files, commands and addresses."""


def path(language: str) -> Path:
    """Its catalogue."""
    return PROJECT / "repaircafe" / "translations" / language / "LC_MESSAGES" / "messages.po"


def catalogue(language: str) -> Catalog:
    """What a language has."""
    with path(language).open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def words(found: Catalog) -> list[Message]:
    """All that is in it; its header is a message, too."""
    return [message for message in found if message.id]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Every word of the pages, as `make translations` finds them."""
    template = tmp_path_factory.mktemp("words") / "messages.pot"
    babel = [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "pyproject.toml"]
    options = ["--no-location", "--sort-by-file", "-o", str(template)]
    subprocess.run([*babel, *options, "repaircafe", "templates"], cwd=PROJECT, check=True)
    with template.open("rb") as file:
        return read_po(file)


def in_f_strings(code: str) -> list[str]:
    """The calls for translation inside f-strings: Babel finds them only from Python 3.12 on."""
    return sorted(
        {
            ast.unparse(call)
            for string in ast.walk(ast.parse(code))
            if isinstance(string, ast.JoinedStr)
            for call in ast.walk(string)
            if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] in KEYWORDS
        }
    )


def texts(said: Any) -> list[str]:
    """The one text of a message, or all its plural forms."""
    return [said] if isinstance(said, str) else list(said)


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_is_untranslated_or_left_over(language: str, said: Catalog) -> None:
    known = catalogue(language)
    assert {str(one.id) for one in words(known)} == {str(one.id) for one in words(said)}
    assert not known.obsolete
    for message in words(known):
        assert all(text.strip() for text in texts(message.string)), message.id
        assert not message.fuzzy


@pytest.mark.parametrize("language", TRANSLATED)
def test_make_translations_changes_nothing_while_no_text_changes(language: str, said: Catalog) -> None:
    """Neither dates nor the order of the files in a folder: a change of a catalogue shows what was changed."""
    known, written = catalogue(language), io.BytesIO()
    known.update(said, no_fuzzy_matching=True, update_creation_date=False)
    write_po(written, known, width=0, ignore_obsolete=True)
    assert written.getvalue() == path(language).read_bytes(), "run make translations"


def test_no_translated_text_is_inside_an_f_string() -> None:
    files = (PROJECT / "repaircafe").rglob("*.py")
    found = {str(path.relative_to(PROJECT)): in_f_strings(path.read_text()) for path in files}
    assert {path: words for path, words in found.items() if words} == {}
    assert in_f_strings("""f"# {_('a')} {babel.ngettext('b', 'c', n)!s:>{_l('d')}}" + _('e')""") == [
        "_('a')",
        "_l('d')",
        "babel.ngettext('b', 'c', n)",
    ]


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_placeholders_and_commands(language: str) -> None:
    for message in words(catalogue(language)):
        for text in texts(message.string):
            for pattern in (PLACEHOLDER, LITERAL):
                assert sorted(pattern.findall(text)) == sorted(pattern.findall(texts(message.id)[-1])), text


def test_french_punctuation_never_begins_a_line_and_its_apostrophe_is_typographic() -> None:
    """Its colons, exclamation marks and quotation marks stand apart (Lexique des règles typographiques)."""
    for message in words(catalogue("fr")):
        for text in texts(message.string):
            assert re.findall(r".{0,20}(?: [:;!?»]|« |\w'\w)", text) == []
            assert re.findall(r".{0,20}\w[!?;»](?=\s|$)", text) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_browser_chooses_the_language(client: FlaskClient, language: str) -> None:
    asked = f"xx, {language}-XX;q=0.9, {'en' if language != 'en' else 'de'};q=0.5"
    page = client.get("/config", headers={**HTML, "Accept-Language": asked}).text
    assert f'<html lang="{language}">' in page
    assert f"<h1>{TITLES[language]}</h1>" in page


@pytest.mark.parametrize("asked", ["", "*", "xx", "pl,cs;q=0.9", "zz-" * 500, ";;;q=x"])
def test_an_unknown_language_is_answered_in_english(client: FlaskClient, asked: str) -> None:
    assert '<html lang="en">' in client.get("/", headers={**HTML, "Accept-Language": asked}).text


def test_the_readers_choice_replaces_the_browsers_and_lasts(make_app: MakeApp) -> None:
    client = make_app(operator_password=PASSWORD).test_client()
    page = client.get("/chat/new", headers=HTML).text
    answer = client.post(
        "/language", data={"csrf_token": csrf_token(page), "language": "nl", "back": "/chat/earlier?q=x"}
    )
    assert (answer.status_code, answer.location) == (303, "/chat/earlier?q=x")
    german = {**HTML, "Accept-Language": "de"}
    assert '<html lang="nl">' in client.get("/", headers=german).text
    sign_in(client)
    shown = client.get("/config", headers=german).text
    assert "<h1>Instellingen</h1>" in shown
    out = client.post("/sign-out", data={"csrf_token": csrf_token(shown)})
    assert "Expires=" in out.headers["Set-Cookie"], "the cookie still outlives the browser's window"
    assert '<html lang="nl">' in client.get("/", headers=german).text


def test_the_choice_leads_back_to_a_page_and_never_to_an_address_for_forms_only(client: FlaskClient) -> None:
    back = re.compile(r'name="back" value="([^"]*)"')
    page = client.get("/chat/earlier?q=x", headers=HTML).text
    assert back.findall(page) == ["/chat/earlier?q=x"]
    sent = {"csrf_token": csrf_token(page)}
    for path, leads_to in (
        (f"/chat/{uuid.uuid4()}/forget", "/"),
        ("/config/models", "/config/models"),
        ("/nowhere?x=1", "/"),
    ):
        answer = client.post(path, data=sent, headers=HTML)
        assert (answer.status_code >= 400, back.findall(answer.text)) == (True, [leads_to]), path
    assert back.findall(client.get("/nowhere", headers=HTML).text) == ["/nowhere"]


@pytest.mark.parametrize(
    ("language", "back"), [("xx", "/"), ("", "/"), ("nl", "https://evil.example"), ("nl", "//evil")]
)
def test_an_unknown_language_or_a_foreign_address_is_ignored(client: FlaskClient, language: str, back: str) -> None:
    form = {"csrf_token": csrf_token(client.get("/chat/new", headers=HTML).text), "language": language, "back": back}
    answer = client.post("/language", data=form)
    assert (answer.status_code, answer.location) == (303, "/")
    if language != "nl":
        assert '<html lang="en">' in client.get("/", headers=HTML).text


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("nl", "zaterdag 5 december 2099"),
        ("de", "Samstag, 5. Dezember 2099"),
        ("fr", "samedi 5 décembre 2099"),
        ("en", "Saturday, 5 December 2099"),
    ],
)
def test_dates_follow_each_languages_format(client: FlaskClient, language: str, day: str) -> None:
    client.post("/config", json={"event_date": "2099-12-05"})
    assert day in client.get("/dates", headers={**HTML, "Accept-Language": language}).text


def test_the_first_of_a_month_is_an_ordinal_in_french(client: FlaskClient) -> None:
    client.post("/config", json={"event_date": "2099-05-01"})
    said = {
        language: client.get("/dates", headers={**HTML, "Accept-Language": language}).text
        for language in ("fr", "nl", "de")
    }
    assert "vendredi 1er mai 2099" in said["fr"]
    assert "vrijdag 1 mei 2099" in said["nl"]
    assert "Freitag, 1. Mai 2099" in said["de"]
    client.post("/config", json={"event_date": "2099-05-11"})
    assert "lundi 11 mai 2099" in client.get("/dates", headers={**HTML, "Accept-Language": "fr"}).text


def test_numbers_follow_each_languages_format(app: Flask) -> None:
    found = llm_check._since(time.monotonic() - 1.23)
    for language, comma in (("nl", ","), ("de", ","), ("fr", ","), ("en", ".")):
        with app.test_request_context(headers={"Accept-Language": language}):
            assert str(found)[1] == comma


def test_errors_and_reasons_are_in_the_readers_language(client: FlaskClient) -> None:
    dutch = {**HTML, "Accept-Language": "nl"}
    assert "Die pagina bestaat niet." in client.get("/nowhere", headers=dutch).text
    assert "Er is geen taalmodel ingesteld." in client.get("/health", headers=dutch).text
    wrong = {"csrf_token": csrf_token(client.get("/config", headers=dutch).text), "event_date": "5 december"}
    assert "Dit is geen datum." in client.post("/config", data=wrong, headers=dutch).text


def test_commands_speak_english(runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "nl_NL.UTF-8")
    monkeypatch.setenv("LANGUAGE", "nl")
    assert "No language model is set up." in runner.invoke(args=["config-test", "llm"]).output


def test_programs_get_english_whatever_language_they_request(client: FlaskClient) -> None:
    dutch = {"Accept": "application/json", "Accept-Language": "nl"}
    client.post("/config", json={"llm_endpoint": "http://127.0.0.1:9"})
    health = client.get("/health", headers=dutch).get_json()
    assert health["error"] == "llm: The language model is not running."
    assert health["services"][0]["detail"].startswith("Migration ")
    tested = client.post("/config/test/db", json={}, headers=dutch).get_json()
    assert tested["steps"][-1]["detail"] == tested["detail"] == health["services"][0]["detail"]
    assert "Migratie" in client.get("/health", headers={**HTML, "Accept-Language": "nl"}).text
