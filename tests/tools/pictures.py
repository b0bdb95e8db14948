"""Takes the pictures of the README: `python -m tests.tools.pictures docs/pictures`.

The café and its place are invented; the language model is the tests' scripted Ollama.
"""

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright

from repaircafe.database import embedded
from tests.harness.client import PASSWORD
from tests.harness.server import Server
from tests.harness.visitor import SECRET_KEY
from tests.rigs.browser.conftest import Returning, launch
from tests.rigs.browser.stage import stage
from tests.rigs.browser.tour import STATES

OLLAMAS_PORT = 11434
"""Ollama's usual port, so that the pictures show what an organiser sees; another where it is taken."""


class Picture(NamedTuple):
    """A part of a page, in CSS pixels; the file has as many, so that no document has to scale it."""

    file: str
    state: str
    width: int
    height: int
    scheme: str = "light"
    first: str = "body"
    """The element that it begins with."""


PICTURES = (
    Picture("home.png", "home", 600, 740),
    Picture("chat-on-a-telephone.png", "chat-answered", 380, 872, "dark"),
    Picture("settings.png", "config-tested", 600, 830, first="#group-assistant"),
)


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
                for picture in PICTURES:
                    take(browser, server, ollama, picture, folder / picture.file)
                browser.close()
        finally:
            embedded.release(cluster)


def take(browser: Browser, server: Server, ollama: Returning, picture: Picture, file: Path) -> None:
    """One picture."""
    viewport = {"width": picture.width, "height": picture.height}
    with stage(browser, server, ollama, viewport=viewport, color_scheme=picture.scheme) as on:
        on.set_up()
        page = STATES[picture.state](on)
        page.mouse.move(0, 0)
        page.locator(picture.first).evaluate("element => element.scrollIntoView()")
        page.screenshot(path=file)
    print(file)


def _on_usual_port(ollama: Returning) -> None:
    ollama.go()
    with contextlib.suppress(OSError):
        ollama.come_back(OLLAMAS_PORT)
        return
    ollama.come_back()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m tests.tools.pictures FOLDER")
    main(Path(sys.argv[1]))
