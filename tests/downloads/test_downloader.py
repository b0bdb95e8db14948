"""repaircafe.downloads.downloader: a download in the database, against a scripted Ollama."""

import threading
import uuid

import psycopg
import pytest
from flask import Flask
from pydantic import SecretStr

from repaircafe.database.process_lock import ProcessLock
from repaircafe.downloads import downloader
from repaircafe.downloads.models import Download
from repaircafe.downloads.pull import Pull
from repaircafe.limits import DOWNLOAD_SPEED_S
from repaircafe.llm import inventory
from repaircafe.llm.base import Progress
from repaircafe.llm.inventory import Inventory
from repaircafe.neighbours.report import NeighbourError, Reason
from repaircafe.parts import parts
from repaircafe.settings.store import Store
from repaircafe.work.models import State
from repaircafe.work.runner import Runner
from tests.conftest import MakeApp
from tests.downloads.scene import Desk, ended, install, layer
from tests.fakes.scripted import Ollama
from tests.harness.conditions import until
from tests.harness.logged import lines_of


def test_a_download_ends_and_its_progress_is_stored(
    desk: Desk, ollama: Ollama, caplog: pytest.LogCaptureFixture
) -> None:
    second = threading.Event()
    ollama.download = [{"status": "pulling manifest"}, layer("a", 300, 1_000), second, layer("a", 1_000, 1_000)]
    ollama.download += [layer("b", 50, 50), {"status": "verifying sha256 digest"}, {"status": "success"}]
    begun, is_new = desk.start()
    assert is_new
    assert desk.comes_by(300)
    assert (desk.now().state, desk.now().total, desk.now().status) == (State.WRITING, 1_000, "pulling a")
    second.set()
    assert desk.comes_to(State.DONE)
    ended = desk.now()
    assert (ended.id, ended.done, ended.total, ended.reason) == (begun.id, 1_050, 1_050, None)
    assert ollama.models == ["small:latest"]
    first = lines_of(caplog, "download")[0]
    assert (first["message"], first["subject"], first["resource_id"]) == ("Job requested", "small", str(begun.id))


