"""repaircafe.downloads.views: what the page says when a download cannot start, ends early or is refused."""

import re
import threading
from collections.abc import Callable

import psycopg
import pytest
from flask import Flask

from repaircafe.llm.disk import GIGABYTE
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason
from tests.downloads.scene import PAGE, Organiser, install, layer, room, row, table
from tests.fakes.llamacpp import LlamaCpp
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML, HTMX
from tests.harness.conditions import free_port, until


@pytest.mark.parametrize("headers", [HTML, HTMX])
def test_cancel_is_confirmed_and_the_next_download_continues(
    organiser: Organiser, ollama: Ollama, headers: dict[str, str]
) -> None:
    ollama.download = [layer("a", 1_200_000_000, 2_000_000_000), threading.Event()]
    organiser.press("Download", "llama3.2:3b")
    assert organiser.sees("60 %")
    response = organiser.press("Cancel", headers=headers)
    assert response.status_code == (303 if headers is HTML else 204)
    assert ollama.hung_up.wait(2)
    assert organiser.sees("The download of llama3.2:3b was cancelled.")
    assert "Ollama keeps what has been downloaded and continues from there." in organiser.page
    ollama.download = [{"status": "success"}]
    organiser.press("Continue", "llama3.2:3b")
    assert organiser.sees("llama3.2:3b has been downloaded.")


def test_after_a_restart_the_page_offers_to_continue(organiser: Organiser) -> None:
    with table(organiser) as connection:
        connection.execute(row(7, done=5, total=9))
        connection.commit()
    assert "The download of phi4-mini stopped when the assistant was restarted." in organiser.open()
    organiser.press("Continue", "phi4-mini")
    assert organiser.sees("phi4-mini has been downloaded.")


def test_a_failure_says_what_to_do_and_can_be_tried_again(organiser: Organiser, ollama: Ollama) -> None:
    ollama.download = [{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}]
    assert organiser.send("gema3").status_code == 303
    assert organiser.sees("gema3 could not be downloaded.")
    assert "There is no model with that name to download." in organiser.page
    assert "Check the spelling" in organiser.page
    ollama.download = [{"status": "success"}]
    organiser.press("Try again", "gema3")
    assert organiser.sees("gema3 has been downloaded.")


def test_a_download_that_arrived_damaged_begins_anew(organiser: Organiser, ollama: Ollama) -> None:
    mismatch = {"error": "digest mismatch, file must be downloaded again"}
    ollama.download = [layer("a", 1_000, 1_000), mismatch]
    organiser.press("Download", "phi4-mini")
    assert organiser.sees(str(explain(Neighbour.LLM, Reason.DOWNLOAD_DAMAGED).sentence))
    assert "Ollama keeps what has been downloaded" not in organiser.page
    ollama.download = [layer("a", 20, 1_000), threading.Event()]
    organiser.press("Try again", "phi4-mini")
    assert organiser.sees("<strong>2 %</strong>"), "not 100 %"


def test_a_full_disk_is_reported_with_numbers(
    organiser: Organiser, monkeypatch: pytest.MonkeyPatch, ollama: Ollama
) -> None:
    room(monkeypatch, 3 * GIGABYTE)
    organiser.press("Download", "gemma3:4b")
    assert organiser.sees("The disk is too full for this model.")
    assert "It needs 3.3 GB, and 2.0 GB must stay free; 3.0 GB are free." in organiser.page
    assert ollama.pulls() == []


@pytest.mark.parametrize("headers", [HTML, HTMX])
def test_a_second_download_is_refused_with_the_name_of_the_first(
    organiser: Organiser, ollama: Ollama, headers: dict[str, str]
) -> None:
    ollama.download = [threading.Event()]
    organiser.press("Download", "llama3.2:3b")
    assert organiser.press("Download", "llama3.2:3b", headers).status_code == (303 if headers is HTML else 200)
    response = organiser.press("Download", "phi4-mini", headers)
    shown = response.text if headers is HTMX else organiser.open()
    assert "phi4-mini was not started: llama3.2:3b is still downloading" in shown
    assert 'class="phase"' in shown
    assert until(lambda: ollama.pulls() == ["llama3.2:3b"])


@pytest.mark.parametrize("headers", [HTML, HTMX])
@pytest.mark.parametrize(
    ("typed", "fault"),
    [("", "Type the name of a model first."), ("two words", "has no spaces"), ("x" * 201, "This is too long.")],
)
def test_an_invalid_name_is_refused_at_its_field(
    organiser: Organiser, ollama: Ollama, headers: dict[str, str], typed: str, fault: str
) -> None:
    response = organiser.send(typed, headers)
    assert response.status_code == 422
    assert re.search(rf'id="model-fault" role="alert">[^<]*{re.escape(fault)}', response.text)
    assert f'value="{typed}"' in response.text
    assert ("<html" in response.text) is (headers is HTML)
    assert ollama.pulls() == []
    assert organiser.client.post(f"{PAGE}/use", data=organiser.form(typed), headers=HTML).status_code == 422


