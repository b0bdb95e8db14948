"""/config/models: downloads as the organiser sees them, with htmx and without."""

import re
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from repaircafe.health.monitor import Monitor
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.parts import parts
from tests.conftest import MakeApp
from tests.downloads.scene import PAGE, Organiser, layer, room, row, table
from tests.fakes.scripted import Ollama
from tests.harness.client import AUTH, HTML, HTMX, PASSWORD
from tests.harness.conditions import until


def test_the_page_lists_installed_models_first_then_recommended_ones_with_size(organiser: Organiser) -> None:
    page = organiser.open(HTMX)
    assert "<html" not in page
    names = re.findall(r'<span class="model">([^<]+)', page)
    assert names == ["gemma3:1b", "gemma3:1b", "llama3.2:1b", "llama3.2:3b", "phi4-mini", "gemma3:4b"]
    assert re.findall(r'<span class="small">([^<]+)', page) == ["815 MB", "1.3 GB", "2.0 GB", "2.5 GB", "3.3 GB"]
    assert "Free on the disk: 64.5 GB" in page
    downloads = re.findall(r'>Download<span class="offscreen"> ([^<]+)', page)
    assert downloads == names[2:], "the page offers no download of an installed model"


def test_the_settings_do_not_wait_for_the_server(organiser: Organiser, ollama: Ollama) -> None:
    parts(organiser.client.application)[Monitor].health()  # the banner has asked already
    asked = len(ollama.asked)
    page = organiser.client.get("/config", headers=HTML).text
    assert f'hx-get="{PAGE}" hx-trigger="load"' in page
    assert f'href="{PAGE}">Show models</a>' in page, "the link must work without JavaScript"
    assert page.index("</form>") < page.index('id="downloads"'), "no form in a form"
    assert len(ollama.asked) == asked


def test_a_download_shows_percent_and_gigabytes(organiser: Organiser, ollama: Ollama) -> None:
    ollama.download = [layer("a", 500_000_000, 2_000_000_000), layer("a", 1_200_000_000, 2_000_000_000)]
    ollama.download += [threading.Event()]
    response = organiser.press("Download", "llama3.2:3b")
    assert (response.status_code, response.location) == (303, PAGE)
    assert organiser.sees("60 %")
    assert "llama3.2:3b is being downloaded" in organiser.page
    assert "1.2 of 2.0 GB" in organiser.page
    assert re.search(
        r'<progress aria-label="Download of llama3.2:3b" max="2000000000" value="1200000000">', organiser.page
    )


def test_every_process_shows_the_speed_and_the_time_left(organiser: Organiser) -> None:
    with table(organiser) as connection:  # plays another process, which is alive while it holds its lock
        connection.execute(sa.text("SELECT pg_advisory_lock(77)"))
        connection.execute(row(77, done=1_200_000_000, total=2_000_000_000, speed=4_100_000))
        connection.commit()
        page = organiser.open()
    assert "<strong>60 %</strong> · 1.2 of 2.0 GB · 4.1 MB/s · 4 minutes left" in page


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        ({"stop_asked": True, "done": 5}, "Cancelling …"),
        ({"status": "verifying sha256 digest"}, "Checking the download; on an SD card"),
        ({"status": "writing manifest"}, "Checking the download; on an SD card"),
        ({"status": "removing unused layers"}, "Checking the download; on an SD card"),
        ({"status": "success"}, "Checking the download; on an SD card"),
        ({"done": 5, "total": 10}, "Downloading."),
        ({"status": "pulling manifest"}, "Looking for the model."),
        (
            {"done": 754_000_000, "total": 815_000_000, "speed": 1_000_000},
            "<strong>92 %</strong> · 754 of 815 MB · 1.0 MB/s · 2 minutes left",
        ),
        ({"done": 754_321_000, "total": 815_321_000, "speed": 1_250_000}, "754 of 815 MB · 1.2 MB/s · 1 minute left"),
        ({"done": 995, "total": 1_000, "speed": 1}, "a few seconds left"),
        ({"done": 984, "total": 1_000, "speed": 1}, "1 minute left"),
        ({"done": 512_300_000, "total": 1_000_000_000}, "0.5 of 1.0 GB"),
    ],
)
def test_the_progress_is_shown_in_words_and_numbers(organiser: Organiser, progress: dict[str, Any], said: str) -> None:
    with table(organiser) as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(77)"))
        connection.execute(row(77, **progress))
        connection.commit()
        assert said in organiser.open()


@pytest.mark.parametrize(
    ("free", "said"), [(815_432_100, "Free on the disk: 815 MB"), (1_000_000_000, "Free on the disk: 1.0 GB")]
)
def test_free_bytes_are_shown_in_a_suitable_unit(
    organiser: Organiser, monkeypatch: pytest.MonkeyPatch, free: int, said: str
) -> None:
    room(monkeypatch, free)
    assert said in organiser.open()


def test_the_field_for_another_model_is_empty_and_without_a_fault(organiser: Organiser) -> None:
    assert re.search(r'id="model" name="model" value=""[^>]* maxlength="200"', organiser.page)
    assert 'id="model-fault"' not in organiser.page
    assert "faulty" not in organiser.page