def test_a_status_is_stored_without_what_postgresql_cannot_store(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [{"status": "a\x00b\ud800"}, threading.Event()]
    desk.start()
    assert until(lambda: desk.now().status == "ab?")


def test_the_speed_is_stored_during_a_download(desk: Desk, ollama: Ollama) -> None:
    second, last = threading.Event(), threading.Event()
    ollama.download = [layer("a", 1_000, 900_000), second, layer("a", 500_000, 900_000), last]
    ollama.download.append({"status": "success"})
    desk.start()
    assert desk.comes_by(1_000)
    second.set()
    assert until(lambda: desk.now().speed > 0)
    before = desk.now()
    assert before.speed <= 499_000, "it took a second and more"
    last.set()
    assert desk.comes_to(State.DONE)
    ended = desk.now()
    assert (ended.speed, ended.status) == (0, "success")
    assert ended.updated_at > before.updated_at


def test_the_threads_have_names_and_do_not_delay_the_end_of_the_process(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    desk.start()
    assert desk.comes_by(300)
    ours = [one for one in threading.enumerate() if one.name in ("job-download", "job-watch")]
    assert len(ours) == 2
    assert all(one.daemon for one in ours)


def test_a_silent_server_does_not_end_the_download(desk: Desk, ollama: Ollama) -> None:
    silence = threading.Event()
    ollama.download = [layer("a", 7, 7), {"status": "verifying sha256 digest"}, silence, {"status": "success"}]
    begun, _ = desk.start()
    assert until(lambda: desk.now().status == "verifying sha256 digest")
    desk.cancel(begun)
    assert desk.comes_to(State.STOPPED, 5), "a silent server does not delay the end"
    silence.set()


def test_two_starts_at_the_same_time_are_one_download(desk: Desk, ollama: Ollama, make_app: MakeApp) -> None:
    ollama.download = [threading.Event()]
    desks = [desk, Desk(make_app())] * 4
    begun: list[tuple[Download, bool]] = []
    threads = [threading.Thread(target=lambda one=one: begun.append(one.start())) for one in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(15)
    assert len(begun) == len(desks)
    assert len({download.id for download, _ in begun}) == 1
    assert [is_new for _, is_new in begun].count(True) == 1
    assert until(lambda: ollama.pulls() == ["small"])


def test_another_model_cannot_start_until_this_one_has_ended(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [threading.Event()]
    begun, _ = desk.start()
    other, is_new = desk.start("other")
    assert (other.id, other.model, is_new) == (begun.id, "small", False)


def test_the_newest_download_is_read_again_from_the_database(desk: Desk, raw: psycopg.Connection) -> None:
    with desk.session() as session:
        known = Download(subject="small", owner=7, state=State.DONE, progress={"done": 300})
        session.add(known)
        session.commit()
        raw.execute("""UPDATE jobs SET progress = '{"done": 500}'""")
        found = desk.downloader.newest(session)
    assert found is known
    assert found.done == 500


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}], "no_such_model"),
        ([layer("a", 3, 9), {"error": "write blob: no space left on device"}], "disk_full"),
        ([layer("a", 3, 9)], "download_cut"),
        ([layer("a", 9, 9), {"error": "digest mismatch, file must be downloaded again"}], "download_damaged"),
        ([b"nonsense\n"], "bad_answer"),
    ],
)
def test_a_failure_is_stored_with_its_reason(
    desk: Desk,
    ollama: Ollama,
    lines: list[dict[str, object] | bytes | threading.Event],
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ollama.download = lines
    desk.start()
    assert desk.comes_to(State.FAILED)
    assert desk.now().reason == reason
    (line,) = ended(caplog)
    assert (line["level"], line["state"], line["reason"]) == ("warning", "failed", reason)
    assert (line["subject"], line["resource_id"]) == ("small", str(desk.now().id))


def test_an_attempt_that_fails_immediately_keeps_the_earlier_progress(desk: Desk, ollama: Ollama) -> None:
    """Otherwise the next attempt would be refused because of the room that the first one already takes."""
    offline = {"error": "pull model manifest: dial tcp: lookup registry: no such host"}
    ollama.download = [{"status": "pulling manifest"}, layer("a", 600, 1_000), offline]
    desk.start()
    assert desk.comes_to(State.FAILED)
    ollama.download = [{"status": "pulling manifest"}, offline]
    begun, is_new = desk.start()
    assert is_new
    assert desk.comes_to(State.FAILED)
    assert (desk.now().id, desk.now().done, desk.now().total) == (begun.id, 600, 1_000)


def test_a_server_that_does_not_answer_or_is_not_set_up_is_a_reason(app: Flask) -> None:
    desk = Desk(app)
    desk.start()
    assert desk.comes_to(State.FAILED)
    assert desk.now().reason == Reason.NOT_SET
    install(app, "http://127.0.0.1:9")
    desk.start()
    assert until(lambda: desk.now().reason == Reason.REFUSED)


def test_the_speed_is_measured_over_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("repaircafe.downloads.downloader.time.monotonic", lambda: clock[0])
    pull = Pull(Progress("", 0, 0))
    assert pull.speed() == 0
    for second in range(21):
        clock[0] = float(second)
        pull.take(Progress("pulling a", 500 + 1_000 * second + 1_000 * max(0, second - 10), 900_000))
        assert (pull.speed() > 0) == (second >= 1), "not known before a second has passed"
    assert pull.speed() == pytest.approx(2_000, rel=0.05)
    clock[0] = 25.0
    assert pull.speed() < 2_000, "nothing has come for five seconds"
    clock[0] = 20.0 + DOWNLOAD_SPEED_S
    assert pull.speed() == 0, "the last bytes count until then"
    assert len(pull._samples) == 1
    clock[0] = 40.0
    assert pull.speed() == 0
    assert not pull._samples
    pull.take(Progress("pulling b", 500_000, 900_005))
    clock[0] = 42.0
    assert pull.speed() == 0, "the bytes that a further file already has were not loaded now"


def test_a_download_that_begins_anew_has_no_speed_below_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("repaircafe.downloads.downloader.time.monotonic", lambda: clock[0])
    pull = Pull(Progress("", 600_000, 900_000))
    for second, done in enumerate((600_000, 700_000, 0, 1_000, 3_000)):
        clock[0] = float(second)
        pull.take(Progress("pulling a", done, 900_000))
        assert pull.speed() >= 0
    assert pull.speed() == 1_500, "measured since it began anew"


def test_the_inventory_comes_within_its_time_limit(desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch) -> None:
    ollama.models = ["small:latest"]
    found = desk.downloader.inventory(ollama.url)
    assert (found.title, found.models, found.can_pull) == ("Ollama 0.12.6", ("small:latest",), True)
    assert found.has("small")
    monkeypatch.setattr("repaircafe.downloads.downloader.MODELS_WAIT_S", 0.0)
    with pytest.raises(NeighbourError) as caught:
        desk.downloader.inventory(ollama.url)
    assert caught.value.reason is Reason.TIMEOUT


def test_a_silent_server_does_not_delay_a_request_to_another(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, over = inventory.ask, threading.Event()

    def silent(endpoint: str, key: SecretStr | None) -> Inventory:
        over.wait(30 if endpoint == "http://silent" else 0)
        return ask(endpoint, key)

    monkeypatch.setattr(inventory, "ask", silent)
    monkeypatch.setattr(downloader, "MODELS_WAIT_S", 0.0)
    with pytest.raises(NeighbourError) as caught:
        desk.downloader.inventory("http://silent")
    assert caught.value.reason is Reason.TIMEOUT
    assert [one.daemon for one in threading.enumerate() if one.name == "models"] == [True]
    monkeypatch.undo()
    assert desk.downloader.inventory(ollama.url).title == "Ollama 0.12.6"
    over.set()


def test_a_cancelled_download_disconnects_within_two_seconds(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    begun, _ = desk.start()
    assert desk.comes_by(300)
    desk.cancel(begun)
    assert ollama.hung_up.wait(2)
    assert desk.comes_to(State.STOPPED)
    assert desk.now().done == 300


def test_cancelling_another_one_changes_nothing(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    desk.start()
    desk.cancel(Download(id=uuid.uuid4()))
    assert desk.comes_by(300)
    assert (desk.now().state, desk.now().stop_asked) == (State.WRITING, False)


def test_a_download_is_broken_when_its_process_ends_and_the_next_continues(
    desk: Desk, ollama: Ollama, make_app: MakeApp
) -> None:
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    desk.start()
    assert desk.comes_by(300)
    other = Desk(make_app())
    parts(desk.app)[Runner].close()
    assert ollama.hung_up.wait(3)
    assert other.comes_to(State.BROKEN)
    ollama.download = [layer("a", 300, 1_000), layer("a", 1_000, 1_000), {"status": "success"}]
    again, is_new = other.start()
    assert is_new
    assert (again.done, again.total) == (300, 1_000), "the page shows where the download continues"
    assert other.comes_to(State.DONE)


def test_settings_that_could_not_be_read_are_a_reason(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts(desk.app)[Store], "stored", lambda: None)
    desk.start()
    assert desk.comes_to(State.FAILED)
    assert desk.now().reason == Reason.SETTINGS_UNKNOWN


def test_a_download_of_this_process_continues_after_its_lock_was_lost(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The owner must not notice the loss during the test.
    monkeypatch.setattr("repaircafe.work.runner.JOB_WATCH_S", 60.0)
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    begun, _ = desk.start()
    parts(desk.app)[ProcessLock].leave()
    page = desk.app.test_client().get("/config/models", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert f"/config/models/{begun.id}/cancel" in page
    again, is_new = desk.start()
    assert (again.id, again.is_under_way, is_new) == (begun.id, True, False)
