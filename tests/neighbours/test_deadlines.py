"""repaircafe.neighbours.deadlines: nobody waits longer than promised, and at most one run of a kind is in progress."""

import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from repaircafe.neighbours.deadlines import BusyError, Cached, DeadlineError, Pending, SingleFlight

SOON_S = 0.05
LONG_S = 10.0


class Work:
    """Work that waits for `go`, and counts its runs."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.runs = 0

    def __call__(self) -> int:
        self.runs += 1
        self.begun.set()
        assert self.go.wait(LONG_S)
        return self.runs


def test_simultaneous_callers_share_one_run() -> None:
    work, flight = Work(), SingleFlight[int]("x")
    pending = [flight.join(work, LONG_S) for _ in range(20)]
    work.go.set()
    assert [one.result() for one in pending] == [1] * 20
    assert work.runs == 1


def test_after_a_run_has_ended_a_new_one_begins() -> None:
    work, flight = Work(), SingleFlight[int]("x")
    work.go.set()
    assert [flight.join(work, LONG_S).result() for _ in range(2)] == [1, 2]


def test_a_process_made_by_a_fork_does_not_wait_for_a_run_of_the_other() -> None:
    work, flight = Work(), SingleFlight[int]("x")
    before = flight.join(work, LONG_S)
    assert work.begun.wait(LONG_S)
    child = os.fork()
    if not child:
        os._exit(flight.join(lambda: 42, LONG_S).result())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
    assert flight.join(work, LONG_S) is before
    work.go.set()
    assert before.result() == 1


def test_a_waiter_gives_up_at_its_deadline_while_the_work_continues() -> None:
    work, flight = Work(), SingleFlight[int]("x")
    first = flight.join(work, SOON_S)
    with pytest.raises(DeadlineError):
        first.result()
    with pytest.raises(DeadlineError):
        flight.join(work, LONG_S).result()  # shares the run and its deadline
    assert work.runs == 1
    work.go.set()
    assert first.future.result(LONG_S) == 1


def test_a_glance_waits_less_than_the_deadline() -> None:
    work, flight = Work(), SingleFlight[int]("x")
    pending = flight.join(work, LONG_S)
    with pytest.raises(DeadlineError):
        pending.result(SOON_S)
    work.go.set()
    assert pending.result() == 1


def test_alone_refuses_while_a_run_is_in_progress() -> None:
    work, flight = Work(), SingleFlight[int]("x")
    pending = flight.alone(work, LONG_S)
    with pytest.raises(BusyError):
        flight.alone(work, LONG_S)
    work.go.set()
    assert pending.result() == 1
    assert flight.alone(work, LONG_S).result() == 2


def test_every_waiter_gets_the_error() -> None:
    def fail() -> int:
        raise ValueError("no")

    pending = [SingleFlight[int]("x").join(fail, LONG_S) for _ in range(3)]
    for one in pending:
        with pytest.raises(ValueError, match="no"):
            one.result()


def test_a_timeout_error_of_the_work_is_not_taken_for_the_deadline() -> None:
    def fail() -> int:
        raise TimeoutError("theirs")

    with pytest.raises(TimeoutError, match="theirs"):
        SingleFlight[int]("x").join(fail, LONG_S).result()


def test_after_waits_for_the_run_in_progress_and_then_runs_its_own_work() -> None:
    old, new, flight = Work(), Work(), SingleFlight[str]("x")
    flight.alone(lambda: f"old {old()}", LONG_S)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(lambda: flight.after(lambda: f"new {new()}", LONG_S).result())
        new.go.set()
        old.go.set()
        assert asked.result() == "new 1"
    assert flight.after(lambda: "third", LONG_S).result() == "third"
    assert SingleFlight[str]("x").after(lambda: "first", LONG_S).result() == "first"


def test_after_does_not_wait_for_a_run_that_exceeds_its_limit() -> None:
    old, flight = Work(), SingleFlight[int]("x")
    flight.alone(old, SOON_S)
    with pytest.raises(BusyError):
        flight.after(lambda: 7, LONG_S)
    old.go.set()


def test_a_fresh_value_comes_from_the_cache() -> None:
    work, cached = Work(), Cached[int]("x", ttl_s=LONG_S, limit_s=LONG_S)
    work.go.set()
    assert [cached.get(work) for _ in range(3)] == [1, 1, 1]
    assert Cached[int]("x", ttl_s=0, limit_s=LONG_S).last is None


def test_a_stale_value_is_refreshed_and_stays_known_meanwhile() -> None:
    work, cached = Work(), Cached[int]("x", ttl_s=LONG_S, limit_s=SOON_S)
    cached.put(7)
    cached.expire()
    with pytest.raises(DeadlineError):
        cached.get(work)
    assert cached.last == 7
    work.go.set()


def test_a_value_put_beats_a_run_in_progress() -> None:
    work, cached = Work(), Cached[int]("x", ttl_s=LONG_S, limit_s=LONG_S)
    pending = cached.begin(work)
    assert work.begun.wait(LONG_S)
    cached.put(7)
    work.go.set()
    pending.result()
    assert cached.get(work) == 7


def test_a_failure_is_not_cached() -> None:
    cached = Cached[int]("x", ttl_s=LONG_S, limit_s=LONG_S)
    cached.put(7)
    cached.expire()
    with pytest.raises(ZeroDivisionError):
        cached.get(lambda: 1 // 0)
    assert cached.last == 7
    assert cached.get(lambda: 8) == 8


def test_waiters_in_several_threads_get_the_error() -> None:
    go, flight = threading.Event(), SingleFlight[int]("x")

    def fail() -> int:
        assert go.wait(LONG_S)
        raise ValueError("no")

    pending = [flight.join(fail, LONG_S) for _ in range(3)]
    assert len({id(one.future) for one in pending}) == 1
    got: list[str] = []

    def wait(one: Pending[int]) -> None:
        try:
            one.result()
        except ValueError as error:
            got.append(str(error))

    waiters = [threading.Thread(target=wait, args=(one,)) for one in pending]
    for waiter in waiters:
        waiter.start()
    go.set()
    for waiter in waiters:
        waiter.join(LONG_S)
    assert got == ["no"] * 3


def test_an_expired_value_is_refreshed() -> None:
    work, cached = Work(), Cached[int]("x", ttl_s=0, limit_s=LONG_S)
    work.go.set()
    assert [cached.get(work) for _ in range(3)] == [1, 2, 3]


def test_a_caller_after_expire_does_not_get_the_result_of_an_older_run() -> None:
    old, new, cached = Work(), Work(), Cached[str]("x", ttl_s=LONG_S, limit_s=LONG_S)
    cached.begin(lambda: f"old {old()}")
    assert old.begun.wait(LONG_S)
    cached.expire()
    new.go.set()
    pending = cached.begin(lambda: f"new {new()}")
    old.go.set()
    assert pending.result() == "new 1"


def test_all_callers_after_expire_share_the_new_run(monkeypatch: pytest.MonkeyPatch) -> None:
    work, cached, now = Work(), Cached[int]("x", ttl_s=LONG_S, limit_s=2), [100.0]
    monkeypatch.setattr("repaircafe.neighbours.deadlines.time.monotonic", lambda: now[0])
    assert cached.begin(work).deadline == 102
    now[0] = 101
    cached.expire()
    assert [cached.begin(work).deadline for _ in range(3)] == [103, 103, 103]
    now[0] = 102
    assert cached.begin(work).deadline == 103, "asking again does not postpone the deadline"
    work.go.set()


def test_a_result_at_the_last_moment_counts() -> None:
    class Late(Future[int]):
        """A future that is done just after the wait for it has timed out."""

        def result(self, timeout: float | None = None) -> int:
            if not self.done():
                self.set_result(7)
                raise TimeoutError
            return super().result(timeout)

    assert Pending(Late(), time.monotonic() + LONG_S).result() == 7
