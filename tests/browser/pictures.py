"""Takes the pictures of the documentation: `python -m tests.browser.pictures docs/pictures`.

Each page, light and dark, narrow and wide. The café and its place are invented; the language model is the tests'
scripted Ollama.
"""

import contextlib
import itertools
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright

from repaircafe.database import embedded
from tests.browser.conftest import Returning, launch
from tests.browser.tour import STATES, stage
from tests.client import PASSWORD
from tests.server import Server
from tests.visitor import SECRET_KEY

OLLAMAS_PORT = 11434
"""Ollama's usual port, so that the pictures show what an organiser sees; another where it is taken."""
WIDTHS = {"wide": 1280, "narrow": 380}
TALL = 800
SHOWN = (
    "home",
    "home-for-the-organiser",
    "home-with-the-model-away",
    "poster",
    "chat-answered",
    "chat-earlier",
    "health",
    "sign-in",
    "config-tested",
    "models",
    "announcements-checked",
    "not-found",
)


class Look(NamedTuple):
    """How a page is looked at."""

    size: str
    scheme: str


def main(folder: Path) -> None:
    """Writes the PNG files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        cluster = Path(scratch) / "postgres"
        target = embedded.ensure(cluster)
        try:
            with (
                Returning("llama3.2:3b", "qwen2.5:1.5b") as ollama,
                Server(Path(scratch), target, OPERATOR_PASSWORD=PASSWORD, SECRET_KEY=SECRET_KEY) as server,
                sync_playwright() as playwright,
            ):
                _on_usual_port(ollama)
                browser = launch(playwright)
                for look in itertools.product(WIDTHS, ("light", "dark")):
                    take_all(browser, server, ollama, folder, Look(*look))
                browser.close()
        finally:
            embedded.release(cluster)


def take_all(browser: Browser, server: Server, ollama: Returning, folder: Path, look: Look) -> None:
    """Each page in one look."""
    viewport = {"width": WIDTHS[look.size], "height": TALL}
    with stage(browser, server, ollama, viewport=viewport, color_scheme=look.scheme) as on:
        for name in SHOWN:
            on.set_up()
            page = STATES[name](on)
            page.mouse.move(0, 0)
            file = folder / f"{name}-{look.size}-{look.scheme}.png"
            page.screenshot(path=file, full_page=True)
            print(file)


def _on_usual_port(ollama: Returning) -> None:
    ollama.go()
    with contextlib.suppress(OSError):
        ollama.come_back(OLLAMAS_PORT)
        return
    ollama.come_back()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m tests.browser.pictures FOLDER")
    main(Path(sys.argv[1]))