def test_a_name_typed_before_a_restart_is_kept(organiser: Organiser) -> None:
    late = organiser.client.post(PAGE, data={"model": "qwen3:1.7b"}, headers=HTML)
    assert (late.status_code, 'value="qwen3:1.7b"' in late.text) == (400, True)
    assert "This page was open for too long." in late.text
    assert 'id="model-fault"' in late.text
    by_htmx = organiser.client.post(PAGE, data={"model": "qwen3:1.7b"}, headers=HTMX)
    assert (by_htmx.status_code, by_htmx.headers["HX-Retarget"]) == (400, "#message"), "the field stays as it is"
    used = organiser.client.post(f"{PAGE}/use", data={"model": "qwen3:1.7b"}, headers=HTML)
    assert (used.status_code, "This form has expired." in used.text) == (400, True)


def test_a_correct_name_removes_the_earlier_error(organiser: Organiser, ollama: Ollama) -> None:
    ollama.download = [threading.Event()]
    here = {**HTMX, "HX-Trigger": "other-model"}
    assert 'id="model-fault"' in organiser.send("two words", here).text
    shown = organiser.send("phi4-mini", here).text
    assert 'class="phase"' in shown
    assert re.search(r'id="other-model" hx-swap-oob="true".* name="model" value=""', shown, re.S)
    assert "model-fault" not in shown
    kept = organiser.send("llama3.2:3b", here).text
    assert "llama3.2:3b was not started" in kept
    assert re.search(r'id="other-model" hx-swap-oob="true".* name="model" value="llama3.2:3b"', kept, re.S)
    assert "other-model" not in organiser.press("Download", "llama3.2:3b", HTMX).text, "it may be half typed"


def test_neither_htmx_nor_a_reload_replaces_a_typed_name(organiser: Organiser, ollama: Ollama) -> None:
    ollama.download = [threading.Event()]
    lists = organiser.page[organiser.page.index('id="model-lists"') :]
    inside = lists[: lists.index("</div>")]
    assert "<li>" in inside
    assert "other-model" in lists
    assert "other-model" not in inside
    organiser.send("phi4-mini")
    reloading = r"<noscript><meta http-equiv=\"refresh\".*noscript.css.*</noscript>"
    assert re.search(reloading, organiser.open())
    assert "http-equiv" not in organiser.send("two words").text, "the fault stays until it is read"


def test_a_llama_cpp_server_offers_no_download(app: Flask) -> None:
    with LlamaCpp() as server:
        install(app, server.url)
        page = Organiser(app.test_client()).open()
    assert '<span class="model">tiny</span>' in page
    assert "A llama.cpp server is started with its model" in page
    assert ">Download" not in page
    assert 'id="other-model"' not in page


def test_a_server_that_does_not_answer_is_shown_with_its_cure(app: Flask) -> None:
    organiser = Organiser(app.test_client())
    assert "No language model is set up." in organiser.open(HTMX)
    install(app, f"http://127.0.0.1:{free_port()}")
    assert "The language model is not running." in organiser.open(HTMX)
    assert "start Ollama" in organiser.page


def test_during_a_database_outage_the_installed_models_are_shown(
    proxied: Callable[..., Flask], proxy: Proxy, ollama: Ollama
) -> None:
    app = proxied()
    install(app, ollama.url)
    organiser = Organiser(app.test_client())
    organiser.open()
    proxy.break_with("refuse")
    assert '<span class="model">gemma3:1b</span>' in organiser.open(HTMX)
    assert organiser.press("Download", "phi4-mini", HTMX).status_code == 503
    assert ollama.pulls() == []
    proxy.mend()
    assert organiser.press("Download", "phi4-mini", HTMX).status_code == 200


def test_a_download_is_shown_while_the_server_does_not_answer_others(organiser: Organiser, ollama: Ollama) -> None:
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    organiser.press("Download", "llama3.2:3b")
    assert organiser.sees("30 %")
    ollama.broken = True
    assert organiser.sees("The language model answers with an error.")
    assert "30 %" in organiser.page


def test_a_download_with_a_reason_from_another_version_is_shown(organiser: Organiser, raw: psycopg.Connection) -> None:
    raw.execute("INSERT INTO jobs (kind, owner, state, reason) VALUES ('download', 7, 'failed', 'not_known_yet')")
    assert str(explain(Neighbour.LLM, Reason.INTERNAL).sentence) in organiser.open()
