"""Debian's nginx with deploy/nginx-two-hosts.conf, before hosts of the test's own."""

import json
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from repaircafe.environment import PROJECT
from tests.harness.conditions import free_port, until

NAME = "repair.example"
"""What visitors open, in the example."""
EXAMPLE = ("192.0.2.11:8000", "192.0.2.12:8000")
"""The hosts of the example."""
_MARK = "/mark/"

_MAIN = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 512; }}
http {{
    log_format hosts escape=json
        '{{"method": "$request_method", "path": "$uri", "status": $status, "by": "$upstream_addr"}}';
    access_log {folder}/access.log hosts;
    server {{ listen 127.0.0.1:{mark_port}; return 204; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True)
class Answered:
    """A line of the access log. `by` names who was asked, in order, as `127.0.0.1:PORT`."""

    method: str
    path: str
    status: int
    by: tuple[str, ...]


class Nginx:
    """On a free port while in its context; `ports` are those of the hosts, on loopback. Its files are in `folder`."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        self._folder = folder / "nginx"
        self._folder.mkdir()
        self._port, self._mark_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        user = "user root;" if os.geteuid() == 0 else ""  # else its workers could not read the test's folder
        main = _MAIN.format(folder=self._folder, user=user, mark_port=self._mark_port)
        (self._folder / "nginx.conf").write_text(main)
        (self._folder / "site.conf").write_text(self._site(ports))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, "nginx is missing. On Debian: sudo apt install nginx-light"
        error_log = self._folder / "error.log"
        command: list[str | Path] = [program, "-p", self._folder, "-c", self._folder / "nginx.conf", "-e", error_log]
        self._process = subprocess.Popen(command)
        try:
            assert until(self._listens), error_log.read_text()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def answered(self) -> list[Answered]:
        """All that it has answered so far, in order.

        It writes a line once the answer has gone out, so the last one may still be missing. Its one worker does one
        thing after the other: with the line of a request of our own, all before it are there.
        """
        mark = f"{_MARK}{secrets.token_hex()}"
        requests.get(f"http://127.0.0.1:{self._mark_port}{mark}", timeout=10)
        assert until(lambda: any(one.path == mark for one in self._lines()))
        return [one for one in self._lines() if not one.path.startswith(_MARK)]

    def _lines(self) -> list[Answered]:
        lines = [json.loads(line) for line in (self._folder / "access.log").read_text().splitlines()]
        return [Answered(one["method"], one["path"], one["status"], tuple(one["by"].split(", "))) for one in lines]

    def _end(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)

    def _site(self, ports: Sequence[int]) -> str:
        """The example with the test's addresses in the place of its own."""
        site = (PROJECT / "deploy" / "nginx-two-hosts.conf").read_text()
        ours = {"listen 80;": f"listen {self._port};"}
        ours |= {theirs: f"127.0.0.1:{port}" for theirs, port in zip(EXAMPLE, ports, strict=True)}
        for theirs, our in ours.items():
            assert theirs in site, theirs
            site = site.replace(theirs, our)
        assert f"server_name {NAME};" in site
        return site

    def _listens(self) -> bool:
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", self._port)) == 0
