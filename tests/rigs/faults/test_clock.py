"""The machine's clock is set back an hour, or forward a day, while the app and PostgreSQL run by it.

A Pi has no clock of its own: it starts with the time at which it was switched off, until the internet tells the true
one.
"""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from repaircafe.database import embedded
from repaircafe.neighbours.report import Neighbour
from tests.harness.conditions import until
from tests.harness.database import administer, prepare
from tests.harness.stored import WAITING_FOR_A_LOCK, count
from tests.rigs.faults.clock import Clock
from tests.rigs.faults.scene import OPENING_S, WHOLE, WORDS, Scene, WholeRun

pytestmark = pytest.mark.faults

SHIFTS = [timedelta(hours=-1), timedelta(days=1)]


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    """The clock of this module's app and PostgreSQL."""
    return Clock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def ticking(clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a PostgreSQL that runs by it."""
    folder = tmp_path_factory.mktemp("ticking") / "postgres"
    prepare(folder)
    embedded.release(folder)
    postmaster = embedded.Postmaster(folder, ["fsync=off", "max_connections=200"])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in clock.variables.items():
            patch.setenv(name, value)
        postmaster.start()
    assert until(lambda: accepts(folder))
    yield folder
    postmaster.stop()


@pytest.fixture(params=SHIFTS, ids=["back an hour", "forward a day"])
def shift(request: pytest.FixtureRequest) -> timedelta:
    """What the clock is set by."""
    found: timedelta = request.param
    return found


@pytest.fixture
def scene(ticking: Path, tmp_path: Path, clock: Clock) -> Iterator[Scene]:
    """The app before its clock is set, with a model that can be taken away."""
    clock.set(0)
    with Scene(ticking, tmp_path, Neighbour.LLM, "refuse", **clock.variables) as scene:
        scene.check_recovery()
        yield scene
    assert scene.whole_run() == WholeRun()


def accepts(folder: Path) -> bool:
    """Whether the PostgreSQL of a folder can be used."""
    try:
        administer(folder, "SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def told_by(scene: Scene) -> timedelta:
    """How far the app's clock is from the true time."""
    return datetime.fromisoformat(scene.look().body["timestamp"]) - datetime.now(UTC)


def told_by_database(scene: Scene) -> timedelta:
    """The same of PostgreSQL's."""
    (now,) = scene.raw.execute("SELECT clock_timestamp()").fetchone() or ()
    found: timedelta = now - datetime.now(UTC)
    return found


def set_clock(clock: Clock, shift: timedelta, scene: Scene) -> None:
    """Sets it, and sees that the app and PostgreSQL go by it."""
    clock.set(int(shift.total_seconds()))
    assert until(lambda: abs(told_by(scene) - shift) < timedelta(minutes=1))
    assert until(lambda: abs(told_by_database(scene) - shift) < timedelta(minutes=1))


def test_while_nothing_happens(scene: Scene, clock: Clock, shift: timedelta) -> None:
    workers = scene.server.workers()
    set_clock(clock, shift, scene)
    scene.proxy.break_with("refuse")
    assert scene.is_told(), scene.looked[-1].body
    scene.check_pages()
    scene.check_recovery()
    set_clock(clock, timedelta(0), scene)
    scene.check_recovery()
    assert scene.server.workers() == workers


def test_in_mid_write(scene: Scene, clock: Clock, shift: timedelta) -> None:
    """PostgreSQL reckons a statement's limit by the wall clock: set forward, it gives the statement up."""
    before, value = scene.location(), f"Place {uuid.uuid4()}"
    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(scene.raw.info.dsn) as locking:
            locking.execute("LOCK TABLE settings IN EXCLUSIVE MODE")
            status = pool.submit(scene.save, value)
            assert until(lambda: count(scene.raw, WAITING_FOR_A_LOCK) > 0)
            set_clock(clock, shift, scene)
    assert status.result() in ([200] if shift < timedelta(0) else [200, 503])
    assert scene.location() == (value if status.result() == 200 else before)
    scene.check_recovery()


def test_in_mid_reply(scene: Scene, clock: Clock, shift: timedelta) -> None:
    gates = [threading.Event() for _ in WORDS]
    scene.ollama.script = [part for pair in zip(WORDS, gates, strict=True) for part in pair]
    visitor, question = scene.visitor(), f"Question {uuid.uuid4()}"
    assert visitor.send(question).status_code == 200
    assert until(lambda: visitor.last()["content"] == WORDS[0])
    set_clock(clock, shift, scene)
    for gate in gates:
        gate.set()
    assert visitor.comes_to("done")
    scene.ollama.script = ["Hi"]
    assert visitor.send("And when?").status_code == 200
    assert visitor.comes_to("done")
    assert [one["content"] for one in visitor.messages()] == [question, WHOLE, "And when?", "Hi"]
    assert question in visitor.show()
    scene.check_recovery()


def test_while_it_waits_for_its_database(ticking: Path, tmp_path: Path, clock: Clock, shift: timedelta) -> None:
    clock.set(0)
    with Scene(ticking, tmp_path, Neighbour.DB, "refuse", **clock.variables) as scene:
        assert scene.look().body["status"] == "starting"
        set_clock(clock, shift, scene)
        scene.check_recovery(OPENING_S)
    assert scene.whole_run() == WholeRun()
