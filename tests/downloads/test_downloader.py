"""repaircafe.downloads.downloader: a download in the database, against a scripted Ollama."""

import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from repaircafe.database.engines import Database
from repaircafe.database.errors import tolerating_outage
from repaircafe.database.process_lock import ProcessLock
from repaircafe.downloads import downloader
from repaircafe.downloads.downloader import Downloader, Inventory, Pull, is_same, newest
from repaircafe.downloads.models import Download, State
from repaircafe.limits import DOWNLOAD_AFTER_FAULT_S, DOWNLOAD_SPEED_S
from repaircafe.llm import disk
from repaircafe.llm.base import Progress
from repaircafe.llm.disk import GIGABYTE
from repaircafe.neighbours.report import NeighbourError, Reason
from repaircafe.parts import parts
from repaircafe.settings.store import Store
from tests.conditions import until
from tests.conftest import MakeApp, lose_lock_in_a_look, make_read_only
from tests.downloads.scene import install, layer, room
from tests.fakes.llamacpp import LlamaCpp
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama
from tests.logged import lines_of


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    """A server without a model."""
    with Ollama() as ollama:
        yield ollama


@pytest.fixture(autouse=True)
def _empty_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of whoever runs the tests must not decide one."""
    room(monkeypatch, 100 * GIGABYTE)


class Desk:
    """What an organiser does in one of several processes."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.downloader = parts(app)[Downloader]

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction of a request."""
        ours = parts(self.app)[Database]
        with Session(ours.engine, expire_on_commit=False) as session:
            yield session

    def start(self, model: str = "small") -> tuple[Download, bool]:
        """Begins a download."""
        with self.session() as session:
            return self.downloader.start(session, model)

    def cancel(self, download: Download) -> None:
        """Presses Cancel."""
        with self.session() as session:
            self.downloader.cancel(session, download.id)

    def now(self) -> Download:
        """The newest download as anybody sees it."""
        with self.session() as session:
            found = newest(session)
        assert found is not None
        return found

    def comes_to(self, state: State, limit_s: float = 15) -> bool:
        """Whether it comes to a state."""
        return until(lambda: self.now().state is state, limit_s)

    def comes_by(self, done: int) -> bool:
        """Whether so much of it is stored."""
        return until(lambda: self.now().done == done)


@pytest.fixture
def desk(app: Flask, ollama: Ollama) -> Desk:
    """An app that is set up to use the server."""
    install(app, ollama.url)
    return Desk(app)


def test_a_download_comes_to_its_end_and_all_that_is_stored(
    desk: Desk, ollama: Ollama, caplog: pytest.LogCaptureFixture
) -> None:
    second = threading.Event()
    ollama.download = [{"status": "pulling manifest"}, layer("a", 300, 1_000), second, layer("a", 1_000, 1_000)]
    ollama.download += [layer("b", 50, 50), {"status": "verifying sha256 digest"}, {"status": "success"}]
    begun, is_new = desk.start()
    assert is_new
    assert desk.comes_by(300)
    assert (desk.now().state, desk.now().total, desk.now().status) == (State.UNDER_WAY, 1_000, "pulling a")
    second.set()
    assert desk.comes_to(State.DONE)
    ended = desk.now()
    assert (ended.id, ended.done, ended.total, ended.reason) == (begun.id, 1_050, 1_050, None)
    assert ollama.models == ["small:latest"]
    first = lines_of(caplog, "download")[0]
    assert (first["message"], first["model"], first["resource_id"]) == ("Download began", "small", str(begun.id))


def test_a_status_that_postgresql_cannot_hold_is_stored_as_far_as_it_can(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [{"status": "a\x00b\ud800"}, threading.Event()]
    desk.start()
    assert until(lambda: desk.now().status == "ab?")


def test_the_speed_is_stored_while_it_goes_on(desk: Desk, ollama: Ollama) -> None:
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


def test_its_threads_have_names_and_keep_no_process_from_its_end(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    desk.start()
    assert desk.comes_by(300)
    ours = [one for one in threading.enumerate() if one.name in ("download", "download-watch")]
    assert len(ours) == 2
    assert all(one.daemon for one in ours)


def test_closing_waits_for_a_download_and_not_for_ever(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repaircafe.downloads.downloader.DOWNLOAD_CLOSE_LIMIT_S", 0.5)
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    desk.start()
    (pull,) = desk.downloader._pulls.values()
    limits: list[float | None] = []
    monkeypatch.setattr(pull.thread, "join", limits.append)
    desk.downloader.close()
    (limit_s,) = limits
    assert limit_s is not None
    assert 0 < limit_s <= 0.5


def test_what_the_server_is_silent_about_is_borne(desk: Desk, ollama: Ollama) -> None:
    silence = threading.Event()
    ollama.download = [layer("a", 7, 7), {"status": "verifying sha256 digest"}, silence, {"status": "success"}]
    begun, _ = desk.start()
    assert until(lambda: desk.now().status == "verifying sha256 digest")
    desk.cancel(begun)
    assert desk.comes_to(State.CANCELLED, 5), "a silent server holds nobody up"
    silence.set()


def test_a_cancelled_download_hangs_up_within_two_seconds(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    begun, _ = desk.start()
    assert desk.comes_by(300)
    desk.cancel(begun)
    assert ollama.hung_up.wait(2)
    assert desk.comes_to(State.CANCELLED)
    assert desk.now().done == 300


def test_it_can_be_cancelled_from_another_process(desk: Desk, ollama: Ollama, make_app: MakeApp) -> None:
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    begun, _ = desk.start()
    other = Desk(make_app())
    assert other.comes_by(300)
    other.cancel(begun)
    assert ollama.hung_up.wait(3)
    assert other.comes_to(State.CANCELLED)


def test_cancel_is_heard_at_once_where_it_is_downloaded(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repaircafe.downloads.downloader.DOWNLOAD_STORE_S", 60.0)
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    begun, _ = desk.start()
    assert until(lambda: ollama.pulls() == ["small"])
    desk.cancel(begun)
    assert desk.comes_to(State.CANCELLED)


def test_cancelling_another_one_changes_nothing(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    desk.start()
    desk.cancel(Download(id=uuid.uuid4()))
    assert desk.comes_by(300)
    assert (desk.now().state, desk.now().cancel_asked) == (State.UNDER_WAY, False)


def test_cancelling_what_has_ended_changes_nothing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    begun, _ = desk.start()
    assert desk.comes_to(State.DONE)
    assert until(lambda: [(one["level"], one["state"]) for one in ended(caplog)] == [("info", "done")])
    desk.cancel(begun)
    assert (desk.now().state, desk.now().cancel_asked) == (State.DONE, False)


def test_two_starts_at_once_are_one_download(desk: Desk, ollama: Ollama, make_app: MakeApp) -> None:
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


def test_another_model_waits_until_this_one_has_ended(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [threading.Event()]
    begun, _ = desk.start()
    other, is_new = desk.start("other")
    assert (other.id, other.model, is_new) == (begun.id, "small", False)


def test_a_process_that_ends_leaves_it_broken_off_and_the_next_goes_on(
    desk: Desk, ollama: Ollama, make_app: MakeApp
) -> None:
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    desk.start()
    assert desk.comes_by(300)
    other = Desk(make_app())
    desk.downloader.close()
    assert ollama.hung_up.wait(3)
    assert other.comes_to(State.BROKEN)
    ollama.download = [layer("a", 300, 1_000), layer("a", 1_000, 1_000), {"status": "success"}]
    again, is_new = other.start()
    assert is_new
    assert (again.done, again.total) == (300, 1_000), "it is shown where it goes on"
    assert other.comes_to(State.DONE)


def test_it_is_read_as_it_is_now_and_not_as_the_session_knows_it(desk: Desk, raw: psycopg.Connection) -> None:
    with desk.session() as session:
        known = Download(model="small", owner=7, state=State.DONE, done=300)
        session.add(known)
        session.commit()
        raw.execute("UPDATE downloads SET done = 500")
        found = newest(session)
    assert found is known
    assert found.done == 500


def test_a_process_that_is_gone_is_noticed_by_whoever_looks(desk: Desk) -> None:
    with desk.session() as session:
        left = Download(model="small", owner=7, done=300, total=1_000, speed=5)
        session.add(left)
        session.commit()
        before = left.updated_at
        found = newest(session)
    assert found is not None
    assert (found.state, found.speed) == (State.BROKEN, 0)
    assert found.updated_at > before
    _, is_new = desk.start()
    assert is_new
    assert desk.comes_to(State.DONE)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}], "no_such_model"),
        ([layer("a", 3, 9), {"error": "write blob: no space left on device"}], "disk_full"),
        ([layer("a", 3, 9)], "download_cut"),
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
    assert (line["model"], line["resource_id"]) == ("small", str(desk.now().id))


def test_an_end_that_the_database_refuses_is_logged_and_stands_in_nobodys_way(
    desk: Desk, ollama: Ollama, raw: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    raw.execute("ALTER TABLE downloads ADD CONSTRAINT refused CHECK (state <> 'done') NOT VALID")
    ollama.download = [layer("a", 9, 9), {"status": "success"}]
    begun, _ = desk.start()
    assert until(lambda: bool(lines_of(caplog, "db_error")))
    (line,) = lines_of(caplog, "db_error")
    assert (line["level"], line["message"]) == ("error", "Download not stored")
    assert line["resource_id"] == str(begun.id)
    assert "refused" in line["exception"]
    assert desk.comes_to(State.FAILED)
    assert desk.now().reason is Reason.INTERNAL


def test_where_no_end_can_be_stored_at_all_that_is_logged_as_well(
    desk: Desk, ollama: Ollama, raw: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    raw.execute("ALTER TABLE downloads ADD CONSTRAINT refused CHECK (state NOT IN ('done', 'failed')) NOT VALID")
    ollama.download = [{"status": "success"}]
    desk.start()
    assert until(lambda: len(lines_of(caplog, "db_error")) == 2)
    assert {line["message"] for line in lines_of(caplog, "db_error")} == {"Download not stored"}


def test_an_attempt_that_fails_at_once_forgets_nothing_of_the_one_before(desk: Desk, ollama: Ollama) -> None:
    """Else the next one would be refused for the room that is taken already."""
    offline = {"error": "pull model manifest: dial tcp: lookup registry: no such host"}
    ollama.download = [{"status": "pulling manifest"}, layer("a", 600, 1_000), offline]
    desk.start()
    assert desk.comes_to(State.FAILED)
    ollama.download = [{"status": "pulling manifest"}, offline]
    begun, is_new = desk.start()
    assert is_new
    assert desk.comes_to(State.FAILED)
    assert (desk.now().id, desk.now().done, desk.now().total) == (begun.id, 600, 1_000)


def test_a_size_that_no_disk_has_is_cut(desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repaircafe.llm.disk.require", lambda *_: None)
    ollama.download = [layer("a", 2**70, 2**70), {"status": "success"}]
    desk.start()
    assert desk.comes_to(State.DONE)
    assert desk.now().total == 10**15


def test_after_the_clock_was_set_back_the_new_download_is_the_newest(
    desk: Desk, ollama: Ollama, raw: psycopg.Connection
) -> None:
    ollama.download = [{"status": "success"}]
    desk.start()
    assert desk.comes_to(State.DONE)
    raw.execute("UPDATE downloads SET created_at = now() + interval '1 hour'")
    begun, is_new = desk.start("other")
    assert (is_new, desk.now().id) == (True, begun.id)
    assert desk.comes_to(State.DONE)


def test_what_cannot_be_kept_up_is_logged_and_tried_again_later(
    desk: Desk,
    ollama: Ollama,
    raw: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []

    def hurried(message: str, pause_s: float = 0.0) -> AbstractContextManager[None]:
        pauses.append(pause_s)
        return tolerating_outage(message)

    monkeypatch.setattr("repaircafe.downloads.downloader.tolerating_outage", hurried)
    raw.execute("ALTER TABLE downloads ADD CONSTRAINT refused CHECK (done <> 300) NOT VALID")
    more = threading.Event()
    ollama.download = [layer("a", 300, 1_000), more, layer("a", 1_000, 1_000), {"status": "success"}]
    desk.start()
    assert until(lambda: bool(lines_of(caplog, "db_error")))
    assert lines_of(caplog, "db_error")[0]["message"] == "Download not kept up"
    assert set(pauses) == {DOWNLOAD_AFTER_FAULT_S}
    more.set()
    assert desk.comes_to(State.DONE)


def test_what_nobody_thought_of_is_an_end_as_well(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repaircafe.downloads.downloader.identify", lambda *_: 1 / 0)
    begun, _ = desk.start()
    assert desk.comes_to(State.FAILED)
    assert desk.now().reason == Reason.INTERNAL
    assert not lines_of(caplog, "db_error")
    (line,) = lines_of(caplog, "internal_error")
    assert (line["level"], line["message"], line["resource_id"]) == ("error", "Download failed", str(begun.id))
    assert "ZeroDivisionError" in line["exception"]


def test_what_cannot_be_broken_off_holds_no_end_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the resolution of a name."""
    monkeypatch.setattr("repaircafe.downloads.downloader.DOWNLOAD_STOP_LIMIT_S", 0.1)
    resolved = threading.Event()
    monkeypatch.setattr(desk.downloader, "_pull", lambda _: resolved.wait())
    begun, _ = desk.start()
    desk.cancel(begun)
    assert desk.comes_to(State.CANCELLED)
    resolved.set()


