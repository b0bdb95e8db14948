"""A disk under the database that is full, or can no longer be written: told truly, with nothing half-saved."""

import contextlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from repaircafe.database import embedded
from repaircafe.database.embedded import Postmaster
from tests.fakes.scripted import Ollama
from tests.harness.client import HTML
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.harness.stored import REPLIES_UNDER_WAY, count
from tests.harness.visitor import MODEL, SECRET_KEY, Visitor, configure
from tests.rigs.faults import disks

pytestmark = pytest.mark.faults

VARIABLES = {"SECRET_KEY": SECRET_KEY, "DB_STARTUP_TIMEOUT": "1"}
MAX_CHARS = 4_000
FULL = "The disk under the database is full."
ENDED = ("reset", "refused")
"""What a database is that has ended: its last connections were broken off, and there are no new ones."""
UNWRITABLE = ("read_only", "loading", *ENDED)
"""It cannot write, recovers from that in vain, and ends by itself."""
ENOUGH_WAL = "SELECT pg_logical_emit_message(false, 'ballast', repeat('x', 1000000)) FROM generate_series(1, 40)"


class Cafe:
    """The app on a PostgreSQL of its own, on a disk of its own."""

    def __init__(self, server: Server, postmaster: Postmaster, disk: Path, model: Ollama) -> None:
        self.server = server
        self.model = model
        self.postmaster = postmaster
        self.disk = disk
        self.taken: list[str] = []

    def health(self) -> dict[str, object]:
        """As it is told now."""
        found: dict[str, object] = requests.get(f"{self.server.url}/health", timeout=30).json()
        return found

    def reason(self) -> str | None:
        """Why the database is not well."""
        services = requests.get(f"{self.server.url}/health", timeout=30).json()["services"]
        found: str | None = next(one["reason"] for one in services if one["service"] == "db")
        return found

    def is_healthy(self) -> bool:
        """Whether it comes to be."""
        return until(lambda: self.health()["status"] == "healthy")

    def ask_until_refused(self) -> tuple[Visitor, str]:
        """Long questions, until one is not taken; that one, with the page that came back."""
        for number in range(200):
            visitor = Visitor(self.server.url)
            visitor.page = visitor.get("/chat/new").text
            question = f"{number} " + random.Random(number).randbytes(MAX_CHARS // 2 - 4).hex()
            if visitor.send(question).status_code == 503:
                return visitor, question
            self.taken.append(question)
        raise AssertionError("the disk is not full")

    @contextlib.contextmanager
    def in_the_middle_of_a_reply(self) -> Iterator[None]:
        """The model says the rest when the context is left, and no word of it is lost, without another press."""
        more, asking = threading.Event(), Visitor(self.server.url)
        self.model.script = ["Half a", more, " thought"]
        try:
            asking.ask("What do you think?")
            assert asking.comes_to("writing")
            self.taken.append("What do you think?")
            yield
        finally:
            self.model.script = ["Hi"]
            more.set()
        assert until(lambda: asking.get(f"/api/chat/{asking.session_id}").status_code == 200, 60)
        assert asking.comes_to("done"), asking.last()
        assert asking.last()["content"] == "Half a thought"

    def mend_disk(self) -> None:
        """What a person does when it can no longer be written."""
        self.postmaster.stop()
        disks.repair(self.disk)
        self.postmaster.start()

    def stored(self) -> list[str]:
        """The questions that are there."""
        with psycopg.connect(embedded.url(self.postmaster.folder)) as connection:
            query = "SELECT content FROM chat_messages WHERE role = 'user' ORDER BY id"
            return [str(row[0]) for row in connection.execute(query)]

    def comes_to_an_end(self) -> bool:
        """Whether every reply does."""
        with psycopg.connect(embedded.url(self.postmaster.folder), autocommit=True) as connection:
            return until(lambda: count(connection, REPLIES_UNDER_WAY) == 0, 60)

    def check_recovery(self, visitor: Visitor, question: str) -> None:
        """Without a restart of the app: what was refused is taken, once, and what was taken before is there, once."""
        assert self.is_healthy(), self.health()
        assert visitor.send(question).status_code == 200
        assert self.stored() == [*self.taken, question]
        assert self.comes_to_an_end()
        lines = self.server.log_lines()
        assert [line for line in lines if line["event_type"] == "request" and line["status"] == 500] == []
        assert [line for line in lines if line["level"] in ("error", "critical")] == []


@contextlib.contextmanager
def cafe_on(disk: Path, folder: Path) -> Iterator[Cafe]:
    """Everything started, and a model set up."""
    data = disk / "postgres"
    embedded.ensure(data)  # makes the cluster and its database
    embedded.release(data)
    postmaster = Postmaster(data)
    postmaster.start()
    try:
        with Ollama(f"{MODEL}:latest") as model, Server(folder, embedded.url(data), **VARIABLES) as server:
            configure(server, model.url)
            cafe = Cafe(server, postmaster, disk, model)
            assert cafe.is_healthy()
            yield cafe
    finally:
        postmaster.stop()


def test_a_full_disk_is_told_and_nothing_is_half_saved(tmp_path: Path) -> None:
    with disks.small(tmp_path / "disk", 160) as disk, cafe_on(disk, tmp_path) as cafe:
        with disks.filled(disk):
            visitor, question = cafe.ask_until_refused()
            assert FULL in visitor.page
            assert question in visitor.page
            assert question not in cafe.stored()
            assert until(lambda: cafe.reason() == "disk_full"), cafe.health()
            assert cafe.health()["status"] == "degraded"
            banner = requests.get(f"{cafe.server.url}/banner", headers=HTML, timeout=30)
            assert FULL in banner.text
            assert cafe.reason() == "disk_full", "it stays told without another attempt of anybody's"
        cafe.check_recovery(visitor, question)


def test_a_disk_that_fills_in_the_middle_of_a_reply_costs_no_word_of_it(tmp_path: Path) -> None:
    with disks.small(tmp_path / "disk", 160) as disk, cafe_on(disk, tmp_path) as cafe:
        with cafe.in_the_middle_of_a_reply(), disks.filled(disk):
            visitor, question = cafe.ask_until_refused()
            assert until(lambda: cafe.reason() == "disk_full"), cafe.health()
        cafe.check_recovery(visitor, question)


def test_a_start_on_a_full_disk_tells_it_before_anybody_saves(tmp_path: Path) -> None:
    with disks.small(tmp_path / "disk", 160) as disk, cafe_on(disk, tmp_path) as cafe:
        cafe.server.stop()
        with disks.filled(disk):
            cafe.server.start()
            assert until(lambda: cafe.reason() == "disk_full"), cafe.health()
        assert cafe.is_healthy()


def test_a_database_that_a_full_disk_has_ended_is_told_and_comes_back(tmp_path: Path) -> None:
    """Its log finds no room, and PostgreSQL ends; Docker starts it again and again."""
    with disks.small(tmp_path / "disk", 160) as disk, cafe_on(disk, tmp_path) as cafe:
        with disks.filled(disk):
            end(cafe)
            visitor, question = cafe.ask_until_refused()
            assert question in visitor.page
            assert until(lambda: cafe.reason() is not None), cafe.health()
            assert cafe.reason() in ENDED
        cafe.postmaster.start()
        cafe.check_recovery(visitor, question)


def test_a_disk_that_can_no_longer_be_written_is_told_and_nothing_is_half_saved(tmp_path: Path) -> None:
    with disks.mortal(tmp_path / "disk", 300) as disk, cafe_on(disk, tmp_path) as cafe:
        disks.fail(disk)
        visitor, question = cafe.ask_until_refused()
        assert question in visitor.page
        assert until(lambda: cafe.reason() is not None), cafe.health()
        assert cafe.reason() in UNWRITABLE
        cafe.mend_disk()
        cafe.check_recovery(visitor, question)


def test_a_disk_that_fails_in_the_middle_of_a_reply_costs_no_word_of_it(tmp_path: Path) -> None:
    with disks.mortal(tmp_path / "disk", 300) as disk, cafe_on(disk, tmp_path) as cafe:
        with cafe.in_the_middle_of_a_reply():
            disks.fail(disk)
            visitor, question = cafe.ask_until_refused()
            cafe.mend_disk()
        cafe.check_recovery(visitor, question)


def test_a_start_on_a_disk_that_cannot_be_written_waits_and_comes_by_itself(tmp_path: Path) -> None:
    with disks.mortal(tmp_path / "disk", 300) as disk, cafe_on(disk, tmp_path) as cafe:
        cafe.server.stop()
        disks.fail(disk)
        cafe.server.start()
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(embedded.url(cafe.postmaster.folder)) as one,
        ):
            one.execute("CHECKPOINT")
        assert until(lambda: cafe.reason() in UNWRITABLE or cafe.health()["status"] == "starting"), cafe.health()
        cafe.mend_disk()
        assert cafe.is_healthy(), cafe.health()


def end(cafe: Cafe) -> None:
    """Writes until PostgreSQL's log is at the end of the disk."""
    with contextlib.suppress(psycopg.OperationalError):
        with psycopg.connect(embedded.url(cafe.postmaster.folder), autocommit=True) as connection:
            connection.execute(ENOUGH_WAL)
    process = cafe.postmaster.process
    assert process is not None
    assert until(lambda: process.poll() is not None, 60), "PostgreSQL goes on"
