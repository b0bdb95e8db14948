"""Chromium against the app as gunicorn serves it. Every page is watched for faults until its test ends."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from repaircafe.database import embedded
from repaircafe.database.embedded import Postmaster
from tests.fakes.scripted import Ollama
from tests.harness.client import JSON
from tests.harness.server import Server

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Lets Chromium run as root on a build machine, without its own requests to the internet."""

A_DAY = "2099-12-05"
"""A Saturday far in the future."""

TYPICAL_LIMIT_MS = 15_000
"""A test of a connection may take five seconds, and the machine may be busy."""
expect.set_options(timeout=TYPICAL_LIMIT_MS)

ANSWERED = re.compile(
    r"^Failed to load resource: the server responded with a status of (400|401|404|409|422|503)"
    r"|^Failed to load resource: net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE)"
    r"|^(Response Status Error Code|htmx:responseError|htmx:sendError|htmx:timeout|htmx:afterRequest)"
)
"""The console messages of Chromium and htmx about refusals and outages that a test causes on purpose. A missing style
sheet or script still counts: Chromium logs more about it, and the test of all pages allows no message at all."""

REPORT_VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation',"
    " (event) => console.error('CSP', event.effectiveDirective, event.blockedURI))"
)

NewPage = Callable[..., Page]


@dataclass
class Watched:
    """What a test's pages did: the hosts that they contacted, and the errors on their consoles."""

    ours: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Watches all pages of the context."""
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("request", self._request)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))

    @property
    def unexpected(self) -> list[str]:
        """The errors that no test causes on purpose."""
        return [error for error in self.errors if not ANSWERED.search(error)]

    def _request(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).netloc)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)


class Returning(Ollama):
    """An Ollama that can go away and come back on the same port."""

    is_away = False

    def go(self) -> None:
        """Stops listening."""
        self.__exit__(None, None, None)
        self.is_away = True

    def come_back(self, port: int = 0) -> None:
        """Listens again, on `port` if it is given."""
        self.listen(port or self.port)
        self.__enter__()
        self.is_away = False


def launch(playwright: Playwright) -> Browser:
    """Debian's Chromium, without a window."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


def url_of(postmaster: Postmaster) -> str:
    """The libpq URL of a test's own PostgreSQL."""
    return embedded.url(postmaster.folder)


def save(server: Server, **values: str) -> None:
    """Saves settings as a program does, without testing them first."""
    response = requests.post(f"{server.url}/config", json=values, timeout=10)
    assert response.status_code == 200, response.text


def stored(server: Server) -> dict[str, str]:
    """The settings as a program reads them."""
    response = requests.get(f"{server.url}/config", headers=JSON, timeout=10)
    return dict(response.json()["settings"])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests. The tests' pages share nothing with each other."""
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[Server]:
    """The app on the test's own migrated database."""
    with Server(tmp_path, database_url, ENVIRONMENT="development") as running:
        yield running


@pytest.fixture
def ollama() -> Iterator[Returning]:
    """An Ollama with two models."""
    with Returning("llama3.2:3b", "qwen2.5:1.5b") as running:
        yield running


@pytest.fixture
def configured(server: Server, ollama: Returning) -> Server:
    """The app with a working language model and an event."""
    save(
        server,
        llm_endpoint=ollama.url,
        llm_model="llama3.2:3b",
        event_date=A_DAY,
        event_location="Buurthuis De Hoek",
        event_offerings="bicycles, clothes",
    )
    return server


@pytest.fixture
def watched() -> Watched:
    """What the test's pages have done so far."""
    return Watched()


@pytest.fixture
def new_page(browser: Browser, watched: Watched) -> Iterator[NewPage]:
    """A function that opens a page of a server. Its keywords are Playwright's for a context.

    A test fails if its pages contacted another host, broke the content security policy or logged an error.
    """
    contexts: list[BrowserContext] = []

    def make(server: Server, **options: object) -> Page:
        context = browser.new_context(**{"base_url": server.url, "locale": "en-GB", **options})  # type: ignore[arg-type]
        context.set_default_timeout(TYPICAL_LIMIT_MS)
        watched.ours.add(urlsplit(server.url).netloc)
        watched.watch(context)
        contexts.append(context)
        return context.new_page()

    yield make
    hosts, errors = set(watched.hosts), watched.unexpected  # before closing, which aborts open requests
    for context in contexts:
        context.close()
    assert hosts <= watched.ours
    assert errors == []


@pytest.fixture
def page(new_page: NewPage, server: Server) -> Page:
    """A page of the running app."""
    return new_page(server)
