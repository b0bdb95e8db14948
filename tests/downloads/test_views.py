"""/config/models: downloads as the organiser sees them, with htmx and without."""

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.database.engines import Database
from repaircafe.downloads.models import Download
from repaircafe.health.monitor import Monitor
from repaircafe.llm.disk import GIGABYTE
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Reason, Service
from repaircafe.parts import parts
from tests.client import HTML, HTMX, JSON, csrf_token
from tests.conditions import free_port, until
from tests.conftest import MakeApp
from tests.downloads.scene import install, layer, room
from tests.fakes.llamacpp import LlamaCpp
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama

PAGE = "/config/models"


class Organiser:
    """Somebody at the page."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page = ""

    def open(self, headers: dict[str, str] = HTML) -> str:
        """Opens the page, or has htmx load the part."""
        response = self.client.get(PAGE, headers=headers)
        assert response.status_code == 200
        self.page = response.text
        return self.page

    def press(self, label: str, model: str = "", headers: dict[str, str] = HTML) -> Any:
        """Presses the button of that label, of that model if one is given."""
        for action, inside in re.findall(r'<form[^>]* action="([^"]+)"[^>]*>(.*?)</form>', self.page, re.S):
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', inside))
            if re.search(rf">{label}<", inside) and (not model or fields.get("model") == model):
                return self.client.post(action, data=fields, headers=headers)
        raise AssertionError(f"no button {label} {model}: {self.page}")

    def send(self, model: str, headers: dict[str, str] = HTML) -> Any:
        """Types another name and sends it."""
        return self.client.post(PAGE, data=self.form(model), headers=headers)

    def form(self, model: str) -> dict[str, str]:
        """What the page's form sends."""
        return {"csrf_token": csrf_token(self.page), "model": model}

    def poll(self) -> Any:
        """Asks as the bar does."""
        found = re.search(r'id="progress" hx-get="([^"]+)"', self.page)
        assert found, self.page
        return self.client.get(found[1], headers=HTMX)

    def sees(self, text: str) -> bool:
        """Whether the text comes up on the page."""
        return until(lambda: text in self.open())

    def model(self) -> str:
        """Which one is set."""
        found: str = self.client.get("/config", headers=JSON).get_json()["settings"]["llm_model"]
        return found


@pytest.fixture(autouse=True)
def _empty_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    room(monkeypatch, 64_500_000_000)


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    """A server with one model."""
    with Ollama("gemma3:1b") as ollama:
        yield ollama


@pytest.fixture
def organiser(app: Flask, ollama: Ollama) -> Organiser:
    """Somebody who has set the server up and opened the page."""
    install(app, ollama.url)
    found = Organiser(app.test_client())
    found.open()
    return found


def test_installed_models_come_first_then_those_that_fit_with_their_size(organiser: Organiser) -> None:
    page = organiser.open(HTMX)
    assert "<html" not in page
    names = re.findall(r'<span class="model">([^<]+)', page)
    assert names == ["gemma3:1b", "gemma3:1b", "llama3.2:1b", "llama3.2:3b", "phi4-mini", "gemma3:4b"]
    assert re.findall(r'<span class="small">([^<]+)', page) == ["815 MB", "1.3 GB", "2.0 GB", "2.5 GB", "3.3 GB"]
    assert "64.5 GB are free on the disk." in page
    downloads = re.findall(r'>Download<span class="offscreen"> ([^<]+)', page)
    assert downloads == names[2:], "what is installed already is used, not downloaded"


def test_the_settings_do_not_wait_for_the_server(organiser: Organiser, ollama: Ollama) -> None:
    parts(organiser.client.application)[Monitor].health()  # the banner has asked already
    asked = len(ollama.asked)
    page = organiser.client.get("/config", headers=HTML).text
    assert f'hx-get="{PAGE}" hx-trigger="load"' in page
    assert f'href="{PAGE}">Show models</a>' in page, "and without JavaScript"
    assert page.index("</form>") < page.index('id="downloads"'), "no form in a form"
    assert len(ollama.asked) == asked


