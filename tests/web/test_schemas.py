"""repaircafe.web.schemas: a body that is not JSON, or not the JSON that the API expects, is a client error."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.harness.client import JSON
from tests.harness.server import Server

PROBLEM = "application/problem+json"
ADDRESSES = ("/api/chat", "/config", "/config/test/db")
NO_JSON = (
    b"",
    b"\x00",
    b"{",
    b'{"message": "\xff"}',
    b'{"message": "\xed\xa0\x80"}',
    '{"message": "Hi"}'.encode("utf-16"),
    b'\xef\xbb\xbf{"message": "Hi"}',
    b'{"message": NaN}',
    b'{"message": -Infinity}',
    b'{"message": ' + b"9" * 5_000 + b"}",
    b"[" * 100_000,
    b'{"message": ' + b'{"a": ' * 30_000,
    b'{"message": "Hi", "message": "Ho"}',
    b'{"message": "a\nb"}',
    b'{"message": "Hi"} {}',
)
OTHER_JSON = (
    b'{"message": 1e400, "event_date": 1e400}',
    b'{"message": ' + b"9" * 4_000 + b"}",
    b'{"message": ' + b"[" * 500 + b"]" * 500 + b"}",
    b'{"mes\\u0000sage": "Hi"}',
    b'{"\\ud800": "Hi"}',
    b'{"event_location": "\\ud800", "message": null}',
    b'{"__class__": "Hi", "": {}}',
)
CHUNKS = {
    b"2\r\n[]\r\n0\r\n\r\n": 4,
    b"zz\r\n{}\r\n0\r\n\r\n": 400,
    b"-2\r\n{}\r\n0\r\n\r\n": 400,
    b"2\r\n{}xx0\r\n\r\n": 400,
    b"2;=\r\n{}\r\n0\r\n\r\n": 400,
    b"\r\n\r\n": 400,
    b"2\r\n{}\r\n0\r\nno header\r\n\r\n": 400,
    b"2\r\n{": 400,
    b"2\r\n{}\r\n": 400,
    b"50000\r\n" + b" " * 0x50000 + b"\r\n0\r\n\r\n": 413,
}
"""Chunked bodies, and how the status of the response begins. Only the first body is well-formed."""


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[Server]:
    """The app as gunicorn serves it, since the code that reads a body is not part of Flask."""
    with Server(tmp_path, database_url) as server:
        yield server


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_body_that_is_not_json_is_a_400(client: FlaskClient, address: str) -> None:
    for body in NO_JSON:
        response = client.post(address, data=body, content_type="application/json")
        assert (response.status_code, response.mimetype) == (400, PROBLEM), body[:50]


@pytest.mark.parametrize("address", ADDRESSES)
def test_json_of_another_shape_is_a_422(client: FlaskClient, address: str) -> None:
    for body in OTHER_JSON:
        response = client.post(address, data=body, content_type="application/json")
        assert (response.status_code, response.mimetype) == (422, PROBLEM), body[:50]


@pytest.mark.parametrize("address", ADDRESSES)
def test_another_content_type_is_a_415(client: FlaskClient, address: str) -> None:
    for kind in ("", "text/plain", "application/xml", "application/json; charset=utf-16"):
        headers = {"Accept": "application/json", **({"Content-Type": kind} if kind else {})}
        response = client.post(address, data=b'{"message": "Hi"}', headers=headers)
        assert (response.status_code, response.mimetype) == (415, PROBLEM), kind


def test_an_unsupported_method_is_a_405_before_the_body_is_checked(client: FlaskClient) -> None:
    for address in ("/health", *ADDRESSES):
        response = client.put(address, headers=JSON)
        assert (response.status_code, response.mimetype) == (405, PROBLEM)


def test_malformed_chunks_are_a_client_error(server: Server) -> None:
    for address in ADDRESSES:
        head = f"POST {address} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
        for chunks, status in CHUNKS.items():
            answer = answered(server, head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
            assert answer.startswith(b"HTTP/1.1 %d" % status), (address, chunks[:50], answer)
            assert PROBLEM.encode() in answer
    assert '"level": "error"' not in server.log_text()


def test_a_form_in_malformed_chunks_is_a_client_error(server: Server) -> None:
    head = b"POST /config HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    answer = answered(server, head + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")


def test_a_body_shorter_than_its_length_is_a_client_error(server: Server) -> None:
    head = b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    answer = answered(server, head + b'Content-Length: 1000\r\n\r\n{"message": "Hi"}')
    assert answer.startswith(b"HTTP/1.1 400")


def answered(server: Server, sent: bytes) -> bytes:
    """The response to these bytes. The client sends nothing after them."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while part := connection.recv(65536):
            found += part
        return found
