"""Takes the pictures of the documentation: `python -m tests.browser.pictures docs/pictures`.

The café and its place are invented; the language model is the tests' scripted Ollama.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from repaircafe import embedded
from tests.browser.conftest import Returning, launch, save
from tests.server import Server

OLLAMAS_PORT = 11434
"""Ollama's usual port, so that the pictures show what an organiser sees; another where it is taken."""
WIDE, NARROW, TALL = 1280, 380, 800
BANNER_LIMIT_MS = 30_000
EVENT = {
    "event_date": "2026-12-05",
    "event_location": "Community centre De Hoek, Dorpsstraat 1",
    "event_offerings": "bicycles, clothes, lamps, radios, small kitchen appliances",
}


def main(folder: Path) -> None:
    """Writes the PNG files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        cluster = Path(scratch) / "postgres"
        target = embedded.ensure(cluster)
        try:
            with Returning("llama3.2:3b", "qwen2.5:1.5b") as ollama, Server(Path(scratch), target) as server:
                _on_usual_port(ollama)
                save(server, llm_endpoint=ollama.url, llm_model="llama3.2:3b", **EVENT)
                with sync_playwright() as playwright:
                    browser = launch(playwright)
                    take_all(browser, server, ollama, folder)
                    browser.close()
        finally:
            embedded.release(cluster)


def take_all(browser: Browser, server: Server, ollama: Returning, folder: Path) -> None:
    """Each picture of the documentation; the one without the model last."""
    home = _open(browser, server, "/")
    _take(home, folder / "home.png")
    _take(_open(browser, server, "/health"), folder / "health.png")
    _take(_tested(browser, server), folder / "config-wide.png")
    _take(_tested(browser, server, dark=True), folder / "config-dark.png")
    _take(_tested(browser, server, width=NARROW), folder / "config-narrow.png")
    _take(_chat(browser, server, ollama), folder / "chat-narrow.png")
    ollama.go()
    expect(home.locator("#banner .banner")).to_be_visible(timeout=BANNER_LIMIT_MS)
    _take(home, folder / "banner.png")


def _open(browser: Browser, server: Server, path: str, *, width: int = WIDE, dark: bool = False) -> Page:
    page = browser.new_page(
        base_url=server.url,
        locale="en-GB",
        viewport={"width": width, "height": TALL},
        color_scheme="dark" if dark else "light",
    )
    page.goto(path)
    return page


def _tested(browser: Browser, server: Server, *, width: int = WIDE, dark: bool = False) -> Page:
    """The settings after a press on the button of the language model."""
    page = _open(browser, server, "/config", width=width, dark=dark)
    page.get_by_role("button", name="Test the language model").click()
    expect(page.locator("#test-llm .message")).to_have_text("It works.")
    expect(page.locator("#model-lists")).to_be_visible()
    page.mouse.move(0, 0)
    return page


def _chat(browser: Browser, server: Server, ollama: Returning) -> Page:
    """A visitor's question, answered."""
    ollama.script = [
        "Yes, bring it along on Saturday 5 December to community centre De Hoek, Dorpsstraat 1: small kitchen"
        " appliances are among what the volunteers repair.\n\n"
        "I don't know from what time we are open. Please ask a volunteer."
    ]
    page = _open(browser, server, "/chat", width=NARROW)
    page.get_by_label("Your question").fill("Can you fix my toaster, and when are you open?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".reply[data-state=done]")).to_be_visible()
    page.mouse.move(0, 0)
    return page


def _take(page: Page, file: Path) -> None:
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