def test_a_download_shows_per_cent_and_gigabytes(organiser: Organiser, ollama: Ollama) -> None:
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


def test_speed_and_the_time_that_is_left_are_shown_to_every_process(organiser: Organiser) -> None:
    with _table(organiser) as connection:  # stands for another process, which is there as long as its lock is
        connection.execute(sa.text("SELECT pg_advisory_lock(77)"))
        row = {"model": "phi4-mini", "owner": 77, "done": 1_200_000_000, "total": 2_000_000_000, "speed": 4_100_000}
        connection.execute(sa.insert(Download).values(row))
        connection.commit()
        page = organiser.open()
    assert "<strong>60 %</strong> · 1.2 of 2.0 GB · 4.1 MB/s · 4 minutes left" in page


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"cancel_asked": True, "done": 5}, "Being cancelled …"),
        ({"status": "verifying sha256 digest"}, "Checking what has arrived; on an SD card"),
        ({"status": "writing manifest"}, "Checking what has arrived; on an SD card"),
        ({"status": "removing unused layers"}, "Checking what has arrived; on an SD card"),
        ({"status": "success"}, "Checking what has arrived; on an SD card"),
        ({"done": 5, "total": 10}, "Downloading."),
        ({"status": "pulling manifest"}, "Looking for the model."),
        (
            {"done": 754_000_000, "total": 815_000_000, "speed": 1_000_000},
            "<strong>92 %</strong> · 754 of 815 MB · 1.0 MB/s · 2 minutes left",
        ),
        ({"done": 754_321_000, "total": 815_321_000, "speed": 1_250_000}, "754 of 815 MB · 1.2 MB/s · 1 minute left"),
        ({"done": 512_300_000, "total": 1_000_000_000}, "0.5 of 1.0 GB"),
    ],
)
def test_what_is_going_on_is_said_in_words_and_figures(organiser: Organiser, row: dict[str, Any], said: str) -> None:
    with _table(organiser) as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(77)"))
        connection.execute(sa.insert(Download).values(model="phi4-mini", owner=77, **row))
        connection.commit()
        assert said in organiser.open()


@pytest.mark.parametrize(("free", "said"), [(815_432_100, "815 MB are free"), (1_000_000_000, "1.0 GB are free")])
def test_the_room_is_told_in_the_unit_that_fits(
    organiser: Organiser, monkeypatch: pytest.MonkeyPatch, free: int, said: str
) -> None:
    room(monkeypatch, free)
    assert said in organiser.open()


def test_the_field_for_another_model_is_empty_and_without_a_fault(organiser: Organiser) -> None:
    assert re.search(r'id="model" name="model" value=""[^>]* maxlength="200"', organiser.page)
    assert 'id="model-fault"' not in organiser.page
    assert "faulty" not in organiser.page


def test_what_is_polled_is_the_bar_and_then_the_ending(organiser: Organiser, ollama: Ollama) -> None:
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
    assert 'hx-select="#model-lists"' in ending.text, "what is installed has changed"
    assert 'id="progress"' not in ending.text


def test_leaving_and_coming_back_finds_it_going_on_or_done(organiser: Organiser, ollama: Ollama, app: Flask) -> None:
    second = threading.Event()
    ollama.download = [layer("a", 300, 1_000), second, {"status": "success"}]
    organiser.press("Download", "llama3.2:3b")
    elsewhere = Organiser(app.test_client())
    assert elsewhere.sees("30 %")
    assert '<noscript><meta http-equiv="refresh"' in elsewhere.page
    second.set()
    assert elsewhere.sees("llama3.2:3b has been downloaded.")
    assert "http-equiv" not in elsewhere.page


def test_what_was_downloaded_can_be_used_at_once(organiser: Organiser) -> None:
    organiser.press("Download", "phi4-mini")
    assert organiser.sees("phi4-mini has been downloaded.")
    assert organiser.press("Use it", "phi4-mini").status_code == 303
    assert organiser.model() == "phi4-mini"
    assert "phi4-mini is in use from now on." in organiser.open()
    assert "has been downloaded" not in organiser.page
    assert organiser.page.count(">in use<") == 2, "in both lists"


