"""repaircafe.runtime.worker: slow visitors block no thread for long, in a real gunicorn with four threads."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from repaircafe.runtime import worker
from tests.harness.conditions import until
from tests.harness.server import Server

THREADS = 4


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[Server]:
    """The app with few threads."""
    with Server(tmp_path, database_url, THREADS=str(THREADS)) as server:
        yield server


@contextlib.contextmanager
def visitors(server: Server, number: int, first_words: bytes = b"") -> Iterator[list[socket.socket]]:
    """Opens `number` connections, each of which sends `first_words`."""
    with contextlib.ExitStack() as stack:
        made = []
        for _ in range(number):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            connection.sendall(first_words)
            made.append(connection)
        yield made


def live(server: Server) -> int:
    """The status that an ordinary visitor gets."""
    return requests.get(f"{server.url}/health/live", timeout=30).status_code


def closed(connection: socket.socket) -> bool:
    """Whether the service has closed the connection."""
    readable, _, _ = select.select([connection], [], [], 0)
    try:
        return bool(readable) and connection.recv(4096) == b""
    except ConnectionError:
        return True


def test_visitors_who_send_nothing_use_no_thread(server: Server) -> None:
    with visitors(server, 3 * THREADS) as silent:
        assert live(server) == 200
        assert not any(closed(connection) for connection in silent)
        assert until(lambda: all(closed(connection) for connection in silent), 30)


def test_visitors_who_send_too_slowly_are_disconnected_and_others_are_served(server: Server) -> None:
    with visitors(server, THREADS, b"GET / HTTP/1.1\r\nHost: localhost\r\n") as slow:
        ended = threading.Event()

        def trickle() -> None:
            while not ended.wait(0.2):
                for connection in slow:
                    with contextlib.suppress(OSError):
                        connection.sendall(b"X: y\r\n")

        trickling = threading.Thread(target=trickle)
        trickling.start()
        try:
            assert live(server) == 200
            assert until(lambda: all(closed(connection) for connection in slow), 30)
        finally:
            ended.set()
            trickling.join()
    assert "Traceback" not in server.log_text()


def test_forms_that_never_end_block_nobody(server: Server) -> None:
    head = b"POST /config HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\n\r\nevent_location="
    with visitors(server, THREADS, head):
        assert live(server) == 200
    assert "Traceback" not in server.log_text()


def test_visitors_who_do_not_close_their_connection_block_nobody(server: Server) -> None:
    with visitors(
        server, THREADS, b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ) as left:
        for connection in left:
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        assert live(server) == 200


def test_a_response_that_nobody_receives_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SEND_LIMIT_S", 0.2)
    ours, theirs = socket.socketpair()
    with theirs, worker.BoundedSocket(fileno=ours.detach()) as bounded, pytest.raises(BrokenPipeError):
        bounded.sendall(b"x" * 10_000_000)


def test_sendfile_sends_the_requested_part_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    ours, theirs = socket.socketpair()
    with theirs, worker.BoundedSocket(fileno=ours.detach()) as bounded, path.open("rb") as file:
        assert bounded.sendfile(file, 2, 5) == 5
        assert theirs.recv(100) == b"23456"


POOL = 64 * 1024 * 1024
"""glibc's memory pools for threads, except the first one, start at a multiple of this size (HEAP_MAX_SIZE)."""


def pools(process: int) -> int:
    """The number of such pools in a process (proc(5), maps).

    A pool that grows while the file is read may be listed twice, with the same start.
    """
    lines = [line.split() for line in Path(f"/proc/{process}/maps").read_text().splitlines()]
    starts = {int(line[0].partition("-")[0], 16) for line in lines if line[1] == "rw-p" and len(line) == 5}
    return sum(start % POOL == 0 for start in starts)


def test_threads_share_one_memory_pool(server: Server) -> None:
    with ThreadPoolExecutor(4 * THREADS) as pool:
        assert set(pool.map(lambda _: live(server), range(16 * THREADS))) == {200}
    (worker_process,) = server.workers()
    assert pools(worker_process) <= 1