def test_polling_returns_the_bar_and_then_the_end(organiser: Organiser, ollama: Ollama) -> None:
    second = threading.Event()
    ollama.download = [layer("a", 300, 1_000), second, layer("a", 1_000, 1_000), {"status": "success"}]
    response = organiser.press("Download", "phi4-mini", HTMX)
    assert (response.headers["HX-Retarget"], response.headers["HX-Reswap"]) == ("#download", "outerHTML")
    organiser.page = response.text
    assert until(lambda: "30 %" in organiser.poll().text)
    bar = organiser.poll()
    assert bar.text.count("<form") == 0, "Cancel stays where it is, with the focus on it"
    assert "HX-Retarget" not in bar.headers
    second.set()
    assert until(lambda: "HX-Retarget" in organiser.poll().headers)
    ending = organiser.poll()
    assert ending.headers["HX-Retarget"] == "#download"
    assert "phi4-mini has been downloaded." in ending.text
    assert 'hx-select="#model-lists"' in ending.text, "the list of installed models has changed"
    assert 'class="phase"' not in ending.text


def test_after_coming_back_the_download_runs_or_is_done(organiser: Organiser, ollama: Ollama, app: Flask) -> None:
    second = threading.Event()
    ollama.download = [layer("a", 300, 1_000), second, {"status": "success"}]
    organiser.press("Download", "llama3.2:3b")
    elsewhere = Organiser(app.test_client())
    assert elsewhere.sees("30 %")
    assert '<noscript><meta http-equiv="refresh"' in elsewhere.page
    second.set()
    assert elsewhere.sees("llama3.2:3b has been downloaded.")
    assert "http-equiv" not in elsewhere.page


def test_a_downloaded_model_can_be_used_immediately(organiser: Organiser) -> None:
    organiser.press("Download", "phi4-mini")
    assert organiser.sees("phi4-mini has been downloaded.")
    assert organiser.press("Use it", "phi4-mini").status_code == 303
    assert organiser.model() == "phi4-mini"
    assert "phi4-mini is now in use." in organiser.open()
    assert "has been downloaded" not in organiser.page
    assert organiser.page.count(">in use<") == 2, "in both lists"


def test_a_cloud_model_can_be_chosen_only_in_the_settings(organiser: Organiser, ollama: Ollama) -> None:
    ollama.models.append("gpt-oss:120b-cloud")
    before = organiser.model()
    organiser.open()
    refused = organiser.press("Use it", "gpt-oss:120b-cloud")
    assert (refused.status_code, "would leave the building" in refused.text) == (409, True)
    assert organiser.model() == before


def test_using_a_model_changes_the_field_of_the_settings_too(organiser: Organiser) -> None:
    changed = organiser.press("Use it", "gemma3:1b", HTMX).text
    assert organiser.model() == "gemma3:1b"
    assert re.search(
        r'<div id="field-llm_model" hx-swap-oob="true".*?id="llm_model"[^>]* value="gemma3:1b"', changed, re.S
    )
    assert re.search(r'id="was-llm_model"[^>]* value="gemma3:1b" hx-swap-oob="true"', changed)
    page = organiser.client.get("/config", headers=HTML).text
    assert 'id="field-llm_model"' in page
    assert 'id="was-llm_model"' in page


def test_a_polled_address_opened_by_hand_leads_to_the_page(organiser: Organiser, ollama: Ollama) -> None:
    ollama.download = [threading.Event()]
    organiser.press("Download", "phi4-mini", HTMX)
    organiser.open()
    path = re.search(r'class="phase"[^>]* hx-get="([^"]+)"', organiser.page)
    assert path
    assert organiser.client.get(path[1], headers=HTML).location == PAGE


def test_an_older_tab_sees_the_download_that_came_after_its_own(organiser: Organiser, ollama: Ollama) -> None:
    ollama.download = [threading.Event()]
    organiser.page = organiser.press("Download", "llama3.2:3b", HTMX).text
    before = organiser.page
    organiser.press("Cancel")
    assert organiser.sees("was cancelled")
    organiser.press("Download", "phi4-mini")
    organiser.page = before
    response = organiser.poll()
    assert response.headers["HX-Retarget"] == "#download"
    assert "phi4-mini is being downloaded" in response.text


def test_only_the_organiser_can_download(make_app: MakeApp) -> None:
    client = make_app(operator_password=PASSWORD).test_client()
    assert client.get(PAGE, headers=HTML).location == "/sign-in?next=/config/models"
    assert client.post(PAGE, data={"model": "phi4-mini"}, headers=HTML).status_code == 401
    assert client.get(PAGE, headers=HTML, auth=AUTH).status_code == 200


def test_a_form_without_its_token_downloads_nothing(organiser: Organiser, ollama: Ollama) -> None:
    assert organiser.client.post(PAGE, data={"model": "phi4-mini"}, headers=HTML).status_code == 400
    assert ollama.pulls() == []


@pytest.mark.parametrize("name", ["gpt-oss:120b-cloud", "ollama pull gpt-oss:120B-Cloud", "qwen3:cloud"])
def test_a_model_that_does_not_run_in_the_building_is_not_downloaded(
    organiser: Organiser, ollama: Ollama, name: str
) -> None:
    organiser.open()
    response = organiser.send(name)
    assert response.status_code == 422
    assert str(explain(Neighbour.LLM, Reason.CLOUD_MODEL).sentence) in response.text
    assert ollama.pulls() == []