def test_a_model_that_runs_elsewhere_is_put_to_use_in_the_settings_alone(organiser: Organiser, ollama: Ollama) -> None:
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


@pytest.mark.parametrize("headers", [HTML, HTMX])
def test_cancel_says_so_and_the_next_goes_on(organiser: Organiser, ollama: Ollama, headers: dict[str, str]) -> None:
    ollama.download = [layer("a", 1_200_000_000, 2_000_000_000), threading.Event()]
    organiser.press("Download", "llama3.2:3b")
    assert organiser.sees("60 %")
    response = organiser.press("Cancel", headers=headers)
    assert response.status_code == (303 if headers is HTML else 200)
    assert ollama.hung_up.wait(2)
    assert organiser.sees("The download of llama3.2:3b was cancelled.")
    assert "Ollama keeps what was downloaded, and goes on with it." in organiser.page
    ollama.download = [{"status": "success"}]
    organiser.press("Go on", "llama3.2:3b")
    assert organiser.sees("llama3.2:3b has been downloaded.")


def test_a_restart_says_so_and_offers_to_go_on(organiser: Organiser) -> None:
    with _table(organiser) as connection:
        connection.execute(sa.insert(Download).values(model="phi4-mini", owner=7, done=5, total=9))
        connection.commit()
    assert "The download of phi4-mini ended when the assistant was restarted." in organiser.open()
    organiser.press("Go on", "phi4-mini")
    assert organiser.sees("phi4-mini has been downloaded.")


def test_a_failure_says_what_to_do_and_can_be_tried_again(organiser: Organiser, ollama: Ollama) -> None:
    ollama.download = [{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}]
    assert organiser.send("gema3").status_code == 303
    assert organiser.sees("gema3 could not be downloaded.")
    assert "There is no model of that name to download." in organiser.page
    assert "Check its spelling" in organiser.page
    ollama.download = [{"status": "success"}]
    organiser.press("Try again", "gema3")
    assert organiser.sees("gema3 has been downloaded.")


def test_a_disk_that_is_too_full_is_told_in_figures(
    organiser: Organiser, monkeypatch: pytest.MonkeyPatch, ollama: Ollama
) -> None:
    room(monkeypatch, 3 * GIGABYTE)
    organiser.press("Download", "gemma3:4b")
    assert organiser.sees("The disk is too full for this model.")
    assert "It needs 3.3 GB, beside which 2.0 GB have to stay free; 3.0 GB are free." in organiser.page
    assert ollama.pulls() == []


@pytest.mark.parametrize("headers", [HTML, HTMX])
def test_a_second_download_is_told_which_one_is_under_way(
    organiser: Organiser, ollama: Ollama, headers: dict[str, str]
) -> None:
    ollama.download = [threading.Event()]
    organiser.press("Download", "llama3.2:3b")
    assert organiser.press("Download", "llama3.2:3b", headers).status_code == (303 if headers is HTML else 200)
    response = organiser.press("Download", "phi4-mini", headers)
    shown = response.text if headers is HTMX else organiser.open()
    assert "phi4-mini was not begun: llama3.2:3b is being downloaded" in shown
    assert 'id="progress"' in shown
    assert until(lambda: ollama.pulls() == ["llama3.2:3b"])


@pytest.mark.parametrize("headers", [HTML, HTMX])
@pytest.mark.parametrize(
    ("typed", "fault"),
    [("", "Type the name of a model first."), ("two words", "has no spaces"), ("x" * 201, "This is too long.")],
)
def test_what_is_no_name_is_refused_at_its_field(
    organiser: Organiser, ollama: Ollama, headers: dict[str, str], typed: str, fault: str
) -> None:
    response = organiser.send(typed, headers)
    assert response.status_code == 422
    assert re.search(rf'id="model-fault" role="alert">[^<]*{re.escape(fault)}', response.text)
    assert f'value="{typed}"' in response.text
    assert ("<html" in response.text) is (headers is HTML)
    assert ollama.pulls() == []
    assert organiser.client.post(f"{PAGE}/use", data=organiser.form(typed), headers=HTML).status_code == 422


