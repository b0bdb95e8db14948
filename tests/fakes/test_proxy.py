"""tests.fakes.proxy: each fault does what its name says, on open and on new connections, and ends."""

import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.fakes.proxy import DELAY_S, FAULTS, Proxy
from tests.fakes.scripted import Ollama

SHORT_S = 0.2
"""Longer than a neighbour on loopback needs."""
LONG_S = 10.0
ASKED = b"GET /api/version HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy in front of a scripted Ollama."""
    with Ollama() as ollama, Proxy(ollama.port) as proxy:
        yield proxy


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=LONG_S)


def ask(connection: socket.socket, limit_s: float = LONG_S) -> bytes:
    """Sends the request and reads the answer."""
    connection.sendall(ASKED)
    return read(connection, limit_s)


def without_time(answer: bytes) -> bytes:
    """The answer without its Date header, so that two answers to the same request are equal."""
    return re.sub(rb"\r\nDate: [^\r]+", b"", answer)


def read(connection: socket.socket, limit_s: float = LONG_S) -> bytes:
    """The whole answer, or what has arrived when the limit is over. Raises the connection's errors."""
    answer = b""
    connection.settimeout(limit_s)
    try:
        while not answer.endswith(b"}"):
            piece = connection.recv(65_536)
            if not piece:
                return answer
            answer += piece
    except TimeoutError:
        pass
    return answer


@pytest.mark.parametrize("fault", FAULTS)
def test_after_any_fault_it_forwards_again(proxy: Proxy, fault: str) -> None:
    with connect(proxy) as connection:
        whole = ask(connection)
    assert whole.startswith(b"HTTP/1.1 200 OK")
    for _ in range(2):
        proxy.break_with(fault)
        assert proxy.broken.is_set()
        proxy.mend()
        assert not proxy.broken.is_set()
        with connect(proxy) as connection:
            assert without_time(ask(connection)) == without_time(whole)


@pytest.mark.parametrize("fault", ["refuse", "reset"])
def test_an_open_connection_is_reset(proxy: Proxy, fault: str) -> None:
    with connect(proxy) as connection:
        assert ask(connection)
        proxy.break_with(fault)
        with pytest.raises(ConnectionError):
            read(connection)


def test_a_new_connection_is_refused(proxy: Proxy) -> None:
    proxy.break_with("refuse")
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)


def test_a_new_connection_gets_no_answer(proxy: Proxy) -> None:
    proxy.break_with("swallow")
    with pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=SHORT_S)


@pytest.mark.parametrize("fault", ["silent", "swallow"])
def test_bytes_vanish(proxy: Proxy, fault: str) -> None:
    with connect(proxy) as connection:
        assert ask(connection)
        proxy.break_with(fault)
        assert ask(connection, SHORT_S) == b""


def test_pieces_come_late_and_complete(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        whole = ask(connection)
        proxy.break_with("delay")
        began = time.monotonic()
        assert without_time(ask(connection)) == without_time(whole)
        assert time.monotonic() - began >= 2 * DELAY_S


def test_bytes_trickle(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        whole = ask(connection)
        proxy.break_at(ASKED, "trickle")
        connection.sendall(ASKED)
        come = [connection.recv(65_536) for _ in range(3)]
    assert come == [whole[:1], whole[1:2], whole[2:3]]


def test_an_answer_is_cut_in_the_middle(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        whole = ask(connection)
        proxy.break_with("cut")
        connection.sendall(ASKED)
        half = connection.recv(65_536)
        assert whole.startswith(half[:17])
        assert 0 < len(half) < len(whole)
        with pytest.raises(ConnectionResetError):
            connection.recv(65_536)


def test_the_first_byte_is_changed(proxy: Proxy) -> None:
    proxy.break_with("corrupt")
    with connect(proxy) as connection:
        assert not ask(connection).startswith(b"HTTP/1.1 200 OK")


def test_a_fault_starts_at_a_mark_that_still_arrives(proxy: Proxy) -> None:
    proxy.break_at(b"/api/version", "silent")
    with connect(proxy) as connection:
        assert not proxy.broken.is_set()
        assert ask(connection, SHORT_S) == b""
        assert proxy.broken.is_set()


def test_no_thread_is_left(proxy: Proxy) -> None:
    for fault in FAULTS:
        with connect(proxy) as connection:
            ask(connection)
            proxy.break_with(fault)
            proxy.mend()
    proxy.__exit__(None, None, None)
    assert not [thread for thread in threading.enumerate() if thread.name == "proxy"]
