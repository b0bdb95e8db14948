"""The scenes of all neighbours and faults, played side by side."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from repaircafe.neighbours.report import Neighbour
from tests.rigs.faults.moments import MOMENTS, Moments
from tests.rigs.faults.scene import Left, WholeRun


class Played:
    """What comes of one scene: of each moment what it left, or what went wrong in it; and of the whole run."""

    def __init__(self) -> None:
        self.moments: dict[str, Future[Left]] = {moment: Future() for moment in MOMENTS}
        self.whole_run: Future[WholeRun] = Future()

    def fail(self, error: BaseException) -> None:
        """All that has not come to its end went wrong."""
        ends: list[Future[Any]] = [*self.moments.values(), self.whole_run]
        for one in ends:
            if not one.done():
                one.set_exception(error)


class Matrix:
    """Plays scenes side by side, since most of a scene is waiting, and keeps what comes of each."""

    def __init__(self, cluster: Path, folder: Path, wanted: list[tuple[Neighbour, str]], at_once: int) -> None:
        self._cluster = cluster
        self._folder = folder
        self._pool = ThreadPoolExecutor(at_once, "scene")
        self._played = {one: Played() for one in wanted}
        for neighbour, fault in wanted:
            self._pool.submit(self._play, neighbour, fault)

    def close(self) -> None:
        """Waits for the scenes under way; none begins any more."""
        self._pool.shutdown(cancel_futures=True)

    def left(self, neighbour: Neighbour, fault: str, moment: str) -> Left:
        """What the moment left. Raises what went wrong in it."""
        return self._played[neighbour, fault].moments[moment].result()

    def whole_run(self, neighbour: Neighbour, fault: str) -> WholeRun:
        """What was seen from the scene's start to its end. Raises what ended it before."""
        return self._played[neighbour, fault].whole_run.result()

    def _play(self, neighbour: Neighbour, fault: str) -> None:
        folder = self._folder / f"{neighbour.value}-{fault}"
        folder.mkdir()
        played = self._played[neighbour, fault]
        try:
            with Moments(self._cluster, folder, neighbour, fault) as scene:
                for moment, left in played.moments.items():
                    _keep(left, scene, getattr(scene, moment))
            played.whole_run.set_result(scene.whole_run())
        except BaseException as error:
            played.fail(error)
            raise


def _keep(outcome: Future[Left], scene: Moments, act: Callable[[], None]) -> None:
    try:
        act()
        outcome.set_result(scene.left())
    except Exception as error:  # noqa: BLE001  raised again by the test that asks
        outcome.set_exception(error)
    finally:
        scene.proxy.mend()