def test_a_name_that_was_typed_before_a_restart_is_kept(organiser: Organiser) -> None:
    late = organiser.client.post(PAGE, data={"model": "qwen3:1.7b"}, headers=HTML)
    assert (late.status_code, 'value="qwen3:1.7b"' in late.text) == (400, True)
    assert "This page was open for too long." in late.text
    assert 'id="model-fault"' in late.text
    by_htmx = organiser.client.post(PAGE, data={"model": "qwen3:1.7b"}, headers=HTMX)
    assert (by_htmx.status_code, by_htmx.headers["HX-Retarget"]) == (400, "#message"), "the field stays as it is"
    used = organiser.client.post(f"{PAGE}/use", data={"model": "qwen3:1.7b"}, headers=HTML)
    assert (used.status_code, "This form has expired." in used.text) == (400, True)


def test_a_right_name_takes_the_fault_of_the_one_before_away(organiser: Organiser, ollama: Ollama) -> None:
    ollama.download = [threading.Event()]
    here = {**HTMX, "HX-Trigger": "other-model"}
    assert 'id="model-fault"' in organiser.send("two words", here).text
    shown = organiser.send("phi4-mini", here).text
    assert 'id="progress"' in shown
    assert re.search(r'id="other-model" hx-swap-oob="true".* name="model" value=""', shown, re.S)
    assert "model-fault" not in shown
    kept = organiser.send("llama3.2:3b", here).text
    assert "llama3.2:3b was not begun" in kept
    assert re.search(r'id="other-model" hx-swap-oob="true".* name="model" value="llama3.2:3b"', kept, re.S)
    assert "other-model" not in organiser.press("Download", "llama3.2:3b", HTMX).text, "it may be half typed"


def test_a_name_that_is_typed_is_not_among_what_is_replaced(organiser: Organiser, ollama: Ollama) -> None:
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


def test_a_server_that_is_away_is_told_with_its_cure(app: Flask) -> None:
    organiser = Organiser(app.test_client())
    assert "No language model is set up." in organiser.open(HTMX)
    install(app, f"http://127.0.0.1:{free_port()}")
    assert "The language model is not running." in organiser.open(HTMX)
    assert "Start Ollama" in organiser.page


def test_while_the_database_is_away_what_is_installed_is_told(
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


def test_a_polled_address_opened_by_hand_leads_to_the_page(organiser: Organiser, ollama: Ollama) -> None:
    ollama.download = [threading.Event()]
    organiser.press("Download", "phi4-mini", HTMX)
    organiser.open()
    path = re.search(r'id="progress" hx-get="([^"]+)"', organiser.page)
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


def test_it_is_the_operators(make_app: MakeApp) -> None:
    client = make_app(operator_password="a-long-password").test_client()
    assert client.get(PAGE, headers=HTML).location == "/sign-in?next=/config/models"
    assert client.post(PAGE, data={"model": "phi4-mini"}, headers=HTML).status_code == 401
    assert client.get(PAGE, headers=HTML, auth=("operator", "a-long-password")).status_code == 200


def test_a_form_without_its_token_downloads_nothing(organiser: Organiser, ollama: Ollama) -> None:
    assert organiser.client.post(PAGE, data={"model": "phi4-mini"}, headers=HTML).status_code == 400
    assert ollama.pulls() == []


def test_a_download_whose_reason_another_version_wrote_is_shown(organiser: Organiser, raw: psycopg.Connection) -> None:
    raw.execute("INSERT INTO downloads (model, owner, state, reason) VALUES ('small', 7, 'failed', 'not_known_yet')")
    assert str(explain(Service.LLM, Reason.INTERNAL).sentence) in organiser.open()


def _table(organiser: Organiser) -> sa.Connection:
    ours = parts(organiser.client.application)[Database]
    return ours.engine.connect()