def test_the_disk_is_asked_for_what_is_still_to_come_and_not_with_every_line(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk.session() as session:
        session.add(Download(model="small", owner=7, state=State.BROKEN, done=300, total=1_000))
        session.commit()
    asked: list[int] = []
    monkeypatch.setattr(disk, "require", lambda _endpoint, size, _reserve: asked.append(size))
    ollama.download = [layer("a", done, 1_000) for done in (400, 500, 600, 1_000)]
    ollama.download.append({"status": "success"})
    desk.start()
    assert desk.comes_to(State.DONE)
    assert asked == [700, 600]


def test_a_server_that_is_away_or_not_set_up_is_a_reason(app: Flask) -> None:
    desk = Desk(app)
    desk.start()
    assert desk.comes_to(State.FAILED)
    assert desk.now().reason == Reason.NOT_SET
    install(app, "http://127.0.0.1:9")
    desk.start()
    assert until(lambda: desk.now().reason == Reason.REFUSED)


def test_settings_that_could_not_be_read_are_a_reason(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts(desk.app)[Store], "stored", lambda: None)
    desk.start()
    assert desk.comes_to(State.FAILED)
    assert desk.now().reason == Reason.SETTINGS_UNKNOWN


def test_a_model_of_unknown_size_begins_with_nothing(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [threading.Event()]
    begun, _ = desk.start()
    assert until(lambda: desk.now().updated_at > begun.updated_at)
    now = desk.now()
    assert (now.status, now.done, now.total) == ("", 0, 0)


def test_a_disk_that_is_too_full_is_told_before_the_server_is_asked(
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


def test_a_disk_that_is_too_full_for_an_unknown_model_is_told_when_its_size_is(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(monkeypatch, 3 * GIGABYTE)
    ollama.download = [layer("a", 200_000_000, 1_300_000_000), threading.Event()]
    desk.start("other")
    assert desk.comes_to(State.FAILED)
    assert desk.now().reason == "disk_full"
    assert desk.now().total - desk.now().done == 1_100_000_000
    assert ollama.hung_up.wait(3)


def test_what_is_there_already_needs_no_room(desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch) -> None:
    room(monkeypatch, 3 * GIGABYTE)
    ollama.download = [layer("a", 1_200_000_000, 1_300_000_000), {"status": "success"}]
    desk.start("other")
    assert desk.comes_to(State.DONE)


def test_a_disk_that_fills_up_meanwhile_ends_it(desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch) -> None:
    """Down to a second reserve, so that an hour's log does not waste an hour's download."""
    ollama.download = [layer("a", 100, 1_000), threading.Event()]
    room(monkeypatch, 2 * GIGABYTE + 900)
    begun, _ = desk.start("other")
    assert desk.comes_by(100)
    room(monkeypatch, GIGABYTE + 900)
    with desk.session() as session:
        seen = session.scalar(sa.select(Download.updated_at).where(Download.id == begun.id))
    assert until(lambda: desk.now().updated_at != seen)
    assert desk.now().state is State.UNDER_WAY
    room(monkeypatch, GIGABYTE + 899)
    assert desk.comes_to(State.FAILED)
    assert (desk.now().reason, desk.now().free) == ("disk_full", GIGABYTE + 899)


def test_the_disk_of_another_machine_is_its_own_business(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(monkeypatch, 0)
    monkeypatch.setattr(disk, "_is_here", lambda host: host != "127.0.0.1")
    ollama.download = [layer("a", 7, GIGABYTE), {"status": "success"}]
    desk.start("gemma3:4b")
    assert desk.comes_to(State.DONE)
    assert desk.downloader.inventory(ollama.url).free is None


@pytest.mark.parametrize(
    ("endpoint", "here"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://localhost:11434", True),
        ("http://[::1]:11434", True),
        ("http://192.0.2.7:11434", False),
        ("http://nowhere.invalid:11434", False),
    ],
)
def test_this_machine_is_told_from_others(endpoint: str, here: bool) -> None:
    assert (disk.free(endpoint) is not None) is here


def test_an_address_of_this_machines_own_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands for the Pi's own address on the LAN, which a test machine may not have."""
    monkeypatch.setattr(disk, "is_loopback", lambda _: False)
    assert disk.free("http://127.0.0.1:11434") == 100 * GIGABYTE


def test_dockers_folder_is_looked_at_where_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    looked_at: list[Path] = []

    def usage(path: Path) -> SimpleNamespace:
        looked_at.append(path)
        return SimpleNamespace(free=1)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    monkeypatch.setattr(disk, "_DOCKER", tmp_path / "docker")
    disk.free("http://127.0.0.1")
    (tmp_path / "docker").mkdir()
    disk.free("http://127.0.0.1")
    assert looked_at == [Path("/"), tmp_path / "docker"]


def test_a_database_that_is_away_meanwhile_loses_neither_the_download_nor_its_end(
    proxied: Callable[..., Flask], proxy: Proxy, ollama: Ollama, make_app: MakeApp
) -> None:
    app = proxied()
    install(app, ollama.url)
    desk, other = Desk(app), Desk(make_app())
    more = threading.Event()
    ollama.download = [layer("a", 300, 1_000), more, layer("a", 1_000, 1_000), {"status": "success"}]
    begun, _ = desk.start()
    assert desk.comes_by(300)
    proxy.break_with("refuse")
    assert other.comes_to(State.BROKEN), "nobody can tell that it goes on"
    more.set()
    assert until(lambda: ollama.models == ["small:latest"])
    proxy.mend()
    assert other.comes_to(State.DONE)
    assert (other.now().id, other.now().done) == (begun.id, 1_000)
    assert not ollama.hung_up.is_set()


def test_a_process_that_was_given_up_takes_its_download_back(desk: Desk, ollama: Ollama) -> None:
    with desk.session() as session:
        session.add(Download(model="old", owner=7, state=State.BROKEN))
        session.commit()
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    begun, _ = desk.start()
    assert desk.comes_by(300)
    parts(desk.app)[ProcessLock].leave()
    with desk.session() as session:
        session.execute(sa.update(Download).values(state=State.BROKEN, done=0))
        session.commit()
    assert desk.comes_by(300)
    assert (desk.now().id, desk.now().state) == (begun.id, State.UNDER_WAY)


def test_a_name_that_is_lost_between_two_steps_of_a_look_costs_no_download(
    desk: Desk, ollama: Ollama, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    desk.start()
    assert desk.comes_by(300)
    lose_lock_in_a_look(desk.app, raw, "downloads", monkeypatch)
    assert until(lambda: raw.execute("SELECT state FROM downloads").fetchone() == ("under_way",))
    assert not ollama.hung_up.is_set()


def test_what_this_process_downloads_goes_on_though_its_name_was_lost(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its owner does not notice in the meantime.
    monkeypatch.setattr("repaircafe.downloads.downloader.DOWNLOAD_STORE_S", 60.0)
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    begun, _ = desk.start()
    parts(desk.app)[ProcessLock].leave()
    page = desk.app.test_client().get("/config/models", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert f"/config/models/{begun.id}/cancel" in page
    again, is_new = desk.start()
    assert (again.id, again.state, is_new) == (begun.id, State.UNDER_WAY, False)


def test_a_database_that_can_only_be_read_still_shows_it(desk: Desk) -> None:
    begun, _ = desk.start()
    assert desk.comes_to(State.DONE)
    make_read_only(desk.app, "on")
    assert desk.now().id == begun.id


def test_what_was_cancelled_meanwhile_is_not_taken_back(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    desk.start()
    assert desk.comes_by(300)
    with desk.session() as session:
        session.execute(sa.update(Download).values(state=State.CANCELLED))
        session.commit()
    parts(desk.app)[ProcessLock].leave()
    assert ollama.hung_up.wait(5)
    assert desk.now().state is State.CANCELLED


def test_a_process_that_was_given_up_makes_way_for_the_one_that_came_after(desk: Desk, ollama: Ollama) -> None:
    ollama.download = [layer("a", 300, 1_000), threading.Event()]
    desk.start()
    assert desk.comes_by(300)
    with desk.session() as session:
        session.execute(sa.update(Download).values(state=State.BROKEN))
        owner = session.scalar(sa.text("SELECT pg_advisory_lock(77), 77"))
        assert owner is not None
        session.add(Download(model="other", owner=77))
        session.commit()
        parts(desk.app)[ProcessLock].leave()
        assert ollama.hung_up.wait(5)
        assert desk.now().model == "other"
        assert desk.now().state is State.UNDER_WAY


def test_the_speed_is_that_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("repaircafe.downloads.downloader.time.monotonic", lambda: clock[0])
    pull = Pull(Download(id=uuid.uuid4(), model="small", owner=1, done=0, total=0))
    assert pull.speed() == 0
    for second in range(21):
        clock[0] = float(second)
        pull.take(Progress("pulling a", 500 + 1_000 * second + 1_000 * max(0, second - 10), 900_000))
        assert (pull.speed() > 0) == (second >= 1), "not known before a second has passed"
    assert pull.speed() == pytest.approx(2_000, rel=0.05)
    clock[0] = 25.0
    assert pull.speed() < 2_000, "nothing has come for five seconds"
    clock[0] = 20.0 + DOWNLOAD_SPEED_S
    assert pull.speed() == 0, "the last that came counts until then"
    assert len(pull._samples) == 1
    clock[0] = 40.0
    assert pull.speed() == 0
    assert not pull._samples
    pull.take(Progress("pulling b", 500_000, 900_005))
    clock[0] = 42.0
    assert pull.speed() == 0, "what a further file brings along was not loaded just now"


def test_what_a_server_has_is_asked_within_its_limit(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    ollama.models = ["small:latest"]
    found = desk.downloader.inventory(ollama.url)
    assert (found.title, found.models, found.can_pull) == ("Ollama 0.12.6", ("small:latest",), True)
    assert found.has("small")
    monkeypatch.setattr("repaircafe.downloads.downloader.MODELS_WAIT_S", 0.0)
    with pytest.raises(NeighbourError) as caught:
        desk.downloader.inventory(ollama.url)
    assert caught.value.reason is Reason.TIMEOUT


def test_a_server_that_downloads_nothing_has_no_disk_of_interest(desk: Desk) -> None:
    with LlamaCpp() as server:
        found = desk.downloader.inventory(server.url)
    assert (found.can_pull, found.free) == (False, None)


def test_a_server_that_is_silent_holds_no_question_to_another_up(
    desk: Desk, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, over = downloader._ask, threading.Event()

    def silent(endpoint: str) -> Inventory:
        over.wait(30 if endpoint == "http://silent" else 0)
        return ask(endpoint)

    monkeypatch.setattr(downloader, "_ask", silent)
    monkeypatch.setattr(downloader, "MODELS_WAIT_S", 0.0)
    with pytest.raises(NeighbourError) as caught:
        desk.downloader.inventory("http://silent")
    assert caught.value.reason is Reason.TIMEOUT
    assert [one.daemon for one in threading.enumerate() if one.name == "models"] == [True]
    monkeypatch.undo()
    assert desk.downloader.inventory(ollama.url).title == "Ollama 0.12.6"
    over.set()


def ended(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What the log says of downloads that have ended."""
    return [line for line in lines_of(caplog, "download") if line["message"] == "Download ended"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("a", "a", True), ("a", "a:latest", True), ("a:latest", "a", True), ("a:1b", "a", False), ("", "a", False)],
)
def test_a_name_without_a_tag_means_the_latest(one: str, other: str, same: bool) -> None:
    assert is_same(one, other) is same
