"""A model whose file is damaged: the organiser removes it and downloads it again with one button."""

import re
import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.llm.disk import GIGABYTE
from repaircafe.work.models import State
from tests.downloads.scene import PAGE, Desk, Organiser, install, layer, room
from tests.fakes.llamacpp import LlamaCpp
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML, HTMX, csrf_token
from tests.harness.conditions import until
from tests.harness.program import ask, comes_to

AGAIN = "Remove it and download it again"
BUTTON = f">{AGAIN}<"
IN_TEST = r'<button[^>]* formaction="([^"]+)" name="model" value="([^"]+)"'
DAMAGED = (500, {"error": 'tensor "blk.3.ffn_gate.weight" offset+size (40179520) exceeds file size (40000000)'})
EMPTY = (400, {"error": '"gemma3:1b" does not support chat'})


@pytest.fixture
def chosen(organiser: Organiser) -> Organiser:
    """An organiser whose model is gemma3:1b."""
    assert organiser.client.post("/config", json={"llm_model": "gemma3:1b"}).status_code == 200
    return organiser


def changes(ollama: Ollama) -> list[tuple[str, str]]:
    """The requests that remove and download models, in order."""
    return [(method, body) for method, path, body in list(ollama.asked) if path in ("/api/delete", "/api/pull")]


def reason(client: FlaskClient) -> str | None:
    """The language model's reason in /health."""
    services = client.get("/health").get_json()["services"]
    found: str | None = next(one for one in services if one["service"] == "llm")["reason"]
    return found


def fail_twice(client: FlaskClient) -> None:
    """Two questions fail, so that health says why."""
    for _ in range(2):
        assert comes_to(client, ask(client, "Can you mend my radio?")["session_id"], "failed")


@pytest.mark.parametrize("headers", [HTML, HTMX])
def test_a_model_that_the_chat_finds_damaged_is_replaced(
    chosen: Organiser, ollama: Ollama, headers: dict[str, str]
) -> None:
    assert BUTTON not in chosen.open()
    ollama.refusal = DAMAGED
    fail_twice(chosen.client)
    assert until(lambda: reason(chosen.client) == "model_damaged")
    assert f'href="{PAGE}"' in chosen.client.get("/banner", headers=HTMX).text
    assert f'href="{PAGE}"' in chosen.client.get("/health", headers=HTML).text
    chosen.open()
    ollama.refusal = None
    ollama.download = [layer("a", 300, 1_000), go_on := threading.Event(), {"status": "success"}]
    assert chosen.press(AGAIN, "gemma3:1b", headers).status_code == (303 if headers is HTML else 200)
    assert chosen.sees("30 %"), "with progress, as any download"
    assert [method for method, _ in changes(ollama)] == ["DELETE", "POST"]
    assert ollama.models == []
    go_on.set()
    assert until(lambda: ollama.models == ["gemma3:1b"])
    assert until(lambda: reason(chosen.client) is None), "no reply of the old file counts any more"
    assert BUTTON not in chosen.open()


def test_a_model_that_the_server_cannot_read_is_replaced_although_another_is_in_use(
    chosen: Organiser, ollama: Ollama
) -> None:
    ollama.models.append("broken:1b")
    ollama.capabilities = {"gemma3:1b": ["completion"], "broken:1b": []}
    page = chosen.open()
    assert re.findall(rf'value="([^"]+)">\n<button[^>]*>{AGAIN}', page) == ["broken:1b"]
    assert chosen.press(AGAIN, "broken:1b").status_code == 303
    assert until(lambda: [method for method, _ in changes(ollama)] == ["DELETE", "POST"])


