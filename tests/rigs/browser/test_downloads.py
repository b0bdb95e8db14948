"""An organiser downloads a model from the settings."""

import threading

import pytest
from playwright.sync_api import Locator, Page, expect

from repaircafe.llm import disk
from tests.downloads.scene import layer
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.rigs.browser.conftest import NewPage, Returning, save, stored

pytestmark = pytest.mark.browser

SMALL = 40_000_000
"""Bytes: small enough for the disk of a test machine."""


def part(page: Page) -> Locator:
    """The part of the settings with the models."""
    return page.locator("#downloads")


def download(page: Page, name: str) -> None:
    """Types a name and presses the button."""
    part(page).get_by_label("Another model").fill(name)
    part(page).get_by_role("button", name="Download it").click()


@pytest.fixture(autouse=True)
def _needs_room() -> None:
    """Skips a test if the real disk is too full, since the app checks it here."""
    room = disk.free("http://127.0.0.1")
    assert room is not None
    if room < disk.RESERVE + SMALL:
        pytest.skip("the disk is too full")


def test_a_model_is_downloaded_from_the_settings_and_used(page: Page, configured: Server, ollama: Returning) -> None:
    second = threading.Event()
    ollama.download = [layer("a", SMALL // 2, SMALL), second, layer("a", SMALL, SMALL), {"status": "success"}]
    page.goto("/config")
    page.get_by_label("Place").fill("typed, not saved")
    download(page, "qwen3:0.6b")
    expect(part(page).get_by_role("heading", name="qwen3:0.6b is being downloaded")).to_be_visible()
    bar = part(page).get_by_role("progressbar", name="Download of qwen3:0.6b")
    expect(bar).to_have_attribute("value", str(SMALL // 2))
    expect(part(page)).to_contain_text("50 % · 20 of 40 MB")
    second.set()
    expect(part(page)).to_contain_text("qwen3:0.6b has been downloaded.")
    expect(page.locator("#download-said")).to_have_text("qwen3:0.6b has been downloaded.")
    expect(page.locator("#model-lists .model").first).to_have_text("llama3.2:3b")
    expect(page.locator("#model-lists")).to_contain_text("qwen3:0.6b")
    page.locator("#download").get_by_role("button", name="Use it").click()
    expect(part(page)).to_contain_text("qwen3:0.6b is now in use.")
    expect(page.get_by_label("Model", exact=True)).to_have_value("qwen3:0.6b")
    expect(page.get_by_label("Place")).to_have_value("typed, not saved")
    assert stored(configured)["llm_model"] == "qwen3:0.6b"


def test_a_damaged_model_is_replaced_beside_the_test_of_the_settings(
    page: Page, configured: Server, ollama: Returning
) -> None:
    ollama.refusal = (500, {"error": "model is corrupted or incomplete"})
    ollama.download = [layer("a", SMALL // 2, SMALL), threading.Event()]
    page.goto("/config")
    expect(part(page).locator("#download")).to_be_attached()
    page.get_by_label("Place").fill("typed, not saved")
    page.get_by_role("button", name="Test the language model").click()
    model = stored(configured)["llm_model"]
    page.locator("#test-llm").get_by_role("button", name=f"Remove it and download it again {model}").click()
    expect(part(page).get_by_role("heading", name=f"{model} is being downloaded")).to_be_in_viewport()
    expect(part(page)).to_contain_text("50 % · 20 of 40 MB")
    expect(page.get_by_label("Place")).to_have_value("typed, not saved")
    assert [method for method, path, _ in ollama.asked if path in ("/api/delete", "/api/pull")] == ["DELETE", "POST"]


def test_cancel_keeps_the_focus_and_works(page: Page, configured: Server, ollama: Returning) -> None:  # noqa: ARG001
    ollama.download = [layer("a", SMALL // 2, SMALL), threading.Event()]
    page.goto("/config")
    download(page, "qwen3:0.6b")
    cancel = part(page).get_by_role("button", name="Cancel")
    cancel.focus()
    with page.expect_response("**/config/models/*"):
        pass
    with page.expect_response("**/config/models/*"):
        pass
    expect(cancel).to_be_focused()
    page.keyboard.press("Enter")
    expect(part(page)).to_contain_text("was cancelled")
    assert ollama.hung_up.wait(3)
    expect(part(page).get_by_role("button", name="Continue")).to_be_visible()


def test_a_wrong_name_is_reported_at_its_field(page: Page, configured: Server) -> None:  # noqa: ARG001
    page.goto("/config")
    download(page, "two words")
    expect(page.locator("#model-fault")).to_contain_text("has no spaces")
    expect(page.locator("#model")).to_have_value("two words")
    expect(part(page).get_by_label("Another model")).to_have_value("two words")


def test_without_javascript_the_page_of_a_download_reloads_itself(
    new_page: NewPage, configured: Server, ollama: Returning
) -> None:
    page = new_page(configured, java_script_enabled=False, viewport={"width": 360, "height": 740})
    second = threading.Event()
    ollama.download = [layer("a", SMALL // 2, SMALL), second, {"status": "success"}]
    page.goto("/config")
    page.get_by_role("link", name="Show models").click()
    download(page, "qwen3:0.6b")
    expect(part(page)).to_contain_text("50 %")
    second.set()
    expect(part(page)).to_contain_text("has been downloaded.")


def test_a_download_fits_a_narrow_screen(new_page: NewPage, configured: Server, ollama: Returning) -> None:
    ollama.download = [layer("a", SMALL // 2, SMALL), threading.Event()]
    page = new_page(configured, viewport={"width": 360, "height": 740})
    page.goto("/config")
    download(page, "a-very-long-name-of-a-model-that-somebody-made:with-a-long-tag-too")
    expect(part(page)).to_contain_text("50 %")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_download_ended_by_a_restart_says_so_and_can_continue(
    page: Page, configured: Server, ollama: Returning
) -> None:
    ollama.download = [layer("a", SMALL // 2, SMALL), threading.Event()]
    page.goto("/config")
    download(page, "qwen3:0.6b")
    expect(part(page)).to_contain_text("50 %")
    configured.stop()
    assert ollama.hung_up.wait(5)
    ollama.download = [layer("a", SMALL, SMALL), {"status": "success"}]
    configured.start()
    save(configured, event_location="after the restart")
    page.goto("/config")
    expect(part(page)).to_contain_text("stopped when the assistant was restarted.")
    part(page).get_by_role("button", name="Continue").click()
    expect(part(page)).to_contain_text("has been downloaded.")
    assert until(lambda: "qwen3:0.6b" in ollama.models)
