"""repaircafe.downloads.downloader: a download needs room on the disk, and fails early if there is too little."""

import threading

import pytest

from repaircafe.downloads.models import Download
from repaircafe.llm import disk
from repaircafe.llm.disk import GIGABYTE
from repaircafe.work.models import State
from tests.downloads.scene import Desk, layer, room
from tests.fakes.llamacpp import LlamaCpp
from tests.fakes.scripted import Ollama
from tests.harness.conditions import until


def test_an_impossible_size_is_capped(desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repaircafe.llm.disk.require", lambda *_: None)
    ollama.download = [layer("a", 2**70, 2**70), {"status": "success"}]
    desk.start()
    assert desk.comes_to(State.DONE)
    assert desk.now().total == 10**15


def test_the_disk_is_checked_for_the_remaining_bytes_and_not_with_every_line(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk.session() as session:
        session.add(Download(subject="small", owner=7, state=State.BROKEN, progress={"done": 300, "total": 1_000}))
        session.commit()
    asked: list[int] = []
    monkeypatch.setattr(disk, "require", lambda _endpoint, size, _reserve: asked.append(size))
    ollama.download = [layer("a", done, 1_000) for done in (400, 500, 600, 1_000)]
    ollama.download.append({"status": "success"})
    desk.start()
    assert desk.comes_to(State.DONE)
    assert asked == [700, 600]


def test_a_model_of_unknown_size_starts_at_zero(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [threading.Event()]
    desk.start()
    assert until(lambda: ollama.pulls() == ["small"])
    now = desk.now()
    assert (now.status, now.done, now.total) == ("", 0, 0)


def test_a_full_disk_is_reported_before_any_request_to_the_server(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(monkeypatch, 3 * GIGABYTE)
    desk.start("llama3.2:1b")
    assert desk.comes_to(State.FAILED)
    refused = desk.now()
    assert (refused.reason, refused.total, refused.free) == ("disk_full", 1_300_000_000, 3 * GIGABYTE)
    assert ollama.pulls() == []
    desk.start("gemma3:1b")
    assert desk.comes_to(State.DONE), "a smaller one fits"


def test_a_full_disk_is_reported_for_an_unknown_model_once_its_size_is_known(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(monkeypatch, 3 * GIGABYTE)
    ollama.download = [layer("a", 200_000_000, 1_300_000_000), threading.Event()]
    desk.start("other")
    assert desk.comes_to(State.FAILED)
    assert desk.now().reason == "disk_full"
    assert desk.now().total - desk.now().done == 1_100_000_000
    assert ollama.hung_up.wait(3)


def test_bytes_that_are_there_already_need_no_room(desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch) -> None:
    room(monkeypatch, 3 * GIGABYTE)
    ollama.download = [layer("a", 1_200_000_000, 1_300_000_000), {"status": "success"}]
    desk.start("other")
    assert desk.comes_to(State.DONE)


def test_a_disk_that_fills_up_ends_the_download(desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a second, smaller reserve, so that an hour's log lines do not waste an hour's download."""
    ollama.download = [layer("a", 100, 1_000), threading.Event()]
    room(monkeypatch, 2 * GIGABYTE + 900)
    desk.start("other")
    assert desk.comes_by(100)
    looks = room(monkeypatch, GIGABYTE + 900)
    assert until(lambda: len(looks) > 1)
    assert desk.now().state is State.WRITING
    room(monkeypatch, GIGABYTE + 899)
    assert desk.comes_to(State.FAILED)
    assert (desk.now().reason, desk.now().free) == ("disk_full", GIGABYTE + 899)


def test_the_disk_of_another_machine_is_not_checked(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(monkeypatch, 0)
    monkeypatch.setattr(disk, "_is_here", lambda host: host != "127.0.0.1")
    ollama.download = [layer("a", 7, GIGABYTE), {"status": "success"}]
    desk.start("gemma3:4b")
    assert desk.comes_to(State.DONE)
    assert desk.downloader.inventory(ollama.url).free is None


def test_a_server_that_cannot_download_has_no_free_bytes(desk: Desk) -> None:
    with LlamaCpp() as server:
        found = desk.downloader.inventory(server.url)
    assert (found.can_pull, found.free) == (False, None)