@pytest.mark.parametrize("refusal", [DAMAGED, EMPTY])
def test_the_test_of_the_settings_has_the_button(
    chosen: Organiser, ollama: Ollama, refusal: tuple[int, object]
) -> None:
    ollama.refusal = refusal
    token = csrf_token(chosen.client.get("/config", headers=HTML).text)
    sent = {"csrf_token": token, "llm_endpoint": ollama.url, "llm_model": "gemma3:1b"}
    tested = [chosen.client.post("/config/test/llm", data=sent, headers=headers).text for headers in (HTML, HTMX)]
    ((path, model),) = {found for one in tested for found in re.findall(IN_TEST, one)}
    assert all(BUTTON in one for one in tested)
    started = chosen.client.post(path, data={**sent, "model": model}, headers=HTMX)
    assert (started.status_code, started.headers["HX-Retarget"]) == (200, "#download")
    assert until(lambda: [method for method, _ in changes(ollama)] == ["DELETE", "POST"])


def test_the_test_of_an_address_that_is_not_saved_offers_no_change_at_the_saved_one(
    chosen: Organiser, ollama: Ollama
) -> None:
    token = csrf_token(chosen.client.get("/config", headers=HTML).text)
    with Ollama("gemma3:1b") as other:
        other.refusal = DAMAGED
        sent = {"csrf_token": token, "llm_endpoint": other.url, "llm_model": "gemma3:1b"}
        tested = chosen.client.post("/config/test/llm", data=sent, headers=HTMX).text
    assert "exceeds file size" in tested
    assert BUTTON not in tested
    assert changes(ollama) == []


def test_an_embedding_model_is_not_offered_and_not_replaced(chosen: Organiser, ollama: Ollama) -> None:
    """Another copy of it could chat as little."""
    ollama.models.append("nomic-embed-text:latest")
    ollama.capabilities = {"gemma3:1b": ["completion"], "nomic-embed-text:latest": ["embedding"]}
    assert "nomic-embed-text" not in chosen.open()
    assert chosen.client.post("/config", json={"llm_model": "nomic-embed-text"}).status_code == 200
    assert until(lambda: reason(chosen.client) == "cannot_chat")
    assert BUTTON not in chosen.open()


def test_a_server_that_cannot_download_offers_no_replacement(app: Flask) -> None:
    with LlamaCpp() as server:
        server.refusal = (500, {"error": {"message": "model is corrupted or incomplete"}})
        install(app, server.url)
        organiser = Organiser(app.test_client())
        assert organiser.client.post("/config", json={"llm_model": "tiny"}).status_code == 200
        fail_twice(organiser.client)
        assert until(lambda: reason(organiser.client) == "model_damaged")
        assert BUTTON not in organiser.open()


def test_an_attempt_that_failed_removes_first_as_well(chosen: Organiser, ollama: Ollama) -> None:
    """The server was away, so the damaged file is still there. A plain download would keep it."""
    ollama.broken = True
    with Desk(chosen.client.application).session() as session:
        Desk(chosen.client.application).downloader.start(session, "gemma3:1b", is_anew=True)
    assert chosen.sees("gemma3:1b could not be downloaded.")
    ollama.broken = False
    chosen.open()
    chosen.press("Try again", "gemma3:1b")
    assert until(lambda: [method for method, _ in changes(ollama)] == ["DELETE", "POST"])


def test_the_damaged_file_does_not_count_when_the_room_is_measured(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    ollama.models = ["gemma3:1b"]
    remove = ollama._delete

    def removed(request: dict[str, object]) -> tuple[int, object]:
        room(monkeypatch, 3 * GIGABYTE)
        return remove(request)

    room(monkeypatch, 2 * GIGABYTE)
    monkeypatch.setattr(ollama, "_delete", removed)
    with desk.session() as session:
        desk.downloader.start(session, "gemma3:1b", is_anew=True)
    assert desk.comes_to(State.DONE)


def test_without_a_model_the_page_shows_the_way_to_one(organiser: Organiser, ollama: Ollama) -> None:
    ollama.models = []
    page = organiser.open()
    assert "No model is installed yet." in page
    assert len(re.findall('>Download<span class="offscreen">', page)) == 5
