"""repaircafe.web.languages: every page in four languages, chosen by the browser or by whoever reads."""

import ast
import re
import time
import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from repaircafe.environment import PROJECT
from repaircafe.health import checks
from repaircafe.web.languages import LANGUAGES
from tests import catalogues
from tests.client import HTML, PASSWORD, csrf_token, sign_in
from tests.conftest import MakeApp

TITLES = {"nl": "Instellingen", "de": "Einstellungen", "fr": "Réglages", "en": "Settings"}
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[.\d]*[a-z%]")
LITERAL = re.compile(r"[A-Z]+_[A-Z_]*[A-Z]|\.env\b|sudo [a-z -]+|https?://[\w.:/]*\w|llama3\.2:3b")
"""What is the same in every language: names of variables, files, commands and addresses."""


def in_f_strings(code: str) -> list[str]:
    """Words that Babel finds there from Python 3.12 on, and misses before."""
    return sorted(
        {
            ast.unparse(call)
            for string in ast.walk(ast.parse(code))
            if isinstance(string, ast.JoinedStr)
            for call in ast.walk(string)
            if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] in catalogues.KEYWORDS
        }
    )


def texts(said: Any) -> list[str]:
    """One, or the forms of a plural."""
    return [said] if isinstance(said, str) else list(said)


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_no_word_is_untranslated_or_left_over(language: str) -> None:
    known, said = catalogues.read(language), catalogues.said()
    ids = {one.id if isinstance(one.id, str) else tuple(one.id) for one in said}
    assert set(known) == ids
    for message in known.values():
        assert all(text.strip() for text in texts(message.string)), message.id
        assert not message.fuzzy


def test_no_word_stands_in_an_f_string() -> None:
    files = (PROJECT / "repaircafe").rglob("*.py")
    found = {str(path.relative_to(PROJECT)): in_f_strings(path.read_text()) for path in files}
    assert {path: words for path, words in found.items() if words} == {}
    assert in_f_strings("""f"# {_('a')} {babel.ngettext('b', 'c', n)!s:>{_l('d')}}" + _('e')""") == [
        "_('a')",
        "_l('d')",
        "babel.ngettext('b', 'c', n)",
    ]


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_what_is_filled_in_and_what_is_typed_at_a_prompt_is_the_same(language: str) -> None:
    for message in catalogues.read(language).values():
        for text in texts(message.string):
            for pattern in (PLACEHOLDER, LITERAL):
                assert sorted(pattern.findall(text)) == sorted(pattern.findall(texts(message.id)[-1])), text


def test_french_punctuation_begins_no_line_and_its_apostrophe_is_one() -> None:
    """Its colons, exclamation marks and quotation marks stand apart (Lexique des règles typographiques)."""
    for message in catalogues.read("fr").values():
        for text in texts(message.string):
            assert re.findall(r".{0,20}(?: [:;!?»]|« |\w'\w)", text) == []
            assert re.findall(r".{0,20}\w[!?;»](?=\s|$)", text) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_browser_chooses(client: FlaskClient, language: str) -> None:
    asked = f"xx, {language}-XX;q=0.9, {'en' if language != 'en' else 'de'};q=0.5"
    page = client.get("/config", headers={**HTML, "Accept-Language": asked}).text
    assert f'<html lang="{language}">' in page
    assert f"<h1>{TITLES[language]}</h1>" in page


@pytest.mark.parametrize("asked", ["", "*", "xx", "pl,cs;q=0.9", "zz-" * 500, ";;;q=x"])
def test_what_nobody_speaks_is_answered_in_english(client: FlaskClient, asked: str) -> None:
    assert '<html lang="en">' in client.get("/", headers={**HTML, "Accept-Language": asked}).text


def test_the_reader_chooses_otherwise_and_it_stays_so(make_app: MakeApp) -> None:
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
    assert "Expires=" in out.headers["Set-Cookie"], "it outlives the browser's window, as before"
    assert '<html lang="nl">' in client.get("/", headers=german).text


def test_it_leads_back_to_a_page_and_not_to_what_a_form_alone_leads_to(client: FlaskClient) -> None:
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
def test_what_is_no_language_or_no_page_of_ours_is_not_gone_along_with(
    client: FlaskClient, language: str, back: str
) -> None:
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
def test_dates_are_as_each_language_writes_them(client: FlaskClient, language: str, day: str) -> None:
    client.post("/config", json={"event_date": "2099-12-05"})
    assert day in client.get("/", headers={**HTML, "Accept-Language": language}).text


def test_the_first_of_a_month_is_an_ordinal_in_french(client: FlaskClient) -> None:
    client.post("/config", json={"event_date": "2099-05-01"})
    said = {
        language: client.get("/poster", headers={**HTML, "Accept-Language": language}).text
        for language in ("fr", "nl", "de")
    }
    assert "vendredi 1er mai 2099" in said["fr"]
    assert "vrijdag 1 mei 2099" in said["nl"]
    assert "Freitag, 1. Mai 2099" in said["de"]
    client.post("/config", json={"event_date": "2099-05-11"})
    assert "lundi 11 mai 2099" in client.get("/", headers={**HTML, "Accept-Language": "fr"}).text


def test_numbers_are_as_each_language_writes_them(app: Flask) -> None:
    found = checks._since(time.monotonic() - 1.23)
    for language, comma in (("nl", ","), ("de", ","), ("fr", ","), ("en", ".")):
        with app.test_request_context(headers={"Accept-Language": language}):
            assert str(found)[1] == comma


def test_errors_and_reasons_are_told_in_the_readers_language(client: FlaskClient) -> None:
    dutch = {**HTML, "Accept-Language": "nl"}
    assert "Die pagina is er niet." in client.get("/nowhere", headers=dutch).text
    assert "Er is geen taalmodel ingesteld." in client.get("/health", headers=dutch).text
    wrong = {"csrf_token": csrf_token(client.get("/config", headers=dutch).text), "event_date": "5 december"}
    assert "Dit is geen datum." in client.post("/config", data=wrong, headers=dutch).text


def test_commands_speak_english(runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "nl_NL.UTF-8")
    monkeypatch.setenv("LANGUAGE", "nl")
    assert "No language model is set up." in runner.invoke(args=["config-test", "llm"]).output


def test_programs_are_told_in_english_whatever_they_ask_for(client: FlaskClient) -> None:
    dutch = {"Accept": "application/json", "Accept-Language": "nl"}
    client.post("/config", json={"llm_endpoint": "http://127.0.0.1:9"})
    health = client.get("/health", headers=dutch).get_json()
    assert health["error"] == "llm: The language model is not running."
    assert health["services"][0]["detail"].startswith("Migration ")
    tested = client.post("/config/test/db", json={}, headers=dutch).get_json()
    assert tested["steps"][-1]["detail"] == tested["detail"] == health["services"][0]["detail"]
    assert "Migratie" in client.get("/health", headers={**HTML, "Accept-Language": "nl"}).text
